"""An embedded history, asked from elsewhere while a sink has it."""

import asyncio
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import ClickHouseSettings, Settings
from ebbtide.streams.sinks.clickhouse.asked import SOCKET, AskedDatabase, Owner, owner_answers
from ebbtide.streams.sinks.clickhouse.choose import open_database
from ebbtide.streams.sinks.clickhouse.embedded import EmbeddedWriter
from ebbtide.streams.sinks.writer import RefusedError, WriterUnavailableError
from support.brokers import eventually
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


async def test_a_second_process_waits_a_while_and_is_told_what_to_do(owned: Path) -> None:
    opened = (
        "import sys; from pathlib import Path; from ebbtide.streams.sinks.clickhouse import embedded\n"
        "writer = embedded.EmbeddedWriter(Path(sys.argv[1]), 'ebbtide')\n"
        "for patience in (30, 0):\n"
        "    embedded.IN_USE_S = patience\n"
        "    try: writer.prepare()\n"
        "    except Exception as error: print(type(error).__name__, error)"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", opened, str(owned)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("WriterUnavailableError")
    assert second.startswith("DirectoryInUseError")
    assert "is in use by another process: stop it, or ask it" in second


@pytest.fixture
def lent(tmp_path: Path) -> Iterator[Path]:
    """A directory that another process reads, without answering, and gives back after a moment."""
    require_chdb_or_skip()
    held = (
        "import sys, time; from pathlib import Path\n"
        "from ebbtide.streams.sinks.clickhouse.embedded import EmbeddedWriter\n"
        "writer = EmbeddedWriter(Path(sys.argv[1]), 'ebbtide'); writer.open(); print('held', flush=True)\n"
        "time.sleep(2); writer.close()"
    )
    with subprocess.Popen([sys.executable, "-c", held, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield tmp_path


def test_a_sink_that_starts_while_somebody_reads_begins_when_they_are_through(lent: Path) -> None:
    writer, refused = EmbeddedWriter(lent, "ebbtide"), list[str]()

    def prepared() -> bool:
        try:
            writer.prepare()
        except WriterUnavailableError as error:
            refused.append(error.reason)
            return False
        return True

    eventually(prepared, "the directory is given back", timeout=40)
    assert set(refused) == {"directory"}
    assert writer.execute("SELECT count() FROM events_once") == [(0,)]
    writer.close()


def test_a_question_waits_for_another_one(lent: Path) -> None:
    settings = Settings(clickhouse=ClickHouseSettings(embedded=lent))
    assert not owner_answers(lent)
    database = open_database(settings)
    assert database.execute("SELECT 1") == [(1,)]
    database.close()


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
