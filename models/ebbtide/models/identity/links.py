"""Links of an event: a star from its subject to its other identifiers of the same graph (identity §1)."""

from __future__ import annotations

from ebbtide.models.identity.identifiers import is_person
from ebbtide.schemas.events import Event, EventKind
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


def links_of(event: Event) -> list[IdentityLink]:
    """Evidence that the event carries. People and accounts are two separate graphs and are never joined."""
    if len(event.identifiers) == 1:
        return []
    subject, evidence = event.subject, evidence_of(event)
    people = is_person(subject.type)
    return [
        IdentityLink(
            tenant=event.tenant,
            subject=subject,
            other=other,
            evidence=evidence,
            occurred_at=event.occurred_at,
            event_id=event.event_id,
        )
        for other in event.identifiers
        if other != subject and is_person(other.type) == people
    ]
