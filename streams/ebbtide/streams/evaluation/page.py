"""An evaluation as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group
from rich.table import Column, Table

from ebbtide.streams.evaluation.alert_page import alert_tables
from ebbtide.streams.evaluation.figures import per_cent
from ebbtide.streams.evaluation.measures import MEASURES


def render(result: dict[str, Any]) -> Group:
    """What :func:`~ebbtide.streams.evaluation.evaluate.evaluate` found."""
    tables = []
    for title, key in ((f"Scores as of {result['cut']}", None), ("Prequential: every matured example", "prequential")):
        part = result if key is None else result[key]
        if part and "quality" in part:
            tables.append(_quality_table(title, part["quality"]))
            tables.append(_tier_table("Calibration by tier", part["tiers"]))
    if "rolling" in result:
        tables.append(_rolling_table(result["rolling"]))
    if result.get("tier_lift"):
        tables.append(_lift_table(result["tier_lift"]))
    if result["alerts"]:
        tables.extend(alert_tables(result["alerts"]))
    return Group(*tables)


def _quality_table(title: str, quality: dict[str, dict[str, Any]]) -> Table:
    table = Table("customers", *quality, title=title)
    for measure in MEASURES:
        table.add_row(measure.replace("_", " "), *(_show(part[measure]) for part in quality.values()))
    return table


def _tier_table(title: str, tiers: Iterable[dict[str, Any]]) -> Table:
    table = Table("tier", "customers", "churned", "churn rate", "95 % interval", "mean p_churn", title=title)
    for row in tiers:
        interval = f"{row['low_95']:.3f} … {row['high_95']:.3f}"
        shown = [_show(row[key]) for key in ("customers", "churned", "churn_rate")]
        table.add_row(row["tier"], *shown, interval, _show(row["mean_p_churn"]))
    return table


def _lift_table(lift: dict[str, Any]) -> Table:
    table = Table("", "", title="Health tiers over the whole replay", show_header=False)
    table.add_row("looked at", f"{lift['instants']} times, {_day(lift['first'])} to {_day(lift['last'])}")
    table.add_row("churned within the horizon", f"{lift['customers_churned']:,} customers")
    table.add_row("base rate", per_cent(lift["base_rate"]))
    table.add_row("rate in danger", f"{per_cent(lift['danger_rate'])} ({lift['customers_in_danger']:,} customers)")
    if lift["lift"] is not None:
        between = "" if lift["low_95"] is None else f" ({lift['low_95']:.1f} to {lift['high_95']:.1f})"
        table.add_row("danger over base", f"{lift['lift']:.1f} times{between}")
    table.add_row("excellent share", per_cent(lift["excellent_share"]))
    return table


def _day(instant: str | None) -> str:
    return "–" if instant is None else instant[:10]


_ROLLING = ("customers", "churned", "auc", "log_loss", "explained_share", "brier", "calibration_error")


def _rolling_table(rolling: dict[str, Any]) -> Table:
    headings = [name.replace("_", " ") for name in _ROLLING]
    headings.insert(headings.index("auc") + 1, "auc active")
    title = f"Rolling: a cut every {rolling['every_days']} days"
    # As narrow as it goes, so that dates and headings are whole on a page.
    table = Table(Column("cut", min_width=10), *headings, title=title, pad_edge=False, collapse_padding=True)
    for row in rolling["cuts"]:
        table.add_row(row["cut"].removesuffix("T00:00:00Z"), *_rolling_cells(row))
    table.add_section()
    table.add_row("mean", *_rolling_cells(rolling["mean"]))
    table.add_row("standard deviation", *_rolling_cells(rolling["standard_deviation"]))
    return table


def _rolling_cells(row: dict[str, Any]) -> list[str]:
    cells = []
    for name in _ROLLING:
        value = row["all"][name]
        # Of means of counts nobody needs a part of a customer.
        counted = name in ("customers", "churned") and value is not None
        cells.append(_show(round(value) if counted else value))
        if name == "auc":
            cells.append(_show(row["active"][name]))
    return cells


def _show(value: float | int | str | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
