"""`ebbtide up`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ebbtide.streams.brokers.ports import accepts
from ebbtide.streams.demo.interrupts import Interrupts
from ebbtide.streams.demo.stack import Stack, settings_for
from ebbtide.streams.reach import require_broker
from ebbtide.streams.settings import Settings, load_settings

HOME = Path(".ebbtide/up")
PORT = 9092
CHECK_EVERY_S = 0.25


@click.command(epilog="Example: ebbtide up")
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="YAML file with settings; the environment (EBBTIDE_…) wins over it.",
)
def command(settings_file: Path | None) -> None:
    """Run a broker and a worker on this machine until Ctrl-C or SIGTERM, and deliveries where endpoints are set.

    Data stay in .ebbtide/up.

    With EBBTIDE_BROKER__URL (or broker.url in the settings file) that broker is used and none is started.
    """
    settings = load_settings(settings_file)
    arguments = () if settings_file is None else ("--settings", str(settings_file))
    with Interrupts() as interrupts, Stack(HOME.resolve(), discard=False, say=click.echo) as stack:
        try:
            url = _broker_url(settings, stack)
            stack.create_topics(settings_for(url, settings))
            worker = stack.start_worker(
                _worker_settings(settings, url),
                admin_port=settings.admin.port or None,
                inherit=True,
                arguments=arguments,
            )
            click.echo(f"ready. Broker {url}, admin {worker.admin_url} (/metrics /readyz), log {worker.log}")
            if settings.deliver.endpoints:
                service = stack.start_service("deliver", {"BROKER__URL": url}, arguments)
                names = ", ".join(sorted(settings.deliver.endpoints))
                click.echo(f"delivers to {names}: admin {service.admin_url}, log {service.log}")
            click.echo(f"send events:  EBBTIDE_BROKER__URL={url} ebbtide send events.ndjson")
            click.echo("Ctrl-C stops it; what it holds stays for the next time")
            while True:
                stack.check()
                time.sleep(CHECK_EVERY_S)
        except KeyboardInterrupt:
            click.echo("stopping")
        finally:
            interrupts.closing()


def _broker_url(settings: Settings, stack: Stack) -> str:
    if "url" in settings.broker.model_fields_set:
        require_broker(settings)
        return settings.broker.url
    return stack.start_broker(port=None if accepts(PORT) else PORT, durable=True)


def _worker_settings(settings: Settings, url: str) -> dict[str, str]:
    values = {"BROKER__URL": url}
    if "data_dir" not in settings.worker.model_fields_set:
        values["WORKER__DATA_DIR"] = str((HOME / "worker").resolve())
    return values
