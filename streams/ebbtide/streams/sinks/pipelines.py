"""Every topic that goes into history, with its table."""

from collections.abc import Mapping
from typing import Final

from ebbtide.streams.sinks.alerts import alerts
from ebbtide.streams.sinks.customer_records import customer_records
from ebbtide.streams.sinks.deliveries import deliveries
from ebbtide.streams.sinks.events import events
from ebbtide.streams.sinks.identity_audit import identity_audit
from ebbtide.streams.sinks.model_events import MODEL_EVENTS
from ebbtide.streams.sinks.models import MODELS
from ebbtide.streams.sinks.personal_data import KEPT, PersonalData
from ebbtide.streams.sinks.scores import SCORES
from ebbtide.streams.sinks.state_changes import STATE_CHANGES
from ebbtide.streams.sinks.table import Pipeline, Table


def pipelines(personal: PersonalData = KEPT) -> dict[str, Pipeline]:
    """All of them by topic, with what becomes of personal data."""
    made = (
        events(personal),
        SCORES,
        alerts(personal),
        customer_records(personal),
        STATE_CHANGES,
        identity_audit(personal),
        MODELS,
        MODEL_EVENTS,
        deliveries(personal),
    )
    return {pipeline.topic: pipeline for pipeline in made}


def tables(of: Mapping[str, Pipeline]) -> tuple[Table, ...]:
    """All tables that these write, those of tombstones too."""
    own = [pipeline.table for pipeline in of.values()]
    return (*own, *(pipeline.gone.table for pipeline in of.values() if pipeline.gone is not None))


PIPELINES: Final[dict[str, Pipeline]] = pipelines()
"""With personal data kept: for whoever asks for topics and tables only."""
