"""Records between Kafka's bytes and the core's contracts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter

from ebbtide.models import outputs as core
from ebbtide.models.intake.accept import RawMessage
from ebbtide.schemas.alert import AlertCandidate, DayActivity
from ebbtide.schemas.events import Event
from ebbtide.schemas.feedback import AlertFeedback
from ebbtide.schemas.fleet import ChannelSpend, FleetStats, GridSummary, SourceHeartbeat
from ebbtide.schemas.identity import AccountName, IdentityAssignment, IdentityLink, IdentityOperation, IdentityRebuild
from ebbtide.schemas.learning import InputCounts, Model, ModelOperation, TrainingExample
from ebbtide.schemas.profile_state import ProfileState, Tick
from ebbtide.streams.transport import ConsumerRecord, Output

TICK_KEY = b"@tick"
HEARTBEAT_KEY = core.HEARTBEAT_KEY.encode()
ACTIVITY_KEY = core.ACTIVITY_KEY.encode()
ASKED_KEY, DECISION_KEY = core.ASKED_KEY.encode(), core.DECISION_KEY.encode()
CAUSED_HEADER = "ebbtide-caused-ms"
RECEIVED_HEADER = "ebbtide-received-ms"
"""On a redriven record: when it came in first, so that it is judged as it would have been then."""
TENANT_HEADER, VERSION_HEADER = "ebbtide-tenant", "ebbtide-version"
"""On a record without a value: what the value would say."""


C = TypeVar("C", Event, IdentityAssignment, ProfileState, Model, TrainingExample, FleetStats)
Summed = GridSummary | ChannelSpend
Triaged = AlertCandidate | AlertFeedback | DayActivity
Evidence = IdentityLink | AccountName | IdentityOperation | IdentityRebuild

# In this order: no record is two of them, and to try all for the best costs five times as much (24 µs against 4.5).
_evidence: TypeAdapter[Evidence] = TypeAdapter(Annotated[Evidence, Field(union_mode="left_to_right")])
_triaged: TypeAdapter[AlertCandidate | AlertFeedback] = TypeAdapter(
    Annotated[AlertCandidate | AlertFeedback, Field(union_mode="left_to_right")]
)
_summed: TypeAdapter[Summed] = TypeAdapter(Annotated[Summed, Field(union_mode="left_to_right")])


def _tick_or(contract: type[C], record: ConsumerRecord) -> C | Tick:
    """A record of one of our own topics. A value that does not parse is a bug or a foreign writer: it raises."""
    value = record.value or b""
    return Tick.from_json(value) if record.key == TICK_KEY else contract.from_json(value)


def event(record: ConsumerRecord) -> Event | SourceHeartbeat | Tick:
    """A record of ``events``."""
    if record.key == HEARTBEAT_KEY:
        return SourceHeartbeat.from_json(record.value or b"")
    return _tick_or(Event, record)


def evidence(record: ConsumerRecord) -> Evidence | Tick:
    """A record of ``identity-links``: evidence, an account's name, what was decided by hand, or a switch."""
    value = record.value or b""
    if record.key == TICK_KEY:
        return Tick.from_json(value)
    found: Evidence = _evidence.validate_json(value)
    return found


def assignment(record: ConsumerRecord) -> IdentityAssignment | Tick:
    """A record of ``identity-assignments``."""
    return _tick_or(IdentityAssignment, record)


def profile_state(record: ConsumerRecord) -> ProfileState | SourceHeartbeat | Tick:
    """A record of ``profile-states``."""
    if record.key == HEARTBEAT_KEY:
        return SourceHeartbeat.from_json(record.value or b"")
    return _tick_or(ProfileState, record)


def model(record: ConsumerRecord) -> Model | Tick | None:
    """A record of ``models``; None where one is kept no more."""
    return None if record.value is None else _tick_or(Model, record)


def for_learner(record: ConsumerRecord) -> TrainingExample | InputCounts | ModelOperation | Tick:
    """A record of ``training-examples``: an example, what the model was asked, or what was decided by hand."""
    value = record.value or b""
    if record.key == ASKED_KEY:
        return InputCounts.from_json(value)
    if record.key == DECISION_KEY:
        return ModelOperation.from_json(value)
    return _tick_or(TrainingExample, record)


def grid_summary(record: ConsumerRecord) -> Summed | DayActivity | Tick:
    """A record of ``grid-summaries``: what customers add up to or did on a day, or what a channel cost."""
    value = record.value or b""
    if record.key == TICK_KEY:
        return Tick.from_json(value)
    if record.key == ACTIVITY_KEY:
        return DayActivity.from_json(value)
    found: Summed = _summed.validate_json(value)
    return found


def for_triage(record: ConsumerRecord) -> Triaged | Tick:
    """A record of ``alert-candidates``: a condition, what somebody said of an alert, or what customers did on a day."""
    value = record.value or b""
    if record.key == TICK_KEY:
        return Tick.from_json(value)
    if record.key == ACTIVITY_KEY:
        return DayActivity.from_json(value)
    found: AlertCandidate | AlertFeedback = _triaged.validate_json(value)
    return found


def fleet_stats(record: ConsumerRecord) -> FleetStats | Tick:
    """A record of ``fleet-stats``."""
    return _tick_or(FleetStats, record)


def raw_message(record: ConsumerRecord) -> RawMessage:
    """A raw record, bytes untouched."""
    appended_ms = record.timestamp
    for name, value in record.headers:
        if name == RECEIVED_HEADER and value is not None and value.isdigit():
            appended_ms = int(value)
    return RawMessage(record.topic, record.partition, record.offset, record.key, record.value, appended_ms)


def encode(outputs: Iterable[core.Output], partitions: Mapping[str, int]) -> Iterator[Output]:
    """The core's outputs as records; one copy to each partition where the core says so."""
    for output in outputs:
        name, key, record = output.topic.topic_name, output.key.encode(), output.record
        headers: tuple[tuple[str, bytes], ...]
        if isinstance(record, core.Tombstone):
            value, headers = (
                None,
                (
                    (TENANT_HEADER, record.tenant.encode()),
                    (VERSION_HEADER, str(record.version).encode()),
                ),
            )
        else:
            value = record.to_json()
            headers = () if output.caused_ms is None else ((CAUSED_HEADER, str(output.caused_ms).encode()),)
        if output.partition == core.EVERY_PARTITION:
            for partition in range(partitions[name]):
                yield Output(name, key, value, partition, headers=headers)
        else:
            yield Output(name, key, value, output.partition, headers=headers)
