"""Migrations on a real server: applied once, in order, and safe to repeat after any crash."""

from collections.abc import Callable
from typing import Any

import pytest

from ebbtide.streams.sinks.clickhouse.migrate import Migration, MigrationError, migrate, migrations
from ebbtide.streams.sinks.clickhouse.writer import ClickHouseWriter
from ebbtide.streams.sinks.pipelines import PIPELINES
from ebbtide.streams.sinks.settings import ClickHouseSettings
from support.clickhouse import ClickHouseServer, unique_database

pytestmark = pytest.mark.clickhouse

Execute = Callable[..., Any]


@pytest.fixture
def database(clickhouse: ClickHouseServer) -> str:
    name = unique_database()
    clickhouse.query("default", f"CREATE DATABASE {name}")
    return name


@pytest.fixture
def execute(clickhouse: ClickHouseServer, database: str) -> Execute:
    return clickhouse.client(database).execute  # type: ignore[no-any-return]


def test_numbers_are_unique_and_without_gaps() -> None:
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))


def test_statements_end_at_the_end_of_a_line() -> None:
    text = "-- not; this\nCREATE TABLE a (x String); \n\nINSERT INTO a SELECT 'b;c';\n-- end\n"
    assert Migration(1, "x", text).statements == ["CREATE TABLE a (x String)", "INSERT INTO a SELECT 'b;c'"]


def test_a_second_run_changes_nothing(execute: Execute) -> None:
    assert migrate(execute) == list(migrations())
    assert migrate(execute) == []
    assert execute("SELECT count() FROM schema_migrations") == [(len(migrations()),)]


def test_a_run_that_was_killed_anywhere_is_finished_by_the_next(execute: Execute) -> None:
    class KilledError(Exception):
        pass

    def killed_at(statement: int) -> Execute:
        calls = 0

        def execute_or_die(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == statement:
                raise KilledError
            return execute(*args)

        return execute_or_die

    deaths = 0
    for statement in range(1, 50):
        try:
            migrate(killed_at(statement))
        except KilledError:
            deaths += 1
        else:
            break
    assert deaths > len(migrations())
    assert migrate(execute) == []


def test_a_changed_file_is_refused(execute: Execute) -> None:
    migrate(execute)
    execute("INSERT INTO schema_migrations (number, name, checksum) VALUES", [(1, "history", "other")])
    execute("OPTIMIZE TABLE schema_migrations FINAL")
    with pytest.raises(MigrationError, match=r"0001 \(history\) changed after it was applied"):
        migrate(execute)


def test_a_database_of_a_newer_version_is_refused(execute: Execute) -> None:
    migrate(execute)
    execute("INSERT INTO schema_migrations (number, name, checksum) VALUES", [(99, "later", "x")])
    with pytest.raises(MigrationError, match=r"0099 \(later\) that this version does not know"):
        migrate(execute)


def test_the_writer_creates_the_database(clickhouse: ClickHouseServer) -> None:
    name = unique_database()
    writer = ClickHouseWriter(clickhouse.settings(name))
    writer.prepare()
    writer.prepare()
    writer.close()
    tables = {table for (table,) in clickhouse.query(name, "SHOW TABLES")}
    assert {pipeline.table.name for pipeline in PIPELINES.values()} <= tables


def test_every_column_of_the_pipelines_is_there(clickhouse: ClickHouseServer, execute: Execute, database: str) -> None:
    migrate(execute)
    for pipeline in PIPELINES.values():
        shown = [name for name, *_ in clickhouse.query(database, f"DESCRIBE TABLE {pipeline.table.name}")]
        assert [*pipeline.table.columns, "inserted_at"] == shown
        view = [name for name, *_ in clickhouse.query(database, f"DESCRIBE TABLE {pipeline.table.name}_once")]
        assert view == shown
        if pipeline.gone is not None:
            gone = [name for name, *_ in clickhouse.query(database, f"DESCRIBE TABLE {pipeline.gone.table.name}")]
            assert [*pipeline.gone.table.columns, "inserted_at"] == gone


def test_a_database_name_cannot_carry_sql() -> None:
    with pytest.raises(ValueError, match="is no database name"):
        ClickHouseWriter(ClickHouseSettings(database="a`; DROP DATABASE b"))
