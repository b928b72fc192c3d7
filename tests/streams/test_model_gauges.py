"""Quality of models on `/metrics`: by role, population and tier; nothing that cannot be told, nothing that is gone."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.shift import InputWatch
from ebbtide.models.churn.succession import Origin, Rival, Succession
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.learning import ModelRole
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.model_gauges import ModelGauges
from support.raw import at


def shown(metrics: Metrics) -> dict[str, float]:
    lines = generate_latest(metrics.registry).decode().splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if line.startswith("ebbtide_model_"))
    return {name.removeprefix("ebbtide_model_"): float(value) for name, value in samples}


def taught(*labels: tuple[float, bool, float]) -> Learner:
    """Examples of one recency each, ln(1 + days), with outcome and what was said."""
    learner = Learner()
    for recency, label, p_churn in labels:
        learner.learn([recency, *[1.0] * (len(NAMES) - 1)], label, p_churn)
    return learner


def test_what_is_known_is_shown_by_role_population_and_tier() -> None:
    metrics = Metrics(CollectorRegistry())
    gauges = ModelGauges(metrics)
    learner = taught((1.0, True, 0.9), (1.0, False, 0.8), (1.0, False, 0.02), (9.0, True, 0.9))
    model = learner.to_model(at(7), "t")
    gauges.show(model)
    found = shown(metrics)
    assert found['examples{role="champion",tenant="t"}'] == 4
    assert found['trained_through_timestamp_seconds{role="champion",tenant="t"}'] == at(7).timestamp()
    assert found['auc_ratio{population="all",role="champion",tenant="t"}'] == 1.0
    assert found['auc_ratio{population="active",role="champion",tenant="t"}'] == 1.0
    assert found['auc_ratio{population="all",role="baseline",tenant="t"}'] == 0.5
    for name, key in (
        ("log_loss", "log_loss"),
        ("brier", "brier"),
        ("calibration_error_ratio", "calibration_error"),
        ("explained_ratio", "explained_share"),
    ):
        assert found[f'{name}{{role="champion",tenant="t"}}'] == model.metrics[f"prequential_{key}"]
        assert found[f'{name}{{role="baseline",tenant="t"}}'] == model.metrics[f"baseline_{key}"]
    assert found['recent_log_loss{role="champion",tenant="t"}'] == model.metrics["recent_log_loss"]
    assert found['tier_examples{role="champion",tenant="t",tier="danger"}'] == 3
    assert found['tier_examples{role="champion",tenant="t",tier="normal"}'] == 0
    rate, low, high = (
        found[f'tier_churn_{part}ratio{{role="champion",tenant="t",tier="danger"}}'] for part in ("", "low_", "high_")
    )
    assert rate == pytest.approx(2 / 3, abs=1e-3)
    assert 0.2 < low < rate < high < 0.95
    # Of a tier without labels nothing is known.
    assert not any('tier="normal"' in name for name in found if name.startswith("tier_churn"))


def test_before_there_is_churn_there_is_no_auc_and_a_rule_stands_for_itself() -> None:
    metrics = Metrics(CollectorRegistry())
    gauges = ModelGauges(metrics)
    gauges.show(taught((1.0, False, 0.1)).to_model(at(7), "t"))
    assert not any(name.startswith(("auc", "explained")) for name in shown(metrics))
    gauges.forget()
    gauges.show(Learner().to_model(None, "t"))
    assert shown(metrics) == {
        'examples{role="baseline",tenant="t"}': 0,
        **{
            f'tier_examples{{role="baseline",tenant="t",tier="{tier}"}}': 0
            for tier in ("danger", "normal", "excellent")
        },
    }


def test_what_is_watched_is_shown_and_a_challenger_is_not_judged() -> None:
    metrics = Metrics(CollectorRegistry())
    gauges = ModelGauges(metrics)
    models = Succession("t", CorePolicy())
    gauges.watch("t", models)
    assert shown(metrics) == {'challenged{tenant="t"}': 0, 'inputs_shifted{tenant="t"}': 0}
    models.rival = Rival(Learner(), Origin.RENEWED, 0)
    models.inputs = InputWatch(is_shifted=True, indices={"recency": 0.5})
    models.shadows.learn([1.0] * len(NAMES), True, 0.5)
    gauges.watch("t", models)
    found = shown(metrics)
    assert (found['challenged{tenant="t"}'], found['inputs_shifted{tenant="t"}']) == (1, 1)
    assert found['input_stability_index{feature="recency",tenant="t"}'] == 0.5
    assert found['shadow_champion_log_loss{challenger="mondrian_forest",tenant="t"}'] == pytest.approx(0.693, abs=1e-3)
    assert found['shadow_log_loss{challenger="mondrian_forest",tenant="t"}'] > 0
    gauges.forget()
    model = taught((1.0, True, 0.9)).to_model(at(7), "t")
    gauges.show(model.model_copy(update={"role": ModelRole.CHALLENGER}))
    assert shown(metrics) == {}


def test_nothing_stays_of_what_another_worker_learns_now() -> None:
    metrics = Metrics(CollectorRegistry())
    gauges = ModelGauges(metrics)
    gauges.show(taught((1.0, True, 0.9), (1.0, False, 0.8)).to_model(at(7), "t"))
    gauges.forget()
    gauges.forget()
    assert shown(metrics) == {}
