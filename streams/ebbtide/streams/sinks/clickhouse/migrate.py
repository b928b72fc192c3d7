"""Numbered SQL files, applied once and in order.

Every statement is written so that it may run again (`IF NOT EXISTS`): ClickHouse has no transaction around a file, and
a server killed between a statement and its entry in `schema_migrations` sees the file a second time. Only `ADD COLUMN`
cannot say so on 18.16: there that the column exists already is no error.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.sinks.clickhouse.sql import quoted
from ebbtide.streams.sinks.writer import Cell, RefusedError

log = logging.getLogger(__name__)

Execute = Callable[[str], list[tuple[Cell, ...]]]
"""A database's `execute`."""

_COLUMN_EXISTS = frozenset({15, 44})
"""Codes of ClickHouse's errors: DUPLICATE_COLUMN, and ILLEGAL_COLUMN as older servers call it."""

_FILE = re.compile(r"(\d{4})_(\w+)\.sql")
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number UInt32, name String, checksum String, applied_at DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree() ORDER BY number
"""


class MigrationError(EbbtideError):
    """The database and this version of Ebbtide do not fit; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Changes when the file does."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The statements of the file, without comments. A statement ends with `;` at the end of a line."""
        text = _COMMENT.sub("", self.text)
        return [statement.strip() for statement in re.split(r";\s*$", text, flags=re.MULTILINE) if statement.strip()]


@cache
def migrations() -> tuple[Migration, ...]:
    """All files that came with the package, in order."""
    folder = files("ebbtide.streams.sinks.clickhouse").joinpath("migrations")
    found = [
        Migration(int(match[1]), match[2], file.read_text("utf-8"))
        for file in folder.iterdir()
        if (match := _FILE.fullmatch(file.name))
    ]
    return tuple(sorted(found, key=lambda migration: migration.number))


def migrate(execute: Execute) -> list[Migration]:
    """Apply what the database lacks, and return it.

    Raises MigrationError when an applied file has changed since, or the database is ahead of this package.
    """
    execute(_LEDGER)
    applied = {
        int(number or 0): (name, checksum)
        for number, name, checksum in execute("SELECT number, name, checksum FROM schema_migrations FINAL")
    }
    known = {migration.number: migration for migration in migrations()}
    for number, (name, checksum) in sorted(applied.items()):
        if number not in known:
            raise MigrationError(
                f"the database has migration {number:04} ({name}) that this version does not know: "
                "run the version that wrote it, or a newer one"
            )
        if known[number].checksum != checksum:
            raise MigrationError(
                f"migration {number:04} ({name}) changed after it was applied: "
                "put the change into a new migration instead"
            )
    done = []
    for migration in migrations():
        if migration.number not in applied:
            for statement in migration.statements:
                _apply(execute, statement)
            execute(_entry(migration.number, migration.name, migration.checksum))
            log.info("applied migration %04d %s", migration.number, migration.name)
            done.append(migration)
    return done


def _entry(number: int, name: str, checksum: str) -> str:
    # A SELECT, for `VALUES` hang on 18.16.
    return f"INSERT INTO schema_migrations (number, name, checksum) SELECT {number}, {quoted(name)}, {quoted(checksum)}"


def _apply(execute: Execute, statement: str) -> None:
    try:
        execute(statement)
    except RefusedError as error:
        if " ADD COLUMN " not in statement or error.code not in _COLUMN_EXISTS:
            raise
