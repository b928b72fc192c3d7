"""kill -9, again and again: of the sink, of the server. Every record that Kafka acknowledged is there once after it.

And a server that is away for long: its records wait in Kafka, not in the sink's memory. KILL_ROUNDS and AWAY_SECONDS
say how often and how long; CI runs the short form.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.sinks.clickhouse.asked import AskedDatabase, owner_answers
from ebbtide.streams.sinks.clickhouse.embedded import EmbeddedWriter
from ebbtide.streams.sinks.clickhouse.writer import ClickHouseWriter
from support.brokers import create_topics, eventually, require_kafka_or_skip
from support.clickhouse import ClickHouseServer, scratch_root, unique_database
from support.databases import require_chdb_or_skip
from support.history import alert, score, state_change

pytestmark = pytest.mark.kafka

ROUNDS = int(os.environ.get("KILL_ROUNDS", "2"))
AWAY_S = float(os.environ.get("AWAY_SECONDS", "5"))
AWAY_MOST_BYTES = 80 << 20
"""What a sink may grow by meanwhile: two batches and what was fetched ahead, far less than the backlog."""
RECORDS = 3_000
"""A round."""
PARTITIONS = 4
PATIENCE_S = 90.0


class SinkProcess:
    """`ebbtide sink clickhouse` as a child, whatever its settings."""

    def __init__(self, log: Path, settings: dict[str, str]) -> None:
        self._log = log
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("EBBTIDE_")} | {
            f"EBBTIDE_{name}": value for name, value in settings.items()
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as out:
            command = [sys.executable, "-m", "ebbtide.streams.cli", "sink", "clickhouse"]
            self._process = subprocess.Popen(command, env=self._env, stdout=out, stderr=out)

    def end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(60)

    @property
    def resident_bytes(self) -> int:
        """What it holds in memory."""
        assert self._process is not None
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[KafkaBroker]:
    """A broker with the topics under their own names."""
    require_kafka_or_skip()
    with KafkaBroker() as broker:
        yield broker


def produce(kafka: KafkaBroker, topic: Topic, records: list[bytes]) -> None:
    """Returns when Kafka has acknowledged all."""
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", linger_ms=5)
    sent = [
        producer.send(topic.topic_name, record, partition=number % PARTITIONS) for number, record in enumerate(records)
    ]
    for each in sent:
        each.get(30)
    producer.close()


def server_of(kafka: KafkaBroker, clickhouse: ClickHouseServer, database: str) -> dict[str, str]:
    """Settings of a sink between the two."""
    reached = clickhouse.settings(database)
    return {
        "BROKER__URL": f"kafka://{kafka.bootstrap}",
        "ADMIN__PORT": "0",
        "CLICKHOUSE__HOST": reached.host,
        "CLICKHOUSE__PORT": str(reached.port),
        "CLICKHOUSE__USER": reached.user,
        "CLICKHOUSE__PASSWORD": reached.password,
        "CLICKHOUSE__DATABASE": database,
        "CLICKHOUSE__BATCH_ROWS": "400",
        "CLICKHOUSE__FLUSH_SECONDS": "0.1",
    }


@pytest.mark.clickhouse
def test_kills_of_the_sink_and_of_the_server(
    own_kafka: KafkaBroker, clickhouse: ClickHouseServer, tmp_path: Path
) -> None:
    database = unique_database()
    settings = server_of(own_kafka, clickhouse, database)
    sink = SinkProcess(tmp_path / "sink.log", settings)
    writer = ClickHouseWriter(clickhouse.settings(database))

    def count(what: str) -> int:
        try:
            return int(writer.execute(f"SELECT {what} FROM scores_once")[0][0] or 0)
        except Exception:  # away, or not there yet
            return -1

    create_topics(own_kafka.bootstrap, {Topic.SCORES.topic_name: PARTITIONS})
    sink.start()
    for number in range(ROUNDS):
        before = max(count("count()"), 0)
        versions = range(number * RECORDS, (number + 1) * RECORDS)
        produce(own_kafka, Topic.SCORES, [score(f"acct-{each % 97}", each).to_json() for each in versions])
        # In the middle of the round's rows.
        eventually(lambda low=before: count("count()") > low, "the first rows of the round", timeout=PATIENCE_S)  # type: ignore[misc]
        if number % 2:
            clickhouse.kill()
            clickhouse.start()
        else:
            sink.end(signal.SIGKILL)
            sink.start()
    total = ROUNDS * RECORDS
    eventually(lambda: count("count()") == total, f"all {total} rows", timeout=PATIENCE_S)
    assert count("uniqExact(version)") == total
    assert count("max(version)") == total - 1
    repeated = int(writer.execute("SELECT count() FROM scores")[0][0] or 0) - total
    assert repeated >= 0
    assert sink.alive
    sink.end(signal.SIGTERM)
    print(f"server: {ROUNDS} kills, {total:,} rows once, {repeated:,} lay there twice before a merge")


@pytest.mark.clickhouse
def test_what_waits_for_a_server_waits_in_kafka(
    own_kafka: KafkaBroker, clickhouse: ClickHouseServer, tmp_path: Path
) -> None:
    database = unique_database()
    topic = Topic.STATE_CHANGES
    create_topics(own_kafka.bootstrap, {topic.topic_name: PARTITIONS})
    settings = server_of(own_kafka, clickhouse, database) | {"CLICKHOUSE__BATCH_BYTES": str(1 << 20)}
    sink, writer = SinkProcess(tmp_path / "sink.log", settings), ClickHouseWriter(clickhouse.settings(database))

    def count() -> int:
        try:
            return int(writer.execute("SELECT uniqExact(version) FROM state_changes")[0][0] or 0)
        except Exception:  # away, or not there yet
            return -1

    large = "x" * 1_000
    sent = 2_000

    def records(first: int, last: int) -> list[bytes]:
        return [state_change(each).model_copy(update={"reason": large}).to_json() for each in range(first, last)]

    produce(own_kafka, topic, records(0, sent))
    sink.start()
    eventually(lambda: count() == sent, "the first rows", timeout=PATIENCE_S)
    clickhouse.kill()
    grown, backlog = [], 0
    try:
        before = sink.resident_bytes
        until = time.monotonic() + AWAY_S
        while time.monotonic() < until or backlog < AWAY_MOST_BYTES * 1.5:
            made = records(sent, sent + 10_000)
            produce(own_kafka, topic, made)
            sent, backlog = sent + len(made), backlog + sum(map(len, made))
            grown.append(sink.resident_bytes - before)
            time.sleep(AWAY_S / 50)  # for minutes, without filling the disk
    finally:
        clickhouse.start()
    assert sink.alive
    assert max(grown) < AWAY_MOST_BYTES < backlog, [each >> 20 for each in grown]
    eventually(lambda: count() == sent, "all rows", timeout=2 * PATIENCE_S)
    sink.end(signal.SIGTERM)
    print(f"away: a backlog of {backlog >> 20} MB, the sink grew by {max(grown) >> 20} MB at most")


def test_kills_of_the_sink_that_is_the_database(own_kafka: KafkaBroker, tmp_path: Path) -> None:
    require_chdb_or_skip()
    root = scratch_root()
    home = Path(root) / f"ebbtide-kills-{os.getpid()}" if root else tmp_path / "history"
    settings = {
        "BROKER__URL": f"kafka://{own_kafka.bootstrap}",
        "ADMIN__PORT": "0",
        "CLICKHOUSE__EMBEDDED": str(home),
        "CLICKHOUSE__BATCH_ROWS": "400",
        "CLICKHOUSE__FLUSH_SECONDS": "0.1",
    }

    def count(what: str) -> int:
        try:
            return int(AskedDatabase(home).execute(f"SELECT {what} FROM alerts_once")[0][0] or 0)
        except Exception:  # not there yet
            return -1

    create_topics(own_kafka.bootstrap, {Topic.ALERTS.topic_name: PARTITIONS})
    sink = SinkProcess(tmp_path / "sink.log", settings)
    sink.start()
    try:
        for number in range(ROUNDS):
            before = max(count("count()"), 0)
            names = range(number * RECORDS, (number + 1) * RECORDS)
            produce(own_kafka, Topic.ALERTS, [alert(f"al-{each}").to_json() for each in names])
            eventually(lambda low=before: count("count()") > low, "the first rows of the round", timeout=PATIENCE_S)  # type: ignore[misc]
            sink.end(signal.SIGKILL)
            assert not owner_answers(home)
            sink.start()
        total = ROUNDS * RECORDS
        eventually(lambda: count("count()") == total, f"all {total} rows", timeout=PATIENCE_S)
        sink.end(signal.SIGTERM)
        left = EmbeddedWriter(home, "ebbtide")
        ((rows, once),) = left.execute("SELECT count(), uniqExact(alert_id) FROM alerts")
        left.close()
        assert once == total
        print(
            f"embedded: {ROUNDS} kills, {total:,} rows once, {int(rows or 0) - total:,} lay there twice before a merge"
        )
    finally:
        if sink.alive:
            sink.end(signal.SIGKILL)
        shutil.rmtree(home, ignore_errors=True)
