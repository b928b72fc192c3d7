"""What one customer adds to its fleet of renewals, answers, value, first touch, trainings and leads [FX, SA, KJ].

All of it is a function of dated facts, traits and uses before the instant, asked for at observation instants only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zlib import crc32

from ebbtide.models.adoption.uses import last_monday
from ebbtide.models.customer.yearly_value import YearlyValue
from ebbtide.models.leads.lead_priority import RankKey
from ebbtide.models.policy import CorePolicy
from ebbtide.models.standing.contracts import CHURNED, RENEWED, renewal_outcome
from ebbtide.models.standing.history import History
from ebbtide.models.standing.surveys import NPS, latest_answers
from ebbtide.models.value.attendance import Changes, Group, around, attendances, changes, compared_week
from ebbtide.models.value.first_touch import (
    LEADS,
    PAYING,
    DatedFact,
    FirstTouch,
    Stage,
    arrival,
    first_touch,
    furthest_stage,
)
from ebbtide.models.value.nps import Answers, answer
from ebbtide.models.value.referrals import NO_WINS, Wins, wins
from ebbtide.models.value.renewals import Renewals, one_renewal
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.profile_state import Trait

if TYPE_CHECKING:
    from ebbtide.models.fleet.reader import Fleet

_WEEK = 7
_LONGEST_OWNER = 128
_RENEWED = "renewed"
_HASHES = 2**32


@dataclass(frozen=True, slots=True)
class Trainings:
    """Of one customer: changes around the week compared, and the weeks and modules of its newest trainings."""

    changes: Mapping[Group, Changes]
    attended: frozenset[tuple[int, str]]


NO_TRAININGS = Trainings({}, frozenset())


@dataclass(frozen=True, slots=True)
class Business:
    """One customer's part. ``value`` is its currency and a year of its money; ``touch`` where it came from as a lead
    and how far it got; ``lead`` its owner and place while it is an open one."""

    renewals: Renewals = field(default_factory=Renewals)
    answers: Answers = field(default_factory=Answers)
    value: tuple[str, float] | None = None
    touch: tuple[FirstTouch, Stage] | None = None
    trainings: Trainings = field(default_factory=lambda: NO_TRAININGS)
    lead: tuple[str, RankKey] | None = None
    wins: Wins = NO_WINS

    @property
    def is_told_by_tenant(self) -> bool:
        """Whether anything of it is summed up for all segments of the tenant together."""
        return self.touch is not None or self.lead is not None or self.trainings is not NO_TRAININGS


NO_BUSINESS = Business()


def business(
    history: History,
    uses: Iterable[Mapping[int, Mapping[str, int]]],
    day: int,
    policy: CorePolicy,
    *,
    customer_id: str,
    first_day: int | None,
    value: YearlyValue | None,
    lead: tuple[str, RankKey] | None,
    fleet: Fleet | None,
) -> Business:
    """What the customer adds at the grid instant ``day``.

    ``uses`` are those of each of its users, ``{day: {module: count}}``; ``first_day`` its first active day; ``value`` a
    year of its money; ``lead`` its owner and rank key; ``fleet`` the statistics of the instant
    before, from which the modules compared come.
    """
    return Business(
        period_outcome(history, day, policy.economics.period_days),
        nps_answers(history, day, policy.economics.period_days),
        _paid(value),
        lead_touch(history, day, policy),
        trainings(history, uses, day, policy, customer_id=customer_id, first_day=first_day, fleet=fleet),
        lead,
        period_wins(history, day, policy),
    )


def _paid(value: YearlyValue | None) -> tuple[str, float] | None:
    """The value by its own currency: those of two are never added."""
    if value is None or value.currency is None or value.amount <= 0:
        return None
    return value.currency, value.amount


def period_outcome(history: History, day: int, period_days: int) -> Renewals:
    """What came of the renewals closed in the ``period_days`` before ``day``: at most one outcome of a customer.

    It churned if it did in the period, else the newest expansion or downgrade counts, else that it renewed. So a
    contract of a month, which is renewed twelve times a year, gives the rate of the period as a yearly one does.
    """
    outcomes = [renewal_outcome(fact) for fact in history.before(day, RENEWED, since_day=day - period_days)]
    if not outcomes:
        return _NO_RENEWALS
    if CHURNED in outcomes:
        return one_renewal(CHURNED)
    moved = [outcome for outcome in outcomes if one_renewal(outcome).closed]
    return one_renewal(next((outcome for outcome in reversed(moved) if outcome != _RENEWED), _RENEWED if moved else ""))


def nps_answers(history: History, day: int, period_days: int) -> Answers:
    """Latest answer of each person in the ``period_days`` before ``day``, by kind; what is off the scale is none."""
    found = _NO_ANSWERS
    for told in latest_answers(history, day, NPS, period_days):
        if 0 <= told.score <= 10:
            found += answer(told.score)
    return found


def period_wins(history: History, day: int, policy: CorePolicy) -> Wins:
    """Whether the customer was won in the period before ``day``, and by a referral."""
    paid = _dated(history, day, *PAYING)
    if not paid:
        return NO_WINS
    since_ms = (day - policy.economics.period_days) * DAY_MS
    return wins(paid + _dated(history, day, *LEADS), since_ms, day * DAY_MS, policy.channel)


def lead_touch(history: History, day: int, policy: CorePolicy) -> tuple[FirstTouch, Stage] | None:
    """First touch and furthest stage of who came in as a lead in the days of which channel spend counts."""
    facts = _dated(history, day, *LEADS)
    before_ms = day * DAY_MS
    came_at = arrival(facts, before_ms)
    if came_at is None or came_at < before_ms - policy.fleet.spend_days * DAY_MS:
        return None
    touch = first_touch(facts, before_ms)
    assert touch is not None, "a lead has a first touch"
    later = _dated(history, day, *PAYING, "deal.updated", "deal.opened", "deal.lost", "touchpoint")
    return touch, furthest_stage(later + facts, before_ms, policy.channel)


def trainings(
    history: History,
    uses: Iterable[Mapping[int, Mapping[str, int]]],
    day: int,
    policy: CorePolicy,
    *,
    customer_id: str,
    first_day: int | None,
    fleet: Fleet | None,
) -> Trainings:
    """What the customer tells about trainings, once a week.

    It tells at once that it was trained, and weeks later how its use changed. So the fleet knows by then which modules
    others are to be compared in; of the untrained about ``max_untrained`` are, drawn by a hash of id and week.
    """
    training, monday = policy.training, last_monday(day)
    if day - policy.observation.every_days >= monday:
        # It was asked at an earlier instant of this week.
        return NO_TRAININGS
    week = compared_week(day, training)
    attended = attendances(_dated(history, day, "touchpoint"))
    newest = frozenset((last_monday(one.day), one.module) for one in attended if one.day >= week)
    found: Mapping[Group, Changes] = {}
    if fleet is not None and first_day is not None and first_day <= week - training.weeks * _WEEK:
        drawn = _is_drawn(customer_id, week, training.max_untrained, fleet.customers)
        wanted = fleet.trained(week) if drawn else frozenset()
        if wanted or any(at == week for at, _ in newest):
            modules = sorted(policy.adoption.modules)[: training.max_modules] or fleet.most_used(training.max_modules)
            used = around(uses, day, training)
            found = changes(used, first_day, attended, modules, day, training, untrained_in=wanted)
    return Trainings(found, newest) if found or newest else NO_TRAININGS


def owner_of(traits: Mapping[str, Trait]) -> str:
    """Who sells to the lead; "" for nobody."""
    trait = traits.get("owner")
    return "" if trait is None else str(trait.value).strip()[:_LONGEST_OWNER]


def _is_drawn(customer_id: str, week: int, wanted: int, customers: int) -> bool:
    return customers <= wanted or crc32(f"{customer_id}/{week}".encode()) * customers < wanted * _HASHES


def _dated(history: History, day: int, *types: str) -> list[DatedFact]:
    return [(fact.type, fact.at_ms, fact.data) for fact in history.before(day, *types)]


_NO_RENEWALS, _NO_ANSWERS = Renewals(), Answers()
