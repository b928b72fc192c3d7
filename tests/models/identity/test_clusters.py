"""Cases of identity §5 that are about clusters: whatever the order of arrival, and with duplicates."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from ebbtide.models.identity.evidence import Operation
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.identity import OperationKind
from support.identity_laws import Case, Item, Seen, run

SHUFFLES = 30
BOUND, IDENTIFIED, CRM, TOGETHER = 1, 2, 3, 4
MUST, CANNOT, UNLINK = OperationKind.MUST_LINK, OperationKind.CANNOT_LINK, OperationKind.UNLINK
BLOCK, UNBLOCK, UNBIND = OperationKind.BLOCK, OperationKind.UNBLOCK, OperationKind.UNBIND
U, E, A, G, D = "user_id/", "email/", "anonymous_id/", "group_id/", "domain/"
P = "phone/+1"
LEAD, CONTACT = "crm_lead_id/L1", "crm_contact_id/C1"


@dataclass(frozen=True)
class Row:
    name: str
    items: list[Item]
    clusters: list[set[str]]
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    policy: IdentityPolicy = field(default_factory=IdentityPolicy)


def seen(a: str, b: str, evidence: int, at_ms: int) -> Seen:
    return Seen(a, b, evidence, at_ms, f"m{at_ms}")


def decided(kind: OperationKind, a: str, b: str | None = None, at_ms: int = 50) -> Operation:
    return Operation(kind, a, at_ms, f"o{at_ms}", "ann", "asked the customer", b)


ROWS = [
    Row("an anonymous visitor identifies", [seen(U + "U1", A + "A1", IDENTIFIED, 3)], [{U + "U1", A + "A1"}]),
    Row(
        "a second device",
        [seen(U + "U1", A + "A1", IDENTIFIED, 3), seen(U + "U1", A + "A2", IDENTIFIED, 5)],
        [{U + "U1", A + "A1", A + "A2"}],
    ),
    Row(
        "two users of one device, with a reset between them",
        [seen(U + "U1", A + "A1", IDENTIFIED, 2), seen(U + "U2", A + "A2", IDENTIFIED, 5)],
        [{U + "U1", A + "A1"}, {U + "U2", A + "A2"}],
    ),
    Row(
        "two users of one device, without a reset",
        [
            seen(U + "U1", A + "A1", IDENTIFIED, 2),
            seen(U + "U2", A + "A1", IDENTIFIED, 3),
            seen(U + "U2", A + "A1", TOGETHER, 4),
        ],
        [{U + "U1", A + "A1"}, {U + "U2"}],
        {(A + "A1", U + "U2"): "limit:user_id"},
    ),
    Row(
        "one e-mail, two user ids: it stays with the first",
        [seen(U + "abc123", E + "jane@x.com", IDENTIFIED, 1), seen(U + "abc456", E + "jane@x.com", IDENTIFIED, 2)],
        [{U + "abc123", E + "jane@x.com"}, {U + "abc456"}],
        {(E + "jane@x.com", U + "abc456"): "limit:user_id"},
    ),
    Row(
        "one e-mail on two devices, no user id",
        [seen(E + "e@x.com", A + "A1", IDENTIFIED, 2), seen(E + "e@x.com", A + "A2", IDENTIFIED, 4)],
        [{E + "e@x.com", A + "A1", A + "A2"}],
    ),
    Row(
        "values that name nobody here",
        [seen(U + "Test", A + "A1", IDENTIFIED, 1), seen(U + "Test", A + "A2", IDENTIFIED, 2)],
        [{U + "Test"}, {A + "A1"}, {A + "A2"}],
        policy=IdentityPolicy(blocked=("test",)),
    ),
    Row(
        "a lead becomes a contact becomes a user",
        [
            seen(LEAD, E + "e@x.com", CRM, 1),
            seen(CONTACT, LEAD, BOUND, 2),
            seen(CONTACT, E + "e@x.com", CRM, 3),
            seen(U + "U1", E + "e@x.com", IDENTIFIED, 4),
            seen(U + "U1", A + "A1", IDENTIFIED, 4),
        ],
        [{LEAD, CONTACT, E + "e@x.com", U + "U1", A + "A1"}],
    ),
    Row(
        "identify beats seen together, although it is later",
        [seen(U + "U1", A + "A1", TOGETHER, 1), seen(U + "U2", A + "A1", IDENTIFIED, 5)],
        [{U + "U1"}, {U + "U2", A + "A1"}],
        {(A + "A1", U + "U1"): "limit:user_id"},
    ),
    Row(
        "joined by an e-mail, then kept apart by hand",
        [
            seen(U + "U1", E + "e@x.com", IDENTIFIED, 1),
            seen("crm_contact_id/C9", E + "e@x.com", CRM, 2),
            decided(CANNOT, U + "U1", "crm_contact_id/C9"),
        ],
        [{U + "U1", E + "e@x.com"}, {"crm_contact_id/C9"}],
        {("crm_contact_id/C9", E + "e@x.com"): "cannot_link"},
    ),
    Row(
        "kept apart by hand, then not any more",
        [
            seen(U + "U1", E + "e@x.com", IDENTIFIED, 1),
            seen("crm_contact_id/C9", E + "e@x.com", CRM, 2),
            decided(CANNOT, U + "U1", "crm_contact_id/C9"),
            decided(UNLINK, "crm_contact_id/C9", U + "U1", 51),
        ],
        [{U + "U1", E + "e@x.com", "crm_contact_id/C9"}],
    ),
    Row(
        "an account with a new domain",
        [seen(G + "g1", D + "acme.com", CRM, 1), seen(G + "g1", D + "globex.com", CRM, 9)],
        [{G + "g1", D + "acme.com", D + "globex.com"}],
    ),
    Row(
        "an account under two group ids, one domain of its own each",
        [seen(G + "Acme Ltd", D + "acme.com", CRM, 1), seen(G + "Globex Inc", D + "globex.com", CRM, 9)],
        [{G + "Acme Ltd", D + "acme.com"}, {G + "Globex Inc", D + "globex.com"}],
    ),
    Row(
        "… and somebody says that it is one",
        [
            seen(G + "Acme Ltd", D + "acme.com", CRM, 1),
            seen(G + "Globex Inc", D + "globex.com", CRM, 9),
            decided(MUST, G + "Acme Ltd", G + "Globex Inc"),
        ],
        [{G + "Acme Ltd", D + "acme.com", G + "Globex Inc", D + "globex.com"}],
    ),
    Row(
        "… where limits bind also what is decided by hand",
        [decided(MUST, G + "Acme Ltd", G + "Globex Inc")],
        [{G + "Acme Ltd"}, {G + "Globex Inc"}],
        {(G + "Acme Ltd", G + "Globex Inc"): "limit:group_id"},
        IdentityPolicy(limit_decided=True),
    ),
    Row(
        "a domain of two accounts is shared: it links nobody",
        [seen(G + "g1", D + "mail.com", CRM, 1), seen(G + "g2", D + "mail.com", CRM, 2)],
        [{G + "g1"}, {G + "g2"}, {D + "mail.com"}],
    ),
    Row(
        "a kiosk: the fourth user id makes an anonymous id shared, a must_link does not help it",
        [
            *(seen(U + f"U{n}", A + "kiosk", IDENTIFIED, n) for n in range(4)),
            seen(A + "kiosk", E + "e@x.com", TOGETHER, 9),
            decided(MUST, A + "kiosk", E + "e@x.com"),
        ],
        [*({U + f"U{n}"} for n in range(4)), {A + "kiosk"}, {E + "e@x.com"}],
    ),
    Row(
        "… but a blocked user id is none",
        [
            *(seen(U + f"U{n}", A + "kiosk", IDENTIFIED, n) for n in range(4)),
            decided(OperationKind.BLOCK, U + "U0"),
        ],
        [{U + "U0"}, {U + "U1", A + "kiosk"}, {U + "U2"}, {U + "U3"}],
        {(A + "kiosk", U + "U2"): "limit:user_id", (A + "kiosk", U + "U3"): "limit:user_id"},
    ),
    Row(
        "the strongest type that is exceeded is named",
        [
            *(seen(U + f"U{n}", f"{kind}{n}", IDENTIFIED, n) for n in range(2) for kind in (E, "phone/")),
            seen(E + "0", E + "1", TOGETHER, 9),
        ],
        [{U + "U0", E + "0", "phone/0"}, {U + "U1", E + "1", "phone/1"}],
        {(E + "0", E + "1"): "limit:user_id"},
        IdentityPolicy(limits={IdentifierType.USER_ID: 1, IdentifierType.EMAIL: 1, IdentifierType.PHONE: 1}),
    ),
    Row(
        "a cluster that would be too great",
        [seen(U + "U1", A + str(n), TOGETHER, n) for n in range(5)],
        [{U + "U1", A + "0", A + "1"}, {A + "2"}, {A + "3"}, {A + "4"}],
        {(A + str(n), U + "U1"): "size" for n in (2, 3, 4)},
        IdentityPolicy(hard_size=3),
    ),
    Row(
        "a phone is bound, then unbound: it alone leaves",
        [
            seen(U + "U1", P, BOUND, 1),
            seen(U + "U1", A + "A1", IDENTIFIED, 2),
            seen(A + "A1", P, TOGETHER, 3),
            decided(UNBIND, P, at_ms=5),
        ],
        [{U + "U1", A + "A1"}, {P}],
        {(P, U + "U1"): "unbound", (A + "A1", P): "unbound"},
    ),
    Row(
        "… evidence of the very time of the unbind is before it",
        [seen(U + "U1", P, BOUND, 5), decided(UNBIND, P, at_ms=5)],
        [{U + "U1"}, {P}],
        {(P, U + "U1"): "unbound"},
    ),
    Row(
        "… then bound to another user: it joins that one",
        [seen(U + "U1", P, BOUND, 1), decided(UNBIND, P, at_ms=5), seen(U + "U2", P, BOUND, 6)],
        [{U + "U1"}, {U + "U2", P}],
        {(P, U + "U1"): "unbound"},
    ),
    Row(
        "… then bound to the same user, who had only been seen with it",
        [seen(U + "U1", P, TOGETHER, 1), decided(UNBIND, P, at_ms=5), seen(U + "U1", P, BOUND, 6)],
        [{U + "U1", P}],
    ),
    Row(
        "… then bound to the same user again, as it was before",
        [seen(U + "U1", P, BOUND, 1), decided(UNBIND, P, at_ms=5), seen(U + "U1", P, BOUND, 6)],
        [{U + "U1", P}],
    ),
    Row(
        "… after somebody else, who keeps it",
        [
            seen(U + "U1", P, BOUND, 1),
            decided(UNBIND, P, at_ms=5),
            seen(U + "U2", P, BOUND, 6),
            seen(U + "U1", P, BOUND, 7),
        ],
        [{U + "U1"}, {U + "U2", P}],
        {(P, U + "U1"): "limit:user_id"},
    ),
    Row(
        "… and unbound once more",
        [
            seen(U + "U1", P, BOUND, 1),
            seen(U + "U1", P, BOUND, 6),
            decided(UNBIND, P, at_ms=5),
            decided(UNBIND, P, at_ms=7),
        ],
        [{U + "U1"}, {P}],
        {(P, U + "U1"): "unbound"},
    ),
    Row(
        "what is only identified, or seen together, again binds nothing anew",
        [
            seen(U + "U1", P, IDENTIFIED, 1),
            decided(UNBIND, P, at_ms=5),
            seen(U + "U1", P, IDENTIFIED, 6),
            seen(U + "U1", P, TOGETHER, 7),
        ],
        [{U + "U1"}, {P}],
        {(P, U + "U1"): "unbound"},
    ),
    Row(
        "… then linked to the same user by hand, and unbound again",
        [
            seen(U + "U1", P, BOUND, 1),
            decided(UNBIND, P, at_ms=5),
            decided(MUST, U + "U1", P, at_ms=6),
            decided(UNBIND, P, at_ms=7),
        ],
        [{U + "U1"}, {P}],
        {(P, U + "U1"): "unbound"},
    ),
    Row(
        "a link by hand that is later than the unbind holds",
        [seen(U + "U1", P, BOUND, 1), decided(UNBIND, P, at_ms=5), decided(MUST, U + "U1", P, at_ms=6)],
        [{U + "U1", P}],
    ),
    Row(
        "… an earlier one does not, though nothing else is known",
        [decided(MUST, U + "U1", P, at_ms=4), decided(UNBIND, P, at_ms=5)],
        [{U + "U1"}, {P}],
        {(P, U + "U1"): "unbound"},
    ),
    Row(
        "… and once it is withdrawn there is no link at all",
        [
            decided(MUST, U + "U1", P, at_ms=4),
            decided(UNBIND, P, at_ms=5),
            decided(UNLINK, U + "U1", P, at_ms=6),
        ],
        [{U + "U1"}, {P}],
    ),
    Row(
        "… beside evidence that is later: that holds, by its own strength",
        [
            decided(MUST, U + "U1", P, at_ms=4),
            decided(UNBIND, P, at_ms=5),
            seen(U + "U2", P, IDENTIFIED, 6),
            seen(U + "U1", P, TOGETHER, 7),
        ],
        [{U + "U1"}, {U + "U2", P}],
        {(P, U + "U1"): "limit:user_id"},
    ),
    Row(
        "what an unbound phone linked falls apart, what else links it stays",
        [
            seen(P, A + "A1", IDENTIFIED, 1),
            seen(P, A + "A2", IDENTIFIED, 2),
            seen(A + "A2", A + "A3", TOGETHER, 3),
            decided(UNBIND, P, at_ms=5),
        ],
        [{P}, {A + "A1"}, {A + "A2", A + "A3"}],
        {(A + "A1", P): "unbound", (A + "A2", P): "unbound"},
    ),
    Row(
        "users of before the unbind do not make a value shared",
        [
            *(seen(U + f"U{n}", P, BOUND, n) for n in range(4)),
            decided(UNBIND, P, at_ms=5),
            seen(U + "U4", P, BOUND, 6),
        ],
        [*({U + f"U{n}"} for n in range(4)), {U + "U4", P}],
        {(P, U + f"U{n}"): "unbound" for n in range(4)},
    ),
    Row(
        "… users since then do",
        [
            seen(U + "U0", P, BOUND, 1),
            decided(UNBIND, P, at_ms=5),
            *(seen(U + f"U{n}", P, BOUND, 5 + n) for n in range(1, 5)),
        ],
        [*({U + f"U{n}"} for n in range(5)), {P}],
        {(P, U + "U0"): "unbound"},
    ),
    Row(
        "an unbind does not lift a block",
        [seen(U + "U1", P, BOUND, 9), decided(BLOCK, P, at_ms=2), decided(UNBIND, P, at_ms=5)],
        [{U + "U1"}, {P}],
    ),
    Row(
        "… nor does an unblock lift an unbind",
        [
            seen(U + "U1", P, BOUND, 1),
            decided(BLOCK, P, at_ms=2),
            decided(UNBIND, P, at_ms=5),
            decided(UNBLOCK, P, at_ms=9),
        ],
        [{U + "U1"}, {P}],
        {(P, U + "U1"): "unbound"},
    ),
    Row(
        "a blocked user id is no owner, and does not become one by an unbind",
        [
            *(seen(U + f"U{n}", P, BOUND, n) for n in range(3)),
            decided(BLOCK, U + "U0", at_ms=4),
            decided(UNBIND, U + "U0", at_ms=4),
            decided(UNBLOCK, U + "U0", at_ms=6),
        ],
        [{U + "U0"}, {U + "U1", P}, {U + "U2"}],
        {(P, U + "U0"): "unbound", (P, U + "U2"): "limit:user_id"},
        IdentityPolicy(max_owners={IdentifierType.PHONE: 2}),
    ),
    Row(
        "a user id that is unbound leaves all it had, and the limit is free for another",
        [
            seen(U + "U1", E + "e@x.com", IDENTIFIED, 1),
            seen(U + "U1", A + "A1", IDENTIFIED, 2),
            seen(U + "U2", A + "A1", IDENTIFIED, 3),
            decided(UNBIND, U + "U1", at_ms=5),
        ],
        [{U + "U1"}, {E + "e@x.com"}, {U + "U2", A + "A1"}],
        {(E + "e@x.com", U + "U1"): "unbound", (A + "A1", U + "U1"): "unbound"},
    ),
    Row(
        "what is kept apart stays apart when it is bound again",
        [
            seen(U + "U1", P, TOGETHER, 1),
            decided(CANNOT, U + "U1", P, at_ms=2),
            decided(UNBIND, P, at_ms=5),
            seen(U + "U1", P, BOUND, 6),
        ],
        [{U + "U1"}, {P}],
        {(P, U + "U1"): "cannot_link"},
    ),
    Row(
        "a domain goes from one account to another",
        [
            seen(G + "g1", D + "acme.com", CRM, 1),
            decided(UNBIND, D + "acme.com", at_ms=5),
            seen(G + "g2", D + "acme.com", CRM, 6),
        ],
        [{G + "g1"}, {G + "g2", D + "acme.com"}],
        {(D + "acme.com", G + "g1"): "unbound"},
    ),
]


def clusters(graph: IdentityGraph) -> set[frozenset[str]]:
    return {frozenset(graph.members(key)) for key in graph.nodes}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row(row: Row) -> None:
    for seed in range(SHUFFLES):
        random = Random(seed)
        items = row.items + random.choices(row.items, k=3)
        random.shuffle(items)
        graph = run(Case(row.policy, tuple(items)), batch=random.randint(1, 4))
        assert clusters(graph) == {frozenset(cluster) for cluster in row.clusters}
        assert graph.refused == row.refused


def test_a_person_with_a_user_id_never_changes_id_and_an_unmerge_restores_the_old() -> None:
    graph = IdentityGraph("acme", IdentityPolicy())
    alone = graph.owner_id(E + "e@x.com")
    user = graph.owner_id(U + "U1")
    graph.decide(decided(MUST, U + "U1", E + "e@x.com", 1))
    assert [tuple(change) for change in graph.settle(7)] == [(E + "e@x.com", E + "e@x.com", U + "U1", 7)]
    assert graph.owner_id(E + "e@x.com") == graph.owner_id(U + "U1") == user != alone
    graph.decide(decided(UNLINK, U + "U1", E + "e@x.com", 2))
    graph.settle(8)
    assert (graph.owner_id(E + "e@x.com"), graph.owner_id(U + "U1")) == (alone, user)
    assert (graph.epoch(E + "e@x.com"), graph.epoch(U + "U1"), graph.epoch(U + "unknown")) == (8, 0, 0)
    assert graph.members(U + "unknown") == [U + "unknown"]


def test_ranks_choose_the_anchor() -> None:
    order = [kind for kind in IdentityPolicy().ranks if kind is not IdentifierType.EMAIL]
    policy = IdentityPolicy(ranks=(IdentifierType.EMAIL, *order))
    graph = run(Case(policy, (seen(U + "U1", E + "e@x.com", IDENTIFIED, 1),)))
    assert graph.anchor(U + "U1") == E + "e@x.com"
    with pytest.raises(ValueError, match=r"ranks must name each of user_id, .* exactly once"):
        IdentityPolicy(ranks=tuple(order))


@pytest.mark.parametrize("given", [2, "2"])
def test_one_number_of_owners_goes_for_all_values_of_people(given: object) -> None:
    owners = IdentityPolicy.model_validate({"max_owners": given}).max_owners
    people = (IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.DEVICE_ID, IdentifierType.ANONYMOUS_ID)
    assert owners == {**dict.fromkeys(people, 2), IdentifierType.DOMAIN: 1}
