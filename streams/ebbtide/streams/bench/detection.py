"""How soon a planted decline is told, against whoever knows everybody's true habits.

    ebbtide bench detection

A book is simulated, and every account's days are held against two detectors: the one behind `sudden_drop`, which learns
habits from eight weeks; and a *clairvoyant*, the cumulative sum of the true likelihood ratio, which knows each person's
habit and the noise of the simulator, and lacks only the day on which a decline begins and how deep it is. No rule that
sees the same days does much better than that. Days of dips and outages count for neither: those of a dip are known to
the first from the second day of the week after them on, and until then nothing that rests on them is an alarm. An alarm
ends once a week has 70 % of what is truly usual. Alarms that begin outside of everything planted are false.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from math import lgamma
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from ebbtide.models.customer.cadence import cadence
from ebbtide.models.customer.course import Course, Declines
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.policy import CorePolicy, DropPolicy
from ebbtide.streams.simulator.behaviour import ACCOUNT_NOISE_SHAPE, UNEVENNESS, USE_STREAM, Behaviour
from ebbtide.streams.simulator.book import Book
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.episode import EXCLUSIVE, EpisodeType
from ebbtide.streams.simulator.population import Bools, Floats, Ints, Population
from ebbtide.streams.simulator.season import Outage

EVIDENCE = (3.5, 4.0, 4.5, 5.0)
"""Thresholds at which both are judged, in nats."""

_DECLINES = frozenset({EpisodeType.DECLINE, EpisodeType.SLUMP, EpisodeType.DOWNGRADE})
_SHARES = (0.5, 0.35, 0.2, 0.1)
_NODES = 8
_BEFORE, _AFTER = 3, 42
"""Days around an episode on which an alarm is not counted as false."""

_BACK = 0.7
_WEEK, _YEAR = 7, 365
_MONDAY = _WEEK * 3_000 + 4
"""Day 0 of the book, as customers count days."""

_LEARNING = 28
"""Days after the beginning of which nobody knows anything."""


class Days(NamedTuple):
    """Of each day and person, what was done; of each day and account that too, what is usual, and what the clairvoyant
    says."""

    done: Ints
    actions: Ints
    usual: Floats
    ratio: Floats
    is_open: Bools
    is_dip: Bools


class Decline(NamedTuple):
    """A planted decline: its days, and the first on which less than half of the usual is done."""

    account: int
    starts: int
    onset: int
    ends: int


def run(*, customers: int = 400, days: int = 400, seed: int = 411) -> dict[str, Any]:
    """Simulate, and judge both. About two minutes."""
    population = Population(Book(BookConfig(customers=customers, days=days, seed=seed)))
    observed = _observe(population, days, seed)
    declines, clean = _planted(population, observed)
    result: dict[str, Any] = {
        "customers": customers,
        "days": days,
        "seed": seed,
        "declines": len(declines),
        "account_years": float(clean.sum() / _YEAR),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
    }
    sums = _sums(observed.ratio)
    for name in ("ebbtide", "clairvoyant"):
        result[name] = []
        for evidence in EVIDENCE:
            fires = _own_alarms(population, observed, evidence) if name == "ebbtide" else sums > evidence
            result[name].append({"evidence": evidence, **_judge(fires, observed, declines, clean)})
    return result


def render(result: dict[str, Any]) -> str:
    """The result as a table."""
    lines = [f"{'':<24} {'false alarms':>12} {'caught':>7} {'days from onset':>15}"]
    rows = [(side, row) for side in ("ebbtide", "clairvoyant") for row in result[side]]
    for name, row in rows:
        title, delay = f"{name}, {row['evidence']:g} nats", row["median_delay_days"]
        told = "-" if delay is None else f"{delay:.1f}"
        lines.append(f"{title:<24} {row['false_alarms_per_account_year']:>12.2f} {row['caught']:>7.0%} {told:>15}")
    lines.append(
        f"a year and account; {result['declines']} declines of {result['customers']} customers in {result['days']} "
        f"days, seed {result['seed']}, {result['account_years']:.0f} account-years without any"
    )
    return "\n".join(lines)


def _observe(population: Population, days: int, seed: int) -> Days:
    """Live through the book as the simulator does, with the clairvoyant beside."""
    behaviour = Behaviour(population)
    accounts, people = len(population.accounts), len(population.people)
    found = Days(
        np.zeros((days, people), np.int64),
        np.zeros((days, accounts), np.int64),
        np.zeros((days, accounts)),
        np.zeros((days, accounts)),
        np.zeros((days, accounts), np.bool_),
        np.zeros(days, np.bool_),
    )
    for dip in population.book.season.dips:
        found.is_dip[max(0, dip.starts) : max(0, dip.ends)] = True
    lucks = np.random.default_rng(0).gamma(ACCOUNT_NOISE_SHAPE, 1 / ACCOUNT_NOISE_SHAPE, 100_000)
    nodes = np.quantile(lucks, (np.arange(_NODES) + 0.5) / _NODES)
    for day in range(days):
        rng = np.random.default_rng([seed, USE_STREAM, day])
        population.advance(day)
        active, events = behaviour.draw(day, rng)
        found.done[day, active] = np.where(population.machine[active], 0, events)
        present = population.present(day)
        counts, owner = found.done[day, present], population.owner[present]
        found.actions[day] = np.bincount(owner, weights=counts, minlength=accounts)
        found.is_open[day] = np.bincount(owner, minlength=accounts) > 0
        usual = population.usual_levels(day)

        declined, well = [
            [_likelihood(population, behaviour, day, present, counts, usual * share, nodes) for share in shares]
            for shares in (_SHARES, (1.0,))
        ]
        ratio = np.logaddexp.reduce(np.stack(declined), axis=0) - np.log(len(_SHARES)) - well[0]
        found.ratio[day] = np.where(found.is_dip[day], 0.0, ratio)
        chance, mean = behaviour.expectation(day, usual, present)
        weights = np.where(population.machine[present], 0.0, chance * mean)
        found.usual[day] = np.bincount(owner, weights=weights, minlength=accounts)
    return found


def _likelihood(
    population: Population,
    behaviour: Behaviour,
    day: int,
    present: Ints,
    counts: Ints,
    levels: Floats,
    nodes: Floats,
) -> Floats:
    """Log-likelihood of each account's day over the day's luck, which all of its people share."""
    owner, accounts, size = population.owner[present], len(population.accounts), UNEVENNESS
    table = np.array([lgamma(k + size) - lgamma(size) - lgamma(k + 1) for k in range(int(counts.max(initial=1)) + 1)])
    told = []
    for luck in nodes:
        chance, mean = behaviour.expectation(day, levels * luck, present)
        chance, rest = np.clip(chance, 1e-9, 1 - 1e-9), np.maximum(mean - 1, 1e-6)
        more = np.maximum(counts - 1, 0)
        mass = table[more] + size * np.log(size / (size + rest)) + more * np.log(rest / (size + rest))
        each = np.where(counts > 0, np.log(chance) + mass, np.log1p(-chance))
        each[population.machine[present]] = 0.0
        told.append(np.bincount(owner, weights=each, minlength=accounts))
    return np.asarray(np.logaddexp.reduce(np.stack(told), axis=0) - np.log(len(nodes)), dtype=np.float64)


def _sums(ratio: Floats) -> Floats:
    """The cumulative sum at the end of each day."""
    sums, last = np.zeros_like(ratio), np.zeros(ratio.shape[1])
    for day, row in enumerate(ratio):
        last = sums[day] = np.maximum(last + row, 0.0)
    return sums


def _own_alarms(population: Population, observed: Days, evidence: float) -> Bools:
    """Where the detector behind `sudden_drop` sees a decline at the end of a day."""
    policy = CorePolicy(drop=DropPolicy(evidence=evidence))
    found = np.zeros(observed.is_open.shape, np.bool_)
    declines = Declines(policy.baseline, policy.drop)
    dips = [frozenset((_MONDAY + np.flatnonzero(observed.is_dip[:week])).tolist()) for week in range(0, len(found), 7)]
    for account in population.accounts:
        blind = _blind_days(population.book.season.outages, account.region.source, len(found))
        columns = np.flatnonzero(population.owner == account.index)
        series, course = DaySeries(), Course()
        people: list[dict[int, int]] = [{} for _ in columns]
        for day in range(len(found)):
            row = observed.done[day, columns]
            total = int(row.sum())
            if total:
                series.put(_MONDAY + day, [total, 0, 0, 0, 0, 0, 0, -1, -1])
                for person, count in zip(people, row.tolist(), strict=True):
                    if count:
                        person[_MONDAY + day] = count
            unseen = observed.is_dip | ~observed.is_open[:, account.index]
            if not unseen[day]:
                instant = _MONDAY + day + 1
                known = dips[day // _WEEK].union(at for at in blind if at < instant)
                own = cadence(series, instant, policy.cadence)
                told = declines.newest(course, series, people, instant, own, known)
                found[day, account.index] = (
                    told is not None and unseen[day + 1 - told.width : day + 1].sum() == told.unseen
                )
    return found


def _blind_days(outages: Iterable[Outage], source: str, days: int) -> list[int]:
    """Days on which nothing was heard of the source."""
    return [
        _MONDAY + day
        for outage in outages
        if outage.source == source
        for day in range(outage.starts, outage.ends)
        if day < days
    ]


def _planted(population: Population, observed: Days) -> tuple[list[Decline], Bools]:
    """Declines that begin and end in the book, and the days of accounts on which nothing was planted."""
    days = len(observed.is_dip)
    clean = observed.is_open.copy()
    clean[observed.is_dip] = False
    clean[:_LEARNING] = False
    declines = []
    for account in population.accounts:
        if account.lead is not None:
            clean[:, account.index] = False
            continue
        for episode in account.episodes:
            if episode.type in EXCLUSIVE:
                clean[max(0, episode.starts - _BEFORE) : max(0, episode.ends + _AFTER), account.index] = False
            if episode.type in _DECLINES and episode.starts >= _LEARNING and episode.ends <= days:
                onset = episode.onset()
                if onset is not None:
                    declines.append(Decline(account.index, episode.starts, onset, episode.ends))
    return declines, clean


def _judge(fires: Bools, observed: Days, declines: list[Decline], clean: Bools) -> dict[str, Any]:
    """False alarms, and what is caught how soon after its onset."""
    weekly = _weekly(observed)
    opened, is_on = np.zeros_like(fires), np.zeros(fires.shape[1], np.bool_)
    for day in range(len(fires)):
        opened[day] = fires[day] & ~is_on
        is_on = (is_on | fires[day]) & (fires[day] | (weekly[day] < _BACK))
    delays = []
    for decline in declines:
        told = np.flatnonzero(opened[decline.starts : decline.ends, decline.account])
        if len(told):
            delays.append(float(decline.starts + told[0] + 1 - decline.onset))
    return {
        "false_alarms_per_account_year": float((opened & clean).sum() / max(clean.sum() / _YEAR, 1e-9)),
        "caught": len(delays) / len(declines) if declines else 0.0,
        "median_delay_days": median(delays) if delays else None,
    }


def _weekly(observed: Days) -> Floats:
    """What was done in the week up to each day, as a share of what is usual."""
    done, usual = (
        np.cumsum(np.vstack([np.zeros((_WEEK, of.shape[1])), of]), axis=0) for of in (observed.actions, observed.usual)
    )
    return np.asarray(
        (done[_WEEK:] - done[:-_WEEK]) / np.maximum(usual[_WEEK:] - usual[:-_WEEK], 0.1), dtype=np.float64
    )
