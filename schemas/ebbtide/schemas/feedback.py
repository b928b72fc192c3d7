"""What people tell of customers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from ebbtide.schemas.alert import AlertType, DismissReason
from ebbtide.schemas.base import Contract, Text, UtcDatetime


class Outcome(StrEnum):
    """What became of a customer's contract."""

    CHURNED = "churned"
    RENEWED = "renewed"
    EXPANDED = "expanded"
    DOWNGRADED = "downgraded"
    WON_BACK = "won_back"


class OutcomeReason(StrEnum):
    """Why it came so, as in ``renewal.closed``."""

    NATURAL = "natural"
    PRODUCT = "product"
    NOT_TARGET = "not_target"
    OTHER = "other"


class FeedbackAction(StrEnum):
    """What is said: what became of a contract, or what is to become of an alert."""

    OUTCOME = "outcome"
    ACK = "ack"
    DISMISS = "dismiss"
    SNOOZE = "snooze"


class Feedback(Contract):
    """What somebody, ``by``, says of a customer. Topic ``feedback``, keyed by customer id. Of one ``feedback_id`` the
    first counts.

    ``outcome`` is what became of its contract at ``occurred_at``, with ``reason``; it counts for labels as if the CRM
    had told it, from the first grid instant after ``recorded_at`` on. The other actions are about the customer's alert
    of ``alert_type``, live at once: ``ack`` takes it in hand, ``dismiss`` closes it for a ``dismiss_reason``,
    ``snooze`` holds it back until ``until``.
    """

    tenant: Text
    feedback_id: Annotated[str, Field(min_length=1, max_length=64)]
    customer_id: Text
    occurred_at: UtcDatetime
    recorded_at: UtcDatetime
    by: Text
    action: FeedbackAction
    outcome: Outcome | None = None
    reason: OutcomeReason | None = None
    alert_type: AlertType | None = None
    dismiss_reason: DismissReason | None = None
    until: UtcDatetime | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.occurred_at > self.recorded_at:
            raise ValueError("occurred_at lies after recorded_at: an outcome is told once it has happened")
        needed = _NEEDED[self.action]
        for name in needed:
            if getattr(self, name) is None:
                raise ValueError(f"{name} is missing: {self.action} needs it")
        for name in sorted(_SAID - {*needed, *_ALLOWED[self.action]}):
            if getattr(self, name) is not None:
                raise ValueError(f"{name} says nothing of {self.action}: leave it out")
        if self.until is not None and self.until <= self.recorded_at:
            raise ValueError("until lies before recorded_at: an alert is held back for the time that comes")
        return self


_NEEDED: dict[FeedbackAction, tuple[str, ...]] = {
    FeedbackAction.OUTCOME: ("outcome",),
    FeedbackAction.ACK: ("alert_type",),
    FeedbackAction.DISMISS: ("alert_type", "dismiss_reason"),
    FeedbackAction.SNOOZE: ("alert_type", "until"),
}
_ALLOWED = dict.fromkeys(FeedbackAction, ()) | {FeedbackAction.OUTCOME: ("reason",)}
_SAID = {"outcome", "reason", "alert_type", "dismiss_reason", "until"}


class AlertFeedback(Contract):
    """What somebody said of an alert, on its way to triage. Topic ``alert-candidates``, keyed by customer id.

    ``at_once``: it was said on the day that runs.
    """

    feedback: Feedback
    at_once: bool = False
