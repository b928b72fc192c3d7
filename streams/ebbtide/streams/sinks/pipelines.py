"""Every topic that goes into history, with its table."""

from typing import Final

from ebbtide.streams.sinks.alerts import ALERTS
from ebbtide.streams.sinks.customer_records import CUSTOMER_RECORDS
from ebbtide.streams.sinks.scores import SCORES
from ebbtide.streams.sinks.state_changes import STATE_CHANGES
from ebbtide.streams.sinks.table import Pipeline

PIPELINES: Final[dict[str, Pipeline]] = {
    pipeline.topic: pipeline for pipeline in (SCORES, ALERTS, CUSTOMER_RECORDS, STATE_CHANGES)
}
