"""Topic `customer-records` into table `customer_records`."""

from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.topics import Topic
from ebbtide.streams.sinks.record import RecordMeta
from ebbtide.streams.sinks.table import POSITION_COLUMNS, Pipeline, Row, Table
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


CUSTOMER_RECORDS = Pipeline(Topic.CUSTOMER_RECORDS.topic_name, TABLE, customer_record_row)
