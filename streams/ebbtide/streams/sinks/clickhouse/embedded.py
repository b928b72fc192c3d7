"""Rows into ClickHouse inside this process (chDB), for one machine without a server.

One process has the directory: a second one that opens it is refused. chDB has one engine a process, which must not be
forked, and works for one thread at a time; the tables are the server's, by the same migrations.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.sinks.clickhouse.migrate import migrate
from ebbtide.streams.sinks.clickhouse.sql import database_name
from ebbtide.streams.sinks.table import Row, Table
from ebbtide.streams.sinks.writer import Cell, RefusedError, WriterUnavailableError

DATA = "data"
"""The engine's own folder in the directory of a history."""
INSTALL = "pip install 'ebbtide[embedded]'"
IN_USE_S = 30.0
"""How long one process waits for another to give a directory back: a question that reads it itself is soon through."""

_REFUSED = re.compile(r"Code: (\d+)\. DB::Exception: (.*)", re.DOTALL)
_NULLABLE = re.compile(r"^Nullable\((.*)\)$")
_ARROW = {
    "String": "string",
    "Float64": "double",
    "Int64": "int64",
    "Int32": "int32",
    "UInt8": "uint8",
    "DateTime('UTC')": "uint32",
}
"""Types of columns as Arrow calls them; a time is a number of seconds on its way in."""
_LOCKED, _NOT_STARTED = "Cannot lock file", "Error initializing EmbeddedServer"


class DirectoryInUseError(EbbtideError):
    """Another process has the directory."""


def installed() -> bool:
    """Whether chDB is there. It is not loaded for the answer."""
    return find_spec("chdb") is not None


class EmbeddedWriter:
    """The engine of this process, opened when it is needed."""

    def __init__(self, directory: Path, database: str) -> None:
        self._directory = directory
        self._database = database_name(database)
        self._connection: Any = None
        self._refused_since: float | None = None
        self._types: dict[str, dict[str, str]] = {}

    @property
    def name(self) -> str:
        """`chdb`."""
        return "chdb"

    def prepare(self) -> None:
        """Make the directory and the database when they are missing, and apply the migrations that it lacks.

        Raises WriterUnavailableError while another process has the directory, and DirectoryInUseError when it still has
        it `IN_USE_S` seconds after the first attempt.
        """
        now = time.monotonic()
        try:
            self.open()
        except DirectoryInUseError as error:
            self._refused_since = now if self._refused_since is None else self._refused_since
            if now - self._refused_since >= IN_USE_S:
                raise
            raise WriterUnavailableError("directory", str(error)) from error
        self._refused_since = None
        migrate(self.execute)

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """One INSERT of one Arrow table, at 2.5 times the rate of text (of 3 kB a row 129,000/s against 50,000)."""
        types = self._column_types(table)
        columns = zip(table.columns, zip(*rows, strict=True), strict=True)
        batch = _arrow({name: (values, types[name]) for name, values in columns})
        names = ", ".join(f"`{column}`" for column in table.columns)
        with self._failures():
            # chDB finds the table by its name among the variables of whoever calls it.
            self.open().query(f"INSERT INTO `{table.name}` ({names}) SELECT {names} FROM Python(batch)")
        del batch

    def execute(self, statement: str) -> list[tuple[Cell, ...]]:
        """Run one statement and wait for its end."""
        with self._failures():
            answer = self.open().query(statement, "JSONCompact").bytes()
        return [tuple(row) for row in orjson.loads(answer)["data"]] if answer else []

    def close(self) -> None:
        """Close the engine and give the directory back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def open(self) -> Any:
        """The engine with the directory, opened if it is not yet. Raises DirectoryInUseError."""
        if self._connection is not None:
            return self._connection
        if not installed():
            raise EbbtideError(f"the embedded history needs chDB: {INSTALL}, or name a ClickHouse server")
        import chdb  # noqa: PLC0415  (170 MB of engine, only where it is used)

        data = self._directory / DATA
        try:
            data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EbbtideError(f"{data} cannot be made: {error.strerror}") from error
        if not os.access(data, os.W_OK | os.X_OK):
            raise EbbtideError(f"{data} may not be written to by this user")
        with self._failures():
            try:
                connection = chdb.connect(str(data))
            except RuntimeError as error:
                # Which it is stands on the engine's standard error only, in some versions.
                if _LOCKED in str(error) or _NOT_STARTED in str(error):
                    raise DirectoryInUseError(
                        f"{self._directory} is in use by another process: stop it, or ask it "
                        "(`ebbtide history query` does)"
                    ) from error
                raise
            connection.query(f"CREATE DATABASE IF NOT EXISTS `{self._database}`")
            connection.query(f"USE `{self._database}`")
            connection.query("SET output_format_json_quote_64bit_integers = 0, mutations_sync = 2")
        self._connection = connection
        return connection

    def _column_types(self, table: Table) -> dict[str, str]:
        if table.name not in self._types:
            shown = self.execute(f"DESCRIBE TABLE `{table.name}`")
            self._types[table.name] = {str(name): _ARROW[_NULLABLE.sub(r"\1", str(kind))] for name, kind, *_ in shown}
        return self._types[table.name]

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # all that chDB raises for what the engine says
            said = str(error)
            if refused := _REFUSED.search(said):
                raise RefusedError(int(refused[1]), refused[2].strip().splitlines()[0]) from error
            raise WriterUnavailableError(
                "engine", said.strip().splitlines()[0] if said.strip() else repr(error)
            ) from error


def _arrow(columns: Mapping[str, tuple[Sequence[object], str]]) -> Any:
    import pyarrow  # noqa: PLC0415  (comes with chDB, and like it is not always there)

    made = {}
    for name, (values, kind) in columns.items():
        try:
            made[name] = pyarrow.array(values, kind)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as error:
            raise TypeError(f"Column {name}: {error}") from error
    return pyarrow.table(made)
