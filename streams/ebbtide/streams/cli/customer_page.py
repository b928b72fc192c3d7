"""One customer on one page, for a terminal or a pipe; nothing on it needs colours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ebbtide.models.churn.reasons import CANNOT_SCORE
from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.customer import ACCOUNT
from ebbtide.models.customer.fields import FIELDS
from ebbtide.models.portrait.blindness import Blindness
from ebbtide.models.portrait.modules import ModuleUse
from ebbtide.models.portrait.people import Person
from ebbtide.models.portrait.portrait import DatedFact, Portrait
from ebbtide.models.portrait.rhythm import Rhythm
from ebbtide.models.portrait.states import State
from ebbtide.schemas.alert import AlertKind
from ebbtide.streams.cli.field_values import NOTHING, number, per_cent, time_text, value_text
from ebbtide.streams.cli.identity_story import shown
from ebbtide.streams.cli.language import Language
from ebbtide.streams.cli.look_alikes import look_alike_line
from ebbtide.streams.cli.sparkline import sparkline
from ebbtide.streams.demo.wording import TIER_STYLE

MOST_MODULES = 8
MOST_PEOPLE = 8
MOST_FACTS = 10
MOST_NAMES = 12
_LABEL = 15
_SHORT = 15

_HEAD = ("owner", "route", "service_tier", "region", "plan", "next_renewal_at")
_HEAD_NAMES = {"service_tier": "tier", "next_renewal_at": "renews"}
_UNITS = {field.name: field.unit for field in FIELDS}
_TOLD = {
    "name",
    *_HEAD,
    *("p_churn", "health_tier", "model_version", "cannot_score_reason"),
    *("cadence_days", "silence_days", "silence_state", "last_login_at", "last_active_at", "open_alerts"),
    *(field.name for field in FIELDS if field.name.startswith(("query_count_", "event_count_"))),
    *(f"total_{noun}_count" for noun in ("query", "login", "event", "order")),
    *("value_90d", "value_total", "profiles_by_domain", "top_features", "unused_features"),
    *("data_completeness", "missing_fields", "stale_fields"),
    # Under other names among the states.
    *("journey_stage", "journey_since", "usage_level", "relationship_level", "in_pareto", "rfm_cell"),
}
"""Fields that other parts of the page say. All others are listed by where they come from."""

_KIND_STYLE = {AlertKind.RISK: "red", AlertKind.OPPORTUNITY: "green"}
_OUTAGE = "perhaps because of the outage alone"
"""What was told of a customer after its sources were heard last."""


def page(
    told: Portrait,
    where: str,
    *,
    also: Sequence[str] = (),
    sources: bool = False,
    language: Language = Language.EN,
) -> RenderableType:
    """All of the page; ``where`` is where the state was read, ``also`` are other customers the person acts for.

    ``sources`` adds every field with source and time; ``language`` is that of the reasons.
    """
    as_of = f"as of {time_text(told.record.as_of)}"
    if told.blindness is not None:
        as_of = f"as it was seen last, {told.blindness.seen_until}"
    parts: list[RenderableType] = [
        _head(told),
        *_health(told, language),
        *_rhythm(told, as_of),
        *_states(told),
        *_alerts(told, language),
        *_activity(told, as_of),
        *_modules(told, as_of),
        *_people(told.people, as_of),
        *_fields(told),
        *_facts(told.facts),
        *_data(told, where, also),
    ]
    if sources:
        parts += _sources(told)
    return Group(*parts)


def name_of(told: Portrait) -> str:
    """What to call the customer: its name, else that of the person, else the identifier's value."""
    own = told.record.fields["name"].value
    if own is None and told.kind != ACCOUNT:
        own = next((one.name for one in told.people if one.name is not None), None)
    return str(own or told.record.anchor.value)


def _head(told: Portrait) -> RenderableType:
    record = told.record
    grid = _spread()
    grid.add_row(Text(shown(name_of(told)), style="bold"), Text(f"{told.kind} {shown(record.anchor.key)}"))
    grid.add_row(
        Text(record.customer_id),
        Text(f"tenant {shown(record.tenant)} · as of {record.as_of:%Y-%m-%d %H:%M} UTC", style="dim"),
    )
    facts = [
        f"{_HEAD_NAMES.get(one, one)} {value_text(record.fields[one].value, _UNITS[one])}"
        for one in _HEAD
        if one in record.fields
    ]
    return Group(grid, Text(" · ".join(facts)))


