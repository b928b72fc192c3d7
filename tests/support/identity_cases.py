"""The cases of identity stitching: what happens, what is decided by hand, and who is who in the end."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any, NamedTuple

from ebbtide.schemas.identity import OperationKind
from support.raw import at, iso

Body = dict[str, Any]


class Story:
    """Bodies a minute apart, in the order of their event time."""

    def on(self, day: float, **body: Any) -> Story:
        """A ``track`` on a day of its own."""
        n = len(self.bodies)
        self.bodies.append({"messageId": f"m{n}", "timestamp": iso(at(day, n)), "type": "track", "event": "x", **body})
        return self

    def __init__(self) -> None:
        self.bodies: list[Body] = []

    def add(self, **body: Any) -> Story:
        n = len(self.bodies)
        self.bodies.append({"messageId": f"m{n}", "timestamp": iso(at(n / 1440)), **body})
        return self

    def track(self, **ids: Any) -> Story:
        return self.add(type="track", event="x", **ids)

    def identify(self, email: str | None = None, **ids: Any) -> Story:
        return self.add(type="identify", **({"traits": {"email": email}} if email else {}), **ids)

    def fact(self, kind: str, ids: dict[str, str], **data: Any) -> Story:
        n = len(self.bodies)
        when = iso(at(n / 1440))
        self.bodies.append(
            {"type": kind, "id": f"f{n}", "occurred_at": when, "source": "crm", "ids": ids, "data": data}
        )
        return self


def story() -> Story:
    return Story()


def shuffles(bodies: list[Body], count: int = 30) -> Iterable[list[Body]]:
    """The bodies in many orders, some of them twice."""
    for seed in range(count):
        rng = Random(seed)
        mixed = [*bodies, *rng.sample(bodies, k=rng.randint(0, len(bodies)))]
        rng.shuffle(mixed)
        yield mixed


E = "jane@x.com"
NOBODY = "-1"
"""Who has no other name is ignored, and counted as ``unresolved``."""

Who = dict[tuple[str, ...], int]
"""Messages by the values of all identifiers of a person, or of an account."""

CASES: dict[str, tuple[Story, dict[tuple[str, ...], int]]] = {
    "anonymous history belongs to the user": (
        story().track(anonymousId="A1").track(anonymousId="A1").identify(userId="U1", anonymousId="A1"),
        {("U1", "A1"): 3},
    ),
    "a second device": (
        story()
        .track(anonymousId="A1")
        .track(anonymousId="A1")
        .identify(userId="U1", anonymousId="A1")
        .track(anonymousId="A2")
        .identify(userId="U1", anonymousId="A2"),
        {("U1", "A1", "A2"): 5},
    ),
    "two users, reset in between": (
        story().identify(userId="U1", anonymousId="A1").track(anonymousId="A2").identify(userId="U2", anonymousId="A2"),
        {("U1", "A1"): 1, ("U2", "A2"): 2},
    ),
    "two users, no reset": (
        story()
        .track(anonymousId="A1")
        .identify(userId="U1", anonymousId="A1")
        .identify(userId="U2", anonymousId="A1")
        .track(userId="U2", anonymousId="A1"),
        {("U1", "A1"): 2, ("U2",): 2},
    ),
    "one mailbox, two users": (
        story().identify(userId="abc123", email=E).identify(userId="abc456", email=E),
        {("abc123", E): 1, ("abc456",): 1},
    ),
    "one mailbox, two devices, no user": (
        story()
        .track(anonymousId="A1")
        .identify(anonymousId="A1", email=E)
        .track(anonymousId="A2")
        .identify(anonymousId="A2", email=E),
        {("A1", "A2", E): 4},
    ),
    "values that name nobody": (
        story()
        .identify(userId="null", anonymousId="A1")
        .identify(userId="anonymous", anonymousId="A2")
        .identify(userId="00000000-0000", anonymousId="A3")
        .identify(userId=NOBODY),
        {("A1",): 1, ("A2",): 1, ("A3",): 1},
    ),
    "a lead becomes a contact becomes a user": (
        story()
        .fact("lead.upserted", {"crm_lead_id": "L1", "email": E})
        .fact("lead.converted", {"crm_lead_id": "L1", "crm_contact_id": "C1"})
        .fact("contact.upserted", {"crm_contact_id": "C1", "email": E})
        .identify(userId="U1", anonymousId="A1", email=E),
        {("L1", "C1", E, "U1", "A1"): 4},
    ),
    "identify beats seen together": (
        story().track(userId="U1", anonymousId="A1").identify(userId="U2", anonymousId="A1"),
        {("U1",): 1, ("U2", "A1"): 1},
    ),
    "an id that many users share joins nobody": (
        story()
        .identify(userId="U1", anonymousId="A1")
        .identify(userId="U2", anonymousId="A1")
        .identify(userId="U3", anonymousId="A1")
        .identify(userId="U4", anonymousId="A1")
        .track(anonymousId="A1"),
        {("U1",): 1, ("U2",): 1, ("U3",): 1, ("U4",): 1, ("A1",): 1},
    ),
}


def used(account: str, days: Iterable[int], users: Iterable[str], told: Story | None = None) -> Story:
    """Users who work in an account on some days; the story goes on with it."""
    told = told or story()
    for day in days:
        for user in users:
            told.on(day, userId=user, context={"groupId": account})
    return told


STAFF = ("U1", "U2", "U3")
RENAMES: dict[str, tuple[Story, list[str]]] = {
    "a group id that was replaced": (
        used("Globex Inc", range(20, 40, 3), STAFF, used("Acme Ltd", range(0, 23, 2), STAFF)),
        [
            "group_id/Acme Ltd has spaces, as a name has and an id has not",
            "group_id/Acme Ltd may be group_id/Globex Inc now: 3 of 3 people went, from 2025-01-26 on",
            "group_id/Globex Inc has spaces, as a name has and an id has not",
        ],
    ),
    "people who work in two accounts": (
        used("g2", range(20, 40, 3), STAFF, used("g1", range(0, 40, 2), STAFF)),
        [],
    ),
    "a few move to another account": (
        used("g2", range(20, 40, 3), STAFF, used("g1", range(0, 20, 2), (*STAFF, *(f"V{n}" for n in range(4))))),
        [],
    ),
    "a reseller's staff": (
        used("g3", range(2, 60, 7), STAFF, used("g2", range(1, 60, 7), STAFF, used("g1", range(0, 60, 7), STAFF))),
        [],
    ),
}
"""What happens over weeks, and what the consistency checks find in the end."""


def _named(kind: str, ids: dict[str, str], name: str, told: Story | None = None) -> Story:
    return (told or story()).fact(kind, ids, name=name)


def _is_a_name(group: str, account: str, since: str) -> str:
    return f"{group} is a name, which account {account} bears since {since}"


NAMES: dict[str, tuple[Story, list[str]]] = {
    "a group id that is the account's own name": (
        story()
        .add(type="group", userId="U1", groupId="Acme", traits={"name": "ACME "})
        .add(type="group", userId="U2", groupId="Acme", traits={"name": "acme"})
        .track(userId="U1", context={"groupId": "Acme"}),
        [_is_a_name("group_id/Acme", "group_id/Acme", "2025-01-06")],
    ),
    "the CRM knows the account by another id": (
        used("Globex", range(3), STAFF, _named("account.upserted", {"crm_account_id": "001"}, "globex")),
        [_is_a_name("group_id/Globex", "crm_account_id/001", "2025-01-06")],
    ),
    "both ids of the account are known": (
        used("acme", range(3), STAFF, _named("account.upserted", {"crm_account_id": "2", "group_id": "g"}, "Acme")),
        [_is_a_name("group_id/acme", "group_id/g", "2025-01-06")],
    ),
    "the name is earlier where it comes later": (
        _named("account.upserted", {"group_id": "g"}, "Acme", used("acme", range(40, 43), STAFF)).add(
            type="group", userId="U1", groupId="g", timestamp=iso(at(9)), traits={"name": "Acme"}
        ),
        [_is_a_name("group_id/acme", "group_id/g", "2025-01-06")],
    ),
    "names that are nobody's id": (
        used("g", range(3), STAFF, _named("account.upserted", {"group_id": "g"}, "Acme Ltd")),
        [],
    ),
}
"""What accounts are called, and which group ids are found to be names in the end."""


class Decided(NamedTuple):
    """A story and what is decided by hand about it, each a command with identifiers as ``type/value``."""

    story: Story
    before: Who
    decisions: list[tuple[OperationKind, str, str | None]]
    after: Who
    accounts: bool = False


def _renamed() -> Story:
    """The same users, first in the one, then in the other."""
    told = story()
    for group in ("Acme Ltd", "Globex Inc"):
        for user in ("U1", "U2", "U3"):
            told.track(userId=user, context={"groupId": group})
    return told


def _two_users() -> Story:
    return story().track(userId="U1").identify(userId="U1", anonymousId="A1").track(anonymousId="A1").track(userId="U2")


def _bound() -> Story:
    """A user with a phone, which also does something by itself."""
    bound = story().track(userId="U1").add(type="alias", userId="U1", context={"traits": {"phone": "+1555"}})
    return bound.identify(userId="U1", anonymousId="A1").track(context={"traits": {"phone": "+1555"}})


def _merged() -> Story:
    """A user and a contact of one mailbox; each has a message of its own."""
    return (
        story()
        .track(userId="U1")
        .identify(userId="U1", email=E)
        .fact("contact.upserted", {"crm_contact_id": "C9", "email": E})
        .fact("contact.upserted", {"crm_contact_id": "C9"})
    )


_APART: Who = {("U1", "A1"): 3, ("U2",): 1}
_ONE: Who = {("U1", E, "C9"): 4}
DECIDED = {
    "a merge that is parted": Decided(
        _merged(),
        _ONE,
        [(OperationKind.CANNOT_LINK, "user_id/U1", "crm_contact_id/C9")],
        {("U1", E): 2, ("C9",): 2},
    ),
    "a merge that is parted, and was right after all": Decided(
        _merged(),
        _ONE,
        [
            (OperationKind.CANNOT_LINK, "user_id/U1", "crm_contact_id/C9"),
            (OperationKind.UNLINK, "crm_contact_id/C9", "user_id/U1"),
        ],
        _ONE,
    ),
    "two users of one person": Decided(
        _two_users(),
        _APART,
        [(OperationKind.MUST_LINK, "user_id/U1", "user_id/U2")],
        {("U1", "U2", "A1"): 4},
    ),
    "two users who were sisters": Decided(
        _two_users(),
        _APART,
        [(OperationKind.MUST_LINK, "user_id/U1", "user_id/U2"), (OperationKind.UNLINK, "user_id/U1", "user_id/U2")],
        _APART,
    ),
    "a phone that is unbound": Decided(
        _bound(),
        {("U1", "A1", "+1555"): 4},
        [(OperationKind.UNBIND, "phone/+1555", None)],
        {("U1", "A1"): 3, ("+1555",): 1},
    ),
    "a renamed account": Decided(
        _renamed(),
        {("Acme Ltd",): 3, ("Globex Inc",): 3},
        [(OperationKind.MUST_LINK, "group_id/Acme Ltd", "group_id/Globex Inc")],
        {("Acme Ltd", "Globex Inc"): 6},
        accounts=True,
    ),
}
