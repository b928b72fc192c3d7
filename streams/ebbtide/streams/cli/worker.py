"""`ebbtide worker`."""

from __future__ import annotations

import click

from ebbtide.streams.cli.options import settings_option
from ebbtide.streams.garbage import rarely_collect
from ebbtide.streams.reach import require_broker
from ebbtide.streams.settings import Settings


@click.command(epilog="Example: ebbtide worker --agents intake,profiles")
@click.option("--agents", help="Agents to run, with commas between.  [default: all]")
@click.option("--loglevel", default="info", type=click.Choice(["debug", "info", "warning", "error"]), show_default=True)
@settings_option
def command(agents: str | None, loglevel: str, settings: Settings) -> None:
    """Run the Faust worker until SIGTERM or SIGINT. State is in EBBTIDE_WORKER__DATA_DIR, one per worker."""
    from ebbtide.streams.app import create_app  # noqa: PLC0415  (Faust is slow to import)
    from ebbtide.streams.transport import run_worker  # noqa: PLC0415

    rarely_collect()
    names = None if agents is None else [name.strip() for name in agents.split(",") if name.strip()]
    app = create_app(settings, agents=names)
    require_broker(settings)
    run_worker(app, loglevel=loglevel)
