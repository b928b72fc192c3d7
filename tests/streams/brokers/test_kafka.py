"""Apache Kafka through its worst moments: kill -9, a taken port, a settings error, a dead parent."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer
from kafka import KafkaAdminClient

from ebbtide.streams.brokers.broker import BrokerError, PortInUseError
from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import create_topics, eventually, require_kafka_or_skip, unique_topic

from .clients import consume, produce

pytestmark = pytest.mark.kafka
Processes = Callable[[], list[int]]


@pytest.fixture(autouse=True)
def _needs_kafka() -> None:
    require_kafka_or_skip()


def test_kill_9_and_restart_keep_port_and_data(processes: Processes) -> None:
    topic = unique_topic()
    with KafkaBroker() as broker:
        bootstrap = broker.bootstrap
        create_topics(bootstrap, {topic: 1})
        produce(bootstrap, topic, [b"before"])
        broker.kill()
        assert not broker.alive
        assert processes() == []

        assert broker.start() == bootstrap
        produce(bootstrap, topic, [b"after"])
        assert consume(bootstrap, topic, 2) == [b"before", b"after"]


def test_given_directory_outlives_the_broker(tmp_path: Path) -> None:
    topic = unique_topic()
    with KafkaBroker(tmp_path / "node") as first:
        create_topics(first.bootstrap, {topic: 1})
        produce(first.bootstrap, topic, [b"kept"])
    with KafkaBroker(tmp_path / "node") as second:
        assert consume(second.bootstrap, topic, 1) == [b"kept"]
    assert "Kafka Server started" in (tmp_path / "node" / "server.log").read_text()


def test_temporary_directory_is_removed_by_stop_only() -> None:
    broker = KafkaBroker()
    broker.start()
    home = broker.home
    broker.kill()
    assert home.is_dir()
    broker.stop()
    assert not home.exists()


def test_two_brokers_at_once_share_nothing(kafka: KafkaBroker) -> None:
    mine, other = unique_topic("mine"), unique_topic("other")
    with KafkaBroker() as second:
        assert second.bootstrap != kafka.bootstrap
        create_topics(kafka.bootstrap, {mine: 1})
        create_topics(second.bootstrap, {other: 1})
        admin = KafkaAdminClient(bootstrap_servers=second.bootstrap)
        assert admin.list_topics() == [other]
        admin.close()


def test_unknown_topic_is_not_created(kafka: KafkaBroker) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    absent = unique_topic("absent")
    (described,) = admin.describe_topics([absent])
    assert described["error_code"] == 3  # UNKNOWN_TOPIC_OR_PARTITION
    assert absent not in admin.list_topics()
    admin.close()


def test_group_joins_without_the_usual_delay(kafka: KafkaBroker) -> None:
    topic = unique_topic()
    create_topics(kafka.bootstrap, {topic: 1})
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": unique_topic("group"), "log_level": 3})
    consumer.subscribe([topic])

    def joined() -> bool:
        consumer.poll(0.05)
        return bool(consumer.assignment())

    # Kafka's default waits 3 s for more members; the rest is room for a loaded machine.
    eventually(joined, "the only member of a group has its partition", timeout=10)
    consumer.close()


def test_port_in_use_is_said_before_java_starts(tmp_path: Path, processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"port {port} .*choose another port"):
            KafkaBroker(tmp_path, port=port).start()
    assert processes() == []


def test_directory_in_use_is_said_and_its_broker_untouched(tmp_path: Path, processes: Processes) -> None:
    with KafkaBroker(tmp_path) as broker:
        log = (tmp_path / "server.log").stat().st_ino
        with pytest.raises(BrokerError, match=r"another Apache Kafka uses .*choose another directory"):
            KafkaBroker(tmp_path).start()
        assert broker.alive
        assert (tmp_path / "server.log").stat().st_ino == log
    assert processes() == []


def test_failed_start_shows_the_end_of_the_log(tmp_path: Path, processes: Processes) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=EDEyMzQ1Njc4OTAxMjM0NQ\n")
    with pytest.raises(BrokerError, match=r"(?s)did not start: it ended with exit code 1 .*Stored node id 7"):
        KafkaBroker(tmp_path).start()
    assert processes() == []


def test_start_that_takes_too_long_leaves_nothing(processes: Processes) -> None:
    broker = KafkaBroker()
    with pytest.raises(BrokerError, match="within"):
        broker.start(timeout=0.0)
    assert processes() == []
    broker.stop()


PARENT = """
import signal, threading
from ebbtide.streams.brokers.kafka import KafkaBroker
broker = KafkaBroker()
starter = threading.Thread(target=broker.start)  # the broker must not die with the thread that started it
starter.start()
starter.join()
print(broker.home, flush=True)
signal.pause()
"""


def test_broker_dies_with_its_parent_and_cleans_up(processes: Processes) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    home = Path(parent.stdout.readline().strip())
    assert home.is_dir()
    assert len(processes()) == 3, "parent, leash and Java"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    eventually(lambda: not processes(), "the broker is gone")
    eventually(lambda: not home.exists(), "its temporary directory is gone")


def test_java_dies_with_its_leash(processes: Processes) -> None:
    broker = KafkaBroker()
    broker.start()
    leash = min(processes())
    os.kill(leash, signal.SIGKILL)
    eventually(lambda: not processes(), "the broker is gone")
    eventually(lambda: not broker.alive, "the broker object knows")
    broker.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_foreground_command_runs_until_a_signal(number: signal.Signals, tmp_path: Path, processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "ebbtide.streams.brokers", "kafka", "--port", port, "--data-dir", str(tmp_path)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert f"ready at 127.0.0.1:{port}" in running.stdout.readline()
    running.send_signal(number)
    assert running.wait(30) == 0
    running.stdout.close()
    assert processes() == []
