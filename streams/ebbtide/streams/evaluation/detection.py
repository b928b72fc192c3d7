"""What alerts caught of what was planted, how soon, and how often they cried wolf.

"g" is the customer's own cadence as its record tells it (calendar days), the prior where that says nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import expm1
from statistics import fmean, median
from typing import Any, NamedTuple

from ebbtide.models.policy import CadencePolicy
from ebbtide.streams.evaluation.alert_log import AlertLog, Told
from ebbtide.streams.evaluation.outcomes import Outcomes
from ebbtide.streams.evaluation.planted import (
    KEY_PERSON_LOSS,
    WARM_RETURN,
    FleetSpell,
    Planted,
    PlantedAccount,
    PlantedEpisode,
)
from ebbtide.streams.evaluation.shares import Case, share, spread

BEHAVIOUR_RISKS = frozenset({"sudden_drop", "asleep", "left", "tier_to_danger", "key_person_lost", "cell_down"})
"""Risks that rest on behaviour, which is what the simulator plants; a type that does not exist yet catches nothing."""

GRACE_CADENCES = 2.0
"""An alert may come so many of the customer's cadences after an episode."""

AFTERMATH = timedelta(days=7)
"""The window of a drop still holds the days of a dip or an outage."""

LOCAL_DAY = timedelta(hours=12)
"""The truth counts local days; a day in the far east or west reaches so far into its neighbours in UTC."""

_DAY = timedelta(days=1)
_PERSON_GAPS = 3.0
_DAYS_A_YEAR = 365.25


class Caught(NamedTuple):
    """A planted decline, how long an alert could catch it, and the first that did: in days; None: no alert."""

    customer_id: str
    type: str
    cadence_days: float
    window_days: float
    by: str | None = None
    since_onset: float | None = None
    since_start: float | None = None


@dataclass
class Detection:
    """Every planted decline whose time is over, every lost key person, every return, and every false alarm."""

    declines: list[Caught] = field(default_factory=list)
    open_before: int = 0
    losses: list[Case] = field(default_factory=list)
    losses_ever: int = 0
    loss_delays: list[float] = field(default_factory=list)
    returns: list[Case] = field(default_factory=list)
    in_dips: Counter[str] = field(default_factory=Counter)
    in_outages: Counter[str] = field(default_factory=Counter)
    resting_on: Counter[str] = field(default_factory=Counter)
    false_alarms: list[Told] = field(default_factory=list)

    @property
    def decline_cases(self) -> list[Case]:
        """Caught or not, a case each."""
        return [Case(decline.customer_id, decline.by is not None) for decline in self.declines]


def detected(
    log: AlertLog, planted: Planted, outcomes: Outcomes, cadences: Mapping[str, float], begins: datetime, ends: datetime
) -> Detection:
    """What the alerts of a replay from ``begins`` to ``ends`` caught. ``cadences`` are by customer, in days."""
    found = Detection()
    told = log.by_customer()
    for account in planted.accounts:
        cadence = cadences.get(account.customer_id, CadencePolicy().prior_days)
        mine = told.get(account.customer_id, ())
        _judge_declines(found, account, mine, cadence, begins, ends)
        _judge_people(found, account, mine, outcomes)
        found.false_alarms += _false_alarms(account, mine, outcomes, cadence)
    _count_fleet(found, log, planted)
    return found


def _judge_declines(
    found: Detection, account: PlantedAccount, told: Sequence[Told], cadence: float, begins: datetime, ends: datetime
) -> None:
    risks = [alert for alert in told if alert.type in BEHAVIOUR_RISKS]
    for episode in account.episodes:
        until = episode.ends_at + timedelta(days=GRACE_CADENCES * cadence)
        if not episode.is_decline or episode.onset_at is None or episode.onset_at < begins or until > ends:
            continue
        missed = Caught(account.customer_id, episode.type, cadence, (until - episode.starts_at) / _DAY)
        first = next((alert for alert in risks if episode.starts_at <= alert.at <= until), None)
        if first is None:
            found.declines.append(missed)
            found.open_before += any(
                alert.at < episode.starts_at and (alert.ended_at is None or alert.ended_at > episode.onset_at)
                for alert in risks
            )
            continue
        since_onset, since_start = ((first.at - at) / _DAY for at in (episode.onset_at, episode.starts_at))
        found.declines.append(missed._replace(by=first.type, since_onset=since_onset, since_start=since_start))


def _judge_people(found: Detection, account: PlantedAccount, told: Sequence[Told], outcomes: Outcomes) -> None:
    """Returns and lost key people, from the first day to the last at which they can be told under contract."""
    for episode in account.episodes:
        if not outcomes.watches(account.customer_id, episode.starts_at):
            continue
        last = outcomes.until(account.customer_id)
        if episode.type == KEY_PERSON_LOSS:
            _judge_loss(found, account, episode, told, last)
        elif episode.type == WARM_RETURN and episode.ends_at + _DAY + LOCAL_DAY <= last:
            opens, closes = episode.ends_at - LOCAL_DAY, episode.ends_at + _DAY + LOCAL_DAY
            hit = any(alert.type == "warm_return" and opens <= alert.at < closes for alert in told)
            found.returns.append(Case(account.customer_id, hit))


def _judge_loss(
    found: Detection, account: PlantedAccount, episode: PlantedEpisode, told: Sequence[Told], last: datetime
) -> None:
    """Warned within three of the person's own gaps, told at the first midnight after."""
    person = next(
        (user for user in account.users if user.role == "key_person" and user.leaves_at == episode.starts_at), None
    )
    if person is None or person.gap_days is None:
        return
    until = episode.starts_at + timedelta(days=_PERSON_GAPS * person.gap_days) + _DAY
    if until > last:
        return
    times = [a.at for a in told if a.type == "key_person_lost" and episode.starts_at <= a.at]
    found.losses.append(Case(account.customer_id, bool(times) and times[0] <= until))
    if times and times[0] <= max(until, episode.ends_at):
        found.losses_ever += 1
        found.loss_delays.append((times[0] - episode.starts_at) / _DAY)


