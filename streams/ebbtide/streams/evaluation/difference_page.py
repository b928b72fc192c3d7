"""The difference of two policies as tables for a terminal of 80 columns or more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Column, Table

from ebbtide.streams.evaluation.difference import SHARES
from ebbtide.streams.evaluation.figures import interval, number, per_cent, signed


def render(result: dict[str, Any]) -> Group:
    """What :func:`~ebbtide.streams.backtest.backtest` found."""
    tables = [_settings(result), _measures(result["difference"]), _types(result["difference"])]
    if any("came_true" in row for row in result["difference"]["types"].values()):
        tables.append(_alone(result["difference"]))
    return Group(*tables)


def _settings(result: dict[str, Any]) -> Table:
    table = Table("setting", "A", "B", title="The two policies")
    table.add_row("file", *(Path(result[side]["policy"]).name for side in ("a", "b")), end_section=True)
    for row in result["settings"]:
        table.add_row(row["name"], _said(row["a"]), _said(row["b"]))
    if not result["settings"]:
        table.add_row("none differs", "", "")
    return table


def _said(value: object) -> str:
    return "–" if value is None else str(value)


def _right(*names: str) -> list[Column]:
    return [Column(name, justify="right") for name in names]


def _measures(difference: dict[str, Any]) -> Table:
    table = Table(
        "",
        *_right("A", "B", "B - A", "95 % interval"),
        title="What that does",
        caption="Shares differ in points of per cent. Where the interval holds 0, it may be chance.",
        caption_justify="left",
        pad_edge=False,
        collapse_padding=True,
    )
    for name, row in difference["measures"].items():
        is_share = name in SHARES
        show = per_cent if is_share else number
        between = ""
        if row["low_95"] is not None:
            low, high = signed(row["low_95"], share=is_share), signed(row["high_95"], share=is_share)
            between = f"{low} to {high}"
        cells = (show(row["a"]), show(row["b"]), signed(row["difference"], share=is_share), between)
        table.add_row(name.replace("_", " "), *cells)
    for key, said in (("suppressed", "suppressed"), ("ops", "on no customer (ops)")):
        ours, theirs = (sum(difference[key][side].values()) for side in ("a", "b"))
        if ours or theirs:
            table.add_row(said, number(ours), number(theirs), f"{theirs - ours:+,}", "")
    return table


def _types(difference: dict[str, Any]) -> Table:
    table = Table(
        Column("alerts told", no_wrap=True),
        *_right("A", "B", "both", "only A", "only B", "days later in B"),
        title=f"The same within {difference['tolerance_days']:g} days",
        pad_edge=False,
        collapse_padding=True,
    )
    for name, row in difference["types"].items():
        later = row["mean_days_later_in_b"]
        counts = (f"{row[key]:,}" for key in ("a", "b", "both", "only_a", "only_b"))
        table.add_row(name, *counts, "–" if later is None else f"{later:+.1f}")
    table.add_section()
    table.add_row("all", *(f"{difference['told'][key]:,}" for key in ("a", "b", "both", "only_a", "only_b")), "")
    return table


def _alone(difference: dict[str, Any]) -> Table:
    """Whether what a policy adds or leaves out would have been worth it."""
    table = Table(
        Column("came true", no_wrap=True),
        "in both",
        "only A",
        "only B",
        title="Risk alerts followed by churn",
        pad_edge=False,
        collapse_padding=True,
    )
    for name, row in difference["types"].items():
        if "came_true" in row:
            table.add_row(name, *(_of(row["came_true"][key]) for key in ("both", "only_a", "only_b")))
    return table


def _of(share: dict[str, Any]) -> str:
    return "" if share["share"] is None else f"{per_cent(share['share'])}{interval(share)} of {share['of']:,}"
