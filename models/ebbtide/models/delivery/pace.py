"""How fast an endpoint is asked: a token bucket."""

from __future__ import annotations


class Pace:
    """``per_second`` requests on average, ``burst`` at once. Times are milliseconds and never go back."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_ms = per_second / 1000
        self._burst = max(1, burst)
        self._tokens = float(self._burst)
        self._at_ms = 0

    def available(self, now_ms: int) -> int:
        """Requests that may go out now."""
        self._refill(now_ms)
        return int(self._tokens + 1e-9)

    def spend(self, now_ms: int) -> None:
        """One went out."""
        self._refill(now_ms)
        self._tokens -= 1

    def wake_ms(self, now_ms: int) -> int:
        """When the next one may."""
        self._refill(now_ms)
        missing = 1 - self._tokens
        return now_ms if missing <= 1e-9 else now_ms + int(missing / self._per_ms) + 1

    def _refill(self, now_ms: int) -> None:
        if now_ms > self._at_ms:
            self._tokens = min(float(self._burst), self._tokens + (now_ms - self._at_ms) * self._per_ms)
            self._at_ms = now_ms
