"""What the view knows: folded from alerts, scores, models and readings."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from ebbtide.schemas.alert import AlertKind
from ebbtide.schemas.learning import ModelRole
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import TICK_KEY
from ebbtide.streams.demo.listener import TAKERS
from ebbtide.streams.demo.scrape import Reading
from ebbtide.streams.demo.state import DemoState
from support.alerts import AT, alert, champion


def test_an_alert_is_open_until_it_resolves() -> None:
    state = DemoState(seconds=12.0)
    state.alert(alert(1))
    state.seconds = 20.0
    state.alert(alert(1, state="updated", version=2, severity="warning"))
    assert [a.version for a in state.alerts.values()] == [2]
    state.alert(alert(1, state="resolved", version=3))
    assert not state.alerts
    assert (state.opened["sudden_drop"], state.resolved) == (1, 1)
    assert state.first_alert_seconds == 12.0


def test_the_newest_come_first_and_of_one_instant_the_gravest_and_dearest() -> None:
    state = DemoState()
    later = AT + timedelta(days=1)
    state.alert(alert(1, severity="warning", at_stake=None))
    state.alert(alert(2, severity="warning"))
    state.alert(alert(3))
    state.alert(alert(4, severity="info", occurred_at=later))
    state.alert(alert(5, kind="opportunity", type="surge", occurred_at=later))
    assert [str(a.customer_id)[-1] for a in state.newest(AlertKind.RISK, 3)] == ["4", "3", "2"]
    assert [str(a.customer_id)[-1] for a in state.newest(AlertKind.OPPORTUNITY, 3)] == ["5"]


def test_the_gravest_are_risks_of_different_customers() -> None:
    state = DemoState()
    state.alert(alert(1, at_stake={"amount": 5.0, "currency": "EUR"}))
    state.alert(alert(2))
    state.alert(alert(2, alert_id="other", type="left"))
    state.alert(alert(3, kind="opportunity", type="surge", at_stake={"amount": 1e9, "currency": "EUR"}))
    assert [str(a.customer_id)[-1] for a in state.gravest(5)] == ["2", "1"]


def test_the_last_tier_of_a_customer_counts() -> None:
    state = DemoState()
    for customer, tier in [("a", "normal"), ("b", "danger"), ("a", "danger"), ("c", None)]:
        state.score(customer, tier)
    assert state.scores == 4
    assert state.tier_counts == {"danger": 2}


def test_the_champion_that_was_told_last_is_in_force() -> None:
    state = DemoState()
    state.learned(champion(0).model_copy(update={"role": "baseline"}))
    assert state.model is None
    state.learned(champion(20))
    state.learned(champion(30).model_copy(update={"role": ModelRole.CHALLENGER}))
    assert state.model == champion(20)
    # One that was taken back knows less.
    state.learned(champion(10))
    assert state.model == champion(10)


def test_a_model_that_is_kept_no_more_changes_nothing() -> None:
    state = DemoState()
    take = TAKERS[Topic.MODELS.topic_name]
    take(state, SimpleNamespace(key=b"default/champion-20", value=champion(20).to_json()))
    take(state, SimpleNamespace(key=b"default/champion-10", value=None))
    take(state, SimpleNamespace(key=TICK_KEY, value=b"{}"))
    assert state.model == champion(20)


def test_rate_and_latency_are_those_of_the_last_seconds() -> None:
    state = DemoState()
    assert state.events_per_second == 0.0
    assert state.score_latency is None
    for second in range(31):
        state.seconds = float(second)
        slow = {0.1: 0.0, 1.0: 100.0, float("inf"): 100.0}
        fast = {0.1: 10.0 * (second - 15), 1.0: 100.0 + 10 * (second - 15), float("inf"): 100.0 + 10 * (second - 15)}
        accepted = 1_000 * min(second, 15) + 100 * max(0, second - 15)
        state.measure(Reading(accepted=accepted, score_latency=slow if second < 15 else fast))
    assert state.events_per_second == pytest.approx(100.0)
    latency = state.score_latency
    assert latency is not None
    assert latency.median == pytest.approx(0.05)
    assert latency.p95 <= 0.1