def _health(told: Portrait, language: Language) -> list[RenderableType]:
    reason = told.record.fields["cannot_score_reason"].value
    score = told.score
    source = "" if score is None else f"model {score.model_version}, as of {score.as_of or NOTHING}"
    lines: list[RenderableType] = _title("HEALTH", source)
    if reason is not None:
        why = CANNOT_SCORE[str(reason)][language is Language.ZH]
        if told.blindness is not None:
            why = _unseen(told.blindness)
        lines.append(_line("cannot score", f"{value_text(reason)}: {why}", style="bold"))
    if score is not None:
        tier = score.tier
        said = f"{per_cent(score.p_churn)} likely within {_days(told.horizon_days)}, tier {tier}{_doubt(told, 'score')}"
        lines.append(
            _line("churn" if reason is None else "said before", said, style=f"bold {TIER_STYLE.get(tier, '')}")
        )
        reasons = language.of(score.reasons)
        lines += [_line("" if place else "why", shown(said)) for place, said in enumerate(reasons)]
    return lines


def _unseen(found: Blindness) -> str:
    """Since when nobody can see it, and what that means."""
    since = "" if found.since is None else f" since {time_text(found.since)} (UTC)"
    return (
        f"nothing is heard of {_names(found.sources)}{since}, so nobody can say what it does; all that rests on events "
        "is as it was seen last"
    )


def _doubt(told: Portrait, name: str) -> str:
    """A remark on what may tell of the outage alone."""
    return f" ({_OUTAGE})" if told.blindness is not None and name in told.blindness.in_doubt else ""


def _rhythm(told: Portrait, as_of: str) -> list[RenderableType]:
    found = told.rhythm
    if found is None:
        return [*_title("RHYTHM"), _line("", "never active")]
    fields = told.record.fields
    seen = [
        f"last {what} {value_text(fields[name].value, 'time')}"
        for what, name in (("active", "last_active_at"), ("login", "last_login_at"))
    ]
    return [
        *_title("RHYTHM", f"from events, {as_of}"),
        _line("cadence", _cadence(found)),
        _line("silence", f"{_silence(found)} · {' · '.join(seen)} (UTC)"),
        _line("state", _state(found), style="bold" if found.state is not SilenceState.AWAKE else ""),
    ]


def _silence(found: Rhythm) -> str:
    return "unknown" if found.silence_days is None else _days(found.silence_days)


def _cadence(found: Rhythm) -> str:
    if not found.trusted:
        return f"too little seen of its own; taken as active every {_days(found.cadence_days)}"
    return f"active every {_days(found.cadence_days)}" + (", hardly ever at weekends" if found.business_days else "")


def _state(found: Rhythm) -> str:
    said = f"{found.state.value} since {found.since}"
    if found.silence_days is None:
        return f"{said} when it was seen last; what it is now nobody can say"
    match found.state:
        case SilenceState.AWAKE:
            return f"{said} · if silent asleep from {found.asleep_from}, left from {found.left_from}"
        case SilenceState.ASLEEP:
            return f"{said} · if silent left from {found.left_from}"
        case _:
            return f"{said} · asleep from {found.asleep_from}"


def _states(told: Portrait) -> list[RenderableType]:
    """Whichever there are, two in a row."""
    states = told.states
    if not states:
        return []
    grid = Table.grid(padding=(0, 2))
    for _ in range(2):
        grid.add_column(min_width=_LABEL, no_wrap=True)
        grid.add_column(min_width=12, overflow="fold")
        grid.add_column(no_wrap=True)
    cells = [(f"  {state.name.replace('_', ' ')}", _state_text(state), f"since {state.since}") for state in states]
    for place in range(0, len(cells), 2):
        grid.add_row(*(Text(cell) for trio in cells[place : place + 2] for cell in trio))
    doubted = [state.name.replace("_", " ") for state in states if _doubt(told, state.name)]
    return [
        *_title("STATES", f"evaluated last as of {told.evaluated}" if told.blindness is None else "as told last"),
        grid,
        *([_line("", f"{_OUTAGE}: {_names(doubted)}")] if doubted else []),
    ]


def _state_text(state: State) -> str:
    value = value_text(state.value)
    return value if state.pending is None else f"{value}, soon {value_text(state.pending)}"