def _excused(account: PlantedAccount, cadence: float) -> Iterator[tuple[datetime, datetime]]:
    for episode in account.episodes:
        if episode.excuses_alarms:
            yield episode.starts_at, episode.ends_at + timedelta(days=GRACE_CADENCES * cadence)


def _false_alarms(account: PlantedAccount, told: Sequence[Told], outcomes: Outcomes, cadence: float) -> Iterator[Told]:
    excused = list(_excused(account, cadence))
    for alert in told:
        is_judged = alert.type in BEHAVIOUR_RISKS and outcomes.watches(account.customer_id, alert.at)
        if is_judged and not any(opens <= alert.at <= closes for opens, closes in excused):
            yield alert


def _count_fleet(found: Detection, log: AlertLog, planted: Planted) -> None:
    """Drops of customers that have no decline of their own then: told, and held back by reason."""
    accounts = {account.customer_id: account for account in planted.accounts}
    drops: list[tuple[str, datetime, str, Told | None]] = [
        (alert.customer_id, alert.at, "told", alert) for alert in log.told if alert.type == "sudden_drop"
    ]
    drops += [
        (alert.customer_id, alert.opened_at, alert.suppressed_by or "", None)
        for alert in log.held_back
        if alert.type == "sudden_drop" and alert.customer_id is not None
    ]
    for customer, at, what, alert in drops:
        account = accounts.get(customer)
        if account is None or any(e.excuses_alarms and e.starts_at <= at <= e.ends_at for e in account.episodes):
            continue
        for kind, counter in (("dip", found.in_dips), ("outage", found.in_outages)):
            spells = [
                spell
                for spell in planted.fleet
                if spell.type == kind
                # What is decided at its first midnight saw nothing of it.
                and spell.starts_at < at < spell.ends_at + AFTERMATH
                and (spell.source is None or spell.source == account.source)
            ]
            if spells:
                counter[what] += 1
                found.resting_on[kind] += alert is not None and any(_rests_on(alert, spell) for spell in spells)


def _rests_on(alert: Told, spell: FleetSpell) -> bool:
    """Whether more days of the spell lie in what the alert judges than were left out of it."""
    begins = max(spell.starts_at, alert.at - timedelta(days=alert.window_days))
    return (min(spell.ends_at, alert.at) - begins) / _DAY > alert.left_out_days + LOCAL_DAY / _DAY


def summary(found: Detection, planted: Planted, outcomes: Outcomes) -> dict[str, Any]:
    """For JSON."""
    caught = [decline for decline in found.declines if decline.by is not None]
    by_type: dict[str, list[Case]] = defaultdict(list)
    for decline in found.declines:
        by_type[decline.type].append(Case(decline.customer_id, decline.by is not None))
    onset = [decline.since_onset for decline in caught if decline.since_onset is not None]
    start = [decline.since_start for decline in caught if decline.since_start is not None]
    gaps = [d.since_onset / d.cadence_days for d in caught if d.since_onset is not None]
    targets = [GRACE_CADENCES * decline.cadence_days + 1 for decline in caught]
    on_time = [d.since_onset <= t for d, t in zip(caught, targets, strict=True) if d.since_onset is not None]
    years = outcomes.account_years
    false_by_type = Counter(alert.type for alert in found.false_alarms)
    return {
        "declines": {
            "recall": share(found.decline_cases),
            "by_luck": _by_luck(found, years),
            "by_episode": {name: share(cases) for name, cases in sorted(by_type.items())},
            "caught_first_by": dict(sorted(Counter(d.by for d in caught if d.by is not None).items())),
            "caught_before_onset": sum(delay < 0 for delay in onset),
            "missed_with_an_alert_open_before": found.open_before,
            "days_from_onset": spread(onset),
            "cadences_from_onset": spread(gaps),
            "days_from_start": spread(start),
            "median_target_days": median(targets) if targets else None,
            "within_two_cadences_and_a_day": sum(on_time) / len(on_time) if on_time else None,
        },
        "key_people_lost": {
            "warned_within_three_gaps": share(found.losses),
            "warned_ever": found.losses_ever,
            "delay_days": spread(found.loss_delays),
        },
        "warm_returns_told_on_their_day": share(found.returns),
        "fleet": {
            "dips": sum(spell.type == "dip" for spell in planted.fleet),
            "sudden_drops_in_dips": found.in_dips["told"],
            "sudden_drops_resting_on_dips": found.resting_on["dip"],
            "held_back_in_dips": found.in_dips.total() - found.in_dips["told"],
            "outages": sum(spell.type == "outage" for spell in planted.fleet),
            "sudden_drops_in_outages": found.in_outages["told"],
            "sudden_drops_resting_on_outages": found.resting_on["outage"],
            "held_back_in_outages": found.in_outages.total() - found.in_outages["told"],
        },
        "false_alarms": {
            "alerts": len(found.false_alarms),
            "per_account_year": len(found.false_alarms) / years if years else None,
            "by_type": {name: false_by_type[name] / years for name in sorted(false_by_type)} if years else {},
        },
    }


def _by_luck(found: Detection, years: float) -> float | None:
    """The share that false alarms alone would have caught, if they came at random (Poisson) at the rate they have."""
    if not found.declines or not years:
        return None
    rate = len(found.false_alarms) / (years * _DAYS_A_YEAR)
    return fmean(-expm1(-rate * decline.window_days) for decline in found.declines)
