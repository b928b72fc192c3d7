"""Who sits at the terminal."""

from __future__ import annotations

from getpass import getuser

import click


def actor_name(option: str) -> str:
    """The user of this machine. Where there is none, usage is bad: ``option`` names somebody."""
    try:
        return getuser()
    except (KeyError, OSError):
        raise click.UsageError(f"this process has no user name: give {option}") from None
