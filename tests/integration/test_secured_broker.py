"""A broker that wants TLS and a log-in: every process and command comes in, and who is not let in is told why."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import orjson
import pytest

from ebbtide.schemas.topics import Topic
from ebbtide.streams import topics
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.sender import send_one
from ebbtide.streams.settings import BrokerSettings, Settings
from ebbtide.streams.topic_reader import read_topic
from ebbtide.streams.topics import check_topics, create_topics
from ebbtide.streams.transport import Output
from support.brokers import eventually, require_kafka_or_skip
from support.databases import require_chdb_or_skip
from support.program import Program
from support.receiver import SECRET, Receiver
from support.secured import PASSWORD, USER, Secured, certificate, secured_broker

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    require_kafka_or_skip()
    with secured_broker(tmp_path_factory.mktemp("secured")) as broker:
        yield broker


def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """An `ebbtide` command under these settings alone, to its end."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EBBTIDE_")}
    return subprocess.run(
        [sys.executable, "-m", "ebbtide.streams.cli", *arguments],
        env={**clean, **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_all_that_runs_comes_in(secured: Secured, tmp_path: Path) -> None:
    """Collector, worker, sink and deliveries, from an HTTP request to the history and a webhook."""
    require_chdb_or_skip()
    with Receiver(verify=True) as receiver:
        house = {"url": receiver.url, "allow": ["127.0.0.1"], "allow_http": True, "secrets": [SECRET]}
        settings = secured.environment("SCRAM-SHA-512") | {
            "EBBTIDE_DELIVER__ENDPOINTS": json.dumps({"house": house}),
            "EBBTIDE_ADMIN__PORT": "0",
        }
        with Program(["up"], tmp_path, terminal=False, **settings) as up:
            up.says("Ctrl-C stops it")
            found = re.search(r"curl (http://127\.0\.0\.1:\d+/v1/track) -d '(.+?)'", up.text)
            assert found is not None, up.text
            with urlopen(Request(found[1], found[2].encode(), method="POST"), timeout=20) as answer:
                assert json.load(answer)["accepted"] == 1
            eventually(lambda: bool(receiver.taken()), "a record is delivered", timeout=60)
            assert receiver.taken()[0].json["type"].startswith("customer_record")
            history = str(tmp_path / ".ebbtide" / "up" / "history")
            question = ["history", "query", "--json", "SELECT count() FROM events_once"]

            def written() -> bool:
                asked = command(*question, EBBTIDE_CLICKHOUSE__EMBEDDED=history)
                return asked.returncode == 0 and orjson.loads(asked.stdout) == [[1]]

            eventually(written, "the event is in the history", timeout=60)
            up.signal(signal.SIGINT)
            assert up.ends() == 0, up.text


def under(secured: Secured, **changed: object) -> Settings:
    """Settings with which the broker lets us in, but for what is ``changed``."""
    given = {
        "url": f"kafka://{secured.bootstrap}",
        "tls": True,
        "ca_file": secured.ca_file,
        "username": USER,
        "password": PASSWORD,
    }
    return Settings(broker=BrokerSettings.model_validate({**given, **changed}))


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_each_mechanism_lets_us_in(secured: Secured, mechanism: str) -> None:
    settings = under(secured, mechanism=mechanism)
    create_topics(settings)
    assert all(state.partitions for state in check_topics(settings))
    told = Output(Topic.RAW_BEHAVIOR.topic_name, b"k", mechanism.encode())
    send_one(settings, told, what="it", then="try again")
    assert mechanism.encode() in [record.value for record in read_topic(settings, told.topic)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"password": "no"}, "no log-in as ebbtide by SCRAM-SHA-512"),
        ({"username": "nobody"}, "no log-in as nobody by SCRAM-SHA-512"),
        ({"ca_file": "other"}, "other.pem (self-signed certificate); see EBBTIDE_BROKER__CA_FILE"),
        ({"tls": False}, "it speaks TLS only; see EBBTIDE_BROKER__TLS"),
    ],
    ids=["password", "user", "certificate", "no TLS"],
)
def test_who_is_not_let_in_is_told_why(secured: Secured, tmp_path: Path, wrong: dict[str, object], said: str) -> None:
    if "ca_file" in wrong:
        wrong = {"ca_file": certificate(tmp_path, "other")[1]}
    with pytest.raises(EbbtideError) as refused:
        check_topics(under(secured, **wrong))
    assert str(refused.value).startswith(f"Kafka at {secured.bootstrap} does not let us in: ")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("tls", "said"), [(False, "it speaks TLS only"), (True, "does it want a log-in (EBBTIDE_BROKER__USERNAME)?")]
)
def test_who_says_nothing_of_a_log_in_is_told_so(
    secured: Secured, tls: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "ANSWER_S", 1.0)
    with pytest.raises(EbbtideError, match=re.escape(said)):
        check_topics(under(secured, username=None, password=None, tls=tls))


def test_a_worker_that_is_not_let_in_ends_with_one_clear_line(secured: Secured, tmp_path: Path) -> None:
    settings = secured.environment("SCRAM-SHA-512") | {"EBBTIDE_BROKER__PASSWORD": "no", "EBBTIDE_ADMIN__PORT": "0"}
    with Program(["worker"], tmp_path, terminal=False, **settings) as worker:
        assert worker.ends() == 1
        assert "does not let us in: no log-in as ebbtide by SCRAM-SHA-512" in worker.text
        assert "Traceback" not in worker.text
