"""Numbers, times and alerts in words, for the view, the progress line and the summary."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.cells import set_cell_size
from rich.text import Text

from ebbtide.schemas.alert import Alert, Severity
from ebbtide.schemas.base import Money
from ebbtide.streams.demo.state import DemoState, Latency

SEVERITY_STYLE = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "green"}
TIER_STYLE = {"danger": "red", "normal": "yellow", "excellent": "green"}
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
STRONGEST = 3
NOTABLE = 0.05
"""Logit units; a part below moves a probability by about one point at most and explains nothing."""


def clock_time(seconds: float) -> str:
    """`1:05`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def money(value: Money | None) -> str:
    """`$12,400`; a dash where nothing is known to be at stake."""
    if value is None or not value.amount:
        return "–"
    symbol = _SYMBOLS.get(value.currency)
    return f"{symbol}{value.amount:,.0f}" if symbol else f"{value.amount:,.0f} {value.currency}"


def probability(p_churn: float | None) -> str:
    """`62 %`; a dash for a customer that has no score yet."""
    return "–" if p_churn is None else f"{p_churn:.0%}".replace("%", " %")


def duration(seconds: float) -> str:
    """`0.21 s`, `45 ms`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.1 else f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def latency(value: Latency | None) -> str:
    """Median and 95 % in one phrase."""
    return "–" if value is None else f"{duration(value.median)} (95 %: {duration(value.p95)})"


def event_time(state: DemoState) -> datetime | None:
    """Through when the worker has settled every customer."""
    seconds = state.reading.event_time
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def day_of_book(state: DemoState) -> str:
    """`2026-08-12 13:00, day 63 of 210`."""
    at = event_time(state)
    if at is None or state.book_start is None:
        return "–"
    return f"{at:%Y-%m-%d %H:%M}, day {max(0, (at - state.book_start).days) + 1} of {state.book_days}"


def counts(values: dict[str, int]) -> str:
    """`not_json 2, clock_ahead 1`, most first."""
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in ordered if count) or "none"


def why_scored(alert: Alert) -> str:
    """Why its score is what it is: in words where it was told with the alert, else the parts that weigh most."""
    # The first reason is what happened, the second the whole of the score.
    return "; ".join(alert.reasons_en[2:]) or strongest(alert)


def strongest(alert: Alert) -> str:
    """The parts of the score that weigh most, signed, in logit units."""
    parts = sorted(alert.contributions, key=lambda part: -abs(part.contribution))[:STRONGEST]
    if not parts:
        return "no score yet"
    shown = [p for n, p in enumerate(parts) if n == 0 or abs(p.contribution) >= NOTABLE]
    return ", ".join(f"{part.feature.replace('_', ' ')} {part.contribution:+.2f}" for part in shown)


def alert_lines(alert: Alert, width: int) -> list[Text]:
    """An alert on three lines: who and how much; the reason; why the score says so."""
    style = SEVERITY_STYLE[alert.severity]
    name = alert.customer_name or f"customer {(alert.customer_id or '-')[:8]}"
    right = f"{money(alert.at_stake):>11}  churn {probability(alert.p_churn):>5}  {alert.occurred_at:%b %d}"
    title = f"● {alert.type.replace('_', ' '):<17}"
    room = width - len(title) - len(right) - 1
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append(title, style=style)
    head.append(set_cell_size(name, max(0, room)), style="bold")
    head.append(" " + right)
    reason = Text(f"  {alert.reasons_en[0]}", no_wrap=True, overflow="ellipsis")
    why = Text(f"  score: {why_scored(alert)}", style="dim", no_wrap=True, overflow="ellipsis")
    return [head, reason, why]
