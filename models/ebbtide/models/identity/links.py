"""Links of an event: a star from its subject to its other identifiers of the same graph (identity §1)."""

from __future__ import annotations

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.identity.evidence import BOUND
from ebbtide.models.identity.identifiers import identifier, is_person
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.events import Event, EventKind, Identifier, IdentifierType
from ebbtide.schemas.identity import EvidenceClass, IdentityLink, MembershipKind

_CLASSES = {
    "alias": int(EvidenceClass.BOUND),
    "lead.converted": int(EvidenceClass.BOUND),
    "account.merged": int(EvidenceClass.BOUND),
    "identify": int(EvidenceClass.IDENTIFIED),
    "group": int(EvidenceClass.IDENTIFIED),
}
_STRENGTHS = {int(strength): strength for strength in EvidenceClass}
# To ask an enumeration for a member takes as long as a call.
_FACT, _EMAIL, _GROUP_ID = EventKind.FACT, IdentifierType.EMAIL, IdentifierType.GROUP_ID
_TOGETHER = EvidenceClass.SEEN_TOGETHER
_CRM_EQUALITY, _SEEN_TOGETHER = int(EvidenceClass.CRM_EQUALITY), int(EvidenceClass.SEEN_TOGETHER)


def evidence_of(event: Event) -> EvidenceClass:
    """How strong the event's links are."""
    return _STRENGTHS[weight_of(event)[0]]


def weight_of(event: Event) -> tuple[int, int]:
    """Weight of the event's links: class of the evidence, and event time in epoch ms. The smaller is the stronger."""
    known = _CLASSES.get(event.type)
    if known is None:
        known = _CRM_EQUALITY if event.kind is _FACT else _SEEN_TOGETHER
    return known, event.occurred_ms


def covers(known: tuple[int, int], weight: tuple[int, int]) -> bool:
    """Whether evidence says nothing new beside known evidence: that is of no worse class and no later.

    The smaller weight is not enough. Owners as of an instant rest on the evidence before it, and weak evidence that is
    earlier counts for instants that stronger, later evidence does not reach.
    """
    return known[0] <= weight[0] and known[1] <= weight[1]


def note(sent: dict[str, list[tuple[int, int]]], key: str, weight: tuple[int, int]) -> bool:
    """Note evidence under a key. Returns whether it is to be sent: unless what was sent says as much at any instant.

    A bind always is: if an ``unbind``, of which nobody knows here, came before it, it binds anew.
    """
    known = sent.get(key)
    if known is None:
        sent[key] = [weight]
        return True
    for one in known:
        if covers(one, weight):
            return weight[0] == BOUND
    sent[key] = [weight, *(one for one in known if not covers(weight, one))]
    return True


def linked(event: Event) -> list[Identifier]:
    """The identifiers that the event links its subject to. People and accounts are two graphs and are never joined."""
    subject = event.subject
    people = is_person(subject.type)
    return [
        other
        for other in event.identifiers
        if other is not subject and is_person(other.type) == people and other != subject
    ]


def domain_of(email: Identifier) -> Identifier | None:
    """The domain of an e-mail that may be an account's; None of a free-mail address."""
    return identifier(IdentifierType.DOMAIN, email.value.rpartition("@")[2])


def addresses(event: Event) -> list[tuple[Identifier, Identifier]]:
    """The event's e-mails with their domains, of people."""
    if not is_person(event.subject.type):
        return []
    mails = [(one, domain_of(one)) for one in event.identifiers if one.type is _EMAIL]
    return [(mail, domain) for mail, domain in mails if domain is not None]


def address(event: Event, mail: Identifier, domain: Identifier) -> IdentityLink:
    """The evidence that somebody has an address at a domain."""
    return IdentityLink(event.tenant, mail, domain, evidence_of(event), event.occurred_at, event.event_id)


def membership(event: Event, account: str, kind: MembershipKind, day: int) -> IdentityLink:
    """The evidence that the event's subject was seen in an account, left it or is back in it on a day."""
    group = Identifier(_GROUP_ID, account)
    # Mostly the event's own day; a fact that comes late may make one of another day matter.
    at = event.occurred_at if day == event.occurred_ms // DAY_MS else from_ms(day * DAY_MS)
    return IdentityLink(event.tenant, event.subject, group, _TOGETHER, at, event.event_id, kind)


def link(event: Event, other: Identifier) -> IdentityLink:
    """The evidence that the event's subject and ``other`` belong together."""
    return IdentityLink(event.tenant, event.subject, other, evidence_of(event), event.occurred_at, event.event_id)
