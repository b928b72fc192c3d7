"""A surge names what drove it and the customers nearest to it, by brute force over the event log.

Day 0 is a Monday. Of week 8 on each book surges one account; its alert opens within that week.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

import pytest

from ebbtide.models.outputs import Output
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import BaselinePolicy, CorePolicy, FleetPolicy, LookAlikePolicy
from ebbtide.schemas.alert import Alert, AlertState, AlertType
from ebbtide.schemas.topics import Topic
from support.raw import MONDAY, NOW, at, fact, in_account, messages, punctuation, track
from support.standings import day_of
from support.topology import Topology

ALERTS = Topic.ALERTS.topic_name
MODULES = [f"module-{n}" for n in range(8)]
DRIVER = "reports"
SURGE_DAY, END = 56, 63
STOPPED_DAY = 35
MIN_SEGMENT = 4
POLICY = CorePolicy(
    fleet=FleetPolicy(min_segment=MIN_SEGMENT), look_alike=LookAlikePolicy(candidates=200, min_similarity=0.2)
)


class Account(NamedTuple):
    """What an account does every day, in uses of modules, and until when. ``reports`` from ``reports_from`` on."""

    name: str
    tier: str | None
    daily: dict[str, int]
    ends: int = END
    reports_from: int | None = None
    reports: int = 1

    def on(self, day: int) -> Counter[str]:
        if day >= self.ends:
            return Counter()
        told = Counter(self.daily)
        if self.reports_from is not None and day >= self.reports_from:
            told[DRIVER] += self.reports
        return told

    def before(self, day: int, width: int) -> Counter[str]:
        return sum((self.on(past) for past in range(max(0, day - width), day)), Counter())


def book(seed: int, *, size: int = 16) -> list[Account]:
    """The first surges. Of the others some use reports since long, some stopped, some have no tier, or a rare one."""
    rng = Random(seed)

    def daily() -> dict[str, int]:
        return {module: rng.randint(1, 3) for module in rng.sample(MODULES, rng.randint(2, 5))}

    found = [Account("a0", rng.choice(["s", "t", None]), daily(), reports_from=SURGE_DAY, reports=30)]
    found += [
        Account(
            f"a{number}",
            rng.choice(["s", "s", "t", None, f"rare-{number}"]),
            daily(),
            ends=rng.choice([END] * 5 + [STOPPED_DAY]),
            reports_from=rng.choice([None, None, None, 20]),
        )
        for number in range(1, size)
    ]
    return found


def bodies(accounts: list[Account]) -> list[dict[str, Any]]:
    timed: list[dict[str, Any]] = []
    for account in accounts:
        traits = {"name": account.name.upper()} | ({} if account.tier is None else {"tier": account.tier})
        timed.append(fact("account.upserted", at(0), f"crm-{account.name}", {"group_id": account.name}, **traits))
    for day in range(END):
        second = 0
        for account in accounts:
            for module, times in sorted(account.on(day).items()):
                for _ in range(times):
                    second += 1
                    timed.append(
                        track(
                            "used",
                            MONDAY + timedelta(days=day, hours=9, seconds=second),
                            f"{day}-{second}",
                            user=f"u-{account.name}",
                            properties={"feature": module},
                            **in_account(account.name),
                        )
                    )
    return timed


def surges(outputs: list[Output]) -> list[Alert]:
    found = [output.record for output in outputs if isinstance(output.record, Alert)]
    return [one for one in found if one.type is AlertType.SURGE]


def run(accounts: list[Account], policy: CorePolicy = POLICY) -> tuple[Pipeline, list[Output]]:
    pipeline = Pipeline(policy)
    outputs = list(pipeline.feed(messages(bodies(accounts)), now=NOW))
    return pipeline, outputs + list(pipeline.close(at(END)))


def nearest(accounts: list[Account], day: int) -> list[tuple[str, float]]:
    """Names and similarities of all like the first, nearest first, by the log alone; ``day`` is that of the alert."""
    instant = (day - 1) // 7 * 7
    sizes = Counter(one.tier for one in accounts)

    def segment(one: Account) -> str | None:
        return one.tier if sizes[one.tier] >= MIN_SEGMENT else None

    own, *others = accounts
    used = set(own.before(day, 28)) - {DRIVER}
    usage = sum(own.daily.values()) * 28
    found = []
    for one in others:
        theirs = one.before(instant, 28)
        awake = sum(one.before(instant, 3).values()) > 0
        if not awake or DRIVER in theirs or (segment(own) is not None and segment(one) != segment(own)):
            continue
        events = sum(theirs.values())
        like = len(used & set(theirs)) / len(used | set(theirs)) * min(usage, events) / max(usage, events)
        if like >= POLICY.look_alike.min_similarity:
            found.append((one.name.upper(), round(like, 4)))
    return sorted(found, key=lambda row: (-row[1], row[0]))


@pytest.mark.parametrize("seed", range(12))
def test_the_nearest_of_all_customers_are_named(seed: int) -> None:
    accounts = book(seed)
    pipeline, outputs = run(accounts)
    (opened,) = (one for one in surges(outputs) if one.state is AlertState.OPEN)
    assert opened.customer_name == "A0"
    (driver,) = opened.evidence["drivers"]
    days = round(day_of(opened.occurred_at)) - SURGE_DAY
    assert driver == {"module": DRIVER, "value": 30 * days, "baseline": 0.0, "share_of_growth": 1.0}
    found = opened.evidence["look_alikes"]
    expected = nearest(accounts, round(day_of(opened.occurred_at)))
    # Of those equally like the first are told by id, which the log does not know.
    assert [one["similarity"] for one in found] == [like for _, like in expected[: POLICY.look_alike.told]]
    assert {(one["name"], one["similarity"]) for one in found} <= set(expected)
    assert len({one["name"] for one in found}) == len(found)
    assert found == sorted(found, key=lambda one: (-one["similarity"], one["customer_id"]))
    names = {customer_id: one.anchor_value.upper() for customer_id, one in pipeline.customers.customers.items()}
    assert [names[one["customer_id"]] for one in found] == [one["name"] for one in found]


def test_the_books_have_what_they_test() -> None:
    """Look-alikes of a segment and of everybody, and books with customers that must not be named."""
    books = [book(seed) for seed in range(12)]
    told = [len(nearest(accounts, SURGE_DAY + 3)) for accounts in books]
    assert max(told) >= POLICY.look_alike.told
    tiers = [Counter(one.tier for one in accounts)[accounts[0].tier] >= MIN_SEGMENT for accounts in books]
    assert len(set(tiers)) == 2
    assert any(one.ends == STOPPED_DAY for accounts in books for one in accounts)


def test_what_an_open_surge_says_stays() -> None:
    """Its resolution has the evidence it was opened on, whoever uses the module by then."""
    accounts = [one if n else one._replace(ends=END - 1) for n, one in enumerate(book(0))]
    policy = CorePolicy(fleet=POLICY.fleet, look_alike=POLICY.look_alike)
    pipeline = Pipeline(policy)
    outputs = list(pipeline.feed(messages(bodies(accounts)), now=NOW))
    opened, resolved = surges(outputs + list(pipeline.close(at(END + 14))))
    assert (opened.state, resolved.state) == (AlertState.OPEN, AlertState.RESOLVED)
    assert resolved.evidence == opened.evidence
    assert resolved.reasons_en == opened.reasons_en


def test_nobody_is_named_where_nobody_is_asked_for() -> None:
    _, outputs = run(book(0), CorePolicy(fleet=POLICY.fleet, look_alike=LookAlikePolicy(modules=0)))
    (opened,) = (one for one in surges(outputs) if one.state is AlertState.OPEN)
    assert opened.evidence["look_alikes"] == []
    assert [one["module"] for one in opened.evidence["drivers"]] == [DRIVER]


@pytest.mark.parametrize(("partitions", "crashes"), [(1, 4), (4, 0), (4, 4)])
def test_partitions_and_crashes_change_nothing(partitions: int, crashes: int) -> None:
    accounts = [one._replace(tier="s", daily=dict.fromkeys(one.daily, 1)) for one in book(5, size=9)]
    accounts[0] = accounts[0]._replace(reports=15)
    policy = POLICY.model_copy(update={"baseline": BaselinePolicy(min_actions=10)})
    told = messages([*bodies(accounts), punctuation(at(END))])
    pipeline = Pipeline(policy)
    (expected,) = {one.to_json() for one in surges(list(pipeline.feed(told, now=NOW)))}
    assert len(Alert.from_json(expected).evidence["look_alikes"]) >= 2
    topology = Topology(policy, told, partitions)
    topology.run(Random(partitions), crashes=crashes)
    # After a crash it may be told a second time.
    found = {one.to_json() for one in topology.bus.everything(ALERTS) if one.type is AlertType.SURGE}
    assert found == {expected}
