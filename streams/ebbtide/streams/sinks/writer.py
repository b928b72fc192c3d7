"""What a sink writes into: a ClickHouse server, or ClickHouse inside this process."""

from collections.abc import Sequence
from typing import Protocol

from ebbtide.streams.sinks.table import Row, Table

Cell = str | int | float | None
"""A value of an answer. Times are texts, `2025-01-31 09:30:00`; what is no number (NaN, infinity) is None."""


class WriterUnavailableError(Exception):
    """The database did not take the rows and may take them later. `reason` is counted, from a small closed set."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class RefusedError(WriterUnavailableError):
    """The database answered, and the answer is no. `code` is ClickHouse's number of the error."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__("server", f"code {code}: {detail}")
        self.code = code


class Writer(Protocol):
    """Blocking, used by one thread at a time. Every method may raise WriterUnavailableError and be called again."""

    @property
    def name(self) -> str:
        """Label of its metrics."""

    def prepare(self) -> None:
        """Bring the schema up to date. Changes nothing when it is."""

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert the rows and return when the database has them. A call that failed may have inserted some of
        them: the table must show a row once that was inserted twice."""

    def close(self) -> None:
        """Drop the connection."""


class Database(Protocol):
    """What answers statements: a writer, or who asks the process that has the directory."""

    def execute(self, statement: str) -> list[tuple[Cell, ...]]:
        """Run one statement; the rows of its answer, none where it has none. Raises WriterUnavailableError."""

    def close(self) -> None:
        """Drop the connection."""
