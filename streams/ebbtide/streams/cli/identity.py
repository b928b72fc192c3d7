"""`ebbtide identity`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, NamedTuple

import click

from ebbtide.models.identity.checks import check
from ebbtide.models.identity.generation import policy_of, rules_of
from ebbtide.models.identity.identifiers import RANK, identifier
from ebbtide.schemas.base import DAY_SECONDS
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.identity import IdentityOperation, OperationKind
from ebbtide.streams.cli.identity_checks import check_row, show_checks
from ebbtide.streams.cli.identity_rebuild import report_of, tell_report
from ebbtide.streams.cli.identity_story import noun_of, shown, story_of, tell
from ebbtide.streams.cli.options import (
    LONGEST,
    F,
    at_terminal,
    echo_json,
    json_option,
    progress_bar,
    settings_option,
    short_text,
    utf8,
)
from ebbtide.streams.cli.person import actor_name
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.identity_log import (
    TenantLog,
    after_withdrawn,
    append,
    new_operation,
    read_log,
    read_tenant,
    switch,
)
from ebbtide.streams.settings import Settings

_TYPES = ", ".join(kind.value for kind in RANK)


class _Identifier(click.ParamType):
    """An identifier, `type/value`."""

    name = "type/value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Identifier:
        if isinstance(value, Identifier):
            return value
        kind, slash, raw = utf8(value, param, ctx).partition("/")
        if not slash:
            self.fail(f"{value!r} is no identifier: write type/value, with a type of {_TYPES}", param, ctx)
        if kind not in list(IdentifierType):
            self.fail(f"{kind!r} in {value!r} is no type of identifier; there are {_TYPES}", param, ctx)
        found = identifier(IdentifierType(kind), raw)
        if found is None:
            why = (
                f"it has more than {LONGEST} characters"
                if len(raw) > LONGEST
                else "empty, null, zeros, role mailboxes, free-mail domains and the like are blocked for everybody"
            )
            self.fail(f"{raw!r} names nobody as {kind}: {why}", param, ctx)
        return found


IDENTIFIER = _Identifier()


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
    return click.option("--tenant", callback=short_text, help="Tenant; the settings' if none is named.")(function)


def _actor_option(function: F) -> F:
    help_ = "Who decides; the user of this machine if not named."
    return click.option("--actor", callback=short_text, help=help_)(function)


def _decision_options(function: Callable[..., IdentityOperation]) -> Callable[..., None]:
    """The options that all decisions share; the function gets them as a ``_Decider``."""

    @wraps(function)
    def run(
        *, reason: str, actor: str | None, tenant: str | None, settings: Settings, as_json: bool, **named: Any
    ) -> None:
        decider = _Decider(settings, tenant or settings.tenant, actor or actor_name("--actor"), reason)
        made = function(decider, **named)
        if as_json:
            click.echo(made.to_json())
            return
        click.echo(f"{made.operation_id}  {_effect(made)}")

    for option in (
        json_option,
        settings_option,
        _tenant_option,
        _actor_option,
        click.option("--reason", required=True, callback=short_text, help="Why; kept with the decision."),
    ):
        run = option(run)
    return run


def _effect(made: IdentityOperation) -> str:
    one = shown(made.identifier.key)
    other = "" if made.other is None else shown(made.other.key)
    noun = noun_of(made.identifier.type)
    return {
        OperationKind.MUST_LINK: f"{one} and {other} are one {noun}, unless a block, a shared value or a "
        "cannot-link stands between: `ebbtide identity explain` shows it",
        OperationKind.CANNOT_LINK: f"{one} and {other} are never one {noun}, whatever events say",
        OperationKind.UNLINK: f"what was decided about {one} and {other} is withdrawn: the events alone speak again",
        OperationKind.BLOCK: f"{one} links nobody any more; its events still count",
        OperationKind.UNBLOCK: f"{one} links again, unless too many owners share it",
        OperationKind.UNBIND: f"{one} is nobody's: what was said of it until now links it no more, what comes may",
    }[made.kind] + f" (tenant {shown(made.tenant)})"


@click.group()
def command() -> None:
    """Why identifiers are one person or account; join, part, unbind and block them; switch to other limits.

    An identifier is type/value, as user_id/u-42 or email/jane@acme.example.
    """


@command.command(epilog="Example: ebbtide identity link user_id/u-42 user_id/u-43 --reason 'two accounts of Jane'")
@click.argument("a", type=IDENTIFIER)
@click.argument("b", type=IDENTIFIER)
@_decision_options
def link(decider: _Decider, a: Identifier, b: Identifier) -> IdentityOperation:
    """Make A and B one person, or one account."""
    return decider.decide(OperationKind.MUST_LINK, a, b)


@command.command(epilog="Example: ebbtide identity cannot-link user_id/u-42 email/a@b.example --reason 'shared inbox'")
@click.argument("a", type=IDENTIFIER)
@click.argument("b", type=IDENTIFIER)
@_decision_options
def cannot_link(decider: _Decider, a: Identifier, b: Identifier) -> IdentityOperation:
    """Keep A and B apart, whatever events say. Joined ones are parted, and their totals with them."""
    return decider.decide(OperationKind.CANNOT_LINK, a, b)


@command.command(epilog="Example: ebbtide identity unlink user_id/u-42 user_id/u-43 --reason 'linked by mistake'")
@click.argument("a", type=IDENTIFIER)
@click.argument("b", type=IDENTIFIER)
@_decision_options
def unlink(decider: _Decider, a: Identifier, b: Identifier) -> IdentityOperation:
    """Withdraw a link or cannot-link.

    Of A and B the events alone speak again. To part two that events link, use cannot-link.
    """
    return decider.decide(OperationKind.UNLINK, a, b)


@command.command(epilog="Example: ebbtide identity block device_id/kiosk-1 --reason 'a tablet at the front desk'")
@click.argument("a", type=IDENTIFIER)
@_decision_options
def block(decider: _Decider, a: Identifier) -> IdentityOperation:
    """Let A link nobody. Its events still count."""
    return decider.decide(OperationKind.BLOCK, a)


@command.command(epilog="Example: ebbtide identity unblock device_id/kiosk-1 --reason 'it is her own tablet'")
@click.argument("a", type=IDENTIFIER)
@_decision_options
def unblock(decider: _Decider, a: Identifier) -> IdentityOperation:
    """Lift a block of A, also one that the settings name."""
    return decider.decide(OperationKind.UNBLOCK, a)


@command.command(epilog="Example: ebbtide identity unbind phone/+15550100 --reason 'the number has a new owner'")
@click.argument("a", type=IDENTIFIER)
@_decision_options
def unbind(decider: _Decider, a: Identifier) -> IdentityOperation:
    """Part A from whomever it belongs to now.

    What links it later counts: a later bind, or the first event that names it with somebody else. To take it back for
    one of those it was linked to, use link.
    """
    return decider.decide(OperationKind.UNBIND, a)


@command.command("explain", epilog="Example: ebbtide identity explain user_id/u-42 email/jane@acme.example")
@click.argument("a", type=IDENTIFIER)
@click.argument("b", type=IDENTIFIER, required=False)
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
        raise click.UsageError(f"{a.key} is named twice: name two identifiers, or one")
    log = read_tenant(settings, tenant or settings.tenant, progress=progress_bar)
    story = story_of(log, a, b)
    if as_json:
        echo_json(story)
    else:
        tell(story, policy_of(log.generation.rules))
        _tell_pending(log, settings)


@command.command("check", epilog="Example: ebbtide identity check --json")
@settings_option
@json_option
def check_command(settings: Settings, *, as_json: bool) -> None:
    """Look for contradictions in every tenant, exit 1 if any; and for what somebody should look at.

    Reads all of the log of links, as of today.
    """
    today = _today()
    logs = dict(sorted(read_log(settings, progress=progress_bar).items()))
    found = {tenant: check(log.graph, log.members, log.names, today) for tenant, log in logs.items()}
    if as_json:
        echo_json(
            [
                {**check_row(tenant, checks), "generation": logs[tenant].generation.number}
                for tenant, checks in found.items()
            ]
        )
    else:
        show_checks(found)
        for log in logs.values():
            _tell_pending(log, settings)
    if any(checks.violations for checks in found.values()):
        sys.exit(1)


def _today() -> int:
    return int(datetime.now(UTC).timestamp()) // DAY_SECONDS


def _tell_pending(log: TenantLog, settings: Settings) -> None:
    """Say it where a tenant is clustered under other settings than these."""
    if log.generation.rules != rules_of(settings.identity):
        tenant, number = shown(log.graph.tenant), log.generation.number
        click.echo(
            f"tenant {tenant}: generation {number} has other settings than these; see `ebbtide identity rebuild`"
        )


@command.command(
    epilog="Example: EBBTIDE_IDENTITY__MAX_OWNERS=5 ebbtide identity rebuild --reason 'families share a tablet'"
)
@_tenant_option
@_actor_option
@click.option("--reason", default="other settings", callback=short_text, help="Why; kept with the switch.")
@click.option("--yes", is_flag=True, help="Switch without asking.")
@settings_option
@json_option
def rebuild(
    tenant: str | None, actor: str | None, reason: str, settings: Settings, *, yes: bool, as_json: bool
) -> None:
    """Show what these settings would change about a tenant, and switch it to them.

    A tenant stays under the settings that its first worker had, until it is switched. Nothing is switched without
    --yes, or a yes at a terminal. Exit 1 if these settings lead to a contradiction, or somebody else was first.
    """
    log = read_tenant(settings, tenant or settings.tenant, progress=progress_bar)
    if not log.stated and log.generation.number == 1:
        raise EbbtideError(
            f"no worker has said what tenant {shown(log.graph.tenant)} is clustered under: either the name is wrong, "
            "or it is new and begins under the settings of the worker that meets it"
        )
    rules = rules_of(settings.identity)
    report = report_of(log, rules, _today())
    if not as_json:
        tell_report(report)
    good = report["next"] is not None and not report["checks"]["violations"]
    if good and (yes or (not as_json and at_terminal() and click.confirm("\nSwitch?"))):
        made = switch(settings, log, rules, actor=actor or actor_name("--actor"), reason=reason)
        report["operation_id"] = made.operation_id
    if as_json:
        echo_json(report)
    elif report["operation_id"]:
        click.echo(f"\n{report['operation_id']}  switched; owners move when the worker reads it")
    elif good:
        click.echo("\nNothing was switched. With --yes it will be.")
    if report["next"] is not None and not good:
        raise EbbtideError("these settings lead to a contradiction, so nothing was switched: please report it")
