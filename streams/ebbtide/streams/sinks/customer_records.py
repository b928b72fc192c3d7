"""Topic `customer-records` into tables `customer_records` and, where a record was taken away, `customer_tombstones`."""

from functools import partial

from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import TENANT_HEADER, VERSION_HEADER
from ebbtide.streams.sinks.personal_data import PersonalData
from ebbtide.streams.sinks.record import BadRecordError, RecordMeta, Tombstone
from ebbtide.streams.sinks.table import POSITION_COLUMNS, Gone, Pipeline, Row, Table
from ebbtide.streams.sinks.values import epoch_ms, int64, json_of_plain, parse, plain

TABLE = Table(
    "customer_records",
    (
        "tenant",
        "customer_id",
        "version",
        "as_of",
        "as_of_ms",
        "anchor_type",
        "anchor_value",
        "field_values",
        "fields",
        *POSITION_COLUMNS,
    ),
)


def customer_record_row(record: bytes, meta: RecordMeta, *, personal: PersonalData) -> Row:
    """One version of a customer's record: `field_values` is `{name: value}`, `fields` has time and source as well."""
    customer = parse(CustomerRecord, record)
    as_of_ms = epoch_ms(customer.as_of)
    return (
        customer.tenant,
        customer.customer_id,
        int64(customer.version),
        as_of_ms // 1000,
        as_of_ms,
        customer.anchor.type,
        personal.identifier(customer.anchor.type, customer.anchor.value),
        json_of_plain(personal.structure({name: field.value for name, field in customer.fields.items()})),
        json_of_plain(personal.structure(plain(customer.fields))),
        *meta,
    )


GONE_TABLE = Table("customer_tombstones", ("tenant", "customer_id", "version", *POSITION_COLUMNS))


def customer_gone_row(record: Tombstone, meta: RecordMeta) -> Row:
    """The version from which on the customer has no record."""
    tenant, version = record.headers.get(TENANT_HEADER, b"").decode(), record.headers.get(VERSION_HEADER, b"")
    if not tenant or not version.isdigit():
        raise BadRecordError("tombstone", f"record without a value, and without {TENANT_HEADER} or {VERSION_HEADER}")
    return tenant, record.key.decode(), int64(int(version)), *meta


def customer_records(personal: PersonalData) -> Pipeline:
    """The pipeline, with what becomes of personal data."""
    return Pipeline(
        Topic.CUSTOMER_RECORDS.topic_name,
        TABLE,
        partial(customer_record_row, personal=personal),
        Gone(GONE_TABLE, customer_gone_row),
    )
