"""An input that could not be accepted, kept so that it can be sent again after a fix."""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import Literal

from ebbtide.schemas.base import Contract, Text, UtcDatetime


class DeadLetterReason(StrEnum):
    """Why an input was refused; counted by this name."""

    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    UNKNOWN_TYPE = "unknown_type"
    INVALID = "invalid"
    MISSING_IDENTIFIER = "missing_identifier"
    CLOCK_AHEAD = "clock_ahead"
    CLOCK_BEHIND = "clock_behind"
    UNKNOWN_CUSTOMER = "unknown_customer"


class DeadLetter(Contract):
    """Topic ``dead-letters``, keyed by its id. ``original`` is text, or base64 where the bytes are no UTF-8."""

    dead_letter_id: Text
    reason: DeadLetterReason
    detail: str
    original: str
    encoding: Literal["utf-8", "base64"]
    key: str | None
    topic: str
    partition: int
    offset: int
    received_at: UtcDatetime

    def original_bytes(self) -> bytes:
        """Exactly the bytes that came in."""
        return base64.b64decode(self.original) if self.encoding == "base64" else self.original.encode()
