"""Page: the commands, as their own help tells them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import click

from ebbtide.streams.cli import COMMANDS, root
from ebbtide.streams.reference.markdown import code, table
from ebbtide.streams.reference.markdown import page as markdown_page


def page() -> str:
    """The page ``commands.md``."""
    context = click.Context(root, info_name="ebbtide")
    blocks: list[str] = []
    for name in COMMANDS:
        if available(name):
            command = root.get_command(context, name)
            assert command is not None
            for path, leaf in _leaves(f"ebbtide {name}", command):
                blocks += _command(path, leaf)
    missing = [name for name in COMMANDS if not available(name)]
    if missing:
        blocks += ["## Not there yet", "Listed by `ebbtide --help`: " + ", ".join(map(code, missing)) + "."]
    return markdown_page(
        "Commands",
        "Every command has `--help` with an example. Exit 0 on success, 2 on bad usage, 1 on failure with one line on "
        "standard error (with a traceback under `ebbtide --debug …`), 130 when interrupted. Progress goes to standard "
        "error, and only to a terminal.",
        *blocks,
    )


def available(name: str) -> bool:
    """Whether the command's module exists in this version."""
    return find_spec(f"ebbtide.streams.cli.{COMMANDS[name][0]}") is not None


def _leaves(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group) and command.commands:
        for name in command.commands:
            yield from _leaves(f"{path} {name}", command.commands[name])
    else:
        yield path, command


def _command(path: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=path)
    blocks = [f"## {path}", _text(command.help), f"```\n{path} {' '.join(command.collect_usage_pieces(context))}\n```"]
    rows = [record for param in command.get_params(context) if (record := param.get_help_record(context)) is not None]
    # It is `-h, --help` once the command was called by its group.
    rows = [(name, text) for name, text in rows if not name.endswith("--help")]
    if rows:
        blocks.append(table(("option", "meaning"), ((code(name), _text(text)) for name, text in rows)))
    if command.epilog:
        blocks.append(_example(command.epilog))
    return blocks


def _text(text: str | None) -> str:
    return " ".join((text or "").replace("\b", "").split())


def _example(epilog: str) -> str:
    text = _text(epilog)
    head, _, example = text.partition(": ")
    return f"{head}: `{example}`" if example else text
