"""Whose record is to be told later: live, a busy customer's record is built at most once a second.

To build a record takes half a millisecond, and while events come each flush moves the same customers again. What was
decided does not wait, nor does what is stored: after a crash the table's news say of whom a record may be owed.
"""

from __future__ import annotations

RECORD_EVERY_MS = 1_000


class Owed:
    """Customers whose record is owed, and when those of the last second were told; wall clock, epoch milliseconds."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}
        self._due: set[str] = set()

    def owe(self, customer_id: str, now_ms: int) -> bool:
        """Whether the record may be told now. Else it is owed from now on."""
        told = self._told.get(customer_id)
        if told is None or not 0 <= now_ms - told < RECORD_EVERY_MS:  # a clock that was set back keeps nobody waiting
            return True
        self._due.add(customer_id)
        return False

    def after_crash(self, customer_id: str) -> None:
        """A worker before us may have owed it."""
        self._due.add(customer_id)

    def settle(self, customer_id: str, told_ms: int | None) -> None:
        """Its record says all there is. ``told_ms``: when that was told, None where it is nothing new."""
        self._due.discard(customer_id)
        if told_ms is not None:
            self._told[customer_id] = told_ms

    def take(self, now_ms: int, most: int | None = None) -> list[str]:
        """Whose record is due, in order and so many at most; it is owed no more."""
        self._told = {who: told for who, told in self._told.items() if 0 <= now_ms - told < RECORD_EVERY_MS}
        due = sorted(self._due - self._told.keys())[:most]
        self._due.difference_update(due)
        return due
