"""Fleet statistics on one page, for a terminal or a pipe; nothing on it needs colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.fleet.contribution import ACTIVE, COMPARABLE
from ebbtide.models.fleet.stats import EVERYBODY
from ebbtide.models.profile.money import MICROS
from ebbtide.schemas.fleet import (
    Acquisition,
    ChannelStats,
    EffectStats,
    FleetStats,
    RateStats,
    SegmentEconomics,
    SegmentStats,
    TrainingStats,
)
from ebbtide.streams.cli.field_values import NOTHING, number, per_cent
from ebbtide.streams.cli.identity_story import shown
from ebbtide.streams.cli.options import WIDTH

NARROWEST = 80
"""In less no table has room: lines are then broken by the terminal, not by the page."""

MOST_SEGMENTS = 12
MOST_CHANNELS = 10
MOST_KEYWORDS = 3
MOST_TRAININGS = 12
MOST_MODULES = 12
MOST_OWNERS = 6

_BAR = 30
_VERDICTS = {"healthy": "above", "unhealthy": "BELOW", "unsure": "unsure", "too_few": "too few"}
_STYLES = {"healthy": "green", "unhealthy": "red"}
_TOO_FEW = "too few"


def page(stats: FleetStats, segment: str | None = None, width: int = WIDTH) -> RenderableType:
    """All of the page, for so many columns; with a ``segment`` that one beside everybody, and its modules."""
    names = list(stats.segments) if segment is None else [EVERYBODY, segment]
    # Everybody is first, then the greatest.
    names.sort(key=lambda name: (name != EVERYBODY, -stats.segments[name].customers, name))
    table = _Tables(width)
    parts: list[RenderableType] = [_head(stats), *_segments(stats, names, table), *_growth(stats, names, table)]
    if segment is None:
        parts += [*_channels(stats, table), *_trainings(stats, table)]
        parts += [*_modules(stats.segments[EVERYBODY], ""), *_leads(stats, table)]
    else:
        parts += _modules(stats.segments[segment], f"of {shown(segment)}")
    return Group(*parts)


def _head(stats: FleetStats) -> RenderableType:
    everybody = stats.segments[EVERYBODY]
    told = f"tenant {shown(stats.tenant)} · as of {stats.as_of:%Y-%m-%d} · {_customers(everybody.customers)}"
    active, left = (number(everybody.counters.get(name, 0)) for name in (ACTIVE, SilenceState.LEFT))
    return Text.assemble((told, "bold"), f": {active} active in 28 days, {left} left")


def _customers(count: int) -> str:
    return f"{number(count)} customer{'s' * (count != 1)}"


def _segments(stats: FleetStats, names: Sequence[str], tables: _Tables) -> list[RenderableType]:
    line, days = per_cent(stats.lines.renewal), stats.lines.period_days
    table = tables.made("segment", "customers", "renewed", "95 %", f"line {line}", "lifetime", "LTV")
    for name in names[:MOST_SEGMENTS]:
        found = stats.segments[name].economics
        table.add_row(
            Text(_segment(name)),
            number(stats.segments[name].customers),
            *_rate(found.renewal),
            Text(_VERDICTS[found.verdict], style=_STYLES.get(found.verdict, "")),
            NOTHING if found.lifetime is None else f"{found.lifetime.periods:.2f}",
            Text(_ltv(found)),
        )
    return [
        *_title("SEGMENTS", "who stays, and what a customer is worth"),
        _inset(table),
        *_more(len(names), MOST_SEGMENTS),
        _note(
            f"renewed: of those with a renewal closed in {number(days)} days; above or BELOW the line where all of "
            f"the 95 % interval is, else unsure · lifetime: periods of {number(days)} days · LTV: at the median yearly "
            "value"
        ),
        *_untold(stats, names),
    ]


def _untold(stats: FleetStats, names: Sequence[str]) -> list[RenderableType]:
    """Who is in no segment, where there are any; a page of one segment leaves out the others on purpose."""
    if not 1 < len(names) == len(stats.segments):
        return []
    everybody = stats.segments[EVERYBODY].customers
    rest = everybody - sum(stats.segments[name].customers for name in names if name != EVERYBODY)
    return (
        [_note(f"{number(rest)} of {_customers(everybody)} in no segment, or in one too small to tell")] if rest else []
    )


def _segment(name: str) -> str:
    return "everybody" if name == EVERYBODY else shown(name)


def _rate(found: RateStats) -> tuple[str, str]:
    """A share with what it is of, and its interval."""
    if found.share is None:
        return NOTHING, NOTHING
    return f"{per_cent(found.share)} of {number(found.n)}", f"{found.low * 100:.0f}-{found.high * 100:.0f} %"


def _ltv(found: SegmentEconomics) -> str:
    return "\n".join(f"{row.ltv:,.0f} {row.currency}" for row in found.ltv) or NOTHING


def _growth(stats: FleetStats, names: Sequence[str], tables: _Tables) -> list[RenderableType]:
    table = tables.made("segment", "expanded", "95 %", "by referral", "95 %", "NPS", "dropping")
    for name in names[:MOST_SEGMENTS]:
        segment = stats.segments[name]
        found, comparable = segment.economics, segment.counters.get(COMPARABLE, 0)
        dropping = segment.share_dropping
        table.add_row(
            Text(_segment(name)),
            *_rate(found.expansion),
            *_rate(found.referral),
            NOTHING if found.nps is None else f"{found.nps.score:+.0f} of {number(found.nps.n)}",
            NOTHING if dropping is None else f"{per_cent(dropping)} of {number(comparable)}",
        )
    return [
        *_title("GROWTH", "who pays more, who came by others, who would recommend, who uses less"),
        _inset(table),
        _note(
            "expanded: of those with a renewal closed · by referral: of those won in the same time whose first touch "
            "is known · NPS: of so many answers · dropping: use fell sharply, of those with enough past to compare"
        ),
    ]


def _channels(stats: FleetStats, tables: _Tables) -> list[RenderableType]:
    title = _title("CHANNELS", "of the year before: spend, and the leads whose first touch lies in it")
    if not stats.channels:
        return [*title, Text("  no lead came by a channel, and nothing was spent")]
    table = tables.made("channel", "clicks", "spend", "leads", "qual.", "deals", "paid", "CAC", "LTV/CAC", "")
    for channel in stats.channels[:MOST_CHANNELS]:
        _add_channel(table, shown(channel.channel), channel, "!" if channel.flagged else "")
        if channel.keywords[1:] or (channel.keywords and channel.keywords[0].keyword):
            for keyword in channel.keywords[:MOST_KEYWORDS]:
                _add_channel(table, f"  {shown(keyword.keyword) or 'no keyword'}", keyword, "")
            rest = len(channel.keywords) - MOST_KEYWORDS
            if rest > 0:
                table.add_row(Text(f"  and {rest} more", style="dim"))
    return [
        *title,
        _inset(table),
        *_more(len(stats.channels), MOST_CHANNELS),
        _note(
            "leads got at least so far: qual. qualified, deals, paid · CAC: spend for each that paid · LTV/CAC: with "
            f"the LTV of everybody, low below {number(stats.lines.ltv_to_cac)}"
        ),
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
    return _note(
        f"! {shown(channel.channel)} only looks good: in the top quarter of channels by clicks "
        f"({number(channel.clicks)}), in the bottom quarter by deals ({number(channel.deals)})",
        style="",
    )


def _trainings(stats: FleetStats, tables: _Tables) -> list[RenderableType]:
    title = _title("TRAININGS", "uses a week of a module, after its training against before")
    if not stats.trainings:
        return [*title, Text("  no training is old enough to tell what came of it")]
    table = tables.made("", "trained", "vs. customers", "vs. features", "vs. both")
    for row in stats.trainings[:MOST_TRAININGS]:
        effects = (row.against_customers, row.against_features, row.against_both)
        table.add_row(Text(_trained(row)), number(row.trained), *map(_effect, effects))
    return [
        *title,
        _inset(table),
        *_more(len(stats.trainings), MOST_TRAININGS),
        _note(
            "trained: customers, once for each module · the change beyond that of untrained customers, of features "
            "without a training, of both · in brackets the 95 % interval, * where it leaves out 0"
        ),
    ]


def _trained(row: TrainingStats) -> str:
    if row.module is not None:
        return f"module {shown(row.module)}"
    return "all" if row.trainer is None else f"trainer {shown(row.trainer)}"


def _effect(found: EffectStats | None) -> str:
    if found is None:
        return _TOO_FEW
    return f"{found.uses:+.1f} [{found.low:.1f}, {found.high:.1f}]{'*' if found.proven else ' '}"


def _modules(segment: SegmentStats, of: str) -> list[RenderableType]:
    title = _title("MODULES", f"share of all customers {of} who used it in 28 days".replace("  ", " "))
    if not segment.modules:
        return [*title, Text("  nobody used any")]
    grid = Table.grid(padding=(0, 2))
    ranked = sorted(segment.modules, key=lambda module: (-segment.modules[module], module))
    for module in ranked[:MOST_MODULES]:
        share = segment.modules[module] / segment.customers
        grid.add_row(Text(f"  {shown(module)}"), per_cent(share), Text("█" * round(share * _BAR)))
    return [*title, grid, *_more(len(ranked), MOST_MODULES)]


def _leads(stats: FleetStats, tables: _Tables) -> list[RenderableType]:
    if not stats.leads:
        return []
    table = tables.made("owner", "open leads", "call first")
    ranked = sorted(stats.leads, key=lambda owner: (-len(stats.leads[owner]), owner))
    for owner in ranked[:MOST_OWNERS]:
        leads = stats.leads[owner]
        table.add_row(Text(shown(owner) or "nobody"), number(len(leads)), Text(shown(leads[0])))
    return [
        *_title("LEADS", "open leads of each owner; `ebbtide customer show` tells of one"),
        _inset(table),
        *_more(len(ranked), MOST_OWNERS),
    ]


def _title(name: str, source: str) -> list[RenderableType]:
    grid = Table.grid(expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", ratio=1, overflow="fold")
    grid.add_row(Text(name, style="bold"), Text(source, style="dim"))
    return [Text(), grid]


class _Tables:
    """Tables for so many columns: the first column gives way, numbers stay whole."""

    def __init__(self, width: int) -> None:
        self._gap = 2 if width >= WIDTH else 1

    def made(self, *columns: str) -> Table:
        """An empty one."""
        table = Table(box=None, pad_edge=False, padding=(0, self._gap, 0, 0), show_edge=False)
        for place, column in enumerate(columns):
            if place:
                table.add_column(column, justify="right", no_wrap=True, overflow="ellipsis")
            else:
                table.add_column(column, overflow="fold")
        return table


def _note(text: str, style: str = "dim") -> RenderableType:
    return _inset(Text(text, style=style))


def _inset(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, 2))


def _more(count: int, most: int) -> Iterable[RenderableType]:
    return [Text(f"  and {count - most} more; --json has all", style="dim")] if count > most else []
