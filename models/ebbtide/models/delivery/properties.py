"""What of a record can be set in a CRM's object, by name."""

from __future__ import annotations

from typing import Any, Final

from ebbtide.models.delivery.message import Message
from ebbtide.models.delivery.target import Target
from ebbtide.schemas.deliveries import DeliveryKind

OF_SCORES: Final = frozenset(
    {"p_churn", "health_tier", "cannot_score_reason", "model_version", "score_version", "scored_at"}
)
OF_ALERTS: Final = frozenset(
    {
        "alert_type", "alert_kind", "alert_state", "alert_severity", "alert_reason_en", "alert_reason_zh",
        "alert_play", "alert_owner", "alert_version", "alerted_at",
    }
)  # fmt: skip
OF_RECORDS: Final = frozenset({"record_version", "record_as_of"})
"""Beside the fields of the record themselves."""


def values(message: Message) -> dict[str, Any]:
    """Everything that the message can set, by name."""
    data = message.data()
    if message.kind is DeliveryKind.SCORE:
        return {
            "p_churn": data.get("p_churn"),
            "health_tier": data.get("tier"),
            "cannot_score_reason": data.get("cannot_score_reason"),
            "model_version": data.get("model_version"),
            "score_version": message.version,
            "scored_at": message.occurred_at,
        }
    if message.kind is DeliveryKind.ALERT:
        return {
            **{f"alert_{name}": data.get(name) for name in ("type", "kind", "state", "severity", "play", "owner")},
            "alert_reason_en": _first(data.get("reasons_en")),
            "alert_reason_zh": _first(data.get("reasons_zh")),
            "alert_version": message.version,
            "alerted_at": message.occurred_at,
        }
    fields = {name: field.get("value") for name, field in data.get("fields", {}).items()}
    return {**fields, "record_version": message.version, "record_as_of": message.occurred_at}


def properties(message: Message, target: Target) -> dict[str, Any]:
    """The fields of the CRM that this message sets. Lists become text; a field that the record lacks is left out."""
    known = values(message)
    return {name: _flat(known[field]) for name, field in target.properties if field in known}


def identifier(message: Message, target: Target) -> str:
    """What the CRM knows the customer by."""
    return message.anchor_value if target.id_from == "anchor" else message.customer_id or ""


def _flat(value: Any) -> Any:
    match value:
        case list():
            return ", ".join(str(_flat(item)) for item in value)
        case {"amount": amount, "currency": _}:
            return amount
        case {"name": name}:
            return name
        case dict():
            return ", ".join(f"{name}: {_flat(item)}" for name, item in value.items())
    return value


def _first(reasons: Any) -> str | None:
    return str(reasons[0]) if isinstance(reasons, list) and reasons else None
