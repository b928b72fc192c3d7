"""What an endpoint answered, and what that means: the part that all formats share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import msgspec

from ebbtide.schemas.deliveries import DeliveryReason

DETAIL: Final = 300
"""Characters of an answer that are kept."""


class Outcome(StrEnum):
    """What is to be done."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """It is tried again by the schedule."""
    THROTTLED = "throttled"
    """The endpoint wants a pause; that says nothing of the record."""
    REJECTED = "rejected"
    """It will never take this record."""
    GONE = "gone"
    """It wants no record any more."""


class Blame(StrEnum):
    """Of a failure: whether others would fail as well."""

    ENDPOINT = "endpoint"
    RECORD = "record"
    REQUEST = "request"
    """One of the records in the request, nobody knows which."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is None where there was none; ``fault`` says why, or what was wrong with reading it."""

    status: int | None
    body: bytes = b""
    retry_after_s: float | None = None
    fault: DeliveryReason | None = None
    detail: str = ""

    def text(self) -> str:
        """The beginning of what it said, on one line."""
        said = self.detail or " ".join(self.body[: 4 * DETAIL].decode("utf-8", "replace").split())
        return said[:DETAIL]

    def json(self) -> Any:
        """The body, if it is JSON; else None."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means for one record. ``retry_after_s``: before that nothing is sent to the endpoint."""

    outcome: Outcome
    reason: DeliveryReason | None = None
    detail: str | None = None
    blame: Blame = Blame.ENDPOINT
    retry_after_s: float | None = None


DELIVERED: Final = Verdict(Outcome.DELIVERED)

OVERLOADED_S: Final = 5.0
"""How long nothing is sent after a 502 or 504: the Standard Webhooks specification says to throttle after both."""

_OF_THE_REQUEST: Final = frozenset((400, 409, 413, 414, 415, 422))
_UNAUTHORISED: Final = frozenset((401, 403, 407))
_OVERLOADED: Final = frozenset((502, 504))


def by_status(answer: Answer) -> Verdict | None:
    """The verdict for every record of the request where the status alone decides; None for 2xx, read to its end."""
    status, text = answer.status, answer.text()
    if answer.fault is not None or status is None:
        return Verdict(Outcome.FAILED, answer.fault or DeliveryReason.CONNECTION, text)
    said = f"{status} {text}".strip()
    if status == 429 or (status == 503 and answer.retry_after_s is not None):
        return throttled(said, answer.retry_after_s)
    if status == 410:
        return Verdict(Outcome.GONE, DeliveryReason.GONE, said)
    if 200 <= status < 300:
        return None
    failed = _failed(status, said)
    pause_s = OVERLOADED_S if answer.retry_after_s is None and status in _OVERLOADED else answer.retry_after_s
    return failed if pause_s is None else replace(failed, retry_after_s=pause_s)


def _failed(status: int, said: str) -> Verdict:
    if 300 <= status < 400:
        return Verdict(Outcome.FAILED, DeliveryReason.REDIRECTED, said)
    if status in _UNAUTHORISED:
        return Verdict(Outcome.FAILED, DeliveryReason.UNAUTHORISED, said)
    blame = Blame.REQUEST if status in _OF_THE_REQUEST else Blame.ENDPOINT
    return Verdict(Outcome.FAILED, DeliveryReason.HTTP_STATUS, said, blame)


def throttled(said: str, retry_after_s: float | None = None) -> Verdict:
    """The endpoint asks for a pause."""
    return Verdict(Outcome.THROTTLED, DeliveryReason.RATE_LIMITED, said, retry_after_s=retry_after_s)


def unauthorised(said: str) -> Verdict:
    """It does not know us, or not any more."""
    return Verdict(Outcome.FAILED, DeliveryReason.UNAUTHORISED, said)


def error_code(said: str, blame: Blame = Blame.ENDPOINT) -> Verdict:
    """It answered as if all were well, with an error code in the body."""
    return Verdict(Outcome.FAILED, DeliveryReason.ERROR_CODE, said, blame)


def record_failed(said: str) -> Verdict:
    """It took the request, but not this record, this time."""
    return Verdict(Outcome.FAILED, DeliveryReason.RECORD_FAILED, said[:DETAIL], Blame.RECORD)


def rejected(said: str) -> Verdict:
    """It will never take this record."""
    return Verdict(Outcome.REJECTED, DeliveryReason.REJECTED, said[:DETAIL], Blame.RECORD)
