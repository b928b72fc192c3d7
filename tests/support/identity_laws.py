"""Laws of the identity graph as functions of a case, and a naive reference that recomputes everything.

Used by the property tests, which want them to hold, and by the mutants, which must break them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import pairwise
from random import Random
from typing import NamedTuple

import msgspec

from ebbtide.models.identity.changes import OwnerChange
from ebbtide.models.identity.checks import check
from ebbtide.models.identity.difference import difference
from ebbtide.models.identity.evidence import ABOUT_ONE, Operation, Weight
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.membership import Membership, heard
from ebbtide.models.identity.names import MOST_NAMES, AccountNames
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import IdentifierType as T
from ebbtide.schemas.identity import EvidenceClass, MembershipKind, OperationKind

PEOPLE = [*(f"user_id/U{n}" for n in range(4)), *(f"email/e{n}" for n in range(3)), "phone/1", "phone/2"]
PEOPLE += ["anonymous_id/A0", "anonymous_id/A1", "anonymous_id/A2", "crm_contact_id/C0", "device_id/D0"]
ACCOUNTS = ["group_id/g0", "group_id/g1", "group_id/g2", "domain/d0", "domain/d1", "crm_account_id/c0"]


class Seen(NamedTuple):
    """Evidence as a test writes it."""

    a: str
    b: str
    evidence: int
    at_ms: int
    event_id: str


Item = Seen | Operation
Owners = dict[str, str]


@dataclass(frozen=True)
class Case:
    """Links and operations in one order of arrival, under one policy."""

    policy: IdentityPolicy
    items: tuple[Item, ...]


def feed(graph: IdentityGraph, items: Iterable[Item]) -> list[bool]:
    """Give the graph the items; returns what it says of each."""
    return [
        graph.decide(item) if isinstance(item, Operation) else graph.link(item.a, item.b, Weight(*item[2:4]), item[4])
        for item in items
    ]


def run(case: Case, *, batch: int = 1, tenant: str = "t") -> IdentityGraph:
    """The graph after all items, settled after every ``batch``."""
    graph = IdentityGraph(tenant, case.policy)
    for n in range(0, len(case.items), batch):
        feed(graph, case.items[n : n + batch])
        graph.settle(n + 1)
    return graph


def owners(graph: IdentityGraph) -> Owners:
    return {key: graph.anchor(key) for key in sorted(graph.nodes)}


Voices = dict[tuple[str, ...], list[tuple[int, int, str]]]
Best = dict[tuple[str, ...], tuple[int, int, str]]
Said = dict[tuple[str, ...], Operation]


def _known(case: Case) -> tuple[Voices, Said]:
    """The best evidence of each pair and its newest bind, and what was decided last of each target."""
    best: Best = {}
    binds: Best = {}
    said: Said = {}
    for item in case.items:
        if isinstance(item, Seen):
            pair = tuple(sorted(item[:2]))
            best[pair] = min(best.get(pair, item[2:]), item[2:])
            if item.evidence == EvidenceClass.BOUND:
                binds[pair] = max(binds.get(pair, item[2:]), item[2:])
        else:
            said[item.target] = max(item, said.get(item.target, item), key=lambda o: (o.at_ms, o.operation_id, o.kind))
    return {pair: [seen, *([binds[pair]] if pair in binds else [])] for pair, seen in best.items()}, said


def _standing(heard: Voices, said: Said) -> tuple[Best, list[tuple[str, ...]]]:
    """What speaks best for each pair since its ends were unbound, and the pairs for which nothing speaks any more."""
    voices = {pair: list(seen) for pair, seen in heard.items()}
    for target, operation in said.items():
        if operation.kind == "must_link":
            voices.setdefault(target, []).append((0, operation.at_ms, operation.operation_id))
    ended = {key: operation.at_ms for (key, *_), operation in said.items() if operation.kind == "unbind"}
    left = {
        pair: [v for v in heard if all(v[1] > ended.get(key, -1) for key in pair)] for pair, heard in voices.items()
    }
    return {pair: min(heard) for pair, heard in left.items() if heard}, [
        pair for pair, heard in left.items() if not heard
    ]


def naive(case: Case) -> tuple[Owners, dict[tuple[str, ...], str]]:
    """Owners and refused links from the whole set at once, by the book."""
    policy = case.policy
    heard, said = _known(case)
    keys = sorted({key for pair in [*heard, *said] for key in pair if "/" in key})
    best, ended = _standing(heard, said)
    apart = [set(target) for target, operation in said.items() if operation.kind == "cannot_link"]
    extra = {value.lower() for value in policy.blocked}
    blocked = {k for k in keys if k.lower() in extra or k.lower().split("/", 1)[1] in extra}
    blocked = {k for k in keys if (said[k,].kind == "block" if (k,) in said else k in blocked)}
    kind = {key: T(key.split("/")[0]) for key in keys}
    barred = set(blocked)
    for key in keys:
        chief = T.GROUP_ID if key in ACCOUNTS else T.USER_ID
        touching = {k for pair in best if key in pair for k in pair if k != key and kind[k] == chief}
        if len(touching - blocked) > policy.max_owners.get(kind[key], 1_000):
            barred.add(key)
    home = {key: {key} for key in keys}
    refused: dict[tuple[str, ...], str] = dict.fromkeys(ended, "unbound")
    for a, b in sorted((p for p in best if not barred & set(p)), key=lambda p: (best[p][:2], _hash("\0".join(p)), p)):
        joint = home[a] | home[b]
        counts = [(k, [sum(kind[x] == k for x in side) for side in (home[a], home[b])]) for k in policy.ranks]
        over = [k for k, (x, y) in counts if x and y and x + y > policy.limits.get(k, 1_000)]
        if over and home[a] is not home[b] and (best[a, b][0] > 0 or policy.limit_decided):
            refused[a, b] = f"limit:{over[0]}"
        elif any(two <= joint for two in apart):
            refused[a, b] = "cannot_link"
        elif len(joint) > policy.hard_size:
            refused[a, b] = "size"
        else:
            home.update(dict.fromkeys(joint, joint))
    rank = {k: n for n, k in enumerate(policy.ranks)}
    return {k: min(home[k], key=lambda x: (rank[kind[x]], _hash(x.split("/", 1)[1]), x)) for k in keys}, refused


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()


# The laws. Each raises AssertionError where it does not hold.


def incremental_equals_batch(case: Case) -> None:
    graph = run(case)
    expected, refused = naive(case)
    assert owners(graph) == expected
    assert graph.refused == refused


def order_does_not_matter(case: Case) -> None:
    first = owners(run(case))
    for seed in range(3):
        items = list(case.items) + Random(seed).choices(case.items, k=5)
        Random(seed).shuffle(items)
        assert owners(run(replace(case, items=tuple(items)))) == first


def batching_does_not_matter(case: Case) -> None:
    first = run(case)
    for batch in (2, 5, 1_000):
        other = run(case, batch=batch)
        assert owners(other) == owners(first)
        assert other.refused == first.refused


def idempotent(case: Case) -> None:
    graph = run(case)
    list(graph.take_writes())
    assert not any(feed(graph, case.items))
    assert graph.settle(10_000) == []
    assert graph.audit == ([], [])
    assert list(graph.take_writes()) == []


def one_owner_and_no_limit_exceeded(case: Case) -> None:
    graph = run(case)
    found = check(graph, Members(), AccountNames(), 0)
    assert found.violations == []
    clusters: dict[str, list[str]] = {}
    for key, anchor in owners(graph).items():
        clusters.setdefault(anchor, []).append(key)
    assert found.clusters == len(clusters)
    for anchor, members in clusters.items():
        assert anchor in members
        assert all(graph.members(key) == members for key in members)
        assert len(members) <= case.policy.hard_size
        for kind, most in case.policy.limits.items():
            values = sum(key.startswith(f"{kind}/") for key in members)
            assert values <= most or (_by_hand(case, members) and not case.policy.limit_decided)
        for target, operation in graph.decisions.items():
            assert not (operation.kind is OperationKind.CANNOT_LINK and set(target) <= set(members))


def _by_hand(case: Case, members: list[str]) -> bool:
    """Whether a link of class 0 is inside a cluster: then it may have more values than evidence alone would join."""
    return any(
        set(item.target if isinstance(item, Operation) else item[:2]) <= set(members)
        and (item.kind is OperationKind.MUST_LINK if isinstance(item, Operation) else item.evidence == 0)
        for item in case.items
    )


def blocked_stays_alone(case: Case) -> None:
    graph = run(case)
    expected, _ = naive(case)
    for key, node in graph.nodes.items():
        if node.blocked:
            assert graph.members(key) == [key]
            assert expected[key] == key


def unlink_undoes(case: Case) -> None:
    """Whatever was decided about a pair, after ``unlink`` the evidence alone speaks."""
    pairs = sorted({item.target for item in case.items if isinstance(item, Operation) and item.other})
    for a, b in pairs[:2] or [tuple(PEOPLE[:2])]:
        without = [i for i in case.items if not (isinstance(i, Operation) and i.target == (a, b))]
        undone = Operation(OperationKind.UNLINK, a, 99, "last", "x", "", b)
        held = [Operation(k, a, 98, "o", "x", "", b) for k in (OperationKind.CANNOT_LINK, OperationKind.MUST_LINK)]
        expected = owners(run(replace(case, items=tuple(without))))
        for decided in held:
            for items in ([*case.items, decided, undone], [undone, decided, *case.items]):
                graph = run(replace(case, items=tuple(items)))
                assert {key: graph.anchor(key) for key in expected} == expected


def unbound_is_as_never_said(case: Case) -> None:
    """An identifier that was unbound last of all is alone; all others are as if it had never been linked."""
    key = next((item.identifier for item in case.items if isinstance(item, Operation)), PEOPLE[0])
    graph = run(replace(case, items=(*case.items, Operation(OperationKind.UNBIND, key, 99, "last", "x", ""))))
    assert graph.members(key) == [key]
    assert all(graph.refused[min(key, other), max(key, other)] == "unbound" for other in graph.nodes[key].links)
    kept = [i for i in case.items if not (key in i[:2] if isinstance(i, Seen) else key in i.keys and "link" in i.kind)]
    without = run(replace(case, items=tuple(kept)))
    assert {other: graph.anchor(other) for other in without.nodes} == owners(without)


def what_comes_after_an_unbind_is_as_on_a_clean_sheet(case: Case) -> None:
    """All is unbound at a time: what is seen or decided later makes the same owners as if nothing had been before."""
    later = [
        item._replace(at_ms=item.at_ms + 50)
        if isinstance(item, Seen)
        else msgspec.structs.replace(item, at_ms=item.at_ms + 50)
        for item in case.items
    ]
    fresh = run(replace(case, items=tuple(later)))
    old = [Seen(a, b, 0, 9, "old") for a, b in pairwise(PEOPLE)]
    unbound = [Operation(OperationKind.UNBIND, key, 20, key, "x", "") for key in PEOPLE]
    known = {(i.a, i.b) for i in later if isinstance(i, Seen)}
    items = [*unbound, *(i for i in old if (i.a, i.b) not in known and (i.b, i.a) not in known), *later]
    Random(1).shuffle(items)
    graph = run(replace(case, items=tuple(items)))
    assert {key: graph.anchor(key) for key in fresh.nodes} == owners(fresh)


def epochs_only_grow(case: Case) -> None:
    """And the changes told add up to the owners; so do the audited refusals and shared values."""
    graph = IdentityGraph("t", case.policy)
    told: dict[str, OwnerChange] = {}
    refused, barred = {}, {}
    for n, item in enumerate(case.items):
        feed(graph, [item])
        for change in graph.settle(n + 1):
            assert change.previous == (told[change.identifier].anchor if change.identifier in told else change[0])
            assert change.epoch > (told[change.identifier].epoch if change.identifier in told else 0)
            told[change.identifier] = change
        refused.update({change.pair: change.reason for change in graph.audit.refusals})
        barred.update({change.identifier: change.reason for change in graph.audit.barred})
    assert {key: told[key].anchor if key in told else key for key in graph.nodes} == owners(graph)
    assert all(graph.epoch(key) == (told[key].epoch if key in told else 0) for key in graph.nodes)
    assert {pair: reason for pair, reason in refused.items() if reason} == graph.refused
    assert all(graph.nodes[key].barred == reason for key, reason in barred.items())


def restored_equals_live(case: Case) -> None:
    """Also where a crash lost some of the identifiers' records of the last flush."""
    graph = IdentityGraph("t", case.policy)
    stored: dict[bytes, bytes] = {}
    last: list[tuple[bytes, bytes]] = []
    for n in range(0, len(case.items), 4):
        stored.update(last)
        feed(graph, case.items[n : n + 4])
        graph.settle(n + 1)
        last = list(graph.take_writes())
    whole = IdentityGraph.restore("t", case.policy, {**stored, **dict(last)}.items())
    assert whole.settle(5_000) == []
    assert owners(whole) == {key: graph.anchor(key) for key in sorted(whole.nodes)}
    assert all(graph.anchor(key) == key for key in graph.nodes.keys() - whole.nodes.keys())
    assert [whole.epoch(key) for key in graph.nodes] == [graph.epoch(key) for key in graph.nodes]
    for seed in range(3):
        random = Random(seed)
        kept = dict(stored)
        kept.update((key, value) for key, value in last if key[:1] != b"n" or random.random() < 0.5)
        items = list(kept.items())
        random.shuffle(items)
        other = IdentityGraph.restore("t", case.policy, items)
        told = {change.identifier: change for change in other.settle(5_000)}
        kept.update(other.take_writes())
        assert owners(other) == owners(whole)
        lost = {key[1:].decode() for key, value in last if key[:1] == b"n" and kept[key] != value}
        assert told.keys() == lost
        assert IdentityGraph.restore("t", case.policy, kept.items()).settle(5_001) == []


