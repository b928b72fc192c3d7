"""A customer: the fold of the profiles that belong to it, and what was decided about it so far (identity §2).

State is owned by its shard and changed in place. The series and traits are derived from the profiles and never stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ebbtide.models.alerting.lifecycle import OpenAlert
from ebbtide.models.churn.features import NAMES
from ebbtide.models.customer.cadence import Cadence, SilenceState
from ebbtide.models.customer.series import FIRST, SUMMED, Bucket, DaySeries, merge_buckets
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import ProfileState, Trait
from ebbtide.schemas.score import Contribution

OutcomeValue = tuple[str, int, dict[str, Any]]

ACCOUNT = "account"
PERSON = "person"
ANONYMOUS = "anonymous"
_KINDS: dict[str, str] = {
    IdentifierType.GROUP_ID: ACCOUNT,
    IdentifierType.CRM_ACCOUNT_ID: ACCOUNT,
    IdentifierType.BILLING_ID: ACCOUNT,
    IdentifierType.DOMAIN: ACCOUNT,
    IdentifierType.ANONYMOUS_ID: ANONYMOUS,
    IdentifierType.DEVICE_ID: ANONYMOUS,
}


class Share(msgspec.Struct):
    """What one profile slot contributes; the greatest ``(epoch, effective_ms, version)`` heard of."""

    subject_type: str
    subject_value: str
    epoch: int = -1
    effective_ms: int = -1
    version: int = -1
    accepted: int = 0
    partition: int = -1
    detached: bool = False
    by_domain: bool = False
    days: dict[int, Bucket] = msgspec.field(default_factory=dict)
    traits: dict[str, list[Trait]] = msgspec.field(default_factory=dict)
    outcomes: dict[str, OutcomeValue] = msgspec.field(default_factory=dict)


class Observation(msgspec.Struct, array_like=True):
    """A frozen prediction that waits for its label."""

    day: int
    features: bytes
    p_churn: float
    model_version: str


class Published(msgspec.Struct, array_like=True):
    """The score that was published last; the next one's change is told against it."""

    version: int
    p_churn: float
    logit: float
    intercept: float
    contributions: tuple[float, ...]
    features: tuple[float, ...]
    tier: str
    model_version: str


class Customer(msgspec.Struct):
    """What is stored of a customer."""

    customer_id: str
    tenant: str
    anchor_type: str
    anchor_value: str
    shares: dict[str, Share] = msgspec.field(default_factory=dict)
    silence: SilenceState = SilenceState.AWAKE
    score: Published | None = None
    tier: str | None = None
    score_version: int = 0
    alert_version: int = 0
    alerts: dict[str, OpenAlert] = msgspec.field(default_factory=dict)
    observations: list[Observation] = msgspec.field(default_factory=list)
    settled_day: int | None = None
    due_day: int | None = None
    scored_day: int | None = None
    sequence: int = 0

    @property
    def kind(self) -> str:
        """Account, person, or somebody nobody can name yet."""
        return _KINDS.get(self.anchor_type, PERSON)

    @property
    def is_account(self) -> bool:
        """Whether the customer is an account (else a person)."""
        return self.kind == ACCOUNT

    @property
    def is_vacant(self) -> bool:
        """Whether everything it did counts for other customers now, and nothing of it is open."""
        return not self.alerts and all(share.detached for share in self.shares.values())

    @property
    def anchor(self) -> Identifier:
        """The identifier that the customer's id is made from."""
        return Identifier(IdentifierType(self.anchor_type), self.anchor_value)


