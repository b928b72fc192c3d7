"""An embedded history, asked from elsewhere while a sink has it."""

import asyncio
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.sinks.clickhouse.asked import SOCKET, AskedDatabase, Owner, owner_answers
from ebbtide.streams.sinks.clickhouse.embedded import EmbeddedWriter
from ebbtide.streams.sinks.writer import RefusedError, WriterUnavailableError
from support.databases import require_chdb_or_skip


@pytest.fixture
async def owned(tmp_path: Path) -> AsyncIterator[Path]:
    """A directory with an owner, whose engine is in this process."""
    require_chdb_or_skip()
    writer = EmbeddedWriter(tmp_path, "ebbtide")
    writer.prepare()

    async def ask(statement: str) -> list[tuple[str | int | float | None, ...]]:
        if statement == "away":
            raise WriterUnavailableError("engine", "no disk")
        return await asyncio.to_thread(writer.execute, statement)

    owner = Owner(tmp_path, ask)
    (tmp_path / SOCKET).write_text("left behind by a kill")
    await owner.start()
    yield tmp_path
    await owner.stop()
    writer.close()


async def test_the_owner_answers_its_user_alone(owned: Path) -> None:
    assert owner_answers(owned)
    assert stat.S_IMODE((owned / SOCKET).stat().st_mode) == 0o600
    database = AskedDatabase(owned)
    assert await asyncio.to_thread(database.execute, "SELECT 1, 'é', NULL, 0.5") == [(1, "é", None, 0.5)]
    assert await asyncio.to_thread(database.execute, "CREATE TABLE x (a Int8) ENGINE = Memory") == []


async def test_what_the_engine_refuses_is_said_with_its_code(owned: Path) -> None:
    with pytest.raises(RefusedError, match=r"^code 60: .*nowhere") as caught:
        await asyncio.to_thread(AskedDatabase(owned).execute, "SELECT * FROM nowhere")
    assert caught.value.code == 60
    with pytest.raises(WriterUnavailableError, match="no disk"):
        await asyncio.to_thread(AskedDatabase(owned).execute, "away")


async def test_a_second_process_is_refused_and_told_what_to_do(owned: Path) -> None:
    opened = (
        "import sys; from pathlib import Path; from ebbtide.streams.sinks.clickhouse.embedded import EmbeddedWriter\n"
        "try: EmbeddedWriter(Path(sys.argv[1]), 'ebbtide').prepare()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", opened, str(owned)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.startswith("DirectoryInUseError")
    assert "is in use by another process: stop it, or ask it" in done.stdout


def test_an_owner_that_is_gone_is_one_clear_error(tmp_path: Path) -> None:
    assert not owner_answers(tmp_path)
    with pytest.raises(EbbtideError, match="does not answer any more"):
        AskedDatabase(tmp_path).execute("SELECT 1")


async def test_a_path_that_is_too_long_for_a_socket_costs_the_questions_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask(statement: str) -> list[tuple[str | int | float | None, ...]]:
        raise AssertionError(statement)

    deep = tmp_path / ("d" * 120)
    owner = Owner(deep, ask)
    await owner.start()
    await owner.stop()
    assert "too long for a socket" in caplog.text
    assert not owner_answers(deep)
