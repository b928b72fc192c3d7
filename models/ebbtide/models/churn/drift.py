"""Alarm when the loss of what was published rises: ADWIN (Bifet and Gavaldà 2007).

River's ADWIN cannot be stored, but it follows from what it was fed. So the newest losses are kept, a byte each, and fed
again at a restart. Where they become too many, the older half is forgotten, and ADWIN starts again with the younger:
there too what goes on is bit for bit what a restart gives.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from river.drift import ADWIN

MOST = 4_096
"""Losses that are kept at most."""

RISE = 0.2
"""So much more than usual is worth an alarm: labels of one week go together, so that ADWIN sees rises that are none."""

LEAST = 200
"""Labels that a level rests on at least."""

FIRST = 1_000
"""Labels before which nothing is usual yet: in the first weeks of a log hardly anybody has churned."""

_STEPS = 255
"""A squared error is kept in steps of 1/255: its noise is far greater."""


class Drift(NamedTuple):
    """The mean squared error rose from ``before``, the least of late, to ``after``, that of the newest ``labels``."""

    before: float
    after: float
    labels: int


class Level(msgspec.Struct):
    """What is ``usual``: the least mean squared error since the last alarm. ``is_suspected``: ADWIN has seen a rise.
    ``labels`` counts all there ever were."""

    labels: int = 0
    usual: float = 1.0
    is_suspected: bool = False


class LossWatch:
    """Watches squared errors in their order. ``kept`` is what it was fed and ``level`` what it holds them against, to
    begin again with."""

    __slots__ = ("_adwin", "_error", "kept", "level")

    def __init__(self, error: float, kept: bytes = b"", level: Level | None = None) -> None:
        self._error = error
        self.level = Level() if level is None else level
        self._begin(kept)

    def _begin(self, kept: bytes) -> None:
        self.kept = bytearray()
        self._adwin = ADWIN(delta=self._error)
        for step in kept:
            self._feed(step)

    def _feed(self, step: int) -> None:
        self.kept.append(step)
        self._adwin.update(step / _STEPS)

    def add(self, loss: float) -> Drift | None:
        """Take in a squared error, 0 to 1; tell if the errors have risen. That they fell is no alarm."""
        if len(self.kept) == MOST:
            self._begin(bytes(self.kept[MOST // 2 :]))
        level, before = self.level, self._adwin.estimation
        self._feed(round(loss * _STEPS))
        after, labels = self._adwin.estimation, int(self._adwin.width)
        # ADWIN sees a change when it begins; how great it is shows while the labels from before fall out of its window.
        level.labels += 1
        level.is_suspected = level.is_suspected or (self._adwin.drift_detected and after > before)
        if labels >= LEAST and level.labels >= FIRST and after <= level.usual:
            level.usual, level.is_suspected = after, False
        if not level.is_suspected or after < (1.0 + RISE) * level.usual:
            return None
        usual, self.level = level.usual, Level(level.labels, after)
        return Drift(usual, after, labels)
