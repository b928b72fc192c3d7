"""`python -m ebbtide.streams.brokers`: run an embedded broker in the foreground, or fetch Kafka's jars."""

import logging
import signal
import time
from pathlib import Path

import click

from ebbtide.streams.brokers import tansu
from ebbtide.streams.brokers.broker import BrokerError
from ebbtide.streams.brokers.jars import fetch_jars
from ebbtide.streams.brokers.java import find_java
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.brokers.tansu import TansuBroker

WATCH_S = 0.5


@click.group()
def main() -> None:
    """Brokers without Docker, on this machine only."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("ebbtide").setLevel(logging.INFO)


@main.command()
@click.option("--port", type=int, default=9092, show_default=True)
@click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Keep the data here; default: discard."
)
@click.option("--heap-mb", type=int, default=512, show_default=True)
def kafka(port: int, data_dir: Path | None, heap_mb: int) -> None:
    """Run Apache Kafka until SIGINT or SIGTERM."""
    _serve(
        KafkaBroker(data_dir, port=port, heap_mb=heap_mb), f"data in {data_dir}" if data_dir else "data is discarded"
    )


@main.command("tansu")
@click.option("--port", type=int, default=9092, show_default=True)
def run_tansu(port: int) -> None:
    """Run Tansu until SIGINT or SIGTERM. For the demo only: see the warning that it prints."""
    click.echo(f"warning: {tansu.LIMITS}", err=True)
    _serve(TansuBroker(port=port), "data in memory")


@main.command()
def jars() -> None:
    """Fetch the jars of Apache Kafka into the cache, so that a later start needs neither Maven nor network."""
    try:
        found = fetch_jars(find_java())
    except BrokerError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{len(found)} jars in {found[0].parent}")


def _serve(broker: KafkaBroker | TansuBroker, storage: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)  # also where a shell's "&" has switched SIGINT off
    try:
        broker.start()
        click.echo(f"ready at {broker.bootstrap}, {storage}; Ctrl-C stops it")
        while broker.alive:
            time.sleep(WATCH_S)
        raise BrokerError(f"the broker ended by itself. Its log ends with:\n{broker.log_tail()}")
    except KeyboardInterrupt:
        click.echo("stopping")
    except BrokerError as error:
        raise click.ClickException(str(error)) from error
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # the stop is bounded; a second Ctrl-C must not cut it short
        broker.stop()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(prog_name="python -m ebbtide.streams.brokers")
