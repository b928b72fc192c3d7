"""A broker that is not there: one clear line within seconds, exit 1."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ebbtide.streams import sender, topic_reader, topics
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.reach import require_broker
from ebbtide.streams.settings import Settings
from support.program import Program

WITHIN_S = 8.0
"""Of which the interpreter, kafka and Faust take up to three to load on a busy machine."""


@pytest.mark.parametrize(
    "arguments",
    [
        ["topics", "check"],
        ["topics", "create"],
        ["dead-letters", "list"],
        ["send", "events.ndjson"],
        ["identity", "explain", "user_id/u-1"],
        ["customer", "show", "group_id/acme"],
    ],
    ids=" ".join,
)
def test_it_says_so_at_once(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "events.ndjson").write_text('{"type":"track","userId":"u-1","event":"query"}\n')
    began = time.monotonic()
    with Program(arguments, tmp_path, EBBTIDE_BROKER__URL="kafka://127.0.0.1:1") as program:
        assert program.ends() == 1
        assert time.monotonic() - began < WITHIN_S, program.text
        (line,) = program.text.splitlines()
    assert line.startswith("ebbtide: no Kafka at 127.0.0.1:1")
    assert line.endswith("Is it running, and is EBBTIDE_BROKER__URL right?")


@pytest.fixture
def silent() -> Iterator[str]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def named(bootstrap: str) -> Settings:
    return Settings.model_validate({"broker": {"url": f"kafka://{bootstrap}"}})


async def test_one_that_takes_connections_and_says_nothing_is_not_waited_for_long(
    silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (sender, topic_reader, topics):
        monkeypatch.setattr(module, "ANSWER_S", 0.5)
    began = time.monotonic()
    with pytest.raises(EbbtideError, match=f"{silent} takes connections, but .*: no answer within 0.5 s. Is it a"):
        await sender.send([b"{}"], named(silent))
    with pytest.raises(EbbtideError, match=f"{silent} takes connections, but answers us nothing: "):
        list(topic_reader.read_topic(named(silent), "scores"))
    with pytest.raises(EbbtideError, match=f"{silent} takes connections, but answers us nothing: "):
        topics.check_topics(named(silent))
    assert time.monotonic() - began < 8.0


def test_one_of_several_is_enough_and_otherwise_each_is_named(silent: str) -> None:
    require_broker(named(f"127.0.0.1:1,{silent}"))
    with pytest.raises(EbbtideError, match=r"no Kafka at 127.0.0.1:1: .*; 127.0.0.1:2: .*; here: not host:port. Is it"):
        require_broker(named("127.0.0.1:1,127.0.0.1:2,here"))
