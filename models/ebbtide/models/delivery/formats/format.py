"""What a format is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ebbtide.models.delivery.answer import Answer, Verdict
from ebbtide.models.delivery.message import Message
from ebbtide.models.delivery.target import Request, Target

Ask = Callable[[Sequence[Message], Target, int], Request]
"""The request for some messages at a time, Unix milliseconds."""
Judge = Callable[[Answer, Sequence[Message], Target], list[Verdict]]
"""What an answer means for each of these messages."""


@dataclass(frozen=True, slots=True)
class Format:
    """``most`` messages a request; ``merges`` where several become one text. ``gone`` says whether it can tell that a
    customer is no more, ``crm`` that it maps fields onto objects and logs in with a token."""

    ask: Ask
    judge: Judge
    most: int = 1
    merges: bool = False
    gone: bool = False
    crm: bool = False
    signs: bool = False
    per_second: float = 100.0
    burst: int = 100
