"""The live view: `render` turns a state into something rich can print, for a terminal of a given size."""

from __future__ import annotations

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ebbtide.schemas.alert import AlertKind
from ebbtide.streams.demo.state import DemoState
from ebbtide.streams.demo.wording import TIER_STYLE, alert_lines, clock_time, counts, day_of_book, latency, probability

LINES_OF_ALERT = 3
FIXED_LINES = 12
"""Everything but the alerts: heading, three panels of four rows, two lines, the frame of the alerts, the last line."""
RISKS_OF = (2, 3)
"""Share of the alerts' room that risks get at least; Monday's returns would drive them out otherwise."""


def render(state: DemoState, *, width: int, height: int) -> RenderableType:
    """The whole screen, never larger than ``width`` times ``height`` cells."""
    room = max(1, (height - FIXED_LINES) // LINES_OF_ALERT)
    return Group(
        _heading(state, width),
        _panels(state),
        _line("latency", f"event to score {latency(state.score_latency)}, to alert {latency(state.alert_latency)}"),
        _line("refused", f"{counts(state.reading.dead_lettered)}  (to topic dead-letters, with the reason)"),
        _alerts(state, width, room, height - FIXED_LINES + 2),
        Text(" Ctrl-C ends the demo and removes all of it", style="dim", no_wrap=True, overflow="ellipsis"),
    )


def _heading(state: DemoState, width: int) -> RenderableType:
    left = Text(no_wrap=True, overflow="ellipsis")
    left.append(" Ebbtide ", style="bold reverse cyan")
    left.append(f" {day_of_book(state)}", style="bold")
    left.append(f"  {state.phase}", style="cyan")
    right = Text(f"{state.broker}  {clock_time(state.seconds)} ", no_wrap=True, overflow="ellipsis", style="dim")
    grid = Table.grid(expand=True)
    grid.add_column(ratio=1, no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    if left.cell_len + right.cell_len + 1 > width:
        right = Text(f"{clock_time(state.seconds)} ", style="dim")
    grid.add_row(left, right)
    return grid


def _panels(state: DemoState) -> RenderableType:
    reading, model, tiers = state.reading, state.model, state.tier_counts
    flow = [
        ("events/s", f"{state.events_per_second:,.0f}", "bold"),
        ("accepted", f"{reading.accepted:,}", ""),
        ("lag", f"{reading.lag:,}" if state.lag_known else "unknown", ""),
        ("scores", f"{state.scores:,}", ""),
    ]
    customers = [("seen", f"{len(state.customers):,}", "bold")]
    customers += [(tier, f"{tiers[tier]:,}", style) for tier, style in TIER_STYLE.items()]
    if model is None:
        learned = [("model", "rule", "bold"), ("outcomes", "none yet", ""), ("AUC", "–", ""), ("its weight", "–", "")]
    else:
        learned = [
            ("model", model.model_version, "bold"),
            ("outcomes", f"{model.examples:,}", ""),
            ("AUC", figure(model.metrics.get("prequential_auc")), ""),
            ("its weight", probability(model.blend), ""),
        ]
    grid = Table.grid(expand=True)
    for _ in range(3):
        grid.add_column(ratio=1)
    grid.add_row(_panel("flow", flow), _panel("customers", customers), _panel("learning", learned))
    return grid


def _panel(title: str, rows: list[tuple[str, str, str]]) -> Panel:
    grid = Table.grid(expand=True)
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(justify="right", no_wrap=True, overflow="ellipsis")
    for name, value, style in rows:
        grid.add_row(name, Text(value, style=style))
    return Panel(grid, title=title, title_align="left", box=ROUNDED, border_style="blue")


def _line(name: str, value: str) -> Text:
    line = Text(f"  {name}  ", style="dim", no_wrap=True, overflow="ellipsis")
    line.append(value, style="default")
    return line


def _alerts(state: DemoState, width: int, room: int, height: int) -> Panel:
    for_risks = max(1, room * RISKS_OF[0] // RISKS_OF[1])
    chances = state.newest(AlertKind.OPPORTUNITY, room - for_risks)
    risks = state.newest(AlertKind.RISK, room - len(chances))
    lines = [line for alert in [*risks, *chances] for line in alert_lines(alert, width - 4)]
    if not lines:
        lines = [Text("none yet: a customer must first have a rhythm to break", style="dim")]
    opened, still = sum(state.opened.values()), len(state.alerts)
    title = f"newest alerts  ({opened:,} opened, {state.resolved:,} resolved by themselves, {still:,} open)"
    return Panel(Group(*lines), title=title, title_align="left", box=ROUNDED, border_style="blue", height=height)


def figure(value: float | None) -> str:
    """Two digits, or a dash."""
    return "–" if value is None else f"{value:.2f}"
