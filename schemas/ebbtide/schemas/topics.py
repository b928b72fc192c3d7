"""All topics, declared once: name, contract, key, partitions, clean-up, retention."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from ebbtide.schemas.base import DAY_MS


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic's declaration. ``partitions=None`` takes the deployment's setting; ``retention_ms=-1`` keeps for ever."""

    name: str
    contract: str
    key: str
    doc: str
    partitions: int | None = None
    cleanup: Literal["delete", "compact"] = "delete"
    retention_ms: int = 7 * DAY_MS
    max_message_bytes: int = 1_048_588

    def config(self) -> dict[str, str]:
        """Broker settings of the topic."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
        }


class Topic(Enum):
    """Every topic that Ebbtide reads or writes, but for the tables' changelogs."""

    # A member is itself alone; the hash that enums have by default is a call into Python for every record.
    __hash__ = object.__hash__

    RAW_BEHAVIOR = TopicSpec("raw-behavior", "RawBehaviour", "free", "Segment-spec events as producers send them")
    RAW_CRM = TopicSpec("raw-crm", "RawFact", "free", "CRM facts as producers send them")
    EVENTS = TopicSpec("events", "Event", "subject identifier", "accepted, normalised events", retention_ms=30 * DAY_MS)
    # A dead letter wraps a raw record of up to 1 MB, as base64 in the worst case.
    DEAD_LETTERS = TopicSpec(
        "dead-letters",
        "DeadLetter",
        "dead letter id",
        "refused input with reason and original bytes",
        partitions=1,
        retention_ms=90 * DAY_MS,
        max_message_bytes=4_194_304,
    )
    IDENTITY_LINKS = TopicSpec(
        "identity-links",
        "IdentityLink",
        "tenant",
        "new evidence that identifiers belong together, accounts' names, decisions by hand, switches to other settings",
        retention_ms=-1,
    )
    IDENTITY_AUDIT = TopicSpec(
        "identity-audit", "IdentityAudit", "tenant", "every change of identity, with its reason", retention_ms=-1
    )
    IDENTITY_ASSIGNMENTS = TopicSpec(
        "identity-assignments",
        "IdentityAssignment",
        "subject identifier",
        "who owns an identifier",
        cleanup="compact",
        retention_ms=-1,
    )
    PROFILE_STATES = TopicSpec(
        "profile-states", "ProfileState", "customer id", "what changed in a profile, for its customer"
    )
    SCORES = TopicSpec("scores", "Score", "customer id", "every published score", retention_ms=90 * DAY_MS)
    CUSTOMER_RECORDS = TopicSpec(
        "customer-records",
        "CustomerRecord",
        "customer id",
        "the newest record of every customer; a null value where all that it did counts for others now",
        cleanup="compact",
        retention_ms=-1,
    )
    ALERT_CANDIDATES = TopicSpec(
        "alert-candidates",
        "AlertCandidate",
        "customer id",
        "conditions of customers that began, changed or ended, what people say of alerts, what customers did by day; "
        "triage is one writer, so all are in partition 0",
    )
    ALERTS = TopicSpec(
        "alerts",
        "Alert",
        "customer id",
        "risk and opportunity alerts, those that are held back with the reason; of kind ops keyed by tenant",
        retention_ms=90 * DAY_MS,
    )
    ALERT_DIGESTS = TopicSpec(
        "alert-digests",
        "AlertDigest",
        "tenant/owner",
        "what the budget held back, by owner and day",
        retention_ms=90 * DAY_MS,
    )
    STATE_CHANGES = TopicSpec(
        "state-changes",
        "StateChange",
        "customer id",
        "every change of a customer's state: lifecycle, group, cell, journey and the others",
        retention_ms=90 * DAY_MS,
    )
    FEEDBACK = TopicSpec(
        "feedback", "Feedback", "customer id", "what people tell of customers and alerts", retention_ms=-1
    )
    TRAINING_EXAMPLES = TopicSpec(
        "training-examples",
        "TrainingExample",
        "customer id",
        "frozen predictions with matured labels, counts of what the model was asked, decisions about models by hand; "
        "the learner is one writer, so all are in partition 0",
        retention_ms=90 * DAY_MS,
    )
    MODELS = TopicSpec(
        "models",
        "Model",
        "tenant/model version",
        "the newest models, one copy in every partition; a null value for one that is kept no more",
        cleanup="compact",
    )
    MODEL_EVENTS = TopicSpec(
        "model-events",
        "ModelEvent",
        "tenant",
        "what happened to a tenant's models: drift, challengers, promotions, rollbacks, each with its reason",
        retention_ms=-1,
    )
    GRID_SUMMARIES = TopicSpec(
        "grid-summaries",
        "GridSummary",
        "tenant",
        "what the customers of a partition add up to at a grid instant, and channel spend; the fleet is one writer, so "
        "all are in partition 0",
        retention_ms=90 * DAY_MS,
    )
    FLEET_STATS = TopicSpec(
        "fleet-stats",
        "FleetStats",
        "tenant",
        "statistics of all customers at the newest grid instant, one copy in every partition",
        cleanup="compact",
    )

    DELIVERIES = TopicSpec(
        "deliveries",
        "Delivery",
        "customer id",
        "every attempt to push a record to an endpoint, and what it came to",
        retention_ms=90 * DAY_MS,
    )
    # Both hold a record of up to 1 MB as text within JSON.
    PARKED_DELIVERIES = TopicSpec(
        "parked-deliveries",
        "ParkedDelivery",
        "endpoint/source position",
        "records that wait for a later attempt at an endpoint, in the partition of their source; a null value for one "
        "that waits no more",
        cleanup="compact",
        retention_ms=-1,
        max_message_bytes=4_194_304,
    )
    DELIVERY_REQUESTS = TopicSpec(
        "delivery-requests",
        "DeliveryRequest",
        "customer id",
        "records that somebody wants sent to an endpoint again",
        max_message_bytes=4_194_304,
    )
    ENDPOINT_STATES = TopicSpec(
        "endpoint-states",
        "EndpointState",
        "endpoint",
        "which endpoints answered 410 Gone and are not asked any more, and which an operator enabled again",
        cleanup="compact",
        retention_ms=-1,
    )

    @property
    def spec(self) -> TopicSpec:
        """The declaration."""
        return self.value

    @property
    def topic_name(self) -> str:
        """Name on the broker."""
        return self.value.name
