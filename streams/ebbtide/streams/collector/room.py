"""How many bytes are in hand."""

from __future__ import annotations


class Room:
    """Room for so many bytes of bodies."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken = 0

    def take(self, size: int) -> bool:
        """Take room for so many bytes more; False, and nothing is taken, where there is none."""
        if self.taken + size > self._most:
            return False
        self.taken += size
        return True

    def give_back(self, size: int) -> None:
        """Give back what was taken."""
        self.taken -= size