class View:
    """What is derived from the shares: one day series, traits as of any time, all outcomes in time order."""

    __slots__ = ("_newest", "_outcomes", "_reasons", "cadence", "series")

    def __init__(self, customer: Customer) -> None:
        self.series = DaySeries()
        # The last cadence, with the number of active days and of changes that it was told from.
        self.cadence: tuple[int, int, Cadence] | None = None
        self._newest: dict[str, Trait] | None = None
        self._outcomes: list[OutcomeValue] | None = None
        self._reasons: tuple[Published, list[Contribution]] | None = None
        shares = [share for share in customer.shares.values() if not share.detached]
        days = sorted({day for share in shares for day in share.days})
        for day in days:
            self.series.put(day, merge_buckets([share.days[day] for share in shares if day in share.days]))

    def traits(self, customer: Customer) -> dict[str, Trait]:
        """Newest value of every trait over all profiles."""
        if self._newest is None:
            self._newest = {}
            for share in customer.shares.values():
                self.put_traits(share.traits)
        return self._newest

    def traits_at(self, customer: Customer, names: Iterable[str], at_ms: int) -> dict[str, Trait]:
        """Newest value of some traits over all profiles, as of ``at_ms``.

        As of an instant, so that what is told of it does not depend on which later facts had arrived with it.
        """
        newest, held = self.traits(customer), {}
        for name in names:
            value = newest.get(name)
            if value is not None and value.at_ms > at_ms:
                values = trait_values(customer, name)
                value = next((earlier for earlier in reversed(values) if earlier.at_ms <= at_ms), None)
            if value is not None:
                held[name] = value
        return held

    def put_traits(self, traits: Mapping[str, list[Trait]]) -> None:
        """Take in a profile's new or changed traits."""
        newest = self._newest
        if newest is not None:
            for name, values in traits.items():
                known = newest.get(name)
                if known is None or values[-1][1:3] > known[1:3]:
                    newest[name] = values[-1]

    def outcomes(self, customer: Customer) -> list[OutcomeValue]:
        """All dated facts, oldest first."""
        if self._outcomes is None:
            merged = {key: value for share in customer.shares.values() for key, value in share.outcomes.items()}
            self._outcomes = [value for _, value in sorted(merged.items(), key=lambda item: (item[1][1], item[0]))]
        return self._outcomes

    def contributions(self, score: Published) -> list[Contribution]:
        """The score's reasons as contract records; alerts on the same score share them."""
        if self._reasons is None or self._reasons[0] is not score:
            reasons = [
                Contribution(name, value, part)
                for name, value, part in zip(NAMES, score.features, score.contributions, strict=True)
            ]
            self._reasons = score, reasons
        return self._reasons[1]

    def forget_facts(self) -> None:
        """A profile went away or said all anew: derive traits and outcomes anew when asked."""
        self._newest = self._outcomes = None

    def forget_outcomes(self) -> None:
        """Outcomes changed: derive them anew when asked."""
        self._outcomes = None


def trait_values(customer: Customer, name: str) -> list[Trait]:
    """All known values of a trait over all profiles, oldest first."""
    unique = {value[1:3]: value for share in customer.shares.values() for value in share.traits.get(name, ())}
    return [unique[key] for key in sorted(unique)]


def fold(customer: Customer, view: View, record: ProfileState) -> list[int]:
    """Take in one profile's contribution; return the days that changed. An older record changes nothing."""
    share = customer.shares.get(record.profile_id)
    if share is None:
        share = customer.shares[record.profile_id] = Share(record.subject.type, record.subject.value)
    # Owners of one epoch follow from one record of the log: a leap of time over several days, each day in its order.
    if (record.epoch, record.effective_ms, record.version) <= (share.epoch, share.effective_ms, share.version):
        return []
    share.epoch, share.effective_ms = record.epoch, record.effective_ms
    share.version, share.accepted, share.partition = record.version, record.accepted, record.partition
    gone: dict[int, Bucket] = {}
    if record.detached or record.full:
        gone = share.days
        share.days = {}
        share.traits = {}
        share.outcomes = {}
        view.forget_facts()
    share.detached, share.by_domain = record.detached, record.by_domain
    if record.traits:
        share.traits.update(record.traits)
        view.put_traits(record.traits)
    if record.outcomes:
        for key, outcome in record.outcomes.items():
            share.outcomes[key] = (outcome.type, outcome.at_ms, outcome.data)
        view.forget_outcomes()
    if gone:
        share.days.update(record.days)
        changed = sorted(gone.keys() | record.days.keys())
        for day in changed:
            _refold_day(customer, view, day)
        return changed
    for day, bucket in record.days.items():
        _replace_day(view.series, day, share.days.get(day), bucket)
        share.days[day] = bucket
    return sorted(record.days) if len(record.days) > 1 else list(record.days)


def _refold_day(customer: Customer, view: View, day: int) -> None:
    buckets = [share.days[day] for share in customer.shares.values() if day in share.days]
    view.series.put(day, merge_buckets(buckets) if buckets else [0])


def _replace_day(series: DaySeries, day: int, old: Bucket | None, new: Bucket) -> None:
    """Swap one profile's bucket of a day. Its numbers only grow, so sums move by the difference."""
    total = series.get(day)
    if total is None:
        series.put(day, list(new))
        return
    for field in range(SUMMED):
        total[field] += new[field] - (old[field] if old else 0)
    for field in (FIRST, FIRST + 2):
        if new[field] >= 0:
            total[field] = min(total[field], new[field]) if total[field] >= 0 else new[field]
            total[field + 1] = max(total[field + 1], new[field + 1])
    series.put(day, total)


def encode(customer: Customer) -> bytes:
    """The customer as a table value; the first byte is the layout's version."""
    return b"\x01" + msgspec.msgpack.encode(customer)


def decode(value: bytes) -> Customer:
    """A customer from its table value. Raises ``ValueError`` on a layout this version does not know."""
    if value[:1] != b"\x01":
        raise ValueError(f"customer layout {value[:1]!r} is unknown; this version reads 1")
    return msgspec.msgpack.decode(value[1:], type=Customer)
