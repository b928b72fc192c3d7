"""Where a command reads what was told of a tenant: the topic, or the directory of a replay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ebbtide.schemas.topics import Topic
from ebbtide.streams.cli.options import json_option, settings_option, stderr
from ebbtide.streams.settings import Settings

if TYPE_CHECKING:
    from ebbtide.streams.published import Told

F = TypeVar("F", bound=Callable[..., Any])


def source_options(function: F) -> F:
    """`--dir`, `--tenant`, `--settings` and `--json`."""
    function = json_option(settings_option(function))
    function = click.option("--tenant", help="Tenant; the settings' if none is named.")(function)
    return click.option(
        "--dir",
        "directory",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        help="Read what `ebbtide replay --out DIR` wrote instead of the topic.",
    )(function)


def read_told(
    settings: Settings,
    topic: Topic,
    contract: type[Told],
    tenant: str,
    directory: Path | None,
    key: str | None = None,
) -> list[Told]:
    """Everything that the source has of a tenant, in its order; with ``key`` only under that key."""
    # Kafka is slow to import.
    from ebbtide.streams.published import from_directory, from_topic  # noqa: PLC0415

    if directory is not None:
        return list(from_directory(directory, topic, contract, tenant, key))
    with stderr().status(f"reading {topic.topic_name}"):
        return list(from_topic(settings, topic, contract, tenant, key))
