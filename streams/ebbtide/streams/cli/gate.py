"""`ebbtide gate`."""

from __future__ import annotations

import dataclasses
import sys
from datetime import datetime
from pathlib import Path

import click

from ebbtide.streams.cli.options import Instant, echo_json, json_option
from ebbtide.streams.evaluation.evaluate import evaluate
from ebbtide.streams.evaluation.gates import (
    FEWEST_CHURNERS,
    LIFT,
    MOST_EXCELLENT,
    WARNED_EARLY,
    Thresholds,
    Verdict,
    gates,
    overall,
)

_SAID = {Verdict.HOLDS: "holds   ", Verdict.FAILED: "FAILED  ", Verdict.UNKNOWN: "unknown "}
_EXIT = {Verdict.HOLDS: 0, Verdict.FAILED: 1, Verdict.UNKNOWN: 2}
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_SHARE = click.FloatRange(0.0, 1.0)


@click.command(epilog="Example: ebbtide gate result --truth truth.ndjson")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--truth", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Truth file: rows with churned_at."
)
@click.option(
    "--events",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Raw events that go on after the cut.",
)
@click.option("--cut", type=Instant(), help="No tiers are judged after it; a date means the end of that day.")
@click.option("--horizon", "horizon_days", type=click.IntRange(min=1), help="Days within which a churn counts.")
@click.option(
    "--lift",
    type=click.FloatRange(min=0.0),
    default=LIFT,
    show_default=True,
    help="The danger tier churns at this many times the base rate or more.",
)
@click.option(
    "--warned",
    type=_SHARE,
    default=WARNED_EARLY,
    show_default="two thirds",
    help="Share of churned customers that were warned at least 30 days before.",
)
@click.option(
    "--excellent",
    type=_SHARE,
    default=MOST_EXCELLENT,
    show_default=True,
    help="No greater share of the book is in the excellent tier.",
)
@click.option(
    "--min-churners",
    type=click.IntRange(min=1),
    default=FEWEST_CHURNERS,
    show_default=True,
    help="With fewer churned customers nothing is judged.",
)
@click.option("--foreseeable", is_flag=True, help="Do not count who churned without a sign, where the truth says so.")
@json_option
def command(
    directory: Path,
    truth: Path | None,
    events: Path | None,
    cut: datetime | None,
    horizon_days: int | None,
    lift: float,
    warned: float,
    excellent: float,
    min_churners: int,
    *,
    foreseeable: bool,
    as_json: bool,
) -> None:
    """Say whether scores and alerts of a replay are good enough to ship.

    Exit 0 when all gates hold, 1 when one failed, 2 when none failed and one cannot be judged. A line for each gate;
    those that do not hold go to standard error.
    """
    result = evaluate(directory, truth, events, cut=cut, horizon_days=horizon_days)
    found = gates(
        result,
        Thresholds(
            lift=lift,
            warned_early=warned,
            most_excellent=excellent,
            fewest_churners=min_churners,
            foreseeable=foreseeable,
        ),
    )
    verdict = overall(found)
    if as_json:
        echo_json({"verdict": verdict, "gates": [dataclasses.asdict(gate) for gate in found]})
    for gate in found:
        fails = gate.verdict is not Verdict.HOLDS
        if fails or not as_json:
            click.echo(f"{_SAID[gate.verdict]} {gate.says}", err=fails)
    if verdict is not Verdict.HOLDS:
        sys.exit(_EXIT[verdict])
