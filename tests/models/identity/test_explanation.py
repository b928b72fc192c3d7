"""Why two identifiers are one owner's or not, what a policy would change, what the checks count, what is refused."""

from __future__ import annotations

import pytest

from ebbtide.models.identity.checks import check
from ebbtide.models.identity.difference import difference
from ebbtide.models.identity.evidence import Operation, Weight
from ebbtide.models.identity.explanation import explain
from ebbtide.models.identity.finding import Finding
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.names import AccountNames
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.identity import FindingKind, OperationKind

MAIL = "email/jane@x.com"


def household(policy: IdentityPolicy | None = None) -> IdentityGraph:
    """Two users with one e-mail: Ann has it, Ben came later; Ann's phone was joined by hand.

    A1 ── Ann ── e-mail ─✗─ Ben ── A2        Ann ═ phone
    """
    graph = IdentityGraph("t", policy or IdentityPolicy())
    graph.link("user_id/ann", "anonymous_id/A1", Weight(2, 1), "m1")
    graph.link("user_id/ann", MAIL, Weight(2, 2), "m2")
    graph.link("user_id/ben", MAIL, Weight(2, 3), "m3")
    graph.link("user_id/ben", "anonymous_id/A2", Weight(4, 4), "m4")
    graph.link(MAIL, "anonymous_id/A1", Weight(4, 5), "m5")
    graph.decide(Operation(OperationKind.MUST_LINK, "user_id/ann", 9, "o1", "eve", "she said so", "phone/1"))
    graph.settle(1)
    return graph


def test_the_links_that_joined_a_cluster() -> None:
    found = explain(household(), "user_id/ann")
    assert (found.anchor, found.barred, found.path) == ("user_id/ann", None, [])
    assert found.members == ["anonymous_id/A1", MAIL, "phone/1", "user_id/ann"]
    assert [(link.a, link.b, link.evidence, link.at_ms, link.source) for link in found.joined] == [
        ("phone/1", "user_id/ann", 0, 9, "o1"),
        ("anonymous_id/A1", "user_id/ann", 2, 1, "m1"),
        (MAIL, "user_id/ann", 2, 2, "m2"),
    ]
    assert [(link.a, link.b, link.source, link.refusal) for link in found.refused] == [
        (MAIL, "user_id/ben", "m3", "limit:user_id")
    ]
    assert [decided.actor for decided in found.decisions] == ["eve"]


def test_the_path_between_two_of_one_owner() -> None:
    path = explain(household(), "phone/1", MAIL).path
    assert [(link.a, link.b, link.refusal) for link in path] == [
        ("phone/1", "user_id/ann", None),
        (MAIL, "user_id/ann", None),
    ]


def test_what_stands_between_two_owners() -> None:
    path = explain(household(), "anonymous_id/A1", "anonymous_id/A2").path
    assert [(link.b, link.refusal) for link in path] == [
        (MAIL, None),
        ("user_id/ben", "limit:user_id"),
        ("user_id/ben", None),
    ]


def test_what_was_unbound() -> None:
    """Ann's phone leaves; a later link joins it to Ben, and the e-mail it was seen with is still beside it."""
    graph = household()
    graph.link("phone/1", MAIL, Weight(4, 3), "m6")
    graph.decide(Operation(OperationKind.UNBIND, "phone/1", 10, "o2", "collector", "track_id_unbind"))
    graph.settle(2)
    found = explain(graph, "phone/1", "user_id/ann")
    assert (found.members, found.barred, found.joined) == (["phone/1"], None, [])
    assert [(link.b, link.evidence, link.source, link.refusal) for link in found.refused] == [
        ("user_id/ann", 0, "o1", "unbound"),
        ("phone/1", 4, "m6", "unbound"),
    ]
    assert [(link.source, link.refusal) for link in found.path] == [("o1", "unbound")]
    assert [decided.operation_id for decided in found.decisions] == ["o1", "o2"]

    graph.link("phone/1", "anonymous_id/A1", Weight(4, 11), "m7")
    graph.settle(3)
    found = explain(graph, "phone/1", "user_id/ann")
    assert [link.source for link in found.joined] == ["m1", "m2", "m7"]
    assert [link.source for link in found.path] == ["m7", "m1"]
    assert [link.source for link in found.refused] == ["m3"]
    assert graph.refused["phone/1", "user_id/ann"] == "unbound"


def test_what_was_bound_anew_names_the_later_bind() -> None:
    graph = IdentityGraph("t", IdentityPolicy())
    graph.link("user_id/ann", "phone/1", Weight(1, 1), "m1")
    graph.decide(Operation(OperationKind.UNBIND, "phone/1", 5, "o1", "collector", "track_id_unbind"))
    graph.link("user_id/ann", "phone/1", Weight(1, 7), "m2")
    graph.settle(1)
    found = explain(graph, "phone/1", "user_id/ann")
    assert [(link.at_ms, link.source, link.refusal) for link in found.path] == [(7, "m2", None)]
    assert graph.epoch("phone/1") == 1


def test_what_is_shared_or_unknown() -> None:
    graph = household(IdentityPolicy(max_owners={IdentifierType.EMAIL: 1}))
    found = explain(graph, MAIL, "user_id/ben")
    assert (found.members, found.barred, found.joined) == ([MAIL], "shared", [])
    assert [link.refusal for link in found.path] == ["shared"]
    nobody = explain(graph, "user_id/none", MAIL)
    assert (nobody.members, nobody.barred, nobody.path) == (["user_id/none"], None, [])
    assert explain(graph, MAIL, "user_id/none").path == []


