"""`ebbtide deliveries`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from urllib.parse import urlsplit

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ebbtide.models.delivery.answer import Outcome
from ebbtide.models.delivery.formats.registry import FORMATS
from ebbtide.models.delivery.standing import enabled
from ebbtide.schemas.deliveries import Delivery, DeliveryStatus
from ebbtide.schemas.topics import Topic
from ebbtide.streams.cli.options import Instant, echo_json, json_option, progress_bar, settings_option
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import Settings

_STATUSES = click.Choice([status.value for status in DeliveryStatus])


@click.group()
def command() -> None:
    """What became of deliveries; send them again; try an endpoint."""


@command.command("list", epilog="Example: ebbtide deliveries list --endpoint crm --status dead")
@click.option("--endpoint", "endpoints", multiple=True, help="Only this endpoint; may be given several times.")
@click.option("--customer", "customers", multiple=True, help="Only this customer id; may be given several times.")
@click.option("--status", "statuses", multiple=True, type=_STATUSES, help="Only what stands so now.")
@click.option("--since", type=Instant(), help="Only what happened last at or after this time; a bare date is its end.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The newest so many.")
@json_option
@settings_option
def list_(
    endpoints: tuple[str, ...],
    customers: tuple[str, ...],
    statuses: tuple[str, ...],
    since: datetime | None,
    limit: int,
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    """Print how each delivery stands: the last line of each in `deliveries`, the newest at the bottom."""
    from ebbtide.streams.deliver.history import last_lines  # noqa: PLC0415  (slow imports)
    from ebbtide.streams.deliver.standing import disabled_now, told  # noqa: PLC0415

    lines = last_lines(
        settings, endpoints=endpoints, customers=customers, statuses=statuses, since=since, progress=progress_bar
    )
    for state in disabled_now(settings):
        if not endpoints or state.endpoint in endpoints:
            click.echo(told(state), err=True)
    if as_json:
        echo_json([line.model_dump(mode="json") for line in lines[-limit:]])
        return
    if not lines:
        click.echo("no delivery matches")
        return
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("when (UTC)", "status", "endpoint", "customer", "what", "tries", "HTTP", "reason"):
        # What is to be copied or looked for is whole, also in a narrow window.
        table.add_column(name, overflow="fold", no_wrap=name in {"when (UTC)", "status"})
    for line in lines[-limit:]:
        table.add_row(*_cells(line))
    Console().print(table)
    if len(lines) > limit:
        click.echo(f"and {len(lines) - limit:,} older ones; see --limit")


def _cells(line: Delivery) -> tuple[str, ...]:
    reason = " ".join(part for part in (line.reason and line.reason.value, line.detail) if part)
    return (
        f"{line.occurred_at:%m-%d %H:%M:%S}",
        line.status,
        line.endpoint,
        line.customer_id or "-",
        f"{line.kind} {line.version}",
        str(line.attempt),
        str(line.http_status or "-"),
        reason[:80],
    )


@command.command("replay", epilog="Example: ebbtide deliveries replay --endpoint crm --status dead")
@click.option("--endpoint", required=True, help="The endpoint.")
@click.option("--customer", "customers", multiple=True, help="Only this customer id; may be given several times.")
@click.option(
    "--status", "statuses", multiple=True, type=_STATUSES, default=("dead",), show_default=True,
    help="Only what stands so now.",
)  # fmt: skip
@click.option("--since", type=Instant(), help="Only what happened last at or after this time; a bare date is its end.")
@click.option("--dry-run", is_flag=True, help="Only say how many.")
@settings_option
def replay(
    endpoint: str,
    customers: tuple[str, ...],
    statuses: tuple[str, ...],
    since: datetime | None,
    settings: Settings,
    *,
    dry_run: bool,
) -> None:
    """Have records sent again by the running `ebbtide deliver`, in turn with all others of their customer.

    An alert is sent as it was; of a score or a record the newest version goes, so that nothing old overwrites it.
    """
    from ebbtide.streams.deliver.history import last_lines, requests  # noqa: PLC0415  (slow imports)
    from ebbtide.streams.deliver.run import chosen  # noqa: PLC0415
    from ebbtide.streams.sender import started_producer  # noqa: PLC0415

    chosen(settings, (endpoint,))
    lines = last_lines(
        settings, endpoints=(endpoint,), customers=customers, statuses=statuses, since=since, progress=progress_bar
    )
    outputs, lost = requests(settings, lines)

    async def send() -> None:
        producer = await started_producer(settings)
        try:
            await producer.send_all(outputs)
        finally:
            await producer.stop()

    if outputs and not dry_run:
        asyncio.run(send())
    click.echo(f"{len(outputs)} {'would be ' if dry_run else ''}sent again to {endpoint}, for {len(lines)} deliveries")
    if lost:
        raise EbbtideError(f"{len(lost)} cannot be sent again: their topics no longer have them")


@command.command("enable", epilog="Example: ebbtide deliveries enable crm")
@click.argument("endpoint")
@settings_option
def enable(endpoint: str, settings: Settings) -> None:
    """Have an endpoint that answered 410 Gone asked again: the running `ebbtide deliver` sends it all that waited."""
    from ebbtide.streams.deliver.run import chosen  # noqa: PLC0415  (slow imports)
    from ebbtide.streams.deliver.standing import output_of, read_states  # noqa: PLC0415
    from ebbtide.streams.sender import send_one  # noqa: PLC0415

    chosen(settings, (endpoint,))
    state = read_states(settings).get(endpoint)
    if state is None or not state.disabled:
        click.echo(f"{endpoint} is not disabled")
        return
    again = f"`ebbtide deliveries enable {endpoint}` again"
    send_one(settings, output_of(enabled(state, datetime.now(UTC))), what=f"the state of {endpoint}", then=again)
    click.echo(f"{endpoint} is enabled: what waited since {state.decided_at:%Y-%m-%d %H:%M:%S} UTC goes out")


@command.command("test", epilog="Example: ebbtide deliveries test sales-chat")
@click.argument("endpoint")
@click.option("--customer", help="Send this customer's newest record instead of a sample; CRMs need that.")
@json_option
@settings_option
def test(endpoint: str, customer: str | None, settings: Settings, *, as_json: bool) -> None:
    """Send one request and say what the endpoint answers. No cursor moves; exit 1 where it does not take it."""
    from ebbtide.streams.deliver.history import newest_of  # noqa: PLC0415  (slow imports)
    from ebbtide.streams.deliver.run import chosen  # noqa: PLC0415
    from ebbtide.streams.deliver.trial import attempt, sample  # noqa: PLC0415

    chosen(settings, (endpoint,))
    given = settings.deliver.endpoints[endpoint]
    if customer is None and FORMATS[given.format].crm:
        raise click.UsageError("a CRM is not sent a sample: name a customer of yours with --customer")
    message = sample()
    if customer is not None:
        topic = given.told[0] if FORMATS[given.format].crm else Topic.CUSTOMER_RECORDS.topic_name
        found = newest_of(settings, customer, topic)
        if found is None or found.value is None:
            raise EbbtideError(f"{topic} has no record of customer {customer}; see `ebbtide customer show`")
        message = found
    trial = asyncio.run(attempt(endpoint, given, message))
    (verdict,) = trial.verdicts
    host, body = ("", b"") if trial.request is None else (urlsplit(trial.request.url).netloc, trial.request.body)
    if as_json:
        echo_json(
            {
                "endpoint": endpoint,
                "host": host,
                "body": body.decode(),
                "http_status": trial.answer.status,
                "answer": trial.answer.text(),
                "outcome": verdict.outcome,
                "reason": verdict.reason,
                "detail": verdict.detail,
                "seconds": round(trial.seconds, 3),
            }
        )
    else:
        click.echo(f"sent {len(body):,} bytes to {host} ({given.format})")
        click.echo(
            f"answered {trial.answer.status or 'nothing'} in {trial.seconds:.2f} s: {trial.answer.text() or '-'}"
        )
        click.echo(f"that is: {verdict.outcome}")
    if verdict.outcome is not Outcome.DELIVERED:
        raise EbbtideError(f"{endpoint} did not take it: {verdict.reason} {verdict.detail or ''}".rstrip())
