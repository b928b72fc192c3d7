"""The users of an account: who they are, when they come and go, how often they work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import exp, log
from random import Random

from ebbtide.streams.simulator.catalogue import FIRST_NAMES, LAST_NAMES
from ebbtide.streams.simulator.contract import pick

FOREVER = 1_000_000
PATTERN_DAYS = 14
WEEKEND_FACTOR = 0.04
ROLES = ("key_person", "admin", "end_user")
CADENCES = (("daily", 0.25), ("few_a_week", 0.35), ("weekly", 0.25), ("biweekly", 0.15))
# An end user moves on about every six years; half of the departures reach the CRM.
END_USER_TURNOVER_PER_DAY = 0.16 / 365


@dataclass(frozen=True)
class Person:
    """One user, present on the days ``[joins, leaves)``.

    ``pattern`` is the chance to be active on each day of a fortnight that begins on a Monday. ``intensity`` multiplies
    the events of an active day. ``hour`` is the usual hour of work in local time. ``told`` says that the CRM learns of
    the departure (``contact.left``); otherwise the person just goes silent. ``machine`` is an API key, no human.
    """

    user_id: str
    contact_id: str
    email: str
    name: str
    role: str
    cadence: str
    pattern: tuple[float, ...]
    intensity: float
    hour: float
    joins: int
    leaves: int = FOREVER
    told: bool = False
    machine: bool = False
    anonymous_first: bool = False
    skew_ms: int = 0
    device_days: int = FOREVER

    @property
    def weekly_rate(self) -> float:
        """Expected active days per week times intensity: what shares of an account's activity compare."""
        return sum(self.pattern) / 2 * self.intensity


def _pattern(rng: Random, cadence: str) -> tuple[float, ...]:
    weekdays = list(range(5))
    rng.shuffle(weekdays)
    fortnight = [0.0] * PATTERN_DAYS
    for day in range(PATTERN_DAYS):
        week, weekday = divmod(day, 7)
        rank = weekdays.index(weekday) if weekday < 5 else 5
        if cadence == "daily":
            chance = 0.86
        elif cadence == "few_a_week":
            chance = 0.75 if rank < 3 else 0.12
        elif cadence == "weekly":
            chance = 0.8 if rank == 0 else 0.05
        else:
            chance = 0.75 if rank == 0 and week == weekdays[1] % 2 else 0.02
        fortnight[day] = chance
    # One in twenty works at weekends like on any day; the others hardly ever.
    weekend = 0.8 if rng.random() < 0.05 else WEEKEND_FACTOR
    busiest = max(fortnight)
    for day in (5, 6, 12, 13):
        fortnight[day] = weekend * (busiest if cadence == "daily" else busiest / 2)
    return tuple(round(chance, 4) for chance in fortnight)


def make_person(rng: Random, user_id: str, domain: str, role: str, *, joins: int, skew_share: float) -> Person:
    """A user with a habit of its own. Key people and admins come more often than end users."""
    cadence = pick(rng, CADENCES)
    if role == "key_person":
        cadence = "daily" if rng.random() < 0.6 else "few_a_week"
    elif role == "admin" and cadence == "biweekly":
        cadence = "weekly"
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    skewed = rng.random() < skew_share
    # Most wrong clocks are minutes off, a few hours: a wrong time zone.
    skew = int(rng.gauss(0, 240_000)) if rng.random() < 0.8 else rng.choice((-1, 1)) * 3_600_000
    return Person(
        user_id=user_id,
        contact_id=f"003{user_id[1:]}",
        email=f"{user_id}.{last.lower()}@{domain}",
        name=f"{first} {last}",
        role=role,
        cadence=cadence,
        pattern=_pattern(rng, cadence),
        intensity=exp(rng.gauss(-0.18, 0.6)),
        hour=min(18.0, max(7.0, rng.gauss(11.5, 2.2))),
        joins=joins,
        anonymous_first=rng.random() < 0.4,
        skew_ms=skew if skewed else 0,
        device_days=rng.randint(60, 220) if rng.random() < 0.5 else FOREVER,
    )


def make_team(
    rng: Random, prefix: str, domain: str, *, seats: int, joins: int | None, skew_share: float
) -> Iterator[Person]:
    """The users of an account: one key person, an admin from four seats on, end users.

    ``joins`` None is an account that was there before the book began: most of its users are too, the others come
    within a year. Otherwise the first two start on that day and the others within two months.
    """
    share = min(1.0, rng.betavariate(4, 3) + 0.1)
    size = max(2, min(40, round(seats * share)))
    for number in range(size):
        role = "key_person" if number == 0 else "admin" if number == 1 and seats >= 4 else "end_user"
        if joins is None:
            comes = 0 if number < 2 or rng.random() < 0.85 else rng.randint(1, 365)
        else:
            comes = joins if number < 2 else joins + rng.randint(1, 60)
        person = make_person(rng, f"{prefix}{number:02d}", domain, role, joins=comes, skew_share=skew_share)
        stays = int(-log(1 - rng.random()) / END_USER_TURNOVER_PER_DAY)
        told = rng.random() < 0.5
        if role == "end_user":
            person = replace(person, leaves=comes + max(20, stays), told=told)
        yield person
