"""`ebbtide fleet`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import click

from ebbtide.models.fleet.stats import EVERYBODY
from ebbtide.schemas.fleet import FleetStats
from ebbtide.schemas.topics import Topic
from ebbtide.streams.cli.fleet_page import NARROWEST, page
from ebbtide.streams.cli.identity_story import shown
from ebbtide.streams.cli.options import echo_json, print_page
from ebbtide.streams.cli.source import read_told, source_options
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import Settings


@click.group()
def command() -> None:
    """Look at all customers together: economics, channels, trainings, modules."""


@command.command(epilog="Example: ebbtide fleet show --segment strategic")
@click.option("--segment", help="Only this segment, beside everybody.")
@source_options
def show(segment: str | None, directory: Path | None, tenant: str | None, settings: Settings, *, as_json: bool) -> None:
    """Show the newest statistics of the fleet on one page.

    Segments with renewal rate, lifetime, LTV and NPS; what channels cost and brought, and which only look good; what
    trainings added; how many use each module; whom to call first.
    """
    stats = _stats(settings, tenant or settings.tenant, directory)
    if segment is not None and segment not in stats.segments:
        known = ", ".join(shown(name) for name in stats.segments if name != EVERYBODY) or "none"
        raise EbbtideError(
            f"there is no segment {shown(segment)} as of {stats.as_of:%Y-%m-%d}; those with enough customers: {known}"
        )
    if as_json:
        echo_json(_answer(stats, segment))
        return
    print_page(partial(page, stats, segment), NARROWEST)


def _stats(settings: Settings, tenant: str, directory: Path | None) -> FleetStats:
    found = newest(read_told(settings, Topic.FLEET_STATS, FleetStats, tenant, directory))
    if found is None:
        raise EbbtideError(
            f"there are no fleet statistics of tenant {shown(tenant)} yet: see that --tenant is right; the first come "
            "when event time passes an observation instant, Mondays by default"
        )
    return found


def newest(told: Iterable[FleetStats]) -> FleetStats | None:
    """The newest of a tenant's: a worker that took over may have told an older one again."""
    found: FleetStats | None = None
    for stats in told:
        if found is None or stats.as_of >= found.as_of:
            found = stats
    return found


def _answer(stats: FleetStats, segment: str | None) -> dict[str, Any]:
    answer: dict[str, Any] = stats.model_dump(mode="json")
    if segment is not None:
        answer["segments"] = {segment: answer["segments"][segment]}
    return answer
