"""What is raised inside the door, and never leaves it: a record is bad."""

from __future__ import annotations

from ebbtide.schemas.dead_letter import DeadLetterReason


class RefusedInputError(Exception):
    """The record is refused for ``reason``; ``detail`` tells its sender what is wrong, and where."""

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
