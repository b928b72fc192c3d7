"""`ebbtide dead-letters`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.streams.cli.options import echo_json, json_option, settings_option
from ebbtide.streams.dead_letters import find, letters, redrive
from ebbtide.streams.settings import Settings

_REASON = click.Choice([reason.value for reason in DeadLetterReason])
_SHOWN = 60


@click.group()
def command() -> None:
    """Look at refused input, and send it again."""


@command.command("list", epilog="Example: ebbtide dead-letters list --reason not_json")
@click.option("--reason", "reasons", multiple=True, type=_REASON, help="Only these; repeatable.")
@click.option(
    "--file", type=click.Path(path_type=Path, exists=True), help="A replay's dead-letters.ndjson instead of Kafka."
)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Most rows of the table.")
@settings_option
@json_option
def list_letters(reasons: tuple[str, ...], file: Path | None, limit: int, settings: Settings, *, as_json: bool) -> None:
    """List what was refused, with the reason."""
    found = letters(settings, reasons=reasons, file=file)
    if as_json:
        echo_json([letter.model_dump(mode="json") for letter in found])
        return
    table = Table("id", "received", "from", "reason", "detail", "original")
    for letter in found[-limit:]:
        place = f"{letter.topic}/{letter.partition}@{letter.offset}"
        received = f"{letter.received_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(
            letter.dead_letter_id[:8], received, place, letter.reason, letter.detail, letter.original[:_SHOWN]
        )
    console = Console()
    console.print(table)
    counts = Counter(letter.reason.value for letter in found)
    console.print(f"{len(found)} dead letters" + "".join(f" · {reason} {n}" for reason, n in counts.most_common()))


@command.command(epilog="Example: ebbtide dead-letters show 3f2a91c0")
@click.argument("dead_letter_id")
@click.option(
    "--file", type=click.Path(path_type=Path, exists=True), help="A replay's dead-letters.ndjson instead of Kafka."
)
@settings_option
def show(dead_letter_id: str, file: Path | None, settings: Settings) -> None:
    """Print one letter with its original. The beginning of the id will do."""
    echo_json(find(settings, dead_letter_id, file=file).model_dump(mode="json"))


@command.command("redrive", epilog="Example: ebbtide dead-letters redrive --reason too_large")
@click.argument("dead_letter_ids", nargs=-1)
@click.option("--reason", "reasons", multiple=True, type=_REASON, help="All with this reason; repeatable.")
@click.option("--all", "everything", is_flag=True, help="All there are.")
@settings_option
def redrive_letters(
    dead_letter_ids: tuple[str, ...], reasons: tuple[str, ...], settings: Settings, *, everything: bool
) -> None:
    """Send letters again to the topics they came from, bytes unchanged, after what refused them was fixed.

    An event counts once, however often it is sent; a letter that is refused again comes back as a new letter.
    """
    if not (dead_letter_ids or reasons or everything):
        raise click.UsageError("name ids, --reason, or --all")
    chosen = [find(settings, dead_letter_id) for dead_letter_id in dead_letter_ids]
    if reasons or everything:
        chosen += letters(settings, reasons=reasons)
    unique = {letter.dead_letter_id: letter for letter in chosen}
    sent = redrive(settings, unique.values())
    click.echo(f"{sent} dead letters sent again and acknowledged", err=True)
