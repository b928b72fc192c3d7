"""Which accounts look as if they had been renamed, by tables of who was where."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from ebbtide.models.identity.evidence import Operation, Weight
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.membership import heard
from ebbtide.models.identity.renames import MOST_ACCOUNTS, suspected
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.identity import FindingKind, MembershipKind, OperationKind

OLD, NEW = "Acme", "Globex"
Seen = tuple[str, str, int]
MUST, APART = OperationKind.MUST_LINK, OperationKind.CANNOT_LINK


def moved(people: int, *, day: int = 30, old: str = OLD, new: str = NEW, first: int = 1) -> list[Seen]:
    """People who were in one account and came to another."""
    return [seen for n in range(people) for seen in ((f"user_id/{n}", old, first), (f"user_id/{n}", new, day + n % 3))]


def stayed(people: int, *, account: str = OLD, first: int = 1) -> list[Seen]:
    return [(f"user_id/stayed {n}", account, first) for n in range(people)]


@dataclass(frozen=True)
class Row:
    name: str
    seen: list[Seen]
    expected: list[str]
    day: int = 100
    links: list[tuple[str, str]] = field(default_factory=list)
    decided: list[tuple[OperationKind, str, str]] = field(default_factory=list)
    policy: IdentityPolicy = field(default_factory=IdentityPolicy)


FOUND = "Acme > Globex: 4 of 4 since 30"
ROWS = [
    Row("all go", moved(4), [FOUND]),
    Row("half of the people go", moved(4) + stayed(4), ["Acme > Globex: 4 of 8 since 30"]),
    Row("fewer than half go", moved(4) + stayed(5), []),
    Row("the share is a setting", moved(4) + stayed(4), [], policy=IdentityPolicy(rename_share=0.6)),
    Row("one person is no account", moved(1), []),
    Row("it is known two weeks after they came", moved(4), [], day=43),
    Row("enough of them have been there for two weeks", moved(4), ["Acme > Globex: 2 of 4 since 30"], day=44),
    Row(
        "they were in both from the first day on", [(f"user_id/{n}", at, 1) for n in range(4) for at in (OLD, NEW)], []
    ),
    Row("in the first week the old one may be seen", [*moved(4), ("user_id/0", OLD, 37)], [FOUND]),
    Row("one works on in both", [*moved(4), ("user_id/0", OLD, 38)], ["Acme > Globex: 3 of 4 since 30"]),
    Row("all work on in both", moved(4) + [(f"user_id/{n}", OLD, 50) for n in range(4)], []),
    Row("they come to one that has people", moved(4) + stayed(5, account=NEW, first=3), []),
    Row("people who come to the new one later", moved(4) + stayed(50, account=NEW, first=60), [FOUND]),
    Row(
        "renamed twice",
        moved(4) + moved(4, new="Initech", first=1, day=60),
        [FOUND, "Globex > Initech: 4 of 4 since 60"],
    ),
    Row(
        "a reseller's staff, now here and now there",
        [
            (f"user_id/{n}", f"customer {account}", day + n)
            for n in range(3)
            for account in range(6)
            for day in (account, 20 + account, 40 + account)
        ],
        [],
    ),
    Row(
        "in more accounts than anybody works in",
        [(f"user_id/{n}", f"customer {account}", account) for n in range(3) for account in range(MOST_ACCOUNTS + 1)],
        [],
    ),
    Row(
        "two accounts on one day",
        [*moved(2), *moved(2, new="Initech")],
        ["Acme > Globex: 2 of 2 since 30", "Acme > Initech: 2 of 2 since 30"],
    ),
    Row(
        "browsers of one person are one person",
        [(f"anonymous_id/{n}", group, day) for n in range(4) for group, day in ((OLD, 1), (NEW, 30))],
        [],
        links=[("user_id/0", f"anonymous_id/{n}") for n in range(4)],
    ),
    Row("somebody says that they are one", moved(4), [], decided=[(MUST, OLD, NEW)]),
    Row("somebody says that they are two", moved(4), [], decided=[(APART, OLD, NEW)]),
    Row(
        "who was joined is one account",
        moved(4) + moved(4, new="Initech", day=60),
        ["Acme > Initech: 4 of 4 since 60"],
        decided=[(MUST, OLD, NEW)],
    ),
    Row(
        "an account of other identifiers too",
        moved(4),
        [FOUND],
        links=[(f"group_id/{OLD}", "domain/acme.com"), (f"group_id/{NEW}", "crm_account_id/1")],
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row(row: Row) -> None:
    for seed in range(5):
        rng = Random(seed)
        graph, members = IdentityGraph("t", row.policy), Members()
        for person, group, day in rng.sample(row.seen, len(row.seen)):
            members.add(person, group, heard(MembershipKind.SEEN, day))
        for n, (a, b) in enumerate(rng.sample(row.links, len(row.links))):
            graph.link(a, b, Weight(2, n), f"m{n}")
        for kind, a, b in row.decided:
            graph.decide(Operation(kind, f"group_id/{a}", 1, "o", "jo", "so", f"group_id/{b}"))
        graph.settle(1)
        found = suspected(graph, members, row.day).findings
        assert {one.kind for one in found} <= {FindingKind.SUSPECTED_RENAME}
        told = [
            f"{name(graph, one.identifier)} > {name(graph, one.other)}: "
            f"{one.count} of {one.total} since {one.first_day}"
            for one in found
        ]
        assert told == row.expected


def name(graph: IdentityGraph, key: str) -> str:
    """The first of an account's group ids."""
    return next(one for one in graph.members(key) if one.startswith("group_id/")).removeprefix("group_id/")


def test_when_more_may_be_known() -> None:
    graph, members = IdentityGraph("t", IdentityPolicy()), Members()
    for person, group, day in moved(3):
        members.add(person, group, heard(MembershipKind.SEEN, day))
    assert [suspected(graph, members, day).due_day for day in (0, 43, 44, 45, 46)] == [44, 44, 45, 46, None]
