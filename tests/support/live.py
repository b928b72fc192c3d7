"""A live Ebbtide for tests: worker processes on a real broker, and everything they published."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.ports import free_ports
from ebbtide.streams.codec import VERSION_HEADER
from ebbtide.streams.settings import BrokerSettings, Settings
from ebbtide.streams.topic_reader import read_topic
from support.brokers import eventually

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


def command(*arguments: str, timeout: float = 120, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run an `ebbtide` command under these settings alone; it must succeed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EBBTIDE_")}
    finished = subprocess.run(
        [sys.executable, "-m", "ebbtide.streams.cli", *arguments],
        env={**clean, **settings},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished


@dataclass
class Live:
    """One deployment: settings by environment, workers started and stopped at will."""

    bootstrap: str
    directory: Path
    settings: Mapping[str, str]
    workers: list[Worker] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What commands of this deployment run under."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("EBBTIDE_")}
        return {**clean, "EBBTIDE_BROKER__URL": f"kafka://{self.bootstrap}", **self.settings}

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run an `ebbtide` command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "ebbtide.streams.cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def worker(self, name: str, *arguments: str) -> Worker:
        """Start a worker; the same name again takes up its local state."""
        (port,) = free_ports(1)
        log = (self.directory / f"{name}.log").open("ab")
        environment = {
            **self.environment,
            "EBBTIDE_WORKER__DATA_DIR": str(self.directory / name),
            "EBBTIDE_ADMIN__PORT": str(port),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "ebbtide.streams.cli", "worker", *arguments],
            env=environment,
            stdout=log,
            stderr=log,
        )
        worker = Worker(name, process, port, Path(log.name))
        self.workers.append(worker)
        return worker

    def published(self, topic: Topic) -> list[dict[str, Any]]:
        """All records of a topic, partition by partition in offset order; without what stages tell each other."""
        settings = Settings(broker=BrokerSettings(url=self.bootstrap))
        records = read_topic(settings, topic.topic_name)
        told = (record for record in records if record.value is not None and not (record.key or b"").startswith(b"@"))
        return [orjson.loads(record.value) for record in told]

    def tombstones(self, topic: Topic) -> dict[str, int]:
        """The greatest version of a tombstone by the key it stands under."""
        settings = Settings(broker=BrokerSettings(url=self.bootstrap))
        found: dict[str, int] = {}
        for record in read_topic(settings, topic.topic_name):
            if record.value is None:
                key, version = record.key.decode(), int(dict(record.headers)[VERSION_HEADER])
                found[key] = max(version, found.get(key, version))
        return found

    def drained(self, until: datetime) -> bool:
        """Whether the workers have evaluated every partition through ``until`` and have nothing left to read."""
        samples: dict[tuple[str, str], float] = {}
        lag = 0.0
        for worker in self.workers:
            if worker.process.poll() is not None:
                continue
            for name, labels, value in worker.samples():
                if name == "ebbtide_consumer_lag_records":
                    lag += value
                elif name == "ebbtide_partition_evaluated_timestamp_seconds":
                    samples[name, labels] = value
        partitions = int(self.settings["EBBTIDE_BROKER__PARTITIONS"])
        return lag == 0 and len(samples) == partitions and min(samples.values()) >= until.timestamp()


@dataclass
class Worker:
    """A worker process and its admin port."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def samples(self) -> Iterator[tuple[str, str, float]]:
        """The metrics' samples; none while the admin port is not open."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return
        for line in text.splitlines():
            found = _SAMPLE.match(line)
            if found:
                yield found[1], found[2] or "", float(found[3])

    def total(self, name: str, labels: str = "") -> float:
        """Sum of a metric's samples whose labels contain ``labels``."""
        return sum(value for sample, found, value in self.samples() if sample == name and labels in found)

    def ready(self) -> bool:
        """What `/readyz` says."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@contextmanager
def live(bootstrap: str, directory: Path, partitions: int, **settings: str) -> Iterator[Live]:
    """A deployment of its own on a broker of its own; its workers are gone at the end."""
    deployment = Live(
        bootstrap,
        directory,
        {"EBBTIDE_BROKER__PARTITIONS": str(partitions), "EBBTIDE_WORKER__SESSION_TIMEOUT_SECONDS": "6", **settings},
    )
    created = deployment.run("topics", "create")
    assert created.returncode == 0, created.stderr
    try:
        yield deployment
    finally:
        for worker in deployment.workers:
            if worker.process.poll() is None:
                worker.kill()


def drain(deployment: Live, until: datetime, *, timeout: float = 120) -> None:
    """Wait until everything sent is evaluated."""

    def finished() -> bool:
        for worker in deployment.workers:
            code = worker.process.poll()
            assert code in (None, 0, -9), f"{worker.name} ended with {code}:\n{worker.log.read_text()[-3000:]}"
        return deployment.drained(until)

    eventually(finished, f"evaluation through {until}", timeout=timeout)


def ndjson(path: Path) -> list[dict[str, Any]]:
    """Records of a file."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]
