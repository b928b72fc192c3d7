"""What a sink writes into. ClickHouse's server today; an embedded one takes the same place."""

from collections.abc import Sequence
from typing import Protocol

from ebbtide.streams.sinks.table import Row, Table


class WriterUnavailableError(Exception):
    """The database did not take the rows and may take them later. `reason` is counted, from a small closed set."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


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
