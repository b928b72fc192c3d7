"""What one source profile contributes to one customer (identity §2).

Values are absolute, not increments: a record that comes twice, or an older one that comes late, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ebbtide.schemas.base import SlottedContract, Text, UtcDatetime
from ebbtide.schemas.events import Identifier

DAY_FIELDS = (
    "events",
    "logins",
    "queries",
    "orders",
    "revenue_micros",
    "first_second",
    "last_second",
    "first_login_second",
    "last_login_second",
)
"""Meaning of a day bucket's numbers. Seconds are seconds of the UTC day, -1 where nothing happened.
Money is in millionths, so that sums do not depend on order."""


TOTAL_FIELDS = ("events", "logins", "queries", "orders", "revenue_micros", "machine_events")
"""Meaning of the numbers of ``ProfileState.totals``: sums over all time. Machine events are on no day bucket."""

MACHINE = "(machine)"
"""The module under which use by API keys and integrations is counted: apart from that of humans."""


class Trait(NamedTuple):
    """A dated value; of a trait's values the greatest ``(at_ms, mark)`` up to an instant is what holds then.

    ``mark`` is a hash of the event's id: it decides between two events of one millisecond.
    """

    value: Any
    at_ms: int
    mark: int
    source: str


@dataclass(slots=True)
class Outcome(SlottedContract):
    """A dated fact that stays in history: a renewal closed, an invoice overdue, a touchpoint."""

    type: str
    at_ms: int
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class ProfileState(SlottedContract):
    """The days, traits and outcomes of a profile that changed, for one customer. Topic ``profile-states``.

    ``version`` is the profile's last applied input offset: whoever sends it, a greater one knows more.
    ``epoch`` is that of the profile's owner: a record of an older one knows less, whatever its version. It holds
    from ``effective_ms`` on, epoch milliseconds: grid instants before must not see the record. 0: at once.
    ``full`` marks a record that carries everything; ``detached`` one that takes the profile away from this customer.
    ``by_domain`` flags a guess: what the profile did counts here only because of the domain of an e-mail.
    ``totals`` are sums over all time, so that whoever forgets old days still has them. ``uses`` are, by day and module,
    the uses of feature modules on the days that changed, ``sources`` the sources that sent the activity of those days.
    ``accepted`` are the messages of the profile that count for the customer, ``partition`` that of ``profiles`` which
    accepted them; -1: not told.
    """

    tenant: Text
    customer_id: Text
    anchor: Identifier
    profile_id: Text
    subject: Identifier
    epoch: int = 0
    effective_ms: int = 0
    version: int
    full: bool = False
    detached: bool = False
    by_domain: bool = False
    days: dict[int, list[int]] = field(default_factory=dict)
    totals: list[int] = field(default_factory=lambda: [0] * len(TOTAL_FIELDS))
    uses: dict[int, dict[str, int]] = field(default_factory=dict)
    sources: dict[int, list[str]] = field(default_factory=dict)
    traits: dict[str, list[Trait]] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    accepted: int = 0
    partition: int = -1
    arrived_ms: int


@dataclass(slots=True, kw_only=True)
class Tick(SlottedContract):
    """Event time of one source, sent in band so that it never overtakes the records it covers (design §3).

    All records of ``source`` up to ``watermark`` came before it. An idle source does not hold the others back.
    ``accepted`` is told once an hour of event time by a partition of ``profiles``: the distinct messages that it has
    accepted since the beginning. All of them were told to their customers before.
    """

    source: Text
    watermark: UtcDatetime | None
    idle: bool = False
    observe: bool = False
    accepted: int | None = None
    arrived_ms: int
