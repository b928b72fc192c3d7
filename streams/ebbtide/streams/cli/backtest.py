"""`ebbtide backtest`."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import click

from ebbtide.streams.backtest import backtest
from ebbtide.streams.cli.options import echo_json, json_option, print_page, progress_bar
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.evaluation.difference import TOLERANCE_DAYS
from ebbtide.streams.evaluation.difference_page import render

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def _two(ctx: click.Context, param: click.Parameter, value: tuple[Path, ...]) -> tuple[Path, ...]:
    if len(value) != 2:
        raise click.BadParameter(f"give it twice, once for each policy; it was given {len(value)} times", ctx, param)
    return value


@click.command(
    epilog="Example: ebbtide backtest book.ndjson --policy now.yaml --policy quieter.yaml --truth truth.ndjson"
)
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--policy",
    "policies",
    type=_FILE,
    multiple=True,
    callback=_two,
    help="Settings file (YAML, as for --settings) of the first policy, A; given again, of the second, B.",
)
@click.option("--truth", type=_FILE, help="Truth file: rows with churned_at.")
@click.option("--events", type=_FILE, help="Raw events that go on after FILES and tell who stayed.")
@click.option("--horizon", "horizon_days", type=click.IntRange(min=1), help="Days within which a churn counts.")
@click.option(
    "--tolerance",
    "tolerance_days",
    type=click.FloatRange(min=0.0),
    default=TOLERANCE_DAYS,
    show_default=True,
    help="Days within which alerts of one customer and type are the same.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Keep both replays there, in a and b.")
@json_option
def command(
    files: tuple[str, ...],
    policies: tuple[Path, ...],
    truth: Path | None,
    events: Path | None,
    horizon_days: int | None,
    tolerance_days: float,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    """Replay the same events under two policies and tell what differs in alerts and what that is worth.

    FILES are .ndjson or .ndjson.gz in arrival order. The environment (EBBTIDE_…) wins over both settings files.
    """
    if truth is not None and events is not None:
        raise click.UsageError("give either --truth or --events, not both")
    with progress_bar("replaying A and B") as progress:
        result = backtest(
            files,
            policies,
            truth=truth,
            events=events,
            out=out,
            horizon_days=horizon_days,
            tolerance=timedelta(days=tolerance_days),
            progress=progress,
        )
    if out is not None:
        target = out / "difference.json"
        try:
            target.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise EbbtideError(f"cannot write {target}: {error.strerror}") from None
    if as_json:
        echo_json(result)
    else:
        print_page(lambda _: render(result))
