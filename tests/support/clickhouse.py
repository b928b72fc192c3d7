"""A ClickHouse server of our own for tests: Debian's `clickhouse-server`, on loopback, gone when the tests are.

def test_something(clickhouse: ClickHouseServer) -> None:
    settings = clickhouse.settings(unique_database())
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4
from xml.sax.saxutils import escape

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import Error

from ebbtide.streams.brokers.ports import HOST, accepts, free_ports
from ebbtide.streams.brokers.process import LeashedProcess
from ebbtide.streams.sinks.settings import ClickHouseSettings

READY_S = 60.0
ROOM_BYTES = 2 << 30
PASSWORD = "tide & <ebb>"

CONFIG = """<?xml version="1.0"?>
<yandex>
    <logger><level>warning</level><console>1</console></logger>
    <listen_host>127.0.0.1</listen_host>
    <tcp_port>{tcp}</tcp_port>
    <http_port>{http}</http_port>
    <interserver_http_port>{interserver}</interserver_http_port>
    <path>{home}/data/</path>
    <tmp_path>{home}/tmp/</tmp_path>
    <user_files_path>{home}/files/</user_files_path>
    <format_schema_path>{home}/schemas/</format_schema_path>
    <users_config>{home}/users.xml</users_config>
    <default_profile>default</default_profile>
    <default_database>default</default_database>
    <mark_cache_size>268435456</mark_cache_size>
    <timezone>America/New_York</timezone>
</yandex>
"""
# A time zone that is not UTC: a time that depends on the server's clock settings would show.

USERS = """<?xml version="1.0"?>
<yandex>
    <profiles><default><max_threads>2</max_threads></default></profiles>
    <quotas><default></default></quotas>
    <users>
        <ebbtide>
            <password>{password}</password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
        </ebbtide>
    </users>
</yandex>
"""


def scratch_root() -> str | None:
    """Where databases of tests live: in memory where there is room, for on a slow disk their many small files take
    longer than the tests (the tables of 30 databases: 24 s against 4)."""
    shared = Path("/dev/shm")
    roomy = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > ROOM_BYTES
    return str(shared) if roomy else None


def find_server() -> str | None:
    """The server's program, wherever Debian's or the vendor's package put it."""
    return shutil.which("clickhouse-server", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


class ClickHouseServer:
    """One server with a data directory that outlives `kill`, and ports that stay the same."""

    def __init__(self, program: str, home: Path) -> None:
        self._program = program
        self._home = home
        self._process: LeashedProcess | None = None
        self.port, http, interserver = free_ports(3)
        (home / "config.xml").write_text(CONFIG.format(home=home, tcp=self.port, http=http, interserver=interserver))
        (home / "users.xml").write_text(USERS.format(password=escape(PASSWORD)))

    def settings(self, database: str) -> ClickHouseSettings:
        """How to reach `database` on it."""
        return ClickHouseSettings(
            host=HOST,
            port=self.port,
            user="ebbtide",
            password=PASSWORD,
            database=database,
            connect_timeout_s=2.0,
            answer_timeout_s=20.0,
        )

    def start(self) -> None:
        """Start, and return when it answers a query."""
        command = [self._program, f"--config-file={self._home / 'config.xml'}"]
        self._process = LeashedProcess(command, log=self._home / "server.log", cwd=self._home, grace_s=2.0)
        deadline = time.monotonic() + READY_S
        while not self._answers():
            code = self._process.exit_code
            if code is not None or time.monotonic() > deadline:
                tail = self._process.log_tail()
                self._process.kill()
                raise RuntimeError(f"clickhouse-server does not answer (exit code {code}):\n{tail}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill -9."""
        if self._process is not None:
            self._process.kill()

    def client(self, database: str) -> Client:
        """A connection of the caller's own."""
        settings = self.settings(database)
        return Client(settings.host, settings.port, database, settings.user, settings.password, sync_request_timeout=5)

    def query(self, database: str, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        client = self.client(database)
        try:
            rows: list[tuple[Any, ...]] = client.execute(sql)
            return rows
        finally:
            client.disconnect()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()  # in order it would wait for clients that are still connected, and nobody wants the data

    def _answers(self) -> bool:
        if not accepts(self.port):
            return False
        try:
            return self.query("default", "SELECT 1") == [(1,)]
        except (Error, OSError, EOFError):
            return False


def unique_database() -> str:
    """A database name that no other test uses."""
    return f"ebbtide_{uuid4().hex[:12]}"


def require_clickhouse_or_skip() -> str:
    """The server's program. Skips where it is absent; in CI (environment variable CI) that is a failure."""
    program = find_server()
    if program is None:
        reason = "clickhouse-server is not installed: see deploy/system-packages.txt"
        if os.environ.get("CI"):
            pytest.fail(f"CI must run the tests on a real ClickHouse: {reason}", pytrace=False)
        pytest.skip(reason)
    return program


@pytest.fixture(scope="session")
def clickhouse() -> Iterator[ClickHouseServer]:
    """A server for the session, shared. Tests take a database each, and start again what they kill."""
    program = require_clickhouse_or_skip()
    home = Path(tempfile.mkdtemp(prefix="ebbtide-clickhouse-", dir=scratch_root()))
    try:
        with ClickHouseServer(program, home) as server:
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)
