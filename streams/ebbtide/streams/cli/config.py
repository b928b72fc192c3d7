"""`ebbtide config`."""

from __future__ import annotations

import click
import yaml

from ebbtide.streams.cli.options import echo_json, json_option, settings_option
from ebbtide.streams.settings import Settings


@click.group()
def command() -> None:
    """Show or check the settings."""


@command.command(epilog="Example: ebbtide config show --settings ebbtide.yml")
@settings_option
@json_option
def show(settings: Settings, *, as_json: bool) -> None:
    """Print the settings in force, secrets hidden."""
    values = settings.model_dump(mode="json")
    if as_json:
        echo_json(values)
    else:
        click.echo(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), nl=False)


@command.command(epilog="Example: ebbtide config check --settings ebbtide.yml")
@settings_option
def check(settings: Settings) -> None:
    """Check the settings; exit 1 with every fault."""
    click.echo(f"settings are right ({len(type(settings).model_fields)} groups)")
