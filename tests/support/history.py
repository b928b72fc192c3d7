"""Small valid records of the topics that go into history."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ebbtide.schemas.alert import Alert, AlertKind, AlertState, AlertType, Severity, Suppressed
from ebbtide.schemas.base import Money
from ebbtide.schemas.customer_record import CustomerRecord, Field
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.score import Calibration, Contribution, FeatureDelta, HealthTier, Score, ScoreChange
from ebbtide.schemas.state_change import StateChange, StateName


class Consumed(NamedTuple):
    """A record as a consumer gives it."""

    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


NOON = datetime(2025, 1, 6, 12, 0, 0, 250_000, tzinfo=UTC)
NOON_S = 1_736_164_800
NOON_MS = 1_736_164_800_250


def score(customer_id: str = "acct-acme", version: int = 3, *, at: datetime = NOON) -> Score:
    """A customer in danger, with a change since the version before."""
    return Score(
        tenant="default",
        customer_id=customer_id,
        version=version,
        occurred_at=at,
        p_churn=0.75,
        tier=HealthTier.DANGER,
        model_version="m-7",
        intercept=-1.5,
        contributions=[Contribution(feature="silence_ratio", value=3.0, contribution=2.5)],
        logit=1.0,
        calibration=Calibration(before=0.731, after=0.75),
        change=ScoreChange(
            from_version=version - 1, contributions=[FeatureDelta(feature="silence_ratio", contribution=0.5)]
        ),
    )


def blind_score() -> Score:
    """A customer whose source stopped: everything that may be absent is."""
    return score().model_copy(
        update={
            "p_churn": None,
            "tier": None,
            "logit": None,
            "calibration": None,
            "change": None,
            "contributions": [],
            "cannot_score_reason": "source_blind",
        }
    )


def alert(
    alert_id: str = "al-1",
    version: int = 1,
    *,
    state: AlertState = AlertState.OPEN,
    suppressed: str | None = None,
    at: datetime = NOON,
) -> Alert:
    """A sudden drop with reasons in two languages."""
    return Alert(
        alert_id=alert_id,
        tenant="default",
        kind=AlertKind.RISK,
        type=AlertType.SUDDEN_DROP,
        customer_id="acct-acme",
        customer_name="Acme 有限公司",
        state=state,
        severity=Severity.WARNING,
        occurred_at=at,
        version=version,
        evidence={"queries_7d": 4, "usual": 41.5},
        contributions=[Contribution(feature="silence_ratio", value=3.0, contribution=2.5)],
        p_churn=0.75,
        reasons_en=["Queries fell by 90 %"],
        reasons_zh=["查询量下降 90%"],
        play="call",
        owner="mei",
        route="csm",
        at_stake=Money(amount=12_000.5, currency="CNY"),
        suppressed=Suppressed(reason=suppressed) if suppressed else None,
        resolved_reason="recovered" if state is AlertState.RESOLVED else None,
    )


def customer_record(customer_id: str = "acct-acme", version: int = 3, *, tier: str = "danger") -> CustomerRecord:
    """A record with two fields."""
    return CustomerRecord(
        tenant="default",
        customer_id=customer_id,
        anchor=Identifier(type=IdentifierType.CRM_ACCOUNT_ID, value="001A"),
        version=version,
        as_of=NOON,
        fields={
            "health_tier": Field(value=tier, as_of=NOON, source="model"),
            "seats": Field(value=40, as_of=NOON - timedelta(days=1), source="crm"),
        },
    )


def state_change(
    version: int = 4,
    *,
    customer_id: str = "acct-acme",
    state: StateName = StateName.LIFECYCLE,
    old: str | None = "maturity",
    new: str = "decline",
    at: datetime = NOON,
) -> StateChange:
    """A customer that went into decline."""
    return StateChange(
        tenant="default",
        customer_id=customer_id,
        version=version,
        occurred_at=at,
        state=state,
        old=old,
        new=new,
        reason="drop",
        evidence={"value": 31, "ratio": 0.4161},
    )
