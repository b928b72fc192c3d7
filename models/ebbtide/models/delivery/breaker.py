"""Whether an endpoint may be asked at all: a circuit breaker, as a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

FAILURES: Final = 5
"""In a row, of the endpoint and not of a record, before it is left alone."""
FIRST_MS: Final = 5_000
MOST_MS: Final = 300_000
"""How long it is left alone at first, and at most: it doubles with every probe that fails."""
MOST_HELD_MS: Final = 3_600_000
"""The longest ``Retry-After`` that is believed."""


class BreakerState(StrEnum):
    """How things stand with an endpoint."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Breaker:
    """``failures`` in a row; ``trips`` in a row without a success; ``until_ms`` while it is open; ``held_ms`` is until
    when the endpoint asked us to wait. ``probing`` while one request is out to see whether it works again."""

    failures: int = 0
    trips: int = 0
    until_ms: int | None = None
    held_ms: int = 0
    probing: bool = False
    disabled: bool = False

    def state(self, now_ms: int) -> BreakerState:
        """How it stands at that time."""
        if self.disabled:
            return BreakerState.DISABLED
        if self.until_ms is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self.probing or now_ms >= self.until_ms else BreakerState.OPEN

    def allows(self, now_ms: int) -> int | None:
        """How many requests may be out: None is any number. While half open it is one."""
        if self.disabled or now_ms < self.held_ms:
            return 0
        if self.until_ms is None:
            return None
        return 0 if self.probing or now_ms < self.until_ms else 1

    def wake_ms(self) -> int:
        """From when on it may allow again what it does not now."""
        return max(self.held_ms, self.until_ms or 0)

    def asked(self) -> Breaker:
        """A request goes out."""
        return replace(self, probing=True) if self.until_ms is not None else self

    def worked(self) -> Breaker:
        """The endpoint took a request, whatever it said of the records in it."""
        return Breaker(held_ms=self.held_ms, disabled=self.disabled)

    def failed(self, now_ms: int, draw: float, wait_ms: int = 0) -> Breaker:
        """The endpoint did not take it, and may ask for a pause. ``draw`` in [0, 1) spreads the probes of several
        workers."""
        if wait_ms:
            return replace(self, held_ms=self._held_until(now_ms, wait_ms)).failed(now_ms, draw)
        if self.until_ms is None:
            if self.failures + 1 < FAILURES:
                return replace(self, failures=self.failures + 1)
        elif not self.probing:
            return self  # sent before it opened
        wait = min(MOST_MS, FIRST_MS << min(self.trips, 16))
        until = now_ms + round(wait * (0.75 + draw / 4))
        return replace(self, failures=0, trips=self.trips + 1, until_ms=until, probing=False)

    def held(self, now_ms: int, wait_ms: int) -> Breaker:
        """The endpoint asks for a pause."""
        return replace(self, held_ms=self._held_until(now_ms, wait_ms), probing=False)

    def disable(self) -> Breaker:
        """The endpoint wants no more, ever."""
        return replace(self, disabled=True, probing=False)

    def _held_until(self, now_ms: int, wait_ms: int) -> int:
        return max(self.held_ms, now_ms + min(wait_ms, MOST_HELD_MS))
