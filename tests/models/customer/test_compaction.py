"""A customer that forgets tells what one that never does would tell, whatever comes late, goes, or comes back."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.customer import view as view_module
from ebbtide.models.customer.cadence import cadence
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.kept import kept
from ebbtide.models.customer.outages import sources_of
from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.customer.series import EVENTS, LAST, LAST_LOGIN, LOGINS, ORDERS, QUERIES, REVENUE
from ebbtide.models.customer.view import View, fold
from ebbtide.models.policy import CadencePolicy, CorePolicy, LifecyclePolicy
from ebbtide.models.profile.profile import USE_DAYS
from ebbtide.models.standing.core_value import core_day
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import ProfileState, Trait

DAY_0 = 20_094
"""A Monday."""
DAY_MS = 86_400_000
ACME = Identifier(IdentifierType.GROUP_ID, "acme")
GAPS = 8
POLICY = CorePolicy(cadence=CadencePolicy(min_gaps=2, max_gaps=GAPS))
KEPT = kept(POLICY)._replace(days=10, query_days=8, money_days=30, use_days=7, active_days=GAPS + 1)
MODULES = ("funnels", "segments", "(machine)")


class Profile:
    """What a profile knows of itself, and how it tells it to one customer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.days: dict[int, list[int]] = {}
        self.uses: dict[int, dict[str, int]] = {}
        self.sources: dict[int, list[str]] = {}
        self.traits: dict[str, list[Trait]] = {}
        self.version = 0

    def act(self, rng: Random, day: int) -> set[int]:
        """Something done on a day."""
        second = rng.randrange(86_400)
        login, query, order = rng.random() < 0.3, rng.random() < 0.4, rng.random() < 0.05
        bucket = self.days.setdefault(day, [0, 0, 0, 0, 0, second, second, -1, -1])
        bucket[EVENTS] += 1
        bucket[LOGINS] += login
        bucket[QUERIES] += query
        bucket[ORDERS] += order
        bucket[REVENUE] += order * rng.choice((0, 0, -50, 90))
        bucket[5], bucket[6] = min(bucket[5], second), max(bucket[6], second)
        if login:
            bucket[7] = second if bucket[7] < 0 else min(bucket[7], second)
            bucket[8] = max(bucket[8], second)
        uses = self.uses.setdefault(day, {})
        module = rng.choice(MODULES)
        uses[module] = uses.get(module, 0) + 1
        self.sources[day] = sorted({*self.sources.get(day, ()), rng.choice(("web", "app"))})
        return {day}

    def rename(self, rng: Random, day: int) -> None:
        values = self.traits.setdefault(rng.choice(("name", "seats")), [])
        values.append(Trait(rng.randrange(9), day * DAY_MS + rng.randrange(DAY_MS), rng.getrandbits(32), "crm"))
        values.sort(key=lambda value: value[1:3])

    def told(self, days: set[int] | None, now: int, *, detached: bool = False) -> ProfileState:
        """A record of some days, or of all."""
        self.version += 1
        record = ProfileState(
            tenant="t",
            customer_id="c",
            anchor=ACME,
            profile_id=self.name,
            subject=Identifier(IdentifierType.USER_ID, self.name),
            version=self.version,
            full=days is None,
            detached=detached,
            arrived_ms=0,
        )
        if detached:
            return record
        totals = [sum(numbers) for numbers in zip([0] * 5, *(bucket[:5] for bucket in self.days.values()), strict=True)]
        # A profile itself forgets the uses that nobody asks for.
        used = {day for day in self.uses if day >= now - now % 7 - USE_DAYS - 7}
        return replace(
            record,
            days={day: list(self.days[day]) for day in sorted(self.days) if days is None or day in days},
            totals=[*totals, 0],
            uses={day: dict(self.uses[day]) for day in used if days is None or day in days},
            sources={day: list(self.sources[day]) for day in used if days is None or day in days},
            traits={name: list(values) for name, values in self.traits.items()},
        )


