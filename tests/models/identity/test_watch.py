"""Findings that are kept up with the graph: each check by a table, and that a look at little equals one at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.identity.evidence import Operation
from ebbtide.models.identity.finding import Finding, Key, pack
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.membership import heard
from ebbtide.models.identity.names import AccountNames
from ebbtide.models.identity.watch import News, Watch, audit_row
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.identity import AuditKind, FindingKind, MembershipKind, OperationKind
from support.identity_laws import ACCOUNTS, PEOPLE, Item, Seen, feed, generated

U1, U2 = "user_id/1", "user_id/2"
G1, G2, DOMAIN, CRM = "group_id/g1", "group_id/g2", "domain/x.com", "crm_account_id/c1"
NAMES = ("group_id/A B", "group_id/C D")
MUST, APART, BLOCK, UNLINK = (
    OperationKind.MUST_LINK,
    OperationKind.CANNOT_LINK,
    OperationKind.BLOCK,
    OperationKind.UNLINK,
)


@dataclass(frozen=True)
class Joined:
    """A membership."""

    person: str
    group: str
    day: int


@dataclass(frozen=True)
class Named:
    """The name of an account."""

    account: str
    name: str
    day: int


Step = Item | Joined | Named


class World:
    """One tenant's graph, members and names, watched."""

    def __init__(self, policy: IdentityPolicy | None = None, told: Iterable[bytes] = ()) -> None:
        self.graph = IdentityGraph("t", policy or IdentityPolicy())
        self.members = Members()
        self.names = AccountNames()
        self.watch = Watch(told)
        self.epoch = 0

    def take(self, steps: Iterable[Step], *, day: int = 100, judge: bool = True) -> list[News]:
        """What is news after the steps."""
        touched: list[str] = []
        for step in steps:
            if isinstance(step, Joined):
                self.members.add(step.person, step.group, heard(MembershipKind.SEEN, step.day))
                touched += (step.person, f"group_id/{step.group}")
            elif isinstance(step, Named):
                self.names.add(step.account, step.name, step.day * DAY_MS)
                touched.append(step.account)
            else:
                feed(self.graph, [step])
                touched += step.target if isinstance(step, Operation) else step[:2]
        self.epoch += 1
        changes = self.graph.settle(self.epoch)
        return self.watch.look(self.graph, self.members, self.names, touched, changes, day, judge=judge)


def seen(a: str, b: str, *, day: float = 0) -> Seen:
    return Seen(a, b, 2, int(day * DAY_MS), f"{a} {b} {day}")


def by_hand(kind: OperationKind, a: str, b: str | None = None, *, at_ms: int = 1) -> Operation:
    return Operation(kind, a, at_ms, f"{kind} {a} {b} {at_ms}", "jo", "so", b)


def star(size: int) -> list[Step]:
    """One user with anonymous ids, all in one component."""
    return [seen("user_id/u", f"anonymous_id/{n}", day=n) for n in range(size - 1)]


def text(news: Iterable[News]) -> list[str]:
    """News to read: + and a sentence, or - and what is gone."""
    return [f"- {key[0]} {key[1]}" if found is None else f"+ {found.sentence}" for key, found in news]