def tenants_are_isolated(case: Case) -> None:
    one, other = run(case, tenant="t1"), run(case, tenant="t2")
    assert owners(one) == owners(other)
    assert not {one.owner_id(key) for key in one.nodes} & {other.owner_id(key) for key in other.nodes}


def rebuilt_equals_fresh(case: Case) -> None:
    before = run(replace(case, policy=IdentityPolicy()))
    live = run(case)
    rebuilt = before.rebuilt(case.policy)
    assert owners(rebuilt) == owners(live)
    assert rebuilt.refused == live.refused
    found = difference(before, rebuilt)
    moved = {key for key in owners(live) if before.anchor(key) != live.anchor(key)}
    assert found.moved == len(moved)
    assert {change.identifier for change in rebuilt.settle(5_000)} == moved


def memberships_in_any_order(random: Random) -> None:
    """What is known of a person in an account is all that was heard, whatever was heard of first, or twice."""
    names = [(person, group) for person in PEOPLE[:3] for group in "gh"]
    facts = [(random.choice(names), random.choice(list(MembershipKind)), random.randint(0, 9)) for _ in range(12)]
    expected: dict[str, dict[str, Membership]] = {}
    for name in sorted({name for name, _, _ in facts}):
        said = [(kind, day) for about, kind, day in facts if about == name]
        left, back = (
            tuple(sorted({day for kind, day in said if kind is wanted}))
            for wanted in (MembershipKind.LEFT, MembershipKind.BACK)
        )
        expected.setdefault(name[0], {})[name[1]] = Membership(min(day for _, day in said), left, back)
    members = Members()
    for (person, group), kind, day in random.sample(facts * 2, k=24):
        members.add(person, group, heard(kind, day))
    restored = Members()
    for key, value in members.take_writes():
        restored.restore(key, value)
    for found in (members, restored):
        assert {person: found.groups([person]) for person in expected} == expected


