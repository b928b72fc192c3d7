"""Faults that the laws must catch, each on the same generated cases on which the laws hold."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from ebbtide.models.identity import clusters, components, graph, names
from ebbtide.models.identity.evidence import Link, Operation, later
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.membership import Membership
from ebbtide.models.identity.names import MOST_NAMES, Names
from ebbtide.schemas.identity import OperationKind
from support.identity_laws import (
    LAWS,
    Case,
    batching_does_not_matter,
    generated,
    incremental_equals_batch,
    memberships_in_any_order,
    names_in_any_order,
    one_owner_and_no_limit_exceeded,
    order_does_not_matter,
    unbound_is_as_never_said,
    unlink_undoes,
    what_comes_after_an_unbind_is_as_on_a_clean_sheet,
)

CORPUS = [generated(Random(seed)) for seed in range(150)]
Law = Callable[[Case], None]


def broken(law: Law) -> int:
    """In how many cases the law does not hold."""
    return sum(_fails(law, case) for case in CORPUS)


def _fails(law: Law, case: Case) -> bool:
    try:
        law(case)
    except (AssertionError, KeyError):
        return True
    return False


mended = components.Components._mend


def severed_links_count_as_owners(parts: components.Components, link: Link, *, severed: bool) -> None:
    known = len(parts.severed)
    mended(parts, link, severed=severed)
    if len(parts.severed) != known:
        parts._count_owners(parts.nodes[link.a], parts.nodes[link.b], 1 if severed else -1)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_without_a_fault_the_laws_hold(law: Law) -> None:
    assert broken(law) == 0


@pytest.mark.parametrize(
    ("module", "name", "fault", "laws"),
    [
        pytest.param(
            graph,
            "better",
            lambda _weight, _event_id, _known: True,
            [order_does_not_matter, incremental_equals_batch],
            id="the last arrival wins",
        ),
        pytest.param(
            graph,
            "better",
            lambda weight, _event_id, known: weight[0] < known.evidence,
            [order_does_not_matter, incremental_equals_batch],
            id="the first arrival wins instead of the smallest time",
        ),
        pytest.param(
            clusters,
            "exceeded",
            lambda _ours, _theirs, _limits: None,
            [one_owner_and_no_limit_exceeded, incremental_equals_batch],
            id="limits are not checked",
        ),
        pytest.param(
            components,
            "reach",
            lambda _node, _nodes: (),
            [order_does_not_matter, batching_does_not_matter, one_owner_and_no_limit_exceeded],
            id="a value becomes shared and nobody is clustered anew",
        ),
        pytest.param(
            clusters,
            "in_order",
            list,
            [order_does_not_matter, incremental_equals_batch],
            id="links are not sorted",
        ),
        pytest.param(
            clusters,
            "held_apart",
            lambda _ours, _theirs, _apart: False,
            [one_owner_and_no_limit_exceeded, incremental_equals_batch],
            id="cannot_link is ignored",
        ),
        pytest.param(
            graph,
            "later",
            lambda operation, known: operation.kind is not OperationKind.UNLINK and later(operation, known),
            [unlink_undoes, incremental_equals_batch],
            id="unlink is ignored",
        ),
        pytest.param(
            graph,
            "later",
            lambda _operation, _known: True,
            [order_does_not_matter, unlink_undoes],
            id="the decision that arrives last holds",
        ),
        pytest.param(
            components,
            "place",
            lambda *_: (9, 0, b"", "", ""),
            [order_does_not_matter, incremental_equals_batch],
            id="weights do not count",
        ),
        pytest.param(
            components,
            "standing",
            lambda node, _limits: "blocked" if node.blocked else None,
            [incremental_equals_batch],
            id="nothing is shared",
        ),
        pytest.param(
            components,
            "ended",
            lambda _link, _decided, _unbound_ms: True,
            [incremental_equals_batch, what_comes_after_an_unbind_is_as_on_a_clean_sheet],
            id="an unbind ends links whatever its time",
        ),
        pytest.param(
            components,
            "ended",
            lambda link, _decided, unbound_ms: link.at_ms <= unbound_ms,
            [incremental_equals_batch],
            id="a must_link holds only if the evidence does",
        ),
        pytest.param(
            components.Components,
            "_mend",
            severed_links_count_as_owners,
            [incremental_equals_batch, unbound_is_as_never_said, what_comes_after_an_unbind_is_as_on_a_clean_sheet],
            id="a severed link counts as an owner",
        ),
        pytest.param(
            components.Components,
            "unbind",
            lambda parts, node, at_ms: parts._unbound.update({node.key: at_ms}),
            [order_does_not_matter, unbound_is_as_never_said],
            id="an unbind ends only what comes after it in the log",
        ),
        pytest.param(
            graph,
            "renews",
            lambda _weight, _event_id, _known: False,
            [incremental_equals_batch],
            id="a bind that is no better evidence binds nothing anew",
        ),
        pytest.param(
            graph,
            "newest_bind",
            lambda _link: None,
            [order_does_not_matter, incremental_equals_batch],
            id="an earlier bind that comes later hides a later one",
        ),
        pytest.param(
            Operation,
            "target",
            property(lambda operation: operation.keys),
            [incremental_equals_batch],
            id="an unbind lifts a block of its identifier",
        ),
    ],
)
def test_the_laws_catch(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, fault: Callable[..., object], laws: list[Law]
) -> None:
    monkeypatch.setattr(module, name, fault)
    assert all(broken(law) > 0 for law in laws)


def broken_orders(law: Callable[[Random], None]) -> int:
    broken = 0
    for seed in range(50):
        try:
            law(Random(seed))
        except AssertionError:
            broken += 1
    return broken


def the_last_membership_wins(members: Members, person: str, group: str, told: Membership) -> None:
    members._groups.setdefault(person, {})[group] = told
    members._unwritten[person] = None


def the_first_membership_wins(members: Members, person: str, group: str, told: Membership) -> None:
    members._groups.setdefault(person, {}).setdefault(group, told)
    members._unwritten[person] = None


def test_in_any_order() -> None:
    assert broken_orders(memberships_in_any_order) == broken_orders(names_in_any_order) == 0


@pytest.mark.parametrize("fault", [the_last_membership_wins, the_first_membership_wins], ids=lambda f: f.__name__)
def test_the_order_of_memberships_catches(monkeypatch: pytest.MonkeyPatch, fault: Callable[..., None]) -> None:
    monkeypatch.setattr(Members, "add", fault)
    assert broken_orders(memberships_in_any_order) > 0


def the_first_time_of_a_name_to_arrive_holds(known: Names, name: str, at_ms: int) -> bool:
    return name not in known and names_as_they_are(known, name, at_ms)


def the_last_time_of_a_name_to_arrive_holds(known: Names, name: str, at_ms: int) -> bool:
    known.pop(name, None)
    return names_as_they_are(known, name, at_ms)


def the_first_names_to_arrive_stay(known: Names, name: str, at_ms: int) -> bool:
    return (name in known or len(known) < MOST_NAMES) and names_as_they_are(known, name, at_ms)


def a_name_is_told_as_it_is_spelt(name: str) -> str:
    return name


names_as_they_are = names.note_name


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("note_name", the_first_time_of_a_name_to_arrive_holds),
        ("note_name", the_last_time_of_a_name_to_arrive_holds),
        ("note_name", the_first_names_to_arrive_stay),
        ("folded", a_name_is_told_as_it_is_spelt),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_the_order_of_names_catches(monkeypatch: pytest.MonkeyPatch, name: str, fault: Callable[..., object]) -> None:
    monkeypatch.setattr(names, name, fault)
    assert broken_orders(names_in_any_order) > 0