CAUSES: dict[str, tuple[IdentityPolicy, list[Step], list[str], Step | None]] = {
    "a group id with spaces": (
        IdentityPolicy(),
        [seen("group_id/Acme Ltd", DOMAIN)],
        ["+ group_id/Acme Ltd has spaces, as a name has and an id has not"],
        by_hand(BLOCK, "group_id/Acme Ltd"),
    ),
    "a group id with spaces that only people name": (
        IdentityPolicy(),
        [Joined("user_id/u", "Acme Ltd", 3)],
        ["+ group_id/Acme Ltd has spaces, as a name has and an id has not"],
        by_hand(BLOCK, "group_id/Acme Ltd"),
    ),
    "an account that has a name and no id": (
        IdentityPolicy(),
        [by_hand(MUST, "group_id/Acme Ltd", "group_id/Globex Inc")],
        [
            "+ group_id/Acme Ltd has spaces, as a name has and an id has not",
            "+ group_id/Globex Inc has spaces, as a name has and an id has not",
        ],
        by_hand(MUST, "group_id/Globex Inc", G1),
    ),
    "an account with an id that once was its name": (
        IdentityPolicy(),
        [Joined("user_id/u", "Acme Ltd", 3), by_hand(MUST, "group_id/Acme Ltd", G1)],
        [],
        None,
    ),
    "a group id that equals its account's name": (
        IdentityPolicy(),
        [Joined("user_id/u", "Acme", 3), Named("group_id/Acme", "ACME ", 4), Named("group_id/Acme", "acme", 9)],
        ["+ group_id/Acme is a name, which account group_id/Acme bears since 1970-01-05"],
        by_hand(MUST, "group_id/Acme", G1),
    ),
    "a group id that nobody named but its own name": (
        IdentityPolicy(),
        [Named("group_id/Acme", "Acme", 4)],
        ["+ group_id/Acme is a name, which account group_id/Acme bears since 1970-01-05"],
        by_hand(BLOCK, "group_id/Acme"),
    ),
    "a group id that is another account's name": (
        IdentityPolicy(),
        [Named(CRM, "Acme Ltd", 4), seen(G1, CRM, day=3), Joined("user_id/u", "Acme Ltd", 3)],
        [
            "+ group_id/Acme Ltd has spaces, as a name has and an id has not",
            "+ group_id/Acme Ltd is a name, which account group_id/g1 bears since 1970-01-05",
        ],
        by_hand(MUST, G1, "group_id/Acme Ltd"),
    ),
    "a name that its account's group id was once, and another account's is": (
        IdentityPolicy(),
        [Named(G1, "Acme", 4), Named(G2, "Acme", 3), by_hand(MUST, "group_id/Acme", G1)],
        ["+ group_id/Acme is a name, which account group_id/g2 bears since 1970-01-04"],
        by_hand(MUST, G1, G2),
    ),
    "the first to bear a name of several": (
        IdentityPolicy(),
        [Named(G2, "Acme", 5), Named(G1, "Acme", 5), Named(CRM, "Acme", 6), Joined("user_id/u", "acme", 3)],
        ["+ group_id/acme is a name, which account group_id/g1 bears since 1970-01-06"],
        by_hand(BLOCK, "group_id/acme"),
    ),
    "an account that has names and no id": (
        IdentityPolicy(),
        [by_hand(MUST, "group_id/Acme Ltd", "group_id/acme"), Named("group_id/Acme Ltd", "Acme", 4)],
        [
            "+ group_id/Acme Ltd has spaces, as a name has and an id has not",
            "+ group_id/acme is a name, which account group_id/acme bears since 1970-01-05",
        ],
        by_hand(MUST, "group_id/acme", G1),
    ),
    "a name of what is blocked": (
        IdentityPolicy(blocked=("group_id/g1",)),
        [Named(G1, "Acme", 4), seen(G1, CRM), Joined("user_id/u", "acme", 3)],
        [],
        None,
    ),
    "a name that no group id has": (
        IdentityPolicy(),
        [Named(G1, "Acme Ltd", 4), Named(CRM, "g1.", 4), Joined("user_id/u", "acme", 3)],
        [],
        None,
    ),
    "one CRM account of two group ids": (
        IdentityPolicy(),
        [seen(G1, CRM, day=3), seen(G2, CRM, day=5), seen(G2, CRM, day=9)],
        ["+ crm_account_id/c1 is in 2 accounts since 1970-01-06"],
        by_hand(MUST, G1, G2),
    ),
    "a group id that is blocked claims nothing": (
        IdentityPolicy(blocked=("group_id/g3",)),
        [seen(G1, CRM, day=3), seen(G2, CRM, day=5), seen("group_id/g3", CRM, day=4)],
        ["+ crm_account_id/c1 is in 2 accounts since 1970-01-06"],
        by_hand(BLOCK, G2),
    ),
    "a domain that moves": (
        IdentityPolicy(),
        [seen(G1, DOMAIN, day=3), seen(G2, DOMAIN, day=5)],
        ["+ domain/x.com is claimed by 2 accounts since 1970-01-06"],
        by_hand(BLOCK, DOMAIN),
    ),
    "a domain of two accounts that are one": (
        IdentityPolicy(),
        [seen(G1, DOMAIN, day=3), by_hand(MUST, G1, G2), seen(G2, DOMAIN, day=5)],
        [],
        None,
    ),
    "a large component": (
        IdentityPolicy(soft_size=4),
        star(5),
        ["+ user_id/u is connected with 5 identifiers, more than 4"],
        by_hand(BLOCK, "user_id/u"),
    ),
    "a component as large as may be": (IdentityPolicy(soft_size=4), star(4), [], None),
    "a component greater than a cluster may be": (
        IdentityPolicy(soft_size=3, hard_size=4),
        star(5),
        ["+ user_id/u is connected with 5 identifiers, more than 4"],
        by_hand(BLOCK, "user_id/u"),
    ),
}


@pytest.mark.parametrize("name", CAUSES)
def test_a_finding_comes_with_its_cause_and_goes_with_it(name: str) -> None:
    policy, steps, expected, cure = CAUSES[name]
    world = World(policy)
    told = world.take(steps)
    assert text(told) == expected
    assert world.take([]) == []
    assert world.take(steps) == []
    if cure is not None:
        assert world.take([cure]) == [News(key, None) for key, _ in told]
    assert not world.watch.found
    assert not +world.watch.kinds


