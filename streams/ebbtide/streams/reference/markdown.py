"""Markdown from declarations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; pipes in cells are escaped."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def page(title: str, *blocks: str) -> str:
    """A page of a title and blocks."""
    return "\n\n".join([f"# {title}", *blocks]) + "\n"


def code(text: object) -> str:
    """Inline code."""
    return f"`{text}`"


def prose(docstring: str | None) -> str:
    """A docstring as Markdown: ``code`` with one backtick, roles, indentation and section numbers gone."""
    text = "\n".join(line.strip() for line in (docstring or "").strip().splitlines())
    text = re.sub(r" \((?:design|signals|identity) [^)]*\)", "", text)
    return re.sub(r":\w+:`([^`]+)`", r"`\1`", text).replace("``", "`")


def first_sentence(docstring: str | None) -> str:
    """The first paragraph of a docstring on one line."""
    return prose(docstring).split("\n\n", maxsplit=1)[0].replace("\n", " ")