def _days(days: float) -> str:
    return f"{number(days)} day" if days == 1 else f"{number(days)} days"


def _alerts(told: Portrait, language: Language) -> list[RenderableType]:
    alerts = told.alerts
    when = "" if told.blindness is None else ", as told last: none opens or ends while it cannot be seen"
    lines: list[RenderableType] = _title("OPEN ALERTS", f"{len(alerts)}{when}" if alerts else "")
    if not alerts:
        lines.append(_line("", "none"))
    for alert in alerts:
        reason = alert.reason_zh if language is Language.ZH else alert.reason_en
        what, play = alert.type.replace("_", " "), alert.play.replace("_", " ")
        said = f"{what}, {alert.severity}, since {time_text(alert.occurred_at)}; to do: {play}"
        lines += (
            _line(alert.kind.value, said, style=f"bold {_KIND_STYLE[alert.kind]}"),
            _line("", f"{shown(reason)}{_doubt(told, alert.type)}"),
        )
        alike = look_alike_line(alert.evidence, language)
        if alike is not None:
            lines.append(_line("", shown(alike)))
    return lines


def _activity(told: Portrait, as_of: str) -> list[RenderableType]:
    rows = told.history
    shapes = Table.grid(padding=(0, 2))
    shapes.add_column(min_width=_LABEL, no_wrap=True)
    shapes.add_column(no_wrap=True)
    shapes.add_column(no_wrap=True)
    for label, span, values in (
        ("events", "a day, 28 days", rows.events_daily),
        ("events", "a week, 26 weeks", rows.events_weekly),
        ("queries", "a week, 26 weeks", rows.queries_weekly),
        ("active days", "a week, 26 weeks", rows.active_days_weekly),
        ("active users", "a week, 26 weeks", rows.active_users_weekly),
    ):
        shapes.add_row(f"  {label}", span, sparkline(values), _range(values))
    counts = Table.grid(padding=(0, 2))
    counts.add_column(min_width=_LABEL, no_wrap=True)
    widths = list(next(iter(told.counts.values())).windows)
    for _ in range(len(widths) + 1):
        counts.add_column(justify="right", min_width=9, no_wrap=True)
    counts.add_row("", *(f"{width} d" for width in widths), "ever", style="dim")
    for name, found in told.counts.items():
        counts.add_row(f"  {name}", *map(number, found.windows.values()), number(found.total))
    return [*_title("ACTIVITY", f"from events, {as_of}"), shapes, counts]


