"""`ebbtide feedback`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from ebbtide.schemas.feedback import Feedback, Outcome, OutcomeReason
from ebbtide.streams.cli.customer import the_one
from ebbtide.streams.cli.identity_story import shown
from ebbtide.streams.cli.options import Instant, json_option, settings_option, words
from ebbtide.streams.cli.person import actor_name
from ebbtide.streams.settings import Settings


class _Day(Instant):
    """A point in time, RFC 3339; a bare date means the beginning of that UTC day."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        found = super().convert(value, param, ctx)
        return found - timedelta(days=1) if isinstance(value, str) and len(value) == len("2025-01-31") else found


@click.command(epilog="Example: ebbtide feedback group_id/acme --outcome churned --reason product --at 2025-03-31")
@click.argument("customer", callback=words)
@click.option(
    "--outcome", type=click.Choice([told.value for told in Outcome]), required=True, help="What became of its contract."
)
@click.option("--reason", type=click.Choice([why.value for why in OutcomeReason]), help="Why, as in `renewal.closed`.")
@click.option("--at", "at", type=_Day(), help="When: a date, or a time; now if not said.")
@click.option("--note", callback=words, help="In your own words; kept with it.")
@click.option("--by", callback=words, help="Who says so; the user of this machine if not named.")
@click.option("--tenant", callback=words, help="Tenant; the settings' if none is named.")
@settings_option
@json_option
def command(
    customer: str,
    outcome: str,
    reason: str | None,
    at: datetime | None,
    note: str | None,
    by: str | None,
    tenant: str | None,
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    """Tell what became of a customer: it counts for labels as if the CRM had told it.

    CUSTOMER is an id, an identifier as type/value, or a name, as `ebbtide customer show` takes them. Exit 1 if none
    matches, or several, with a list of them. Returns once the broker has it.
    """
    # Kafka is slow to import.
    from ebbtide.streams.feedback import new_feedback, send_feedback  # noqa: PLC0415

    now = datetime.now(UTC)
    if at is not None and at > now:
        raise click.UsageError(f"--at {at:%Y-%m-%d %H:%M} UTC lies in the future: tell it once it has happened")
    person = by or actor_name("--by")
    ((stored, _),) = the_one(settings, tenant or settings.tenant, customer, as_json=as_json).customers
    made = new_feedback(
        stored.customer.tenant,
        stored.customer.customer_id,
        Outcome(outcome),
        by=person,
        at=at,
        now=now,
        reason=None if reason is None else OutcomeReason(reason),
        note=note,
    )
    send_feedback(settings, made)
    click.echo(made.to_json() if as_json else f"{made.feedback_id}  {_effect(made, stored.customer.anchor.key)}")


def _effect(made: Feedback, anchor: str) -> str:
    why = "" if made.reason is None else f" ({made.reason})"
    told = made.outcome.replace("_", " ")
    return (
        f"{shown(anchor)} {told} on {made.occurred_at:%Y-%m-%d}{why}, says {shown(made.by)}: counts for labels "
        f"from the next midnight of event time on (tenant {shown(made.tenant)})"
    )
