"""Topic `customer-records` into tables `customer_records` and, where a record was taken away, `customer_tombstones`."""

from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import TENANT_HEADER, VERSION_HEADER
from ebbtide.streams.sinks.record import BadRecordError, RecordMeta, Tombstone
from ebbtide.streams.sinks.table import POSITION_COLUMNS, Gone, Pipeline, Row, Table
from ebbtide.streams.sinks.values import epoch_ms, int64, json_text, parse

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


def customer_record_row(record: bytes, meta: RecordMeta) -> Row:
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
        customer.anchor.value,
        json_text({name: field.value for name, field in customer.fields.items()}),
        json_text(customer.fields),
        *meta,
    )


GONE_TABLE = Table("customer_tombstones", ("tenant", "customer_id", "version", *POSITION_COLUMNS))


def customer_gone_row(record: Tombstone, meta: RecordMeta) -> Row:
    """The version from which on the customer has no record."""
    tenant, version = record.headers.get(TENANT_HEADER, b"").decode(), record.headers.get(VERSION_HEADER, b"")
    if not tenant or not version.isdigit():
        raise BadRecordError("tombstone", f"record without a value, and without {TENANT_HEADER} or {VERSION_HEADER}")
    return tenant, record.key.decode(), int64(int(version)), *meta


CUSTOMER_RECORDS = Pipeline(
    Topic.CUSTOMER_RECORDS.topic_name, TABLE, customer_record_row, Gone(GONE_TABLE, customer_gone_row)
)
