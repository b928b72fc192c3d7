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
    subject, hidden = event.subject, personal.identifier
    identifiers = [{"type": each.type, "value": hidden(each.type, each.value)} for each in event.identifiers]
    return (
        event.tenant,
        _event_id(event.event_id, meta, personal),
        event.kind,
        event.type,
        personal.text(event.name),
        occurred_at_ms // 1000,
        occurred_at_ms,
        epoch_ms(event.received_at),
        event.source,
        profile_id_of(event.tenant, subject.type, subject.value),
        subject.type,
        hidden(subject.type, subject.value),
        json_of_plain(identifiers),
        personal.text(event.account or ""),
        int(event.machine),
        json_of_plain(personal.structure(event.properties)),
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
