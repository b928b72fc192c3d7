"""Identity evidence and its outcome (identity §1, §2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Annotated

from pydantic import Field

from ebbtide.schemas.base import SlottedContract, Text, UtcDatetime
from ebbtide.schemas.events import Identifier, IdentifierType


class EvidenceClass(IntEnum):
    """How strong a link is; the smallest wins."""

    DECIDED = 0
    BOUND = 1
    IDENTIFIED = 2
    CRM_EQUALITY = 3
    SEEN_TOGETHER = 4


class MembershipKind(StrEnum):
    """What is told of a person in an account: seen in it, left it, back in it."""

    SEEN = "seen"
    LEFT = "left"
    BACK = "back"


Span = tuple[int, int | None]
"""First and last day of a stay, both included, counted since 1970-01-01; None: it goes on."""


@dataclass(slots=True)
class IdentityLink(SlottedContract):
    """New evidence that two identifiers belong together. Topic ``identity-links``, keyed by tenant.

    Two of one graph are one person or one account. A person and an account are a membership: ``membership`` tells what
    of it holds from the day of ``occurred_at`` on; in others it is null. An e-mail and its domain are neither: they
    tell that somebody has this address, whom the domain's account may claim.
    """

    tenant: Text
    subject: Identifier
    other: Identifier
    evidence: EvidenceClass
    occurred_at: UtcDatetime
    event_id: Text
    membership: MembershipKind | None = None


@dataclass(slots=True)
class AccountName(SlottedContract):
    """A name that an account bears. Topic ``identity-links``, keyed by tenant, in one order with the evidence.

    It links nobody: a name is no identifier. It is for the check that tells of group ids which are names. ``account``
    is the group id that the event named, else the account that it is about; ``name`` is as it was spelt, trimmed. It
    counts from ``occurred_at`` on, the event time at which the account was first called so, as far as is known.
    """

    tenant: Text
    account: Identifier
    name: Text
    occurred_at: UtcDatetime
    event_id: Text


class OperationKind(StrEnum):
    """What can be decided by hand, or by a product that says that an identifier is nobody's any more (``unbind``)."""

    MUST_LINK = "must_link"
    CANNOT_LINK = "cannot_link"
    UNLINK = "unlink"
    BLOCK = "block"
    UNBLOCK = "unblock"
    UNBIND = "unbind"


@dataclass(slots=True)
class IdentityOperation(SlottedContract):
    """What somebody decided by hand. Topic ``identity-links``, keyed by tenant, in one order with the evidence.

    ``other`` is the second of a pair; ``block``, ``unblock`` and ``unbind`` have none. An ``unbind`` parts an
    identifier from whomever evidence or a ``must_link`` of up to ``decided_at`` links it to.
    """

    tenant: Text
    operation_id: Text
    kind: OperationKind
    identifier: Identifier
    decided_at: UtcDatetime
    actor: Text
    reason: str
    other: Identifier | None = None


@dataclass(slots=True)
class IdentityRules(SlottedContract):
    """The settings `EBBTIDE_IDENTITY__…` that a generation is clustered under, all of them.

    ``limits`` and ``max_owners`` are by type, an absent type has none; ``blocked`` is sorted and in lower case.
    """

    limits: dict[IdentifierType, Annotated[int, Field(ge=1)]]
    max_owners: dict[IdentifierType, Annotated[int, Field(ge=1)]]
    limit_decided: bool
    ranks: list[IdentifierType]
    blocked: list[str]
    soft_size: Annotated[int, Field(ge=1)]
    hard_size: Annotated[int, Field(ge=1)]
    rename_share: float


@dataclass(slots=True)
class IdentityRebuild(SlottedContract):
    """A tenant's switch to other settings. Topic ``identity-links``, keyed by tenant, in one order with the evidence.

    ``generation`` is the number of the generation that it makes. The first is 1 and made by the worker; a switch to any
    other than the one after that in force is refused.
    """

    tenant: Text
    operation_id: Text
    generation: Annotated[int, Field(ge=2)]
    rules: IdentityRules
    decided_at: UtcDatetime
    actor: Text
    reason: str