def test_evidence_may_grow_without_a_row() -> None:
    world = World(IdentityPolicy(soft_size=2))
    [(key, _)] = world.take(star(3))
    assert world.take(star(7)) == []
    assert world.watch.found[key].count == 7


def test_accounts_that_are_joined_by_others_of_their_identifiers() -> None:
    """Nobody names the group ids whose accounts are one then."""
    one, two = "billing_id/1", "billing_id/2"
    world = World()
    world.take([seen(G1, CRM), seen(G2, CRM, day=1), by_hand(MUST, G1, one), by_hand(MUST, G2, two)])
    assert text(world.take([by_hand(MUST, one, two)])) == ["- shared_crm_account crm_account_id/c1"]


def test_a_component_that_falls_apart_into_large_ones() -> None:
    """A mailbox that both have refused held them together, until it was shared by a third."""
    policy = IdentityPolicy(soft_size=2, limits={IdentifierType.EMAIL: 1}, max_owners={IdentifierType.EMAIL: 2})
    world, box = World(policy), "email/box"
    users = [[seen(user, f"email/{user[-1]}"), seen(user, f"device_id/{user[-1]}")] for user in (U1, U2)]
    together = [*users[0], *users[1], seen(U1, box, day=1), seen(U2, box, day=1)]
    assert text(world.take(together)) == ["+ user_id/1 is connected with 7 identifiers, more than 2"]
    assert text(world.take([seen("user_id/3", box, day=2)])) == [
        "+ user_id/2 is connected with 3 identifiers, more than 2"
    ]
    assert world.watch.largest_component == 3


def test_whose_name_it_is_follows_the_accounts() -> None:
    """Nobody names the group id then."""
    world = World()
    found = "group_id/Acme is a name, which account"
    assert text(world.take([Joined("user_id/u", "Acme", 3), Named(CRM, "Acme", 4)])) == [
        f"+ {found} crm_account_id/c1 bears since 1970-01-05"
    ]
    assert text(world.take([seen(G1, CRM)])) == [
        "- name_as_id group_id/Acme",
        f"+ {found} group_id/g1 bears since 1970-01-05",
    ]
    assert text(world.take([by_hand(BLOCK, CRM)])) == ["- name_as_id group_id/Acme"]
    assert text(world.take([Named(G2, "acme", 2)])) == [f"+ {found} group_id/g2 bears since 1970-01-03"]


def test_counts() -> None:
    world = World()
    world.take([])
    assert (world.watch.identifiers, world.watch.owners, world.watch.largest_component) == (0, 0, 0)
    world.take([by_hand(BLOCK, "user_id/robot")])
    assert (world.watch.identifiers, world.watch.owners, world.watch.largest_component) == (1, 1, 1)
    world.take([*star(4), seen("user_id/u2", "anonymous_id/0", day=9), seen("user_id/u3", "email/x", day=9)])
    assert (world.watch.identifiers, world.watch.owners, world.watch.largest_component) == (8, 4, 5)
    assert world.watch.refused == {"limit:user_id": 1}
    world.take([by_hand(BLOCK, "user_id/u")])
    assert (world.watch.owners, world.watch.largest_component) == (6, 2)
    assert not +world.watch.refused


def test_a_restart_tells_only_what_is_new() -> None:
    world = World(IdentityPolicy(soft_size=2))
    world.take([*star(3), seen(G1, DOMAIN, day=3), seen(G2, DOMAIN, day=5)])
    stored = dict(world.watch.take_writes())
    assert set(stored.values()) == {b""}
    assert list(world.watch.take_writes()) == []
    again = World(IdentityPolicy(soft_size=2), stored)
    assert text(again.take([*star(3), seen(G1, DOMAIN, day=3)])) == ["- moved_domain domain/x.com"]
    [(key, value)] = again.watch.take_writes()
    assert value is None
    assert key in stored
    with pytest.raises(msgspec.ValidationError, match="Invalid enum value"):
        Watch([pack(("oddity", "user_id/u", "", ""))])  # type: ignore[arg-type]


def test_another_graph_is_looked_at_as_a_whole() -> None:
    world = World()
    world.take(star(3))
    world.graph = world.graph.rebuilt(IdentityPolicy(soft_size=2))
    assert text(world.take([])) == ["+ user_id/u is connected with 3 identifiers, more than 2"]


