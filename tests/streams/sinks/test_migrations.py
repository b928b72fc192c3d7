"""Migrations on real databases: applied once, in order, and safe to repeat after any crash."""

from typing import Any

import pytest

from ebbtide.streams.sinks.clickhouse.migrate import Execute, Migration, MigrationError, migrate, migrations
from ebbtide.streams.sinks.clickhouse.writer import ClickHouseWriter
from ebbtide.streams.sinks.pipelines import PIPELINES, tables
from ebbtide.streams.sinks.settings import ClickHouseSettings
from ebbtide.streams.sinks.writer import Cell
from support.databases import HistoryDatabase


@pytest.fixture
def execute(empty_database: HistoryDatabase) -> Execute:
    """Statements in a database without tables."""
    if isinstance(empty_database.writer, ClickHouseWriter):
        empty_database.writer.create_database()
    return empty_database.writer.execute


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
    execute("INSERT INTO schema_migrations (number, name, checksum) SELECT 1, 'history', 'other'")
    execute("OPTIMIZE TABLE schema_migrations FINAL")
    with pytest.raises(MigrationError, match=r"0001 \(history\) changed after it was applied"):
        migrate(execute)


def test_a_database_of_a_newer_version_is_refused(execute: Execute) -> None:
    migrate(execute)
    execute("INSERT INTO schema_migrations (number, name, checksum) SELECT 99, 'later', 'x'")
    with pytest.raises(MigrationError, match=r"0099 \(later\) that this version does not know"):
        migrate(execute)


def test_the_writer_creates_the_database(empty_database: HistoryDatabase) -> None:
    empty_database.writer.prepare()
    empty_database.writer.prepare()
    found = {table for (table,) in empty_database.query("SHOW TABLES")}
    assert {table.name for table in tables(PIPELINES)} <= found


def test_every_column_of_the_pipelines_is_there(database: HistoryDatabase) -> None:
    def columns(relation: str) -> list[Cell]:
        return [name for name, *_ in database.query(f"DESCRIBE TABLE {relation}")]

    for pipeline in PIPELINES.values():
        shown = columns(pipeline.table.name)
        assert [*pipeline.table.columns, "inserted_at"] == shown
        assert columns(f"{pipeline.table.name}_once") == shown
        if pipeline.gone is not None:
            assert [*pipeline.gone.table.columns, "inserted_at"] == columns(pipeline.gone.table.name)


def test_a_database_name_cannot_carry_sql() -> None:
    with pytest.raises(ValueError, match="is no database name"):
        ClickHouseWriter(ClickHouseSettings(database="a`; DROP DATABASE b"))