@dataclass(slots=True)
class AccountOf(SlottedContract):
    """An account that a person is known in: its ``groupId``, the account's anchor, and the person's stays there."""

    group: str
    anchor: Identifier
    spans: Annotated[list[Span], Field(min_length=1)]


@dataclass(slots=True)
class IdentityAssignment(SlottedContract):
    """Who owns an identifier from ``epoch`` on. Topic ``identity-assignments``, keyed by the identifier.

    ``accounts`` are those of the whole person. ``by_domain`` is the anchor of the only account that has a domain of the
    person's e-mails: a guess, for what the person does in none of its accounts. ``effective_ms`` is the instant whose
    evidence it rests on, epoch milliseconds: grid instants before it still see the owner before; 0: it holds at once.
    ``arrived_ms`` is when the newest input behind it was appended, for the latency histograms.
    """

    tenant: Text
    identifier: Identifier
    anchor: Identifier
    owner_id: Text
    epoch: Annotated[int, Field(ge=0)]
    effective_ms: int
    arrived_ms: int
    accounts: list[AccountOf] = field(default_factory=list)
    by_domain: Identifier | None = None


class AuditKind(StrEnum):
    """What an audit row tells."""

    OWNER = "owner"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    BARRED = "barred"
    ADMITTED = "admitted"
    DECIDED = "decided"
    GENERATION = "generation"
    SUSPECTED = "suspected"
    CLEARED = "cleared"


class FindingKind(StrEnum):
    """What a consistency check found. The first three are violations: they must never be."""

    SEVERAL_OWNERS = "several_owners"
    OVER_LIMIT = "over_limit"
    BARRED_BUT_LINKED = "barred_but_linked"
    NAME_AS_ID = "name_as_id"
    SUSPECTED_RENAME = "suspected_rename"
    SHARED_CRM_ACCOUNT = "shared_crm_account"
    MOVED_DOMAIN = "moved_domain"
    LARGE_COMPONENT = "large_component"
    OVERSIZED_COMPONENT = "oversized_component"


@dataclass(slots=True)
class IdentityAudit(SlottedContract):
    """One change of identity. Topic ``identity-audit``, keyed by tenant.

    ``owner``: ``identifier`` went from the owner with anchor ``previous`` to that with anchor ``current``. ``refused``
    and ``accepted``: the link of ``identifier`` and ``other`` stopped or began to count; ``reason`` says why not, or
    why not until then: a limit, ``cannot_link``, ``size``, ``unbound``.
    ``barred`` and ``admitted``: the value stopped or began to link (shared, blocked). ``decided``: an operation by hand
    of ``actor``. ``generation``: from now on the tenant is clustered under ``rules``; the first has no actor. A switch
    that was refused is ``refused``, with its ``generation`` and no ``identifier``.
    ``suspected`` and ``cleared``: a consistency check found something about ``identifier`` (and
    ``other``), or does so no longer; ``reason`` is its name. ``count``, ``total`` and ``first_day`` (days since
    1970-01-01) are its evidence as of when it was found: of a ``suspected_rename`` the people who went from account
    ``identifier`` to ``other``, all that ``identifier`` has, and the day on which the first went.
    ``cause`` is the id of the record that brought it about: the ``event_id`` of evidence or of a name, the
    ``operation_id`` of a decision or a switch. Where several records began to count together it is the newest of them,
    by event time, then the greater id, that names ``identifier`` (of ``refused`` and ``accepted`` both, of findings
    either; an ``unbind`` names both ends of all links that its identifier has); if none does, the newest that names any
    identifier connected with it. Null where no one record did: the first ``generation``; a rename that the days of many
    people suggest; what a crash left untold, told by a restart.
    """

    tenant: Text
    epoch: int
    kind: AuditKind
    identifier: Identifier | None
    other: Identifier | None = None
    previous: Identifier | None = None
    current: Identifier | None = None
    reason: str | None = None
    actor: str | None = None
    generation: int | None = None
    rules: IdentityRules | None = None
    count: int | None = None
    total: int | None = None
    first_day: int | None = None
    cause: str | None = None
