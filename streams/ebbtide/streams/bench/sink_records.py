"""What the sink's bench writes: records as the workers send them, in the shares of a live stream."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from ebbtide.models.churn.features import NAMES
from ebbtide.schemas.events import Event, EventKind, Identifier, IdentifierType, Origin
from ebbtide.schemas.score import Calibration, Contribution, FeatureDelta, HealthTier, Score, ScoreChange
from ebbtide.schemas.state_change import StateChange, StateName

Records = list[tuple[str, bytes]]
"""Topic and value."""

PARTITIONS = 4
BEGAN = datetime(2025, 6, 2, tzinfo=UTC)
SHARES = (("events", 0.80), ("scores", 0.17), ("state-changes", 0.03))
"""By number. A customer of a live book does some five things for every score."""


def make_records(count: int, random: Random) -> Records:
    """So many of them, the same for the same random numbers."""
    topics = random.choices([name for name, _ in SHARES], [share for _, share in SHARES], k=count)
    make = {"events": _event, "scores": _score, "state-changes": _state_change}
    return [(topic, make[topic](number, random)) for number, topic in enumerate(topics)]


def _event(number: int, random: Random) -> bytes:
    at = BEGAN + timedelta(seconds=number)
    user = Identifier(IdentifierType.USER_ID, f"u{random.randrange(20_000):08}")
    return Event(
        event_id=f"{random.getrandbits(128):032x}",
        tenant="default",
        kind=EventKind.ACTIVITY,
        type="track",
        name=random.choice(("query", "login", "report_opened", "export", "funnel_analysis")),
        occurred_at=at,
        received_at=at,
        source="web",
        subject=user,
        identifiers=[user, Identifier(IdentifierType.ANONYMOUS_ID, f"a-{random.getrandbits(64):016x}")],
        account=f"acct-{random.randrange(997)}",
        properties={
            "path": f"/reports/{random.randrange(500)}",
            "duration_ms": random.randrange(10_000),
            "plan": "team",
        },
        origin=Origin("raw-behavior", number % PARTITIONS, number, 1_750_000_000_000),
    ).to_json()


def _score(number: int, random: Random) -> bytes:
    p_churn = random.random()
    parts = [Contribution(name, round(random.random() * 30, 3), random.gauss(0, 0.4)) for name in NAMES]
    return Score(
        tenant="default",
        customer_id=f"{random.getrandbits(128):032x}",
        version=number,
        occurred_at=BEGAN + timedelta(seconds=number),
        p_churn=p_churn,
        tier=HealthTier.NORMAL,
        model_version="champion-12000",
        intercept=-1.5,
        contributions=parts,
        logit=random.gauss(0, 1),
        calibration=Calibration(before=p_churn, after=p_churn),
        change=ScoreChange(
            from_version=number - 1,
            contributions=[FeatureDelta(part.feature, random.gauss(0, 0.1)) for part in parts[:6]],
        ),
    ).to_json()


def _state_change(number: int, random: Random) -> bytes:
    return StateChange(
        tenant="default",
        customer_id=f"{random.getrandbits(128):032x}",
        version=number,
        occurred_at=BEGAN + timedelta(seconds=number),
        state=StateName.LIFECYCLE,
        old="growth",
        new="maturity",
        reason="levelled",
        evidence={"value": random.randrange(100), "ratio": round(random.random(), 4)},
    ).to_json()
