"""Python's garbage collector, tuned for processes whose state only grows."""

from __future__ import annotations

import gc

_THRESHOLDS = (200_000, 100, 100)


def rarely_collect() -> tuple[int, int, int]:
    """Collect rarely; return the thresholds that were in force.

    Nearly everything here dies by its reference count. The collector only walks the growing state: half of a replay's
    run time, and in a worker pauses of seconds with the interpreter's lock held, in which no heartbeat leaves.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    return before
