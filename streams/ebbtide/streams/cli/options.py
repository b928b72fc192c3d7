"""Options and output that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ebbtide.streams.settings import Settings, load_settings

WIDTH = 100
"""Columns of a page."""

LONGEST = 1024
"""Characters of words that can be meant."""

F = TypeVar("F", bound=Callable[..., Any])


class Instant(click.ParamType):
    """A point in time, RFC 3339; a bare date means the end of that UTC day."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; use 2025-01-31 or 2025-01-31T09:30:00Z", param, ctx)
        parsed = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
        return parsed + timedelta(days=1) if len(value) == len("2025-01-31") else parsed


def utf8(value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
    """The value, if it can be sent."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise click.BadParameter(f"{value!r} is no UTF-8", ctx, param) from None
    return value


def short_text(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The callback of an option that takes words, of a length that can be meant."""
    if value is not None and not 0 < len(utf8(value, param, ctx).strip()) <= len(value) <= LONGEST:
        raise click.BadParameter(f"must have 1 to {LONGEST} characters", ctx, param)
    return value


def words(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The same, without blanks around them."""
    found = short_text(ctx, param, value)
    return None if found is None else found.strip()


def settings_option(function: F) -> F:
    """`--settings FILE`, handed over as loaded settings."""

    def load(ctx: click.Context, param: click.Parameter, value: Path | None) -> Settings:
        return load_settings(value)

    return click.option(
        "--settings",
        type=click.Path(path_type=Path, dir_okay=False),
        callback=load,
        help="YAML file with settings; the environment (EBBTIDE_…) wins over it.",
    )(function)


def json_option(function: F) -> F:
    """`--json`: machine-readable output."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")(function)


def echo_json(value: object) -> None:
    """Print a value as indented JSON."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def at_terminal() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty()


def stderr() -> Console:
    """Where progress goes, so that output can be piped."""
    return Console(stderr=True)


def print_page(page: Callable[[int], RenderableType], narrowest: int = 0) -> None:
    """Print what fits into so many columns: the terminal's, ``WIDTH`` at most; a pipe has no width of its own."""
    console = Console(highlight=False)
    console.width = max(narrowest, min(WIDTH, console.width)) if console.is_terminal else WIDTH
    console.print(page(console.width))


@contextmanager
def progress_bar(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr where that is a terminal; else nothing."""
    if not sys.stderr.isatty():
        yield lambda _count: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr()) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(count: int) -> None:
            bar.advance(task, count)
            speed = bar.tasks[0].speed
            bar.update(task, rate="" if speed is None else f"{speed:,.0f}/s")

        yield advance
