"""Churn models on a page, for a terminal or a pipe; nothing on it needs colours."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ebbtide.models.churn.prequential import TIERS
from ebbtide.models.churn.shadows import CHALLENGERS
from ebbtide.models.churn.shape import Difference, Shape
from ebbtide.schemas.learning import Model, ModelEvent, ModelEventKind, Weights
from ebbtide.streams.cli.field_values import NOTHING, number, per_cent, signed
from ebbtide.streams.cli.identity_story import shown
from ebbtide.streams.cli.sparkline import sparkline

MOST_FEATURES = 12
_OF_OTHERS = frozenset(
    {
        ModelEventKind.CHALLENGER_STARTED,
        ModelEventKind.CHALLENGER_RETIRED,
        ModelEventKind.REFUSED,
        ModelEventKind.RESTARTED,
    }
)
"""What happens to another model than the one in force."""
_MEASURES = (
    ("AUC", "auc"),
    ("AUC, active customers", "active_auc"),
    ("log loss", "log_loss"),
    ("Brier", "brier"),
    ("calibration error", "calibration_error"),
)


def versions(models: Sequence[Model]) -> RenderableType:
    """A line for each version."""
    table = _table("version", "role", "through", "examples", "AUC", "active", "Brier", "calib.", "explained", "weight")
    for model in models:
        told = model.metrics
        table.add_row(
            shown(model.model_version),
            model.role,
            _day(model),
            number(model.examples),
            *(_figure(told.get(f"prequential_{name}")) for name in ("auc", "active_auc", "brier", "calibration_error")),
            _share(told.get("prequential_explained_share")),
            per_cent(model.blend),
        )
    return Group(
        table,
        Text("Measured on predictions that were frozen before their label was known.", "dim"),
        Text("AUC over all customers and over active ones, seen within the horizon before; calib.: its error.", "dim"),
        Text("Explained: share of the uncertainty about who churns. Weight: share of what was learned.", "dim"),
    )


def history(events: Sequence[ModelEvent]) -> RenderableType:
    """What happened to the models, the oldest first."""
    if not events:
        return Text("Nothing has happened to the models yet but that they learned.")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("when", "what", "model", "by", "why"):
        table.add_column(name, overflow="fold")
    for event in events:
        other = "" if event.other_version is None else shown(event.other_version)
        what = event.kind.replace("_", " ")
        model = shown(event.model_version) or other
        if event.kind in _OF_OTHERS:
            model = other
        table.add_row(f"{event.occurred_at:%Y-%m-%d}", what, model, shown(event.by), shown(event.reason))
    return table


def page(model: Model, forms: Sequence[Shape]) -> RenderableType:
    """All of one version."""
    return Group(*_head(model), *_quality(model), *_tiers(model), *_shadows(model), *_features(forms))


def comparison(before: Model, after: Model, moved: Sequence[Difference]) -> RenderableType:
    """Two versions side by side."""
    table = _table("", shown(before.model_version), shown(after.model_version))
    rows: list[tuple[str, ...]] = [
        ("trained through", _day(before), _day(after)),
        ("examples", number(before.examples), number(after.examples)),
        ("weight beside the rule", per_cent(before.blend), per_cent(after.blend)),
        ("calibration", _calibration(before), _calibration(after)),
    ]
    rows += [
        (name, *(_figure(model.metrics.get(f"prequential_{key}")) for model in (before, after)))
        for name, key in _MEASURES
    ]
    shares = (_share(model.metrics.get("prequential_explained_share")) for model in (before, after))
    rows.append(("explained", *shares))
    for row in rows:
        table.add_row(*row)
    features = _table("feature", "at", "before", "after", "odds of churn")
    for told in [told for told in moved if told.moved][:MOST_FEATURES]:
        features.add_row(
            shown(told.feature),
            _value(told.value),
            signed(told.before),
            signed(told.after),
            f"× {exp(told.moved):.2f}",
        )
    return Group(table, Text(), Text("WHERE THEY DIFFER MOST, in nats", "bold"), features)


def _head(model: Model) -> list[RenderableType]:
    title = f"{shown(model.model_version)} · tenant {shown(model.tenant)} · {model.role.value}"
    lines = [
        f"learned from {number(model.examples)} examples, trained through {_day(model)}",
        *(
            f"{who}weight {per_cent(told.blend)} beside the rule · calibration {_calibration(told)}"
            for who, told in (("", model), ("under a contract: ", model.under_contract))
        ),
        f"answers its {len(model.checks)} check vectors",
    ]
    return [Text(title, "bold"), *(Text(f"  {line}") for line in lines)]


def _quality(model: Model) -> list[RenderableType]:
    table = _table("", "what was published", "the rule alone")
    told = model.metrics
    for name, key in _MEASURES:
        table.add_row(name, *(_figure(told.get(f"{side}_{key}")) for side in ("prequential", "baseline")))
    table.add_row("recent log loss", _figure(told.get("recent_log_loss")), NOTHING)
    table.add_row("explained", *(_share(told.get(f"{side}_explained_share")) for side in ("prequential", "baseline")))
    labels, active = (number(int(told.get(name) or 0)) for name in ("examples", "active_examples"))
    return [
        Text(),
        Text(f"QUALITY, on {labels} labels as they came, {active} of active customers", "bold"),
        table,
        Text("Explained: share of the uncertainty about who churns; the rest stays unexplained.", "dim"),
    ]


def _tiers(model: Model) -> list[RenderableType]:
    table = _table("tier", "examples", "churned", "95 %", "of late", "95 %")
    for tier in reversed(TIERS):
        seen = int(model.metrics.get(f"{tier}_examples") or 0)
        table.add_row(tier, number(seen), *_churn(model, tier), *_churn(model, f"recent_{tier}"))
    return [
        Text(),
        Text("TIERS", "bold"),
        table,
        Text("Examples of one customer overlap: an interval is narrower than the truth.", "dim"),
    ]


def _shadows(model: Model) -> list[RenderableType]:
    """Trees and forests beside the champion; nothing where none has learned."""
    told = model.metrics
    known = [name for name in CHALLENGERS if told.get(f"{name}_examples")]
    if not known:
        return []
    table = _table("in shadow", "examples", "log loss", "champion's")
    for name in known:
        losses = (_figure(told.get(f"{name}_{part}")) for part in ("log_loss", "champion_log_loss"))
        table.add_row(name.replace("_", " "), number(int(told[f"{name}_examples"] or 0)), *losses)
    return [
        Text(),
        Text("CHALLENGERS IN SHADOW, of late, on the few examples that they are shown", "bold"),
        table,
        Text("Both said before either had learned the example.", "dim"),
    ]


def _churn(model: Model, name: str) -> tuple[str, str]:
    """The churn of a tier, and its interval."""
    rate, low, high = (model.metrics.get(f"{name}_churn_{part}") for part in ("rate", "low_95", "high_95"))
    if rate is None or low is None or high is None:
        return NOTHING, NOTHING
    return per_cent(rate), f"{low * 100:.0f}-{high * 100:.0f} %"


def _features(forms: Sequence[Shape]) -> list[RenderableType]:
    table = _table("feature", "span", "from", "to", "form")
    for form in forms[:MOST_FEATURES]:
        low = min(form.contributions)
        drawn = sparkline([contribution - low for contribution in form.contributions])
        table.add_row(
            shown(form.feature),
            _figure(form.span, 2),
            _value(form.values[0]),
            _value(form.values[-1]),
            drawn,
        )
    rest = len(forms) - MOST_FEATURES
    return [
        Text(),
        Text("FEATURES, the strongest first: what each adds to the logit along its values, in nats", "bold"),
        table,
        *([Text(f"and {rest} weaker ones; --json has all", "dim")] if rest > 0 else []),
    ]


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=True)
    return table


def _calibration(told: Weights) -> str:
    return f"{told.calibration_slope:.3f} · logit {signed(told.calibration_intercept, 3)}"


def _day(model: Model) -> str:
    return NOTHING if model.trained_through is None else f"{model.trained_through:%Y-%m-%d}"


def _share(value: float | None) -> str:
    return NOTHING if value is None else per_cent(value)


def _value(value: float | str) -> str:
    return _figure(value, 2) if isinstance(value, float) else shown(value)


def _figure(value: float | None, digits: int = 4) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"
