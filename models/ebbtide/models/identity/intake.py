"""Records of the identity log as a tenant's graph, members and names take them: one rule for all who read the log."""

from __future__ import annotations

from ebbtide.models.identity.evidence import Operation, Weight
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.identifiers import is_person
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.membership import heard
from ebbtide.models.identity.names import AccountNames
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.identity import AccountName, IdentityLink, IdentityOperation, MembershipKind


def take_link(graph: IdentityGraph, members: Members, link: IdentityLink) -> bool:
    """Take in a link. Returns whether it says anything: of one with itself, or of other kinds, nothing follows.

    Two of one graph are linked; a person and a group id are a membership; an e-mail and a domain are an address.
    """
    subject, other, at_ms = link.subject.key, link.other.key, to_ms(link.occurred_at)
    if subject == other:
        return False
    if is_person(link.subject.type) == is_person(link.other.type):
        graph.link(subject, other, Weight(int(link.evidence), at_ms), link.event_id)
    elif is_person(link.subject.type) and link.other.type is IdentifierType.GROUP_ID:
        members.add(subject, link.other.value, heard(link.membership or MembershipKind.SEEN, at_ms // DAY_MS))
    elif link.subject.type is IdentifierType.EMAIL and link.other.type is IdentifierType.DOMAIN:
        members.add_address(subject, other)
    else:
        return False
    return True


def take_name(names: AccountNames, record: AccountName) -> bool:
    """Take in the name of an account. Returns whether it says anything: of a person's nothing follows."""
    if is_person(record.account.type):
        return False
    names.add(record.account.key, record.name, to_ms(record.occurred_at))
    return True


def decision(record: IdentityOperation) -> Operation:
    """What was decided by hand, as the graph takes it."""
    return Operation(
        kind=record.kind,
        identifier=record.identifier.key,
        at_ms=to_ms(record.decided_at),
        operation_id=record.operation_id,
        actor=record.actor,
        reason=record.reason,
        other=None if record.other is None else record.other.key,
    )
