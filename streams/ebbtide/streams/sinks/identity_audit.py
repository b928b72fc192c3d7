"""Topic `identity-audit` into table `identity_audit`."""

from functools import partial

from ebbtide.models.identity.identifiers import canonical_id, profile_id_of
from ebbtide.schemas.events import Identifier
from ebbtide.schemas.identity import IdentityAudit
from ebbtide.schemas.topics import Topic
from ebbtide.streams.sinks.personal_data import PersonalData
from ebbtide.streams.sinks.record import RecordMeta
from ebbtide.streams.sinks.table import POSITION_COLUMNS, Pipeline, Row, Table
from ebbtide.streams.sinks.values import int64, json_text, parse

IDENTIFIERS = ("identifier", "other", "previous", "current")

TABLE = Table(
    "identity_audit",
    (
        "tenant",
        "epoch",
        "kind",
        *(f"{name}_{part}" for name in IDENTIFIERS for part in ("type", "value", "owner_id", "profile_id")),
        "reason",
        "actor",
        "generation",
        "rules",
        "count",
        "total",
        "first_day",
        "cause",
        *POSITION_COLUMNS,
    ),
)


def identity_audit_row(record: bytes, meta: RecordMeta, *, personal: PersonalData) -> Row:
    """One change of identity.

    Beside every identifier stand the id of the person or account that it is the anchor of (`customer_id` elsewhere, of
    those who are customers by themselves), and that of the profile of what is done under it. What is absent is NULL for
    numbers and empty for text.
    """
    audit = parse(IdentityAudit, record)
    named = (audit.identifier, audit.other, audit.previous, audit.current)
    return (
        audit.tenant,
        int64(audit.epoch),
        audit.kind,
        *(column for each in named for column in _columns(audit.tenant, each, personal)),
        personal.text(audit.reason or ""),
        audit.actor or "",
        audit.generation,
        "" if audit.rules is None else json_text(audit.rules),
        audit.count,
        audit.total,
        audit.first_day,
        personal.text(audit.cause or ""),
        *meta,
    )


def _columns(tenant: str, found: Identifier | None, personal: PersonalData) -> tuple[str, str, str, str]:
    if found is None:
        return "", "", "", ""
    anchor = Identifier(found.type, found.value)
    return (
        found.type,
        personal.identifier(found.type, found.value),
        canonical_id(tenant, anchor),
        profile_id_of(tenant, found.type, found.value),
    )


def identity_audit(personal: PersonalData) -> Pipeline:
    """The pipeline, with what becomes of personal data."""
    return Pipeline(Topic.IDENTITY_AUDIT.topic_name, TABLE, partial(identity_audit_row, personal=personal))