def names_in_any_order(random: Random) -> None:
    """Of each account the earliest names are known, whatever was heard of first, or twice, or before a restart."""
    facts = [(random.choice(ACCOUNTS[:2]), f"n{random.randint(0, 50)}", random.randint(0, 9)) for _ in range(200)]
    first: dict[tuple[str, str], int] = {}
    for account, name, at_ms in facts:
        first[account, name] = min(at_ms, first.get((account, name), at_ms))
    expected = {
        (name, at_ms, account)
        for wanted in ACCOUNTS[:2]
        for at_ms, name, account in sorted((at, name, who) for (who, name), at in first.items() if who == wanted)[
            :MOST_NAMES
        ]
    }
    names, stored = AccountNames(), dict[bytes, bytes]()
    for n, (account, name, at_ms) in enumerate(random.sample(facts * 2, k=400)):
        names.add(account, name.upper() if n % 2 else name, at_ms)
        if n % 100 == 0:
            stored.update(names.take_writes())
            names = AccountNames()
            for key, value in stored.items():
                names.restore(key, value)
    assert {(name, *bearer) for _, name in first for bearer in names.bearers(name)} == expected
    assert {(name, account) for account in names.accounts() for name in names.of(account)} == {
        (name, account) for name, _, account in expected
    }


LAWS = [
    incremental_equals_batch,
    order_does_not_matter,
    batching_does_not_matter,
    idempotent,
    one_owner_and_no_limit_exceeded,
    blocked_stays_alone,
    unlink_undoes,
    unbound_is_as_never_said,
    what_comes_after_an_unbind_is_as_on_a_clean_sheet,
    epochs_only_grow,
    restored_equals_live,
    tenants_are_isolated,
    rebuilt_equals_fresh,
]