class World:
    """A customer whose records are folded, and that is compacted and stored, or never is."""

    def __init__(self, *, compacts: bool) -> None:
        self.compacts = compacts
        self.customer = Customer("c", "t", ACME.type, ACME.value)
        self.view = View(self.customer, KEPT)

    def fold(self, record: ProfileState) -> list[int]:
        """The days that changed and are not settled yet: those are looked at anew."""
        changed = fold(self.customer, self.view, ProfileState.from_json(record.to_json()))
        return [day for day in changed or () if day >= (self.customer.settled_day or 0)]

    def settle(self, day: int) -> None:
        self.customer.settled_day = day
        if self.compacts:
            self.view.compact(self.customer, day)

    def restart(self) -> None:
        if self.compacts:
            self.customer = decode(encode(self.customer))
            self.view = View(self.customer, KEPT)

    def tells(self, day: int) -> dict[str, Any]:
        """What is asked of a customer as of grid day ``day``, the one settled last or a later one."""
        series, view, customer = self.view.series, self.view, self.customer
        own = cadence(series, day, POLICY.cadence)
        told: dict[str, Any] = {
            "days": series.days,
            "totals": [series.total(field, day) for field in range(5)],
            "events": [series.window(EVENTS, day, width) for width in range(KEPT.days + 1)],
            "queries": [
                series.window(field, day, width) for field in (LOGINS, QUERIES) for width in range(KEPT.query_days + 1)
            ],
            "money": [
                series.window(field, day, width) for field in (ORDERS, REVENUE) for width in range(KEPT.money_days + 1)
            ],
            "last": [view.last_at(customer, field, day) for field in (LAST, LAST_LOGIN)],
            "traits": [view.traits_at(customer, ("name", "seats"), at * DAY_MS) for at in (day, day + 1)],
            "uses": view.uses(customer, day),
            "modules": view.modules(customer, day, KEPT.use_days),
            "sources": sources_of(customer, day),
            "own sources": view.sources.of(customer, day),
            "last days": view.last_days.ascending(customer, day),
            "active": {key: share.last_day(day) for key, share in customer.shares.items()},
            "core": [
                core_day(series, day, LifecyclePolicy(core=core), tenant_has_queries=True, start=start)
                for core in ("query", "active_days")
                for start in (None, DAY_0 + 20, day - 40)
            ],
        }
        if series.count_before(day) > GAPS:
            # Half of the gaps are as long as the cadence, or longer; business days begin and end with a weekend.
            reach = int(own.days * (GAPS // 2)) - 2 * own.business
            told["slow"] = [series.window(EVENTS, day, width) for width in range(reach)]
        return told


class Life:
    """A customer's profiles, and two worlds that hear the same of them: one forgets."""

    def __init__(self, seed: int, *, apart: bool) -> None:
        self.rng = Random(seed)
        self.apart = apart
        self.forgets, self.never = World(compacts=True), World(compacts=False)
        self.profiles = [Profile(f"p{n}") for n in range(self.rng.randint(1, 4))]
        # The first is there every day, so that there is something to forget.
        self.rhythm = {profile.name: self.rng.choice((1, 2, 6, 15)) for profile in self.profiles} | {"p0": 1}
        self.away: set[str] = set()

    def live(self, day: int) -> None:
        """A day: some act, some of it comes late, some profiles come and go, and perhaps an instant is settled."""
        rng = self.rng
        for profile in self.profiles:
            changed: set[int] = set()
            if rng.randrange(self.rhythm[profile.name]) == 0:
                changed |= profile.act(rng, day)
            if rng.random() < 0.06:
                changed |= profile.act(rng, rng.randint(DAY_0, day))
            if rng.random() < 0.05:
                profile.rename(rng, day)
            self.tell(profile, changed, day)
        if day % 7 == DAY_0 % 7 or rng.random() < 0.05:
            self.forgets.settle(day)
            self.never.settle(day)
        if rng.random() < 0.1:
            self.forgets.restart()

    def tell(self, profile: Profile, changed: set[int], day: int) -> None:
        """Tell the customer what changed, or all; or that the profile went to another one, where it is in hand."""
        rng = self.rng
        full = rng.random() < 0.02
        # Who is away comes back soon: of a life whose profiles are elsewhere nothing is there to forget.
        if self.apart and rng.random() < (0.2 if profile.name in self.away else 0.02):
            self.away.symmetric_difference_update({profile.name})
            full = True
        gone = profile.name in self.away
        if gone and not full:
            return
        record = profile.told(None if full else changed, day, detached=gone)
        assert self.forgets.fold(record) == self.never.fold(record)
        if rng.random() < 0.1:
            assert self.forgets.fold(record) == self.never.fold(record) == []

    def compare(self, day: int) -> None:
        """Both tell the same, as of any instant that may still be told of."""
        settled = self.forgets.customer.settled_day
        assert settled is not None
        for at in (settled - 1, settled, day + 1):
            told, expected = self.forgets.tells(at), self.never.tells(at)
            if at < settled:
                # Of the day before only alerts are told, and those tell no uses.
                for name in ("uses", "modules"):
                    del told[name], expected[name]
            assert told == expected, (day - DAY_0, at - day)


def lives(seed: int, *, days: int = 140, apart: bool = True) -> int:
    """Both worlds tell the same every day; how many buckets of days one of them has less, at most."""
    life, most = Life(seed, apart=apart), 0
    for day in range(DAY_0, DAY_0 + days):
        life.live(day)
        life.compare(day)
        kept, every = (
            sum(len(share.days) for share in world.customer.shares.values()) for world in (life.forgets, life.never)
        )
        most = max(most, every - kept)
    return most


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is past is forgotten at once."""
    monkeypatch.setattr(view_module, "_ENOUGH", 1)
    monkeypatch.setattr(view_module, "COMPACTION_DAYS", 1)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("seed", range(12))
def test_a_customer_that_forgets_tells_the_same(seed: int) -> None:
    assert lives(seed) > 100


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("seed", range(6))
def test_nobody_asks_whose_the_oldest_days_were_while_nobody_goes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_module, "SHARED_DAYS", 50)
    lives(seed, apart=False)


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_any_customer_forgets_without_a_trace(seed: int) -> None:
    lives(seed, days=70)