def test_rows() -> None:
    finding = Finding(FindingKind.OVER_LIMIT, "user_id/u", detail="email", count=6, total=5)
    row = audit_row("t", 7, finding.key, finding, cause="m1")
    assert (row.kind, row.reason, row.count, row.total, row.first_day) == (
        AuditKind.SUSPECTED,
        "over_limit:email",
        6,
        5,
        None,
    )
    finding = Finding(FindingKind.SUSPECTED_RENAME, G1, G2, count=3, total=4, first_day=20)
    row = audit_row("t", 8, finding.key, finding, cause=None)
    assert row.identifier is not None
    assert row.other is not None
    assert (row.identifier.value, row.other.value, row.first_day) == ("g1", "g2", 20)
    row = audit_row("t", 9, finding.key, None, cause="m2")
    assert (row.kind, row.reason, row.count, row.cause) == (AuditKind.CLEARED, "suspected_rename", None, "m2")
    assert type(row).from_json(row.to_json()) == row


# A look at what was touched equals a look at everything, whatever the order, the batches and restarts.


def random_steps(random: Random) -> tuple[IdentityPolicy, list[Step]]:
    case = generated(random)
    steps: list[Step] = [*case.items]
    groups = [key.removeprefix("group_id/") for key in (*ACCOUNTS[:3], *NAMES)]
    steps += [
        Joined(person, random.choice(groups), random.choice([0, 5, 9, 30, 31, 60]))
        for person in random.choices([*PEOPLE[:4], PEOPLE[9]], k=random.randint(0, 30))
    ]
    for n in range(random.randint(0, 20)):
        a, b = random.sample([*ACCOUNTS, CRM, *NAMES], 2)
        kind = random.choice([MUST, UNLINK, BLOCK, OperationKind.UNBLOCK, OperationKind.UNBIND])
        if random.random() < 0.6:
            steps.append(Seen(a, b, random.choice([2, 4]), n * DAY_MS, f"a{n}"))
        else:
            steps.append(by_hand(kind, a, b if kind in (MUST, UNLINK) else None, at_ms=n))
    steps += [by_hand(random.choice([MUST, UNLINK]), *NAMES, at_ms=30 + n) for n in range(random.randint(0, 4))]
    names = ["G0", "g1", " a b", "c1", "d0", "g2"]
    steps += [
        Named(random.choice([*ACCOUNTS, CRM, *NAMES]), random.choice(names), random.choice([0, 3, 9]))
        for _ in range(random.randint(0, 12))
    ]
    random.shuffle(steps)
    policy = case.policy.model_copy(
        update={"soft_size": random.choice([1, 2, 4]), "rename_share": random.choice([0.1, 0.5, 1.0])}
    )
    return policy, steps


def fold(told: set[Key], news: Iterable[News]) -> None:
    for key, finding in news:
        if finding is None:
            told.remove(key)
        else:
            assert key not in told
            told.add(key)


def assert_same_as_a_fresh_look(world: World, told: set[Key]) -> None:
    fresh, watch = Watch(), world.watch
    fresh.look(world.graph, world.members, world.names, (), (), 100, judge=True)
    assert watch.found == fresh.found
    assert told == fresh.found.keys()
    assert +watch.kinds == +fresh.kinds
    assert +watch.refused == +fresh.refused
    names = ("identifiers", "owners", "largest_component", "due_day")
    assert [getattr(watch, name) for name in names] == [getattr(fresh, name) for name in names]


@settings(max_examples=250, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_a_look_at_what_was_touched_equals_one_at_all(random: Random) -> None:
    policy, steps = random_steps(random)
    world, told = World(policy), set[Key]()
    while steps:
        batch, steps = steps[: (size := random.choice([1, 1, 3, 10]))], steps[size:]
        fold(told, world.take(batch))
        assert_same_as_a_fresh_look(world, told)
    assert world.take([]) == []


@settings(max_examples=100, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_order_of_arrival_and_restarts_do_not_matter(random: Random) -> None:
    policy, steps = random_steps(random)
    first = World(policy)
    first.take(steps)
    for _ in range(2):
        mixed = [*steps, *random.choices(steps, k=5)]
        random.shuffle(mixed)
        other, stored = World(policy), dict[bytes, bytes | None]()
        for n in range(0, len(mixed), 7):
            other.take(mixed[n : n + 7])
            stored.update(other.watch.take_writes())
            if random.random() < 0.3:
                other.watch = Watch(key for key, value in stored.items() if value is not None)
        other.take([])
        assert other.watch.found == first.watch.found
        assert {key for key, value in stored.items() if value is not None} == set(map(pack, first.watch.found))


def test_generated_cases_have_all_kinds_of_findings() -> None:
    kinds, named = set(), False
    for seed in range(200):
        policy, steps = random_steps(Random(seed))
        world = World(policy)
        world.take(steps)
        kinds |= {finding.kind for finding in world.watch.found.values()}
        named = named or any(
            found.other for found in world.watch.found.values() if found.kind == FindingKind.NAME_AS_ID
        )
    expected = set(FindingKind) - {
        FindingKind.SEVERAL_OWNERS,
        FindingKind.OVER_LIMIT,
        FindingKind.BARRED_BUT_LINKED,
    }
    assert kinds == expected
    assert named