def test_what_another_policy_changes() -> None:
    graph = household()
    shared = IdentityPolicy(max_owners={IdentifierType.EMAIL: 1})
    found = difference(graph, graph.rebuilt(shared))
    assert found == (6, 1, 1, 0, [(MAIL, "user_id/ann", MAIL)])
    found = difference(graph, graph.rebuilt(IdentityPolicy(limits={})))
    assert (found.moved, found.split, found.merged) == (2, 0, 1)
    assert difference(graph, graph.rebuilt(IdentityPolicy())) == (6, 0, 0, 0, [])


def test_the_counts() -> None:
    graph = household(IdentityPolicy(soft_size=3, blocked=("anonymous_id/a2",)))
    assert check(graph, Members(), AccountNames(), 0)._asdict() == {
        "identifiers": 6,
        "clusters": 3,
        "refused": {"limit:user_id": 1},
        "shared": 0,
        "blocked": 1,
        "largest_cluster": 4,
        "largest_component": 5,
        "over_soft_size": 1,
        "violations": [],
        "findings": [Finding(FindingKind.LARGE_COMPONENT, "user_id/ann", count=5, total=3)],
    }
    assert check(IdentityGraph("t", IdentityPolicy()), Members(), AccountNames(), 0).largest_component == 0


def test_violations_are_found() -> None:
    graph = household()
    ann, ben = graph.nodes["user_id/ann"], graph.nodes["user_id/ben"]
    assert ann.cluster is not None
    ann.cluster.members.append(ben)
    ann.barred = "shared"
    graph.limits.hard_size = 4
    assert check(graph, Members(), AccountNames(), 0).violations == [
        "user_id/ann is shared but linked",
        "user_id/ann has 5 of size, and at most 4 are allowed",
        "user_id/ann has 2 of user_id, and at most 1 are allowed",
        "user_id/ben is in the cluster of user_id/ann and in another",
    ]


def test_the_audit_tells_what_begins_and_ends() -> None:
    graph = IdentityGraph("t", IdentityPolicy(max_owners={IdentifierType.EMAIL: 2}))
    for n in range(2):
        graph.link(f"user_id/{n}", MAIL, Weight(2, n), f"m{n}")
    graph.settle(1)
    assert graph.audit == ([((MAIL, "user_id/1"), None, "limit:user_id")], [])
    graph.link("user_id/2", MAIL, Weight(2, 9), "m2")
    graph.settle(2)
    assert graph.audit == ([((MAIL, "user_id/1"), "limit:user_id", None)], [(MAIL, None, "shared")])
    graph.settle(3)
    assert graph.audit == ([], [])


def test_a_new_link_behind_all_others_changes_nothing_else() -> None:
    """A great component is not clustered anew for a leaf; one that comes in between is."""
    graph = IdentityGraph("t", IdentityPolicy(hard_size=3))
    links = [("user_id/u", f"anonymous_id/{n}", Weight(4, n), f"m{n}") for n in range(6)]
    for n, link in enumerate([*links[:2], *links[3:], links[2]]):
        graph.link(*link)
        graph.settle(n)
    assert sorted(graph.refused) == [(f"anonymous_id/{n}", "user_id/u") for n in range(2, 6)]
    graph.link("user_id/u", "anonymous_id/0", Weight(3, 9), "m9")  # It was in, and is in earlier: nobody moves.
    graph.link("anonymous_id/4", "anonymous_id/5", Weight(4, 10), "m10")  # Two that are out, behind all others.
    graph.link("anonymous_id/4", "anonymous_id/5", Weight(4, 8), "m8")  # Known better before it is settled.
    assert [change.identifier for change in graph.settle(9)] == ["anonymous_id/5"]
    assert graph.members("anonymous_id/4") == ["anonymous_id/4", "anonymous_id/5"]


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("user_id/1", "group_id/1", "people and accounts are two graphs"),
        ("user_id/1", "user_id/1", "cannot be linked to itself"),
        ("user_id/1", "name/Bob", "'name/Bob' is no identifier key"),
        ("nothing", "user_id/1", "'nothing' is no identifier key"),
    ],
)
def test_links_that_callers_never_make(a: str, b: str, message: str) -> None:
    graph = IdentityGraph("t", IdentityPolicy())
    with pytest.raises(ValueError, match=message):
        graph.link(a, b, Weight(2, 1), "m")
    with pytest.raises(ValueError, match=message):
        graph.decide(Operation(OperationKind.MUST_LINK, a, 1, "o", "eve", "", b))
    assert not graph.nodes
    assert not graph.decisions


def test_operations_on_the_wrong_number() -> None:
    graph = IdentityGraph("t", IdentityPolicy())
    with pytest.raises(ValueError, match="block is about one identifier; operation o names another number"):
        graph.decide(Operation(OperationKind.BLOCK, "user_id/1", 1, "o", "eve", "", "user_id/2"))
    with pytest.raises(ValueError, match="unlink is about two identifiers"):
        graph.decide(Operation(OperationKind.UNLINK, "user_id/1", 1, "o", "eve", ""))


def test_epochs_and_records_that_cannot_be() -> None:
    graph = household()
    with pytest.raises(ValueError, match="epoch 0 lies before 1"):
        graph.settle(0)
    with pytest.raises(ValueError, match="layout b'\\\\x02' of b'nuser_id/1' is unknown"):
        IdentityGraph.restore("t", IdentityPolicy(), [(b"nuser_id/1", b"\x02")])
    with pytest.raises(ValueError, match="record b'@offset' is unknown"):
        IdentityGraph.restore("t", IdentityPolicy(), [(b"@offset", b"\x01")])
