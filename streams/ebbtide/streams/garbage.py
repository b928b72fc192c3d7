"""Python's garbage collector, tuned for processes whose state only grows, and for those that keep none.

Nearly everything here dies by its reference count. The collector only walks the growing state: half of a replay's run
time at its default settings, and in a worker pauses of seconds with the interpreter's lock held, in which no heartbeat
leaves.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (200_000, 100, 100)
_YOUNG = (10_000, 10, 10)


def rarely_collect() -> None:
    """Collect rarely, for the rest of a worker's life: its libraries do make cycles."""
    gc.set_threshold(*_THRESHOLDS)


def collect_young() -> None:
    """Collect what a server's requests leave behind, for the rest of its life; call it when all is loaded.

    What is there now is never walked again: it stays anyhow.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_YOUNG)


@contextmanager
def never_collect() -> Iterator[None]:
    """Do not collect while the core runs alone: it makes no cycles (``tests/streams/test_garbage.py``)."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # What was made meanwhile is taken for old, or the next object made would have all of it walked once.
        gc.freeze()
        gc.unfreeze()
        if was_enabled:
            gc.enable()
