"""The ship gates: what scores and alerts must hold before somebody relies on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LIFT = 3.0
"""The danger tier must churn at so many times the base rate."""

WARNED_EARLY = 2 / 3
"""Share of churned customers that must have been warned at least 30 days before."""

MOST_EXCELLENT = 0.8
"""If more of the book than this is excellent, the tier says nothing."""

FEWEST_CHURNERS = 10
"""Under ten churners the interval of a share is wider than half of its range, and decides nothing."""


class Verdict(StrEnum):
    """What a gate says."""

    HOLDS = "holds"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Thresholds:
    """What is asked for. ``foreseeable`` leaves out who churned without a sign, where the truth says so."""

    lift: float = LIFT
    warned_early: float = WARNED_EARLY
    most_excellent: float = MOST_EXCELLENT
    fewest_churners: int = FEWEST_CHURNERS
    foreseeable: bool = False


@dataclass(frozen=True)
class Gate:
    """A gate with the value it judged, None where there is none, and the whole of it in words."""

    name: str
    verdict: Verdict
    value: float | None
    threshold: float
    says: str
    low_95: float | None = None
    high_95: float | None = None


def gates(result: dict[str, Any], thresholds: Thresholds) -> list[Gate]:
    """Judge what :func:`~ebbtide.streams.evaluation.evaluate.evaluate` found."""
    return [_lift(result, thresholds), _warned(result, thresholds), _excellent(result, thresholds)]


def overall(found: list[Gate]) -> Verdict:
    """One that failed decides; else one that cannot be judged."""
    verdicts = {gate.verdict for gate in found}
    return next((verdict for verdict in (Verdict.FAILED, Verdict.UNKNOWN) if verdict in verdicts), Verdict.HOLDS)


def _lift(result: dict[str, Any], thresholds: Thresholds) -> Gate:
    name, wanted = "danger_lift", thresholds.lift
    tiers = result.get("tier_lift")
    if tiers is None:
        return _unknown(name, wanted, "danger tier: no outcomes are known; give --truth, --events or a longer history")
    if tiers["customers_churned"] < thresholds.fewest_churners:
        return _unknown(
            name,
            wanted,
            f"danger tier: {tiers['customers_churned']} customers churned within the horizon of the "
            f"{tiers['instants']} instants that were judged, {thresholds.fewest_churners} are needed",
        )
    if tiers["lift"] is None:
        return _unknown(
            name, wanted, f"danger tier: nobody was in it at any of the {tiers['instants']} instants judged"
        )
    if tiers["base_rate"] * wanted > 1.0:
        return _unknown(
            name,
            wanted,
            f"danger tier: nothing can churn at {wanted:g} times a base rate of {tiers['base_rate']:.1%}; "
            f"it churns at {tiers['lift']:.1f} times",
        )
    says = (
        f"danger tier: churns at {tiers['lift']:.1f} times the base rate of {tiers['base_rate']:.1%} "
        f"({_between(tiers)}{tiers['customers_in_danger']} customers were in it), "
        f"at least {wanted:g} times wanted"
    )
    return Gate(name, _verdict(tiers["lift"] >= wanted), tiers["lift"], wanted, says, tiers["low_95"], tiers["high_95"])


def _between(tiers: dict[str, Any]) -> str:
    return "" if tiers["low_95"] is None else f"{tiers['low_95']:.1f} to {tiers['high_95']:.1f}; "


def _warned(result: dict[str, Any], thresholds: Thresholds) -> Gate:
    name, wanted = "warned_30_days_before", thresholds.warned_early
    alerts = result.get("alerts")
    if alerts is None:
        return _unknown(name, wanted, "warnings: the replay wrote no alerts.ndjson")
    churn = alerts.get("churn")
    if churn is None:
        return _unknown(name, wanted, "warnings: nobody says when customers churned; give --truth with churned_at")
    counted = churn
    who = "churned customers"
    if thresholds.foreseeable:
        if "foreseeable" not in churn:
            return _unknown(name, wanted, "warnings: --foreseeable needs a truth that says who churned without a sign")
        counted, who = churn["foreseeable"], "churned customers that showed a sign"
    found = counted["churners_warned_30_days_before"]
    if found["of"] < thresholds.fewest_churners:
        return _unknown(
            name,
            wanted,
            f"warnings: {found['of']} {who} after a whole horizon under observation, "
            f"{thresholds.fewest_churners} are needed",
        )
    chance = churn["stayers_warned_30_days_before_by_chance"]
    says = (
        f"warnings: {found['share']:.1%} of {found['of']} {who} were warned at least 30 days before "
        f"({found['low_95']:.1%} to {found['high_95']:.1%}"
        f"{_beside(churn, foreseeable=thresholds.foreseeable)}"
        f"{'' if chance is None else f'; by chance {chance:.1%}'}), at least {wanted:.1%} wanted"
    )
    holds = found["share"] >= wanted
    return Gate(name, _verdict(holds), found["share"], wanted, says, found["low_95"], found["high_95"])


def _beside(churn: dict[str, Any], *, foreseeable: bool) -> str:
    """The share among the others that could have been counted, where the truth tells them apart."""
    if "foreseeable" not in churn:
        return ""
    if foreseeable:
        other, who = churn["churners_warned_30_days_before"], "all churners"
    else:
        other, who = churn["foreseeable"]["churners_warned_30_days_before"], "those that showed a sign"
    return "" if other["share"] is None else f"; of {who} {other['share']:.1%}"


def _excellent(result: dict[str, Any], thresholds: Thresholds) -> Gate:
    name, wanted = "excellent_share", thresholds.most_excellent
    tiers = result.get("tier_lift")
    if tiers is None or tiers["excellent_share"] is None:
        return _unknown(name, wanted, "excellent tier: no score can be judged; give --truth, --events or more history")
    value = tiers["excellent_share"]
    says = f"excellent tier: {value:.1%} of the book is in it, no more than {wanted:.1%} wanted"
    return Gate(name, _verdict(value <= wanted), value, wanted, says)


def _verdict(holds: bool) -> Verdict:
    return Verdict.HOLDS if holds else Verdict.FAILED


def _unknown(name: str, wanted: float, says: str) -> Gate:
    return Gate(name, Verdict.UNKNOWN, None, wanted, says)
