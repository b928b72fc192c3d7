"""The closing summary, and the progress line of a run without a terminal."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ebbtide.streams.demo.state import DemoState
from ebbtide.streams.demo.view import figure
from ebbtide.streams.demo.wording import (
    TIER_STYLE,
    alert_lines,
    clock_time,
    counts,
    day_of_book,
    latency,
    probability,
)

TOP = 5
NEXT_STEPS = (
    ("ebbtide up", "keep a broker and a worker running here; send your own events to it"),
    ("ebbtide simulate --customers 200 --days 180 -o book.ndjson.gz", "a book as a file"),
    ("ebbtide replay book.ndjson.gz --out result", "the same core over the file, without Kafka"),
    ("ebbtide doctor", "what is missing on this machine"),
)


def progress_line(state: DemoState) -> str:
    """One line for a log."""
    tiers = state.tier_counts
    parts = [
        f"{clock_time(state.seconds):>5} {state.phase}: {day_of_book(state)}",
        f"{state.events_per_second:,.0f} events/s",
        f"lag {state.reading.lag:,}" if state.lag_known else "lag unknown",
        f"customers {len(state.customers):,}",
        ", ".join(f"{name} {tiers[name]}" for name in TIER_STYLE),
        f"scores {state.scores:,}",
        f"alerts {sum(state.opened.values()):,}",
        f"refused {sum(state.reading.dead_lettered.values())}",
        f"model {state.model.model_version if state.model else 'rule'}",
    ]
    return " | ".join(parts)


def summary(state: DemoState, *, width: int, kept: str | None = None) -> RenderableType:
    """What happened, the gravest open alerts with their reasons, how good the model is, and where to go on."""
    parts: list[RenderableType] = [Rule("Ebbtide demo", style="cyan"), _facts(state), Text()]
    gravest = state.gravest(TOP)
    parts.append(Text(f"The {len(gravest)} gravest open risks" if gravest else "No open risks", style="bold"))
    for alert in gravest:
        parts += alert_lines(alert, width)
    parts += [Text(), Text("Where to go on", style="bold"), *_next_steps()]
    if kept is not None:
        # A broker that cannot tell the lag keeps nothing either.
        what = "Broker data, worker state and logs are" if state.lag_known else "The worker's log is"
        parts += [Text(), Text(f"{what} kept in {kept}")]
    return Group(*parts)


def _facts(state: DemoState) -> Table:
    reading, tiers = state.reading, state.tier_counts
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    ignored = f"; left out on purpose: {counts(reading.ignored)}" if reading.ignored else ""
    grid.add_row("event time", day_of_book(state))
    grid.add_row(
        "events", f"{reading.accepted:,} accepted, {reading.duplicates:,} repeats, {reading.late:,} late{ignored}"
    )
    grid.add_row("refused", counts(reading.dead_lettered))
    grid.add_row(
        "customers", f"{len(state.customers):,} seen, {len(state.tiers):,} scored, the rest anonymous or silent"
    )
    grid.add_row("health tiers", ", ".join(f"{name} {tiers[name]:,}" for name in TIER_STYLE))
    grid.add_row("scores", f"{state.scores:,}; event to score {latency(state.score_latency)}")
    first = state.first_alert_seconds
    since = "" if first is None else f"; the first {first:.0f} s after the start"
    grid.add_row("alerts", f"{counts(dict(state.opened))}; {state.resolved:,} resolved by themselves{since}")
    grid.add_row("model", _model(state))
    return grid


def _model(state: DemoState) -> str:
    model = state.model
    if model is None:
        return "the rule: no outcome is known yet, so nothing was learned"
    metrics = model.metrics
    return (
        f"{model.model_version}: {model.examples:,} outcomes learned, "
        f"{metrics.get('churned') or 0:,.0f} of them churned; "
        f"test-then-learn AUC {figure(metrics.get('prequential_auc'))}, "
        f"of active customers {figure(metrics.get('prequential_active_auc'))}, "
        f"log loss {figure(metrics.get('prequential_log_loss'))} "
        f"(rule alone {figure(metrics.get('baseline_auc'))}, {figure(metrics.get('baseline_log_loss'))}); "
        f"its weight in the scores {probability(model.blend)}, the rest is the rule's"
    )


def _next_steps() -> list[Text]:
    lines = []
    for command, doc in NEXT_STEPS:
        line = Text(f"  {command}", style="cyan", no_wrap=True, overflow="ellipsis")
        line.append(f"  {doc}", style="dim")
        lines.append(line)
    return lines


def print_summary(state: DemoState, console: Console, kept: str | None) -> None:
    """To the terminal, or whatever stands in for it."""
    console.print(summary(state, width=console.width, kept=kept))
