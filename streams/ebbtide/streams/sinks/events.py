"""Topic `events` into table `events`."""

from functools import partial

from ebbtide.models.identity.identifiers import profile_id_of
from ebbtide.schemas.events import Event
from ebbtide.schemas.topics import Topic
from ebbtide.streams.sinks.personal_data import PersonalData, PersonalDataMode
from ebbtide.streams.sinks.record import RecordMeta
from ebbtide.streams.sinks.table import POSITION_COLUMNS, Pipeline, Row, Table
from ebbtide.streams.sinks.values import epoch_ms, json_of_plain, parse

TABLE = Table(
    "events",
    (
        "tenant",
        "event_id",
        "kind",
        "type",
        "name",
        "occurred_at",
        "occurred_at_ms",
        "received_at_ms",
        "source",
        "profile_id",
        "subject_type",
        "subject_value",
        "identifiers",
        "account",
        "machine",
        "properties",
        *POSITION_COLUMNS,
    ),
)


def event_row(record: bytes, meta: RecordMeta, *, personal: PersonalData) -> Row:
    """One accepted input. ``profile_id`` is the pseudonym of its subject: what `person_id` of alerts is, too."""
    event = parse(Event, record)
    occurred_at_ms = epoch_ms(event.occurred_at)
    name, event_id, account = event.name, event.event_id, event.account or ""
    subject = event.subject.value
    properties: object = event.properties
    if personal.may_be_in(record) or personal.names(event.identifiers):
        hidden = personal.identifier
        name, event_id, account = personal.text(name), _event_id(event_id, meta, personal), personal.text(account)
        subject, properties = hidden(event.subject.type, subject), personal.structure(event.properties)
        identifiers = [{"type": each.type, "value": hidden(each.type, each.value)} for each in event.identifiers]
    else:
        properties = personal.properties(event.properties)
        identifiers = [{"type": each.type, "value": each.value} for each in event.identifiers]
    return (
        event.tenant,
        event_id,
        event.kind,
        event.type,
        name,
        occurred_at_ms // 1000,
        occurred_at_ms,
        epoch_ms(event.received_at),
        event.source,
        profile_id_of(event.tenant, event.subject.type, event.subject.value),
        event.subject.type,
        subject,
        json_of_plain(identifiers),
        account,
        int(event.machine),
        json_of_plain(properties),
        *meta,
    )


def _event_id(event_id: str, meta: RecordMeta, personal: PersonalData) -> str:
    shown = personal.text(event_id)
    if shown == event_id or personal.mode is not PersonalDataMode.DROP:
        return shown
    return f"{meta.topic}/{meta.partition}/{meta.offset}"  # events must not become one for want of their ids


def events(personal: PersonalData) -> Pipeline:
    """The pipeline, with what becomes of personal data."""
    return Pipeline(Topic.EVENTS.topic_name, TABLE, partial(event_row, personal=personal))
