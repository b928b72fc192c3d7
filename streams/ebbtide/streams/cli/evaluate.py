"""`ebbtide evaluate`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from ebbtide.streams.cli.options import Instant, echo_json, json_option, print_page
from ebbtide.streams.evaluation.evaluate import evaluate
from ebbtide.streams.evaluation.page import render


@click.command(epilog="Example: ebbtide evaluate result --events orders.ndjson --cut 1997-09-30 --horizon 91")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--truth", type=click.Path(path_type=Path, exists=True), help="Truth file: rows with churned_at or churned."
)
@click.option("--events", type=click.Path(path_type=Path, exists=True), help="Raw events that go on after the cut.")
@click.option("--cut", type=Instant(), help="The instant whose scores are judged; a date means the end of that day.")
@click.option("--horizon", "horizon_days", type=click.IntRange(min=1), help="Days after the cut that decide.")
@click.option("--active", "active_days", type=click.IntRange(min=1), help="Days that make a customer an active one.")
@click.option(
    "--every",
    "every_days",
    type=click.IntRange(min=1),
    help="Judge a cut every so many days too; whole weeks (28) lie on the observation grid.",
)
@click.option(
    "--feedback",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What people said of alerts: records of topic `feedback`, a line each.",
)
@json_option
def command(
    directory: Path,
    truth: Path | None,
    events: Path | None,
    cut: datetime | None,
    horizon_days: int | None,
    active_days: int | None,
    every_days: int | None,
    feedback: Path | None,
    *,
    as_json: bool,
) -> None:
    """Judge the scores and alerts of a replay against what then happened."""
    result = evaluate(
        directory,
        truth,
        events,
        cut=cut,
        horizon_days=horizon_days,
        active_days=active_days,
        every_days=every_days,
        feedback=feedback,
    )
    if as_json:
        echo_json(result)
    else:
        print_page(lambda _: render(result))
