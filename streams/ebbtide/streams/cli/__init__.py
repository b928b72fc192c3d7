"""`ebbtide`: the command line. Commands are loaded when they are called, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module

import click

from ebbtide.streams.errors import EbbtideError

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Everything at once on this machine, with live progress."),
    "up": ("up", "Broker, worker, collector and history on this machine, until stopped."),
    "worker": ("worker", "The Faust worker, with all or some agents."),
    "collector": ("collector", "Take events over HTTP from SDKs, browsers and CRMs."),
    "sink": ("sink", "Write events, scores, alerts, records, states, identity and models to a history."),
    "history": ("history", "Ask the history, on a server or embedded."),
    "forget": ("forget", "Erase a person's personal data from the history."),
    "deliver": ("deliver", "Push scores, alerts and records to CRMs, chats and webhooks."),
    "deliveries": ("deliveries", "What became of deliveries; send them again; try an endpoint."),
    "topics": ("topics", "Declared topics against the broker."),
    "replay": ("replay", "The same core over files, without Kafka."),
    "import": ("importing", "History from other formats to raw events."),
    "send": ("send", "Raw records from a file to Kafka."),
    "simulate": ("simulate", "A seeded customer book as raw events."),
    "evaluate": ("evaluate", "Quality of scores and alerts of a replay."),
    "backtest": ("backtest", "Two alert policies on the same log, and what differs."),
    "gate": ("gate", "Whether scores and alerts of a replay are good enough to ship."),
    "dead-letters": ("dead_letters", "Look at refused input, and send it again."),
    "customer": ("customer", "One customer on one page, and where each number comes from."),
    "feedback": ("feedback", "Tell what became of a customer, for the model to learn from."),
    "score": ("score", "Why a score is what it is, and why it changed."),
    "fleet": ("fleet", "All customers on one page: economics, channels, trainings."),
    "model": ("model", "Churn models: how good they were, what they go by, where two differ."),
    "identity": ("identity", "Why two are one; join, part and block by hand."),
    "bench": ("bench", "Ratios to named baselines, measured in the same run."),
    "config": ("config", "Show or check the settings."),
    "topology": ("topology", "The graph of topics and agents."),
    "doctor": ("doctor", "What is wrong on this machine."),
}


class LazyGroup(click.Group):
    """Imports a command's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"ebbtide.streams.cli.{COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, doc) for name, (_, doc) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ebbtide", prog_name="ebbtide")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.pass_context
def root(ctx: click.Context, *, debug: bool) -> None:
    """Live churn scores and risk and opportunity alerts from product events and CRM facts.

    Example: ebbtide import csv orders.csv --user customer --time date -o orders.ndjson
    """
    ctx.obj = debug


def main() -> None:
    """Entry point: exit 0 on success, 2 on bad usage, 1 on failure with one clear line on stderr."""
    debug = "--debug" in sys.argv
    try:
        root.main(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output left (`| head`); the rest of it is nobody's loss.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # one place turns every failure into one line
        if debug:
            traceback.print_exc()
        known = isinstance(error, EbbtideError | ValueError)
        prefix = "" if known else f"{type(error).__name__}: "
        click.echo(f"ebbtide: {prefix}{error}" + ("" if known or debug else " (--debug shows more)"), err=True)
        sys.exit(1)
