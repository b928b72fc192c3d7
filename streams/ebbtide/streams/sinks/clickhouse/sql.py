"""Text that becomes part of a statement."""

import re

_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def quoted(text: str) -> str:
    """A string literal. ClickHouse's own parameters came after 18.16."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def listed(texts: list[str]) -> str:
    """A tuple of string literals; that of nothing matches nothing."""
    return "(" + ", ".join(map(quoted, texts or [""])) + ")"


def database_name(name: str) -> str:
    """The name, where it can stand in a statement as it is. Raises ValueError."""
    if not _DATABASE.fullmatch(name):
        raise ValueError(f"{name!r} is no database name: letters, digits and _ only")
    return name
