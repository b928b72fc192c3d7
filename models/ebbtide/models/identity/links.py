"""Links of an event: a star from its subject to its other identifiers of the same graph (identity §1)."""

from __future__ import annotations

from ebbtide.models.identity.identifiers import is_person
from ebbtide.schemas.events import Event, EventKind, Identifier
from ebbtide.schemas.identity import EvidenceClass, IdentityLink

_CLASSES = {
    "alias": EvidenceClass.BOUND,
    "lead.converted": EvidenceClass.BOUND,
    "account.merged": EvidenceClass.BOUND,
    "identify": EvidenceClass.IDENTIFIED,
    "group": EvidenceClass.IDENTIFIED,
}


def evidence_of(event: Event) -> EvidenceClass:
    """How strong the event's links are."""
    known = _CLASSES.get(event.type)
    if known is not None:
        return known
    return EvidenceClass.CRM_EQUALITY if event.kind is EventKind.FACT else EvidenceClass.SEEN_TOGETHER


def linked(event: Event) -> list[Identifier]:
    """The identifiers that the event links its subject to. People and accounts are two graphs and are never joined."""
    subject = event.subject
    people = is_person(subject.type)
    return [
        other
        for other in event.identifiers
        if other is not subject and is_person(other.type) == people and other != subject
    ]


def link(event: Event, other: Identifier) -> IdentityLink:
    """The evidence that the event's subject and ``other`` belong together."""
    return IdentityLink.unchecked(
        tenant=event.tenant,
        subject=event.subject,
        other=other,
        evidence=evidence_of(event),
        occurred_at=event.occurred_at,
        event_id=event.event_id,
    )
