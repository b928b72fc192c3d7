"""Alerts and models for tests of whoever reads them."""

from datetime import UTC, datetime
from typing import Any

from ebbtide.schemas.alert import Alert
from ebbtide.schemas.learning import Model, ModelRole, Weights

AT = datetime(2026, 3, 2, tzinfo=UTC)


def alert(number: int, **fields: Any) -> Alert:
    """An open, grave risk of customer ``number``; ``fields`` replaces what is said."""
    said: dict[str, Any] = {
        "alert_id": f"alert-{number}",
        "tenant": "default",
        "kind": "risk",
        "type": "sudden_drop",
        "customer_id": f"customer-{number}",
        "customer_name": f"Company {number}",
        "state": "open",
        "severity": "critical",
        "occurred_at": AT,
        "version": 1,
        "evidence": {},
        "contributions": [
            {"feature": "recency_per_cadence", "value": 3.0, "contribution": 2.07},
            {"feature": "trend_28d", "value": -1.0, "contribution": -0.4},
            {"feature": "tenure", "value": 2.0, "contribution": 0.001},
        ],
        "p_churn": 0.62,
        "reasons_en": ["6 actions in the last 7 days, 30 % of the usual 20"],
        "reasons_zh": ["近7天操作6次"],
        "play": "call_within_2_days",
        "owner": "csm-ines",
        "route": "csm",
        "at_stake": {"amount": 12_400.0, "currency": "USD"},
    }
    return Alert.model_validate(said | fields)


def champion(examples: int, **metrics: float) -> Model:
    """A learned model of that many examples, without any weights."""
    return Model(
        tenant="default",
        model_version=f"champion-{examples}",
        role=ModelRole.CHAMPION,
        trained_through=AT,
        examples=examples,
        intercept=0.0,
        coefficients={},
        means={},
        scales={},
        under_contract=Weights(intercept=0.0, coefficients={}, means={}, scales={}),
        metrics=dict(metrics),
        checks=[],
        blend=0.25,
    )
