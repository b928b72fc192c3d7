"""Ctrl-C and SIGTERM: the first ends everything in order, the second at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_TERMINAL_BACK = "\x1b[?1049l\x1b[?25h"


class Interrupts:
    """While entered, a first signal raises ``KeyboardInterrupt``, or calls what `deliver_to` was given; during
    `closing` it is only noted. A second one ends the process: the leashes then kill every child and remove its files.
    """

    def __init__(self) -> None:
        self.seen = 0
        self._notify: Callable[[], None] | None = None
        self._closing = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def deliver_to(self, notify: Callable[[], None] | None) -> None:
        """Call ``notify`` from now on; None goes back to raising. What came before is delivered now."""
        self._notify = notify
        if notify is not None and self.seen:
            notify()

    def closing(self) -> None:
        """The end has begun: do not disturb it."""
        self._closing = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.seen += 1
        if self.seen > 1:
            self._force()
        if self._closing:
            return
        if self._notify is None:
            raise KeyboardInterrupt
        self._notify()

    @staticmethod
    def _force() -> None:
        if sys.stdout.isatty():
            os.write(sys.stdout.fileno(), _TERMINAL_BACK.encode())
        os.write(2, b"stopped at once\n")
        os._exit(INTERRUPTED)
