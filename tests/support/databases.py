"""A history of a test's own, on each of the databases that there are: a server, and the engine in this process.

def test_something(database: HistoryDatabase) -> None:  # runs once on each
    database.write(SCORES, row)
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from ebbtide.streams.sinks.clickhouse.embedded import EmbeddedWriter, installed
from ebbtide.streams.sinks.clickhouse.writer import ClickHouseWriter
from ebbtide.streams.sinks.table import Pipeline, Row, Table
from ebbtide.streams.sinks.writer import Cell
from support.clickhouse import ClickHouseServer, scratch_root, unique_database


class AnyWriter(Protocol):
    """A writer that answers questions."""

    @property
    def name(self) -> str: ...
    def prepare(self) -> None: ...
    def write(self, table: Table, rows: Any) -> None: ...
    def execute(self, statement: str) -> list[tuple[Cell, ...]]: ...
    def close(self) -> None: ...


@dataclass
class HistoryDatabase:
    """A database of the test's own, with a writer into it."""

    kind: str
    writer: AnyWriter

    def query(self, sql: str) -> list[tuple[Cell, ...]]:
        return self.writer.execute(sql)

    def write(self, pipeline: Pipeline, *rows: Row) -> None:
        self.writer.write(pipeline.table, rows)


def require_chdb_or_skip() -> None:
    """Skip without chDB; in CI (environment variable CI) that is a failure."""
    if not installed():
        if os.environ.get("CI"):
            pytest.fail("CI must run the tests on chDB: pip install 'ebbtide[embedded]'", pytrace=False)
        pytest.skip("chDB is not installed: pip install 'ebbtide[embedded]'")


@pytest.fixture(params=[pytest.param("server", marks=pytest.mark.clickhouse), "embedded"])
def empty_database(request: pytest.FixtureRequest) -> Iterator[HistoryDatabase]:
    """Each database in turn, without any table."""
    if request.param == "server":
        server: ClickHouseServer = request.getfixturevalue("clickhouse")
        writer: AnyWriter = ClickHouseWriter(server.settings(unique_database()))
        yield HistoryDatabase("server", writer)
        writer.close()
        return
    require_chdb_or_skip()
    with tempfile.TemporaryDirectory(prefix="ebbtide-chdb-", dir=scratch_root()) as home:
        writer = EmbeddedWriter(Path(home), "ebbtide")
        yield HistoryDatabase("embedded", writer)
        writer.close()


@pytest.fixture
def database(empty_database: HistoryDatabase) -> HistoryDatabase:
    """Each database in turn, with all tables."""
    empty_database.writer.prepare()
    return empty_database
