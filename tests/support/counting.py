"""Runs the counting worker in processes and checks its books against what was sent."""

import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from support.brokers import create_topics, eventually, unique_topic

PARTITIONS = 4
WORKER = Path(__file__).with_name("counting_worker.py")


class CountingWorker:
    """One worker process. Its facts are what it last wrote about itself."""

    def __init__(self, run: "CountingRun", name: str, *flags: str) -> None:
        self._directory = run.directory / name
        self._directory.mkdir(exist_ok=True)
        self._facts = self._directory / "facts.json"
        self._facts.unlink(missing_ok=True)
        self.log = self._directory / "log"
        command = [sys.executable, str(WORKER), "--bootstrap", run.bootstrap, "--app-id", run.app_id]
        command += ["--data-dir", str(self._directory), "--source", run.source, "--echo", run.echo, *flags]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def facts(self) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = json.loads(self._facts.read_text())
        except FileNotFoundError:
            return {}
        return facts if facts.get("pid") == self.process.pid else {}

    @property
    def counters(self) -> dict[str, int]:
        counters: dict[str, int] = self.facts.get("counters", {})
        return counters

    @property
    def partitions(self) -> list[int]:
        return self.facts.get("partitions", []) if self.facts.get("ready") else []

    def wait_ready(self, partitions: int = PARTITIONS, timeout: float = 30.0) -> None:
        eventually(lambda: len(self.partitions) == partitions or not self.alive, "worker is ready", timeout=timeout)
        assert self.alive, self.tail()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def tail(self) -> str:
        return self.log.read_text()[-4000:]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    @property
    def frozen(self) -> bool:
        # After the name in parentheses, which may hold anything.
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2][0] == "T"

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def terminate(self, timeout: float = 20.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)


class CountingRun:
    """Topics, a feed and the books of one test."""

    def __init__(self, bootstrap: str, directory: Path) -> None:
        self.bootstrap, self.directory = bootstrap, directory
        self.app_id, self.source, self.echo = unique_topic("counting"), unique_topic("source"), unique_topic("echo")
        self.workers: list[CountingWorker] = []
        self.sent: Counter[bytes] = Counter()
        self._stop = threading.Event()
        self._feeder: threading.Thread | None = None
        create_topics(bootstrap, {self.source: PARTITIONS, self.echo: PARTITIONS})

    def worker(self, name: str, *flags: str) -> CountingWorker:
        worker = CountingWorker(self, name, *flags)
        self.workers.append(worker)
        return worker

    def feed(self, per_second: int) -> None:
        """Send without pause until `finish`, in a thread."""
        self._feeder = threading.Thread(target=self._feed, args=(per_second,), daemon=True)
        self._feeder.start()

    def send(self, records: int) -> None:
        producer = self._producer()
        for _ in range(records):
            self._send_one(producer)
        producer.flush()

    def finish(self, timeout: float = 60.0) -> None:
        """Stop the feed and wait until every input offset is committed."""
        self._stop.set()
        if self._feeder is not None:
            self._feeder.join(60)
            assert not self._feeder.is_alive(), "the feed could not deliver"
        eventually(lambda: not self.lag(), "all input committed", timeout=timeout)

    def close(self) -> None:
        self._stop.set()
        for worker in self.workers:
            if worker.alive:
                worker.kill()

    def committed(self) -> dict[int, int]:
        with_group = self._consumer(self.app_id)
        found = with_group.committed([TopicPartition(self.source, p) for p in range(PARTITIONS)], timeout=10)
        with_group.close()
        return {tp.partition: max(0, tp.offset) for tp in found}

    def ends(self, topic: str) -> dict[int, int]:
        consumer = self._consumer(None)
        ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in range(PARTITIONS)}
        consumer.close()
        return ends

    def lag(self) -> int:
        committed = self.committed()
        return sum(end - committed[partition] for partition, end in self.ends(self.source).items())

    def counts(self) -> Counter[bytes]:
        """The table, as a worker that recovers it would see it."""
        table: dict[bytes, int] = {}
        for key, value in self._read(f"{self.app_id}-counts-changelog"):
            table[key] = struct.unpack("<Qq", value)[0]
        return Counter(table)

    def never_delivered(self) -> int:
        """Input offsets that were not echoed."""
        echoed = {tuple(map(int, value.split(b":"))) for _, value in self._read(self.echo)}
        sent = {(partition, offset) for partition, end in self.ends(self.source).items() for offset in range(end)}
        return len(sent - echoed)

    def check_books(self) -> None:
        assert self.never_delivered() == 0
        counts = self.counts()
        assert {key: (n, counts[key]) for key, n in self.sent.items() if counts[key] != n} == {}
        assert counts == self.sent
        for worker in self.workers:
            assert worker.counters.get("gaps", 0) == 0, worker.tail()
            assert worker.counters.get("lost_records", 0) == 0, worker.tail()

    def _feed(self, per_second: int) -> None:
        producer = self._producer()
        while not self._stop.wait(0.02):
            for _ in range(per_second // 50):
                self._send_one(producer)
            producer.poll(0)
        producer.flush(60)

    def _send_one(self, producer: Any) -> None:
        key = b"key-%d" % random.randrange(300)
        self.sent[key] += 1
        producer.produce(self.source, key=key, value=os.urandom(20))

    def _producer(self) -> Any:
        # Idempotent, or a broker that comes back could have records twice, which nobody could tell from a fault of
        # ours.
        return Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5, "enable.idempotence": True})

    def _consumer(self, group: str | None) -> Any:
        settings = {"bootstrap.servers": self.bootstrap, "group.id": group or "reader", "enable.auto.commit": False}
        return Consumer({**settings, "enable.partition.eof": True})

    def _read(self, topic: str) -> Iterator[tuple[bytes, bytes]]:
        consumer = self._consumer(None)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
        ended: set[int] = set()
        deadline = time.monotonic() + 30
        while len(ended) < PARTITIONS:
            assert time.monotonic() < deadline, f"cannot read {topic}"
            for message in consumer.consume(5000, timeout=0.5):
                if message.error():
                    ended.add(message.partition())
                else:
                    yield message.key(), message.value()
        consumer.close()