def _range(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "forgotten"
    unknown = "" if len(known) == len(values) else ", · forgotten"
    return f"{number(min(known))} to {number(max(known))}, last {number(known[-1])}{unknown}"


def _modules(told: Portrait, as_of: str) -> list[RenderableType]:
    found, unused = told.modules, told.record.fields["unused_features"].value
    lines: list[RenderableType] = _title("MODULES", f"uses in 28 days, weeks from {found.first_week}, {as_of}")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(max_width=40, no_wrap=True, overflow="ellipsis")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    shown_ones = [*found.used[:MOST_MODULES], *([found.machine] if found.machine is not None else [])]
    for use in shown_ones:
        grid.add_row(f"  {shown(use.module)}", number(use.uses_28d), sparkline(use.weekly))
    if shown_ones:
        lines.append(grid)
    if len(found.used) > MOST_MODULES:
        lines.append(_line("and", _names(use.module for use in found.used[MOST_MODULES:])))
    if not shown_ones:
        lines.append(_line("", "none used"))
    lines += _dropped(found.dropped)
    if unused:
        lines.append(_line("not yet used", _names(unused)))
    return lines


def _dropped(dropped: Sequence[ModuleUse]) -> list[RenderableType]:
    return [_line("no more used", _names(use.module for use in dropped))] if dropped else []


def _people(people: Sequence[Person], as_of: str) -> list[RenderableType]:
    active = sum(one.events_28d > 0 for one in people)
    lines = _title("PEOPLE", f"{active} of {len(people)} profiles active in 28 days, from identity and events, {as_of}")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(max_width=44, no_wrap=True, overflow="ellipsis")
    grid.add_column(max_width=18, no_wrap=True, overflow="ellipsis")
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    for one in people[:MOST_PEOPLE]:
        who = shown(one.identifier) if one.name is None else f"{shown(one.name)}, {shown(one.identifier)}"
        grid.add_row(
            f"  {who}",
            shown(one.role or one.title or NOTHING),
            "never active" if one.last_active_at is None else f"active {time_text(one.last_active_at)}",
            NOTHING if one.share_28d is None else per_cent(one.share_28d),
            "by domain" if one.by_domain else "",
        )
    if people:
        lines.append(grid)
    if len(people) > MOST_PEOPLE:
        lines.append(_line("and", f"{len(people) - MOST_PEOPLE} more: --json names all"))
    if not people:
        lines.append(_line("", "nobody"))
    return lines


def _fields(told: Portrait) -> list[RenderableType]:
    """The fields that no other part says, two in a row, by where they come from."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    named = {state.name for state in told.states}
    for field in FIELDS:
        held = told.record.fields.get(field.name)
        if held is not None and field.name not in _TOLD and field.name.removesuffix("_since") not in named:
            text = value_text(held.value, field.unit)
            if text != NOTHING:
                groups[field.source].append((field.name.replace("_", " "), text))
    lines = _title("OTHER FIELDS", "with --sources where each comes from")
    for group, values in groups.items():
        short = [pair for pair in values if len(pair[1]) <= _SHORT]
        grid = _pairs()
        for place in range(0, len(short), 2):
            grid.add_row(
                Text("" if place else f"  {group}"), *(Text(cell) for pair in short[place : place + 2] for cell in pair)
            )
        long = [f"{name}: {text}" for name, text in values if len(text) > _SHORT]
        lines += [grid] if short else []
        lines += [_line("" if short or place else group, text) for place, text in enumerate(long)]
    return lines


def _pairs() -> Table:
    """A grid of a label and two names with their values."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=_LABEL, no_wrap=True)
    for _ in range(2):
        grid.add_column(width=23, overflow="fold")
        grid.add_column(width=_SHORT, overflow="fold")
    return grid


def _facts(facts: Sequence[DatedFact]) -> list[RenderableType]:
    lines: list[RenderableType] = _title(
        "FACTS", f"newest {min(MOST_FACTS, len(facts))} of {len(facts)}, from the CRM" if facts else ""
    )
    lines += [
        _line(f"{fact.at:%Y-%m-%d}", f"{shown(fact.type)}  {_said(fact.data)}".rstrip()) for fact in facts[:MOST_FACTS]
    ]
    if not facts:
        lines.append(_line("", "none"))
    return lines


def _said(data: dict[str, Any]) -> str:
    return value_text({name: value for name, value in data.items() if value is not None}) if data else ""


def _data(told: Portrait, where: str, also: Sequence[str]) -> list[RenderableType]:
    fields = told.record.fields
    known = value_text(fields["data_completeness"].value, "share")
    missing, stale = (value_text(fields[name].value) for name in ("missing_fields", "stale_fields"))
    fresh = " · ".join(f"{shown(source)} {day}" for source, day in told.sources.items())
    others = [_line("acts also for", ", ".join(also))] if also else []
    return [
        *_title("DATA", f"version {told.record.version}"),
        _line("complete", f"{known} of what is expected at this stage; missing: {missing}"),
        *([] if stale == NOTHING else [_line("too old", stale)]),
        _line("sources", fresh or "none in the last weeks"),
        *others,
        _line("read from", where),
    ]


def _sources(told: Portrait) -> list[RenderableType]:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("field", "value", "as of", "source"):
        table.add_column(heading, no_wrap=heading != "value", overflow="fold")
    for name, field in told.record.fields.items():
        table.add_row(
            f"  {name}",
            value_text(field.value, _UNITS.get(name, "")),
            time_text(field.as_of),
            shown(field.source),
        )
    return [*_title("SOURCES", "of every field of the record"), table]


def _names(names: Iterable[str]) -> str:
    listed = [shown(name) for name in names]
    more = f" and {len(listed) - MOST_NAMES} more" if len(listed) > MOST_NAMES else ""
    return ", ".join(listed[:MOST_NAMES]) + more


def _spread() -> Table:
    grid = Table.grid(expand=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(justify="right", overflow="fold")
    return grid


def _title(name: str, source: str = "") -> list[RenderableType]:
    grid = Table.grid(expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", overflow="fold")
    grid.add_row(Text(name, style="bold"), Text(source, style="dim"))
    return [Text(), grid]


def _line(label: str, text: str, *, style: str = "") -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=_LABEL, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"  {label}"), Text(text, style=style))
    return grid
