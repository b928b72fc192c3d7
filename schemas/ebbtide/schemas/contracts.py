"""All contracts by name, and their JSON Schemas for whoever writes producers and consumers in another language."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from ebbtide.schemas.alert import Alert, AlertCandidate, AlertDigest, DayActivity
from ebbtide.schemas.base import adapter
from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.dead_letter import DeadLetter
from ebbtide.schemas.deliveries import Delivery, DeliveryRequest, EndpointState, ParkedDelivery
from ebbtide.schemas.events import Event
from ebbtide.schemas.feedback import AlertFeedback, Feedback
from ebbtide.schemas.fleet import ChannelSpend, FleetStats, GridSummary, SourceHeartbeat
from ebbtide.schemas.identity import (
    AccountName,
    IdentityAssignment,
    IdentityAudit,
    IdentityLink,
    IdentityOperation,
    IdentityRebuild,
)
from ebbtide.schemas.learning import InputCounts, Model, ModelEvent, ModelOperation, TrainingExample
from ebbtide.schemas.profile_state import ProfileState, Tick
from ebbtide.schemas.raw import RawBehaviour, RawFact, RawPunctuation
from ebbtide.schemas.score import Score
from ebbtide.schemas.state_change import StateChange

RAW: dict[str, type[Any]] = {
    "RawBehaviour": RawBehaviour,
    "RawFact": RawFact,
    "RawPunctuation": RawPunctuation,
}
"""What producers send. Unknown fields are left out, so these grow without notice."""

DERIVED: dict[str, type[Any]] = {
    "Event": Event,
    "DeadLetter": DeadLetter,
    "IdentityLink": IdentityLink,
    "AccountName": AccountName,
    "IdentityOperation": IdentityOperation,
    "IdentityRebuild": IdentityRebuild,
    "IdentityAssignment": IdentityAssignment,
    "IdentityAudit": IdentityAudit,
    "ProfileState": ProfileState,
    "Tick": Tick,
    "SourceHeartbeat": SourceHeartbeat,
    "Score": Score,
    "CustomerRecord": CustomerRecord,
    "StateChange": StateChange,
    "AlertCandidate": AlertCandidate,
    "AlertFeedback": AlertFeedback,
    "DayActivity": DayActivity,
    "Alert": Alert,
    "AlertDigest": AlertDigest,
    "Feedback": Feedback,
    "TrainingExample": TrainingExample,
    "InputCounts": InputCounts,
    "ModelOperation": ModelOperation,
    "Model": Model,
    "ModelEvent": ModelEvent,
    "ChannelSpend": ChannelSpend,
    "GridSummary": GridSummary,
    "FleetStats": FleetStats,
    "Delivery": Delivery,
    "ParkedDelivery": ParkedDelivery,
    "DeliveryRequest": DeliveryRequest,
    "EndpointState": EndpointState,
}
"""What Ebbtide sends. Unknown fields are errors."""

CONTRACTS: dict[str, type[Any]] = {**RAW, **DERIVED}
"""Every contract, in the order of the flow."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SECTION = re.compile(r" \((?:design|signals|identity) [^)]*\)")
"""Docstrings point to sections of the design; readers of a schema do not have it at hand."""


class _Schema(GenerateJsonSchema):
    """Pydantic's schema without the titles it makes up from field names, and with all that is written as required."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


def json_schema(name: str) -> dict[str, Any]:
    """JSON Schema of a contract as it stands on the wire.

    What producers send is described as it is read: fields with a default may be missing. What Ebbtide sends is
    described as it is written: every field is there. Raises KeyError for a name that is no contract.
    """
    mode: JsonSchemaMode = "validation" if name in RAW else "serialization"
    schema = adapter(CONTRACTS[name]).json_schema(by_alias=True, mode=mode, schema_generator=_Schema)
    for part in (schema, *schema.get("$defs", {}).values()):
        if "description" in part:
            part["description"] = _SECTION.sub("", part["description"]).replace("``", "`")
    return {"$schema": DIALECT, **schema}


def render_json_schema(name: str) -> str:
    """The text of ``jsonschema/<name>.json``: the same for the same contract."""
    return json.dumps(json_schema(name), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
