"""Rows into a ClickHouse server by its native protocol, in columns.

Rows always travel as data: the text form `INSERT ... VALUES (...)` through the driver hangs on 18.16.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ServerException, TypeMismatchError

from ebbtide.streams.sinks.clickhouse.migrate import migrate
from ebbtide.streams.sinks.clickhouse.sql import database_name
from ebbtide.streams.sinks.settings import ClickHouseSettings
from ebbtide.streams.sinks.table import Row, Table
from ebbtide.streams.sinks.writer import Cell, RefusedError, WriterUnavailableError


class ClickHouseWriter:
    """One connection, opened when it is needed and opened anew after an error."""

    def __init__(self, settings: ClickHouseSettings) -> None:
        database_name(settings.database)
        self._settings = settings
        self._client: Client | None = None

    @property
    def name(self) -> str:
        """`clickhouse`."""
        return "clickhouse"

    def prepare(self) -> None:
        """Create the database when it is missing, and apply the migrations that it lacks."""
        self.create_database()
        migrate(self.execute)

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """One INSERT, one block: the server takes all rows of a year or none of them."""
        columns = ", ".join(f"`{column}`" for column in table.columns)
        with self._failures():
            self._connected().execute(
                f"INSERT INTO `{table.name}` ({columns}) VALUES", list(zip(*rows, strict=True)), columnar=True
            )

    def execute(self, statement: str) -> list[tuple[Cell, ...]]:
        """Run one statement and wait for its end."""
        with self._failures():
            answer = self._connected().execute(statement)
        # Of an INSERT … SELECT the driver says nothing that would be rows.
        return [tuple(map(_cell, row)) for row in answer] if isinstance(answer, list) else []

    def close(self) -> None:
        """Drop the connection."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()

    def create_database(self) -> None:
        """Make the database when it is missing."""
        # Through a connection without a database: one that names a missing database is refused.
        client = self._connect("default")
        try:
            with self._failures():
                name = self._settings.database
                if not client.execute("SELECT name FROM system.databases WHERE name = %(name)s", {"name": name}):
                    client.execute(f"CREATE DATABASE IF NOT EXISTS `{name}`")
        finally:
            client.disconnect()

    def _connected(self) -> Client:
        if self._client is None:
            self._client = self._connect(self._settings.database)
        return self._client

    def _connect(self, database: str) -> Client:
        settings = self._settings
        return Client(
            settings.host,
            port=settings.port,
            user=settings.user,
            password=settings.password,
            database=database,
            secure=settings.secure,
            ca_certs=settings.ca_file,
            connect_timeout=settings.connect_timeout_s,
            send_receive_timeout=settings.answer_timeout_s,
            sync_request_timeout=settings.connect_timeout_s,
            client_name="ebbtide",
        )

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Whatever the server or the network says may pass; a wrong value in a row is a bug and does not."""
        try:
            yield
        except ServerException as error:
            self.close()
            raise RefusedError(error.code, error.message.splitlines()[0]) from error
        except TypeMismatchError:
            self.close()
            raise
        except (Error, OSError, EOFError) as error:
            self.close()
            where = f"{self._settings.host}:{self._settings.port}"
            raise WriterUnavailableError("network", f"{where}: {str(error) or type(error).__name__}") from error


def _cell(value: Any) -> Cell:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int) else str(value)
