"""Shows on `/metrics` how good a tenant's models are, on labels as they came."""

from __future__ import annotations

from prometheus_client import Gauge

from ebbtide.models.churn.prequential import TIERS
from ebbtide.models.churn.succession import Succession
from ebbtide.schemas.learning import Model, ModelRole
from ebbtide.streams.metrics import Metrics

POPULATIONS = {"all": "auc", "active": "active_auc"}


class ModelGauges:
    """The gauges of all tenants. What cannot be told yet, an AUC without churn, is not shown."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._shown: set[tuple[Gauge, tuple[str, ...]]] = set()

    def show(self, model: Model) -> None:
        """Bring a tenant's gauges up to date. A challenger publishes nothing that could be judged."""
        if model.role is ModelRole.CHALLENGER:
            return
        metrics, told, labels = self._metrics, model.metrics, (model.tenant, model.role.value)
        self._set(metrics.model_examples, labels, model.examples)
        if model.trained_through is not None:
            self._set(metrics.model_trained_through_timestamp_seconds, labels, model.trained_through.timestamp())
        self._set(metrics.model_recent_log_loss, labels, told.get("recent_log_loss"))
        self._show_measures(model, model.role, "prequential")
        if model.role is not ModelRole.BASELINE:
            self._show_measures(model, ModelRole.BASELINE, "baseline")
        for tier in TIERS:
            of_tier = (*labels, tier)
            self._set(metrics.model_tier_examples, of_tier, told.get(f"{tier}_examples"))
            for gauge, part in (
                (metrics.model_tier_churn_ratio, "rate"),
                (metrics.model_tier_churn_low_ratio, "low_95"),
                (metrics.model_tier_churn_high_ratio, "high_95"),
            ):
                self._set(gauge, of_tier, told.get(f"recent_{tier}_churn_{part}"))

    def watch(self, tenant: str, models: Succession) -> None:
        """Show what is watched and who challenges."""
        metrics = self._metrics
        self._set(metrics.model_inputs_shifted, (tenant,), models.inputs.is_shifted)
        self._set(metrics.model_challenged, (tenant,), models.rival is not None)
        for feature, index in models.inputs.indices.items():
            self._set(metrics.model_input_stability_index, (tenant, feature), index)
        for name, standing in models.shadows.standings.items():
            self._set(metrics.model_shadow_log_loss, (tenant, name), standing.log_loss)
            self._set(metrics.model_shadow_champion_log_loss, (tenant, name), standing.champion_log_loss)

    def forget(self) -> None:
        """Drop all: another worker learns now."""
        for gauge, labels in self._shown:
            gauge.remove(*labels)
        self._shown = set()

    def _show_measures(self, model: Model, role: ModelRole, side: str) -> None:
        metrics, told, labels = self._metrics, model.metrics, (model.tenant, role.value)
        for population, name in POPULATIONS.items():
            self._set(metrics.model_auc_ratio, (*labels, population), told.get(f"{side}_{name}"))
        for gauge, name in (
            (metrics.model_log_loss, "log_loss"),
            (metrics.model_brier, "brier"),
            (metrics.model_calibration_error_ratio, "calibration_error"),
            (metrics.model_explained_ratio, "explained_share"),
        ):
            self._set(gauge, labels, told.get(f"{side}_{name}"))

    def _set(self, gauge: Gauge, labels: tuple[str, ...], value: float | None) -> None:
        if value is not None:
            gauge.labels(*labels).set(value)
            self._shown.add((gauge, labels))
