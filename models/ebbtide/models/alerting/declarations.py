"""Alert types, declared once: kind, what to do, and the wording of the reason in English and Chinese (signals §7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from string import Formatter
from typing import Any

from ebbtide.models.alerting.growth import growth_wording
from ebbtide.schemas.alert import AlertKind, AlertType

_PER_CENT = " %"
_UNITS = frozenset({"action", "comparable week", "day", "silent day"})


@cache
def _parsed(pattern: str) -> tuple[tuple[str, str | None, str], ...]:
    """Literal text, and the field after it with its spec, of each piece of a format string."""
    return tuple((literal, name, spec or "") for literal, name, spec, _ in Formatter().parse(pattern))


def _english(pattern: str, evidence: dict[str, Any]) -> str:
    """``{days:day}`` gives "1 day" or "2.5 days", ``{share: %}`` "75 %"; other specs are Python's."""
    pieces: list[str] = []
    for literal, name, spec in _parsed(pattern):
        pieces.append(literal)
        if name is not None:
            pieces.append(_said(evidence[name], spec))
    return "".join(pieces)


def _said(value: Any, spec: str) -> str:
    if spec == _PER_CENT:
        return f"{value:.0%}".replace("%", " %")
    if spec in _UNITS:
        number = f"{value:g}" if isinstance(value, float) else str(value)
        return f"{number} {spec}" if number == "1" else f"{number} {spec}s"
    return str(format(value, spec))


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is fixed for an alert type. ``zh`` and (for `_english`) ``en`` are format strings over the evidence.

    ``rest`` says what else the evidence holds, in English and Chinese: lists, which may be empty.
    """

    kind: AlertKind
    play: str
    en: str
    zh: str
    rest: Callable[[dict[str, Any]], tuple[str, str]] | None = None


DECLARATIONS: dict[AlertType, Declaration] = {
    AlertType.SUDDEN_DROP: Declaration(
        AlertKind.RISK,
        "call_within_2_days",
        "{value:action} in the last {window_days:day}, {percent} % of the usual {baseline:g} "
        "(median of {baseline_weeks:comparable week})",
        "近{window_days}天操作{value}次，仅为平时{baseline:g}次的{percent}%（取{baseline_weeks}个可比周的中位数）",
    ),
    AlertType.ASLEEP: Declaration(
        AlertKind.RISK,
        "check_in",
        "silent for {silence_days:day}; its own rhythm is one active day every {cadence_days:day}",
        "已沉默{silence_days}天，而其自身节奏为每{cadence_days:g}天活跃一次",
    ),
    AlertType.LEFT: Declaration(
        AlertKind.RISK,
        "win_back",
        "silent for {silence_days:day}, 7.5 times its own rhythm of {cadence_days:day} or more: taken as gone",
        "已沉默{silence_days}天，达到自身节奏（{cadence_days:g}天）的7.5倍，视为流失",
    ),
    AlertType.TIER_TO_DANGER: Declaration(
        AlertKind.RISK,
        "executive_outreach",
        "probability of churn rose to {p_churn: %}: danger tier",
        "流失概率升至{p_churn:.0%}，进入危险等级",
    ),
    AlertType.SURGE: Declaration(
        AlertKind.OPPORTUNITY,
        "offer_expansion",
        "{value:action} in the last {window_days:day}, {percent} % of the usual {baseline:g}",
        "近{window_days}天操作{value}次，为平时{baseline:g}次的{percent}%",
        growth_wording,
    ),
    AlertType.WARM_RETURN: Declaration(
        AlertKind.OPPORTUNITY,
        "welcome_back",
        "logged in again after {silence_days:silent day} (own rhythm {cadence_days:day})",
        "沉默{silence_days}天后重新登录（自身节奏{cadence_days:g}天）",
    ),
}

_ROUTES = {"strategic": "csm", "middle": "queue"}


def wording(alert_type: AlertType, evidence: dict[str, Any]) -> tuple[str, str]:
    """The reason in English and in Chinese."""
    declaration = DECLARATIONS[alert_type]
    rest_en, rest_zh = ("", "") if declaration.rest is None else declaration.rest(evidence)
    return _english(declaration.en, evidence) + rest_en, declaration.zh.format(**evidence) + rest_zh


def route(service_tier: str | None) -> str:
    """Who gets it [FX]: strategic customers their CSM, middle ones the queue, the rest automation."""
    return _ROUTES.get((service_tier or "").lower(), "automation")