def generated(random: Random) -> Case:
    """A small dense graph. The same in every process."""
    policy = IdentityPolicy(
        limits={T.USER_ID: random.choice([1, 1, 2]), T.EMAIL: random.choice([1, 2, 3]), T.GROUP_ID: 1, T.DOMAIN: 2},
        max_owners={kind: random.choice([1, 2, 3]) for kind in (T.EMAIL, T.PHONE, T.ANONYMOUS_ID, T.DOMAIN)},
        blocked=tuple(random.sample(["E2", "phone/2", "group_id/G0"], random.choice([0, 0, 1]))),
        limit_decided=random.random() < 0.5,
        hard_size=random.choice([2, 3, 4, 1_000, 1_000, 1_000]),
    )
    items = [_item(random, f"{n % 12}") for n in range(random.randint(1, 60))]
    return Case(policy, tuple(items))


def _item(random: Random, name: str) -> Item:
    keys = PEOPLE[: random.choice([6, 14])] if random.random() < 0.8 else ACCOUNTS
    a, b = random.sample(keys, 2)
    if random.random() < 0.75:
        return Seen(a, b, random.choice([0, 1, 1, 2, 2, 3, 4, 4, 4, 4]), random.randint(0, 9), f"e{name}")
    a, b = random.sample(random.choice([PEOPLE[1:6:2], ACCOUNTS[:3]]), 2)  # Few, so that decisions meet decisions.
    kind = random.choice(list(OperationKind))
    alone = kind in ABOUT_ONE
    return Operation(kind, a, random.randint(0, 6), f"o{name}", "ann", "why", None if alone else b)


def digest(count: int = 60) -> str:
    """Of owners, refusals, explanations and stored records of generated cases."""
    state = blake2b(digest_size=16)
    for seed in range(count):
        graph = run(generated(Random(seed)), batch=3)
        state.update(repr((owners(graph), graph.refused, sorted(graph.take_writes()))).encode())
    return state.hexdigest()
