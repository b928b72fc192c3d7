"""Alert types, declared once: kind, what to do, and the wording of the reason in English and Chinese (signals §7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ebbtide.schemas.alert import AlertKind, AlertType


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is fixed for an alert type. ``en`` and ``zh`` are format strings over the evidence."""

    kind: AlertKind
    play: str
    en: str
    zh: str


DECLARATIONS: dict[AlertType, Declaration] = {
    AlertType.SUDDEN_DROP: Declaration(
        AlertKind.RISK,
        "call_within_2_days",
        "{value} actions in the last {window_days} days, {percent} % of the usual {baseline:g} "
        "(median of {baseline_weeks} comparable weeks)",
        "近{window_days}天操作{value}次，仅为平时{baseline:g}次的{percent}%（取{baseline_weeks}个可比周的中位数）",
    ),
    AlertType.ASLEEP: Declaration(
        AlertKind.RISK,
        "check_in",
        "silent for {silence_days} days; its own rhythm is one active day every {cadence_days:g} days",
        "已沉默{silence_days}天，而其自身节奏为每{cadence_days:g}天活跃一次",
    ),
    AlertType.LEFT: Declaration(
        AlertKind.RISK,
        "win_back",
        "silent for {silence_days} days, 7.5 times its own rhythm of {cadence_days:g} days or more: taken as gone",
        "已沉默{silence_days}天，达到自身节奏（{cadence_days:g}天）的7.5倍，视为流失",
    ),
    AlertType.TIER_TO_DANGER: Declaration(
        AlertKind.RISK,
        "executive_outreach",
        "probability of churn rose to {p_churn:.0%}: danger tier",
        "流失概率升至{p_churn:.0%}，进入危险等级",
    ),
    AlertType.SURGE: Declaration(
        AlertKind.OPPORTUNITY,
        "offer_expansion",
        "{value} actions in the last {window_days} days, {percent} % of the usual {baseline:g}",
        "近{window_days}天操作{value}次，为平时{baseline:g}次的{percent}%",
    ),
    AlertType.WARM_RETURN: Declaration(
        AlertKind.OPPORTUNITY,
        "welcome_back",
        "logged in again after {silence_days} silent days (own rhythm {cadence_days:g} days)",
        "沉默{silence_days}天后重新登录（自身节奏{cadence_days:g}天）",
    ),
}

_ROUTES = {"strategic": "csm", "middle": "queue"}


def wording(alert_type: AlertType, evidence: dict[str, Any]) -> tuple[str, str]:
    """The reason in English and in Chinese."""
    declaration = DECLARATIONS[alert_type]
    return declaration.en.format(**evidence), declaration.zh.format(**evidence)


def route(service_tier: str | None) -> str:
    """Who gets it [FX]: strategic customers their CSM, middle ones the queue, the rest automation."""
    return _ROUTES.get((service_tier or "").lower(), "automation")
