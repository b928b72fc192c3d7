"""What triage remembers of a customer: its cases, what was dismissed, whom it cost a place in the budget.

A value of the table each, which knows what it has heard: what a customer's worker tells again after a crash is no news.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from ebbtide.schemas.alert import Alert, AlertType, Response, Severity, SuppressionReason
from ebbtide.schemas.base import DAY_MS

DESK_KEY = b"desk/"
NEVER = -1
MOST_FEEDBACK = 32
"""So many ids of feedback are remembered of a customer, the newest: a repeat comes soon after."""

GRAVITY = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


@dataclass(slots=True)
class Case:
    """An alert whose condition holds.

    ``alert`` is what the customer said last. ``suppressed`` is why nobody is told; None if somebody was or will be.
    ``told_ms`` is when somebody was told first, ``closed`` that it was dismissed.
    It is escalated at ``escalate_ms`` unless somebody responds, and was at ``escalated_ms``.
    """

    alert: Alert
    worth: float | None
    suppressed: SuppressionReason | None = None
    told_ms: int = NEVER
    closed: bool = False
    escalate_ms: int = NEVER
    escalated_ms: int = NEVER
    snoozed_until_ms: int = NEVER
    response: Response | None = None

    @property
    def is_told(self) -> bool:
        """Whether somebody knows of it as open."""
        return self.told_ms != NEVER and not self.closed and self.suppressed is None

    @property
    def is_open(self) -> bool:
        """The same, also while it is snoozed."""
        shown = self.suppressed is None or self.suppressed is SuppressionReason.SNOOZED
        return self.told_ms != NEVER and not self.closed and shown

    @property
    def is_new(self) -> bool:
        """Whether nobody was ever told of it, and nothing speaks against it yet."""
        return self.told_ms == NEVER and self.suppressed is None


class Dismissal(msgspec.Struct, array_like=True):
    """A type that somebody wants to hear no more of: not before ``until_ms``, unless it becomes graver than
    ``severity``. ``wrong`` counts how often it was called wrong."""

    until_ms: int
    severity: Severity
    wrong: int = 0


class Mark(NamedTuple):
    """A place in an owner's budget of a UTC day: taken by a type that was told, or wanted by one that was not."""

    day: int
    owner: str
    type: AlertType
    told: bool


class Votes(msgspec.Struct, array_like=True):
    """What people thought of the alerts of a type: how many were of use, how many wrong."""

    useful: int = 0
    wrong: int = 0


@dataclass(slots=True)
class Desk:
    """All about one customer. ``heard`` is the version of the last candidate, ``version`` that of the last alert.

    ``cases``, ``dismissed`` and ``votes`` are by type of alert; ``feedback`` are ids of what was said.
    """

    tenant: str
    customer_id: str
    version: int = 0
    heard: int = 0
    cases: dict[AlertType, Case] = field(default_factory=dict)
    dismissed: dict[AlertType, Dismissal] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    votes: dict[AlertType, Votes] = field(default_factory=dict)
    feedback: list[str] = field(default_factory=list)

    @property
    def key(self) -> bytes:
        """Under which the table keeps it."""
        return desk_key(self.tenant, self.customer_id)

    def is_news(self, feedback_id: str) -> bool:
        """Note an id of feedback; False where it was noted before."""
        if feedback_id in self.feedback:
            return False
        self.feedback = [*self.feedback, feedback_id][-MOST_FEEDBACK:]
        return True

    def mark(self, at_ms: int, owner: str, alert_type: AlertType, *, told: bool) -> Mark:
        """Note a place in a budget. Only those of the newest two days are asked for."""
        made = Mark(at_ms // DAY_MS, owner, alert_type, told)
        self.marks = [mark for mark in self.marks if mark.day >= made.day - 1] + [made]
        return made


def subject(alert: Alert) -> str:
    """Whose desk an alert belongs on: its customer's; of what is told to whoever runs Ebbtide a desk of its own."""
    return alert.customer_id or f"@{alert.type}/{alert.evidence.get('source', '')}"


def desk_key(tenant: str, customer_id: str) -> bytes:
    """Under which the table keeps a desk."""
    return DESK_KEY + msgspec.json.encode([tenant, customer_id])


class _StoredCase(msgspec.Struct, array_like=True):
    """A case as the table keeps it: contracts as their JSON."""

    alert: bytes
    worth: float | None
    suppressed: SuppressionReason | None
    told_ms: int
    closed: bool
    escalate_ms: int
    escalated_ms: int
    snoozed_until_ms: int
    response: bytes | None


class _StoredDesk(msgspec.Struct):
    """A desk as the table keeps it."""

    tenant: str
    customer_id: str
    version: int
    heard: int
    cases: dict[AlertType, _StoredCase]
    dismissed: dict[AlertType, Dismissal]
    marks: list[Mark]
    votes: dict[AlertType, Votes]
    feedback: list[str]


def encode(desk: Desk) -> bytes:
    """A desk as the table keeps it."""
    cases = {
        kind: _StoredCase(
            case.alert.to_json(),
            case.worth,
            case.suppressed,
            case.told_ms,
            case.closed,
            case.escalate_ms,
            case.escalated_ms,
            case.snoozed_until_ms,
            None if case.response is None else case.response.to_json(),
        )
        for kind, case in desk.cases.items()
    }
    stored = _StoredDesk(
        desk.tenant,
        desk.customer_id,
        desk.version,
        desk.heard,
        cases,
        desk.dismissed,
        desk.marks,
        desk.votes,
        desk.feedback,
    )
    return msgspec.msgpack.encode(stored)


def decode(value: bytes) -> Desk:
    """The desk of a table's value."""
    stored = msgspec.msgpack.decode(value, type=_StoredDesk)
    cases = {
        kind: Case(
            Alert.from_json(case.alert),
            case.worth,
            case.suppressed,
            case.told_ms,
            case.closed,
            case.escalate_ms,
            case.escalated_ms,
            case.snoozed_until_ms,
            None if case.response is None else Response.from_json(case.response),
        )
        for kind, case in stored.cases.items()
    }
    return Desk(
        stored.tenant,
        stored.customer_id,
        stored.version,
        stored.heard,
        cases,
        stored.dismissed,
        stored.marks,
        stored.votes,
        stored.feedback,
    )
