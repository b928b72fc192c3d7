"""`ebbtide identity`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from getpass import getuser
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.identity.checks import Checks, check
from ebbtide.models.identity.evidence import Operation, pair
from ebbtide.models.identity.explanation import Reason, explain
from ebbtide.models.identity.identifiers import RANK, identifier, identifier_key, is_person
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.identity import EvidenceClass, IdentityOperation, OperationKind
from ebbtide.streams.cli.options import F, echo_json, json_option, settings_option
from ebbtide.streams.identity_log import TenantLog, after_withdrawn, append, new_operation, read_log, read_tenant
from ebbtide.streams.settings import Settings

_LONGEST = 1024
_TYPES = ", ".join(kind.value for kind in RANK)
_GROUP = f"{IdentifierType.GROUP_ID}/"
_EVIDENCE = {
    EvidenceClass.DECIDED: "decided by hand",
    EvidenceClass.BOUND: "bound by an alias, or converted or merged in the CRM",
    EvidenceClass.IDENTIFIED: "identified",
    EvidenceClass.CRM_EQUALITY: "equal in the CRM",
    EvidenceClass.SEEN_TOGETHER: "seen together in one event",
}
_DECIDED = {
    OperationKind.MUST_LINK: "must be one",
    OperationKind.CANNOT_LINK: "must never be one",
    OperationKind.UNLINK: "decision withdrawn",
    OperationKind.BLOCK: "blocked",
    OperationKind.UNBLOCK: "not blocked",
}


class _Identifier(click.ParamType):
    """An identifier, `type/value`."""

    name = "type/value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Identifier:
        if isinstance(value, Identifier):
            return value
        kind, slash, raw = _text(value, param, ctx).partition("/")
        if not slash:
            self.fail(f"{value!r} is no identifier: write type/value, with a type of {_TYPES}", param, ctx)
        if kind not in list(IdentifierType):
            self.fail(f"{kind!r} in {value!r} is no type of identifier; there are {_TYPES}", param, ctx)
        found = identifier(IdentifierType(kind), raw)
        if found is None:
            why = (
                f"it has more than {_LONGEST} characters"
                if len(raw) > _LONGEST
                else "empty, null, zeros, role mailboxes, free-mail domains and the like are blocked for everybody"
            )
            self.fail(f"{raw!r} names nobody as {kind}: {why}", param, ctx)
        return found


def _text(value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise click.BadParameter(f"{value!r} is no UTF-8", ctx, param) from None
    return value


def _short_text(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not 0 < len(_text(value, param, ctx).strip()) <= len(value) <= _LONGEST:
        raise click.BadParameter(f"must have 1 to {_LONGEST} characters", ctx, param)
    return value


class _Decider(NamedTuple):
    """Who decides, for which tenant, why."""

    settings: Settings
    tenant: str
    actor: str
    reason: str

    def decide(self, kind: OperationKind, one: Identifier, other: Identifier | None = None) -> IdentityOperation:
        """Append the decision. What nobody can decide is bad usage."""
        now = datetime.now(UTC)
        try:
            made = new_operation(kind, one, other, tenant=self.tenant, actor=self.actor, reason=self.reason, now=now)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        if kind is OperationKind.UNLINK:
            made = after_withdrawn(self.settings, made)
        append(self.settings, made)
        return made


def _tenant_option(function: F) -> F:
    return click.option("--tenant", callback=_short_text, help="Tenant; the settings' if none is named.")(function)


def _decision_options(function: Callable[..., IdentityOperation]) -> Callable[..., None]:
    """The options that all decisions share; the function gets them as a ``_Decider``."""

    @wraps(function)
    def run(
        *, reason: str, actor: str | None, tenant: str | None, settings: Settings, as_json: bool, **named: Any
    ) -> None:
        decider = _Decider(settings, tenant or settings.tenant, actor or _user(), reason)
        made = function(decider, **named)
        if as_json:
            click.echo(made.to_json())
            return
        click.echo(f"{made.operation_id}  {_effect(made)}")

    for option in (
        json_option,
        settings_option,
        _tenant_option,
        click.option("--actor", callback=_short_text, help="Who decides; the user of this machine if not named."),
        click.option("--reason", required=True, callback=_short_text, help="Why; kept with the decision."),
    ):
        run = option(run)
    return run


def _user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):
        raise click.UsageError("this process has no user name: give --actor") from None


def _effect(made: IdentityOperation) -> str:
    one = _shown(identifier_key(made.identifier))
    other = "" if made.other is None else _shown(identifier_key(made.other))
    noun = _noun(made.identifier.type)
    return {
        OperationKind.MUST_LINK: f"{one} and {other} are one {noun}, unless a block, a shared value or a "
        "cannot-link stands between: `ebbtide identity explain` shows it",
        OperationKind.CANNOT_LINK: f"{one} and {other} are never one {noun}, whatever events say",
        OperationKind.UNLINK: f"what was decided about {one} and {other} is withdrawn: the events alone speak again",
        OperationKind.BLOCK: f"{one} links nobody any more; its events still count",
        OperationKind.UNBLOCK: f"{one} links again, unless too many owners share it",
    }[made.kind] + f" (tenant {_shown(made.tenant)})"


@click.group()
def command() -> None:
    """Why identifiers are one person or account; join, part and block them.

    An identifier is type/value, as user_id/u-42 or email/jane@acme.example.
    """


@command.command(epilog="Example: ebbtide identity link user_id/u-42 user_id/u-43 --reason 'two accounts of Jane'")
@click.argument("a", type=_Identifier())
@click.argument("b", type=_Identifier())
@_decision_options
def link(decider: _Decider, a: Identifier, b: Identifier) -> IdentityOperation:
    """Make A and B one person, or one account."""
    return decider.decide(OperationKind.MUST_LINK, a, b)


@command.command(epilog="Example: ebbtide identity cannot-link user_id/u-42 email/a@b.example --reason 'shared inbox'")
@click.argument("a", type=_Identifier())
@click.argument("b", type=_Identifier())
@_decision_options
def cannot_link(decider: _Decider, a: Identifier, b: Identifier) -> IdentityOperation:
    """Keep A and B apart, whatever events say. Joined ones are parted, and their totals with them."""
    return decider.decide(OperationKind.CANNOT_LINK, a, b)


@command.command(epilog="Example: ebbtide identity unlink user_id/u-42 user_id/u-43 --reason 'linked by mistake'")
@click.argument("a", type=_Identifier())
@click.argument("b", type=_Identifier())
@_decision_options
def unlink(decider: _Decider, a: Identifier, b: Identifier) -> IdentityOperation:
    """Withdraw a link or cannot-link.

    Of A and B the events alone speak again. To part two that events link, use cannot-link.
    """
    return decider.decide(OperationKind.UNLINK, a, b)


@command.command(epilog="Example: ebbtide identity block device_id/kiosk-1 --reason 'a tablet at the front desk'")
@click.argument("a", type=_Identifier())
@_decision_options
def block(decider: _Decider, a: Identifier) -> IdentityOperation:
    """Let A link nobody. Its events still count."""
    return decider.decide(OperationKind.BLOCK, a)


@command.command(epilog="Example: ebbtide identity unblock device_id/kiosk-1 --reason 'it is her own tablet'")
@click.argument("a", type=_Identifier())
@_decision_options
def unblock(decider: _Decider, a: Identifier) -> IdentityOperation:
    """Lift a block of A, also one that the settings name."""
    return decider.decide(OperationKind.UNBLOCK, a)


@command.command("explain", epilog="Example: ebbtide identity explain user_id/u-42 email/jane@acme.example")
@click.argument("a", type=_Identifier())
@click.argument("b", type=_Identifier(), required=False)
@_tenant_option
@settings_option
@json_option
def explain_command(
    a: Identifier, b: Identifier | None, tenant: str | None, settings: Settings, *, as_json: bool
) -> None:
    """Tell who A is and why; with B, what joins or parts them.

    Reads all of the log of links, and counts what the worker still holds until event time has passed it.
    """
    if a == b:
        raise click.UsageError(f"{identifier_key(a)} is named twice: name two identifiers, or one")
    log = read_tenant(settings, tenant or settings.tenant)
    story = _story(log, a, b)
    if as_json:
        echo_json(story)
    else:
        _tell(story, settings.identity)


def _story(log: TenantLog, a: Identifier, b: Identifier | None) -> dict[str, Any]:
    """All of the answer, as it is printed for scripts."""
    graph, key = log.graph, identifier_key(a)
    found = explain(graph, key, None if b is None else identifier_key(b))
    groups = log.members.groups(found.members)
    people = {graph.anchor(person) for group in _groups_of(found.members) for person in log.members.people(group)}
    return {
        "tenant": graph.tenant,
        "identifier": key,
        "known": key in graph.nodes or bool(groups) or bool(people),
        "kind": _noun(a.type),
        "owner_id": graph.owner_id(key),
        "anchor": found.anchor,
        "identifiers": found.members,
        "barred": found.barred,
        "joined": [_link_row(log, row) for row in found.joined],
        "refused": [_link_row(log, row) for row in found.refused],
        "decisions": [_decision_row(row) for row in found.decisions],
        "accounts": [
            {
                "group": _GROUP + group,
                "owner_id": graph.owner_id(_GROUP + group),
                "first_day": _day(day),
            }
            for group, day in groups.items()
        ],
        "people": len(people),
        "other": None if b is None else _other(log, a, b, found.path),
    }


def _other(log: TenantLog, a: Identifier, b: Identifier, path: Iterable[Reason]) -> dict[str, Any]:
    graph, one, two = log.graph, identifier_key(a), identifier_key(b)
    decided = graph.decisions.get(pair(one, two))
    person, account = (one, two) if is_person(a.type) else (two, one)
    groups = log.members.groups(graph.members(person))
    days = [day for group, day in groups.items() if graph.anchor(_GROUP + group) == graph.anchor(account)]
    return {
        "identifier": two,
        "kind": _noun(b.type),
        "owner_id": graph.owner_id(two),
        "anchor": graph.anchor(two),
        "same_owner": graph.anchor(one) == graph.anchor(two),
        "member_since": _day(min(days)) if days else None,
        "path": [_link_row(log, row) for row in path],
        "decision": None if decided is None else _decision_row(decided),
    }


def _link_row(log: TenantLog, row: Reason) -> dict[str, Any]:
    barred = [key for key in (row.a, row.b) if log.graph.nodes[key].barred]
    by_hand = row.evidence is EvidenceClass.DECIDED
    return {
        "a": row.a,
        "b": row.b,
        "evidence": row.evidence.name.lower(),
        "at": _rfc3339(row.at_ms),
        "event_id": None if by_hand else row.source,
        "operation_id": row.source if by_hand else None,
        "refusal": row.refusal,
        "barred": barred,
    }


def _decision_row(decided: Operation) -> dict[str, Any]:
    return {
        "operation_id": decided.operation_id,
        "kind": decided.kind.value,
        "identifiers": [key for key in (decided.identifier, decided.other) if key is not None],
        "decided_at": _rfc3339(decided.at_ms),
        "actor": decided.actor,
        "reason": decided.reason,
    }


def _tell(story: Mapping[str, Any], policy: IdentityPolicy) -> None:
    key, members = _shown(story["identifier"]), story["identifiers"]
    click.echo(f"{key} of tenant {_shown(story['tenant'])}")
    click.echo(f"is {story['kind']} {story['owner_id']}, named by {_shown(story['anchor'])}")
    if not story["known"]:
        click.echo(f"No link, account or decision names it: either it came alone, or never. See that {key} is right.")
    if story["barred"]:
        click.echo(f"It is {_barred(story['identifier'], story['barred'], policy)}, and links nobody.")
    others = [member for member in members if member != story["anchor"]]
    _section("identifiers", [f"{_shown(story['anchor'])}  (anchor)", *map(_shown, others)])
    _section("joined by", [_link_line(row, policy) for row in story["joined"]])
    _section("refused links, to others", [_link_line(row, policy) for row in story["refused"]])
    _section("decided by hand, last of each", [_decision_line(row) for row in story["decisions"]])
    accounts = [
        f"{_shown(row['group'])}  since {row['first_day']}  account {row['owner_id']}" for row in story["accounts"]
    ]
    _section("accounts", accounts)
    if story["people"]:
        _section("people", [f"{story['people']} seen in it"])
    if story["other"] is not None:
        click.echo(f"\n{_verdict(story)}")
        for row in story["other"]["path"]:
            click.echo(f"  {_link_line(row, policy)}")


def _section(title: str, lines: list[str]) -> None:
    if lines:
        click.echo(f"\n{title}")
        for line in lines:
            click.echo(f"  {line}")


def _verdict(story: Mapping[str, Any]) -> str:
    """One or apart, and why, in a sentence or two; the path follows where there is one."""
    other, kind = story["other"], story["kind"]
    both = f"{_shown(story['identifier'])} and {_shown(other['identifier'])}"
    if other["kind"] != kind:
        since = other["member_since"]
        seen = "not seen in the account" if since is None else f"seen in the account since {since}"
        return f"{both} are a person and an account, which are never one: the person was {seen}."
    if other["same_owner"]:
        return f"{both} are one {kind}, joined by"
    apart = f"{both} are two: the other is {kind} {other['owner_id']}, named by {_shown(other['anchor'])}."
    decided = other["decision"]
    if decided is not None and decided["kind"] == OperationKind.CANNOT_LINK:
        apart += f"\nThey are kept apart by hand: {_decision_line(decided)}"
    return apart + ("\nBetween them stands" if other["path"] else "\nNo link leads from one to the other.")


def _link_line(row: Mapping[str, Any], policy: IdentityPolicy) -> str:
    source = f"event {row['event_id']}" if row["event_id"] is not None else f"operation {row['operation_id']}"
    evidence = _EVIDENCE[EvidenceClass[row["evidence"].upper()]]
    line = f"{_shown(row['a'])} - {_shown(row['b'])}  {evidence}  {row['at']}  {_shown(source)}"
    return line if row["refusal"] is None else f"{line}  REFUSED: {_refusal(row, policy)}"


def _refusal(row: Mapping[str, Any], policy: IdentityPolicy) -> str:
    refusal: str = row["refusal"]
    code, _, kind = refusal.partition(":")
    if code == "limit":
        return f"they would have more than {policy.limits[IdentifierType(kind)]} {kind} ({refusal})"
    if code in {"shared", "blocked"}:
        return "; ".join(f"{_shown(key)} is {_barred(key, code, policy)}" for key in row["barred"])
    reasons = {
        "cannot_link": "two of them are kept apart by hand (cannot_link)",
        "size": f"they would have more than {policy.hard_size} identifiers (size)",
    }
    return reasons.get(code, refusal)


def _barred(key: str, why: str, policy: IdentityPolicy) -> str:
    if why != "shared":
        return why
    most = policy.max_owners.get(IdentifierType(key.partition("/")[0]))
    return why if most is None else f"shared by more than {most}"


def _decision_line(row: Mapping[str, Any]) -> str:
    about = " - ".join(map(_shown, row["identifiers"]))
    who = f"{_shown(row['actor'])}: {_shown(row['reason'])}"
    return f"{about}  {_DECIDED[OperationKind(row['kind'])]}  {row['decided_at']}  {who}  ({row['operation_id']})"


@command.command("check", epilog="Example: ebbtide identity check --json")
@settings_option
@json_option
def check_command(settings: Settings, *, as_json: bool) -> None:
    """Look for contradictions in every tenant; exit 1 if any."""
    found = {tenant: check(log.graph) for tenant, log in sorted(read_log(settings).items())}
    if as_json:
        echo_json([{"tenant": tenant, **checks._asdict()} for tenant, checks in found.items()])
    else:
        _show_checks(found)
    if any(checks.violations for checks in found.values()):
        sys.exit(1)


def _show_checks(found: Mapping[str, Checks]) -> None:
    table = Table("tenant", "identifiers", "owners", "refused", "shared", "blocked", "largest", "over size")
    for tenant, checks in found.items():
        counts = (checks.identifiers, checks.clusters, sum(checks.refused.values()), checks.shared, checks.blocked)
        sizes = (checks.largest_cluster, checks.over_soft_size)
        table.add_row(Text(_shown(tenant)), *map(str, counts + sizes))
    Console().print(table)
    for tenant, checks in found.items():
        if checks.refused:
            refused = " · ".join(f"{reason} {count}" for reason, count in checks.refused.items())
            click.echo(f"tenant {_shown(tenant)}: refused {refused}")
        for violation in checks.violations:
            click.echo(f"tenant {_shown(tenant)}: VIOLATION {_shown(violation)}")
    violations = sum(len(checks.violations) for checks in found.values())
    click.echo(f"tenants {len(found)} · violations {violations}")


def _groups_of(members: Iterable[str]) -> list[str]:
    return [key.removeprefix(_GROUP) for key in members if key.startswith(_GROUP)]


def _noun(kind: IdentifierType) -> str:
    return "person" if is_person(kind) else "account"


def _shown(text: str) -> str:
    """What strangers sent, safe for a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _day(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def _rfc3339(ms: int) -> str:
    return from_ms(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
