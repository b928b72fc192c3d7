"""Fleet statistics on one page, for a terminal or a pipe; nothing on it needs colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ebbtide.models.fleet.stats import EVERYBODY
from ebbtide.models.profile.money import MICROS
from ebbtide.schemas.fleet import (
    Acquisition,
    ChannelStats,
    EffectStats,
    FleetStats,
    SegmentEconomics,
    SegmentStats,
    TrainingStats,
)
from ebbtide.streams.cli.field_values import NOTHING, number, per_cent
from ebbtide.streams.cli.identity_story import shown

WIDTH = 100
MOST_SEGMENTS = 12
MOST_CHANNELS = 10
MOST_KEYWORDS = 3
MOST_TRAININGS = 12
MOST_MODULES = 12
MOST_OWNERS = 6

_BAR = 30
_VERDICTS = {"healthy": "above", "unhealthy": "BELOW", "unsure": "holds it", "too_few": "too few"}
_STYLES = {"healthy": "green", "unhealthy": "red"}


def page(stats: FleetStats, segment: str | None = None) -> RenderableType:
    """All of the page; with a ``segment`` that one beside everybody, and its modules."""
    names = list(stats.segments) if segment is None else [EVERYBODY, segment]
    parts: list[RenderableType] = [_head(stats), *_segments(stats, names)]
    if segment is None:
        parts += [*_channels(stats), *_trainings(stats), *_modules(stats.segments[EVERYBODY], ""), *_leads(stats)]
    else:
        parts += _modules(stats.segments[segment], f"of {shown(segment)}")
    return Group(*parts)


def _head(stats: FleetStats) -> RenderableType:
    customers = stats.segments[EVERYBODY].customers
    told = f"tenant {shown(stats.tenant)} · as of {stats.as_of:%Y-%m-%d} · {number(customers)} customers"
    return Text(told, style="bold")


def _segments(stats: FleetStats, names: Sequence[str]) -> list[RenderableType]:
    line = per_cent(stats.lines.renewal)
    table = _table("segment", "customers", "renewed", "95 %", f"line {line}", "lifetime", "LTV", "NPS", "dropping")
    # Everybody is first, then the greatest.
    ranked = sorted(names, key=lambda name: (name != EVERYBODY, -stats.segments[name].customers, name))
    for name in ranked[:MOST_SEGMENTS]:
        segment = stats.segments[name]
        found = segment.economics
        table.add_row(
            Text(shown(name) if name != EVERYBODY else "everybody"),
            number(segment.customers),
            NOTHING if found.renewal.share is None else f"{per_cent(found.renewal.share)} of {number(found.renewal.n)}",
            NOTHING if not found.renewal.n else f"{per_cent(found.renewal.low)}-{per_cent(found.renewal.high)}",
            Text(_VERDICTS[found.verdict], style=_STYLES.get(found.verdict, "")),
            NOTHING if found.lifetime is None else f"{found.lifetime.periods:.2f}",
            Text(_ltv(found)),
            NOTHING if found.nps is None else f"{found.nps.score:+.0f}",
            NOTHING if segment.share_dropping is None else per_cent(segment.share_dropping),
        )
    days = stats.lines.period_days
    source = f"renewed: of customers with a renewal in {days} days; LTV at the median yearly value"
    return [*_title("SEGMENTS", source), table, *_more(len(ranked), MOST_SEGMENTS)]


def _ltv(found: SegmentEconomics) -> str:
    return "\n".join(f"{row.ltv:,.0f} {row.currency}" for row in found.ltv) or NOTHING


def _channels(stats: FleetStats) -> list[RenderableType]:
    title = _title("CHANNELS", "of the year before: spend, and the leads whose first touch lies in it")
    if not stats.channels:
        return [*title, Text("  no lead came by a channel, and nothing was spent")]
    table = _table("channel", "clicks", "spend", "leads", "qual.", "deals", "paid", "CAC", "LTV/CAC", "")
    for channel in stats.channels[:MOST_CHANNELS]:
        _add_channel(table, shown(channel.channel), channel, "!" if channel.flagged else "")
        if channel.keywords[1:] or (channel.keywords and channel.keywords[0].keyword):
            for keyword in channel.keywords[:MOST_KEYWORDS]:
                _add_channel(table, f"  {shown(keyword.keyword) or NOTHING}", keyword, "")
    return [
        *title,
        table,
        *_more(len(stats.channels), MOST_CHANNELS),
        *map(_flag, (channel for channel in stats.channels if channel.flagged)),
    ]


def _add_channel(table: Table, name: str, found: Acquisition, flag: str) -> None:
    ratio = NOTHING if found.ltv_to_cac is None else f"{found.ltv_to_cac:.1f}"
    style = "" if found.healthy is None else "green" if found.healthy else "red"
    table.add_row(
        Text(name),
        number(found.clicks),
        Text("\n".join(f"{one.amount_micros / MICROS:,.0f} {one.currency}" for one in found.spend) or NOTHING),
        number(found.leads),
        number(found.qualified),
        number(found.deals),
        number(found.paid),
        NOTHING if found.cac is None else f"{found.cac.amount:,.0f} {found.cac.currency}",
        Text(ratio + (" low" if found.healthy is False else ""), style=style),
        Text(flag, style="red"),
    )


def _flag(channel: ChannelStats) -> RenderableType:
    return Text(
        f"  ! {shown(channel.channel)} is in the top quarter of channels by clicks ({number(channel.clicks)}) and in "
        f"the bottom quarter by deals ({number(channel.deals)}): its clicks say nothing about customers"
    )


def _trainings(stats: FleetStats) -> list[RenderableType]:
    title = _title("TRAININGS", "uses a week that training added, with 95 % interval; * proven")
    if not stats.trainings:
        return [*title, Text("  no training is old enough to tell what came of it")]
    table = _table("", "trained", "against customers", "against features", "against both")
    for row in stats.trainings[:MOST_TRAININGS]:
        effects = (row.against_customers, row.against_features, row.against_both)
        table.add_row(Text(_trained(row)), number(row.trained), *map(_effect, effects))
    return [*title, table, *_more(len(stats.trainings), MOST_TRAININGS)]


def _trained(row: TrainingStats) -> str:
    if row.module is not None:
        return f"module {shown(row.module)}"
    return "all" if row.trainer is None else f"trainer {shown(row.trainer)}"


def _effect(found: EffectStats | None) -> str:
    if found is None:
        return "too few"
    return f"{found.uses:+.1f} [{found.low:.1f}, {found.high:.1f}]{'*' if found.proven else ' '}"


def _modules(segment: SegmentStats, of: str) -> list[RenderableType]:
    title = _title("MODULES", f"share of customers {of} who used it in 28 days".replace("  ", " "))
    if not segment.modules:
        return [*title, Text("  nobody used any")]
    grid = Table.grid(padding=(0, 2))
    ranked = sorted(segment.modules, key=lambda module: (-segment.modules[module], module))
    for module in ranked[:MOST_MODULES]:
        share = segment.modules[module] / segment.customers
        grid.add_row(Text(f"  {shown(module)}"), per_cent(share), Text("█" * round(share * _BAR)))
    return [*title, grid, *_more(len(ranked), MOST_MODULES)]


def _leads(stats: FleetStats) -> list[RenderableType]:
    if not stats.leads:
        return []
    grid = Table.grid(padding=(0, 2))
    ranked = sorted(stats.leads, key=lambda owner: (-len(stats.leads[owner]), owner))
    for owner in ranked[:MOST_OWNERS]:
        leads = stats.leads[owner]
        grid.add_row(Text(f"  {shown(owner) or 'nobody'}"), number(len(leads)), Text(shown(leads[0])))
    return [*_title("LEADS", "open leads by owner, and whom to call first"), grid, *_more(len(ranked), MOST_OWNERS)]


def _title(name: str, source: str) -> list[RenderableType]:
    grid = Table.grid(expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", ratio=1, overflow="fold")
    grid.add_row(Text(name, style="bold"), Text(source, style="dim"))
    return [Text(), grid]


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=True, padding=(0, 1), show_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", overflow="fold")
    return table


def _more(count: int, most: int) -> Iterable[RenderableType]:
    return [Text(f"  and {count - most} more; --json has all", style="dim")] if count > most else []
