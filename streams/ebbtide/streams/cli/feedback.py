"""`ebbtide feedback`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from ebbtide.models.customer.customer import Customer
from ebbtide.schemas.alert import AlertType, DismissReason
from ebbtide.schemas.feedback import Feedback, FeedbackAction, Outcome, OutcomeReason
from ebbtide.streams.cli.customer import the_one
from ebbtide.streams.cli.identity_story import shown
from ebbtide.streams.cli.options import Instant, json_option, settings_option, words
from ebbtide.streams.cli.person import actor_name
from ebbtide.streams.settings import Settings

_TYPES = click.Choice([kind.value for kind in AlertType if kind not in (AlertType.FLEET_DROP, AlertType.SOURCE_BLIND)])
_REASONS = [why.value for why in (*OutcomeReason, *DismissReason)]


class _Day(Instant):
    """A point in time, RFC 3339; a bare date means the beginning of that UTC day."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        found = super().convert(value, param, ctx)
        return found - timedelta(days=1) if isinstance(value, str) and len(value) == len("2025-01-31") else found


@click.command(
    epilog="Examples: ebbtide feedback group_id/acme --outcome churned --reason product --at 2025-03-31;  "
    "ebbtide feedback acme --dismiss sudden_drop --reason wrong"
)
@click.argument("customer", callback=words)
@click.option("--outcome", type=click.Choice([told.value for told in Outcome]), help="What became of its contract.")
@click.option("--ack", type=_TYPES, help="Take its alert of this type in hand.")
@click.option("--dismiss", type=_TYPES, help="Close its alert of this type; needs --reason.")
@click.option("--snooze", type=_TYPES, help="Hold its alert of this type back; needs --until.")
@click.option(
    "--reason",
    type=click.Choice(_REASONS),
    help="Why: of an outcome natural, product, not_target, other; of a dismissal wrong, known, handled.",
)
@click.option("--until", type=_Day(), help="Until when an alert is held back: a date, or a time.")
@click.option("--at", "at", type=_Day(), help="When an outcome came: a date, or a time; now if not said.")
@click.option("--note", callback=words, help="In your own words; kept with it.")
@click.option("--by", callback=words, help="Who says so; the user of this machine if not named.")
@click.option("--tenant", callback=words, help="Tenant; the settings' if none is named.")
@settings_option
@json_option
def command(
    customer: str,
    outcome: str | None,
    ack: str | None,
    dismiss: str | None,
    snooze: str | None,
    reason: str | None,
    until: datetime | None,
    at: datetime | None,
    note: str | None,
    by: str | None,
    tenant: str | None,
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    """Tell what became of a customer, or of its alert.

    An --outcome counts for labels as if the CRM had told it. An alert that is acknowledged is not escalated; one that
    is dismissed closes, and those of its type come back later, much later if it was wrong; one that is snoozed is held
    back.

    CUSTOMER is an id, an identifier as type/value, or a name, as `ebbtide customer show` takes them. Exit 1 if none
    matches, or several, with a list of them. Returns once the broker has it.
    """
    # Kafka is slow to import.
    from ebbtide.streams.feedback import new_outcome, new_response, send_feedback  # noqa: PLC0415

    said = {"--outcome": outcome, "--ack": ack, "--dismiss": dismiss, "--snooze": snooze}
    given = {option: value for option, value in said.items() if value is not None}
    if len(given) != 1:
        raise click.UsageError(f"give one of {', '.join(said)}, not {' and '.join(given) or 'none'}")
    ((option, value),) = given.items()
    now = datetime.now(UTC)
    _check(option, reason, until, at, now)
    person = by or actor_name("--by")
    ((stored, _),) = the_one(settings, tenant or settings.tenant, customer, as_json=as_json).customers
    found = stored.customer
    if option == "--outcome":
        why = None if reason is None else OutcomeReason(reason)
        made = new_outcome(
            found.tenant, found.customer_id, Outcome(value), by=person, at=at, now=now, reason=why, note=note
        )
    else:
        kind = AlertType(value)
        _must_be_open(found, kind)
        made = new_response(
            found.tenant,
            found.customer_id,
            FeedbackAction(option.removeprefix("--")),
            kind,
            by=person,
            now=now,
            reason=None if reason is None else DismissReason(reason),
            until=until,
            note=note,
        )
    send_feedback(settings, made)
    click.echo(made.to_json() if as_json else f"{made.feedback_id}  {_effect(made, found.anchor.key)}")


def _check(option: str, reason: str | None, until: datetime | None, at: datetime | None, now: datetime) -> None:
    """Refuse what does not belong together."""
    known: list[str] = []
    if option == "--outcome":
        known = [why.value for why in OutcomeReason]
    elif option == "--dismiss":
        known = [why.value for why in DismissReason]
        if reason is None:
            raise click.UsageError(f"--dismiss needs --reason: {', '.join(known)}")
    if reason is not None and reason not in known:
        of = f"of {option} they are {', '.join(known)}" if known else f"{option} takes none"
        raise click.UsageError(f"--reason {reason} does not fit: {of}")
    if (until is None) == (option == "--snooze"):
        raise click.UsageError("--until goes with --snooze, and only with it")
    if until is not None and until <= now:
        raise click.UsageError(f"--until {until:%Y-%m-%d %H:%M} UTC is over")
    if at is not None and option != "--outcome":
        raise click.UsageError("--at goes with --outcome only")
    if at is not None and at > now:
        raise click.UsageError(f"--at {at:%Y-%m-%d %H:%M} UTC lies in the future: tell it once it has happened")


def _must_be_open(customer: Customer, kind: AlertType) -> None:
    if kind not in customer.alerts:
        names = ", ".join(sorted(customer.alerts)) or "none"
        raise click.ClickException(f"no alert {kind} is open for {shown(customer.anchor.key)}; open are: {names}")


def _effect(made: Feedback, anchor: str) -> str:
    who = f"{shown(anchor)}"
    tenant = f"(tenant {shown(made.tenant)})"
    if made.outcome is not None:
        why = "" if made.reason is None else f" ({made.reason})"
        told = made.outcome.replace("_", " ")
        return (
            f"{who} {told} on {made.occurred_at:%Y-%m-%d}{why}, says {shown(made.by)}: counts for labels "
            f"from the next midnight of event time on {tenant}"
        )
    effects = {
        FeedbackAction.ACK: "taken in hand",
        FeedbackAction.DISMISS: f"dismissed as {made.dismiss_reason}",
        FeedbackAction.SNOOZE: "" if made.until is None else f"held back until {made.until:%Y-%m-%d %H:%M} UTC",
    }
    return f"{who} {made.alert_type} {effects[made.action]}, says {shown(made.by)} {tenant}"
