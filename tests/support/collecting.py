"""A collector process for tests, and what lies in Kafka after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from ebbtide.models.intake.accept import RawMessage
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.identity import IdentityOperation
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.ports import free_ports
from ebbtide.streams.settings import BrokerSettings, Settings
from ebbtide.streams.topic_reader import read_topic
from support.brokers import eventually
from support.live import Worker

PARTITIONS = 4


class CollectorProcess:
    """`ebbtide collector` on ports of its own, which it keeps over restarts."""

    def __init__(self, bootstrap: str, directory: Path, **settings: str) -> None:
        self.port, self._admin_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = directory / "collector.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EBBTIDE_")}
        self._environment = {
            **kept,
            "EBBTIDE_BROKER__URL": f"kafka://{bootstrap}",
            "EBBTIDE_COLLECTOR__PORT": str(self.port),
            "EBBTIDE_ADMIN__PORT": str(self._admin_port),
            **{f"EBBTIDE_COLLECTOR__{name}": value for name, value in settings.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def admin(self) -> Worker:
        """Its admin port."""
        return Worker("collector", self.process, self._admin_port, self._log)

    def start(self, *, wait: bool = True) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ebbtide.streams.cli", "collector"],
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        if wait:
            eventually(self.ready, f"the collector is ready:\n{self._log.read_text()[-2_000:]}", timeout=40)

    def ready(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()[-3_000:]
        return self.admin.ready()

    def reasons(self) -> list[str]:
        """Why it is not ready."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._admin_port}/readyz", timeout=5) as answer:
                return list(orjson.loads(answer.read())["reasons"])
        except urllib.error.HTTPError as error:
            return list(orjson.loads(error.read())["reasons"])

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def resident_bytes(self) -> int:
        """Memory that it really holds."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def collecting(bootstrap: str, directory: Path, **settings: str) -> Iterator[CollectorProcess]:
    """A running collector, gone at the end."""
    process = CollectorProcess(bootstrap, directory, **settings)
    process.start()
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.kill()


def raw_records(bootstrap: str, tenant: str | None = None, topic: Topic = Topic.RAW_BEHAVIOR) -> list[dict[str, Any]]:
    """Records of a raw topic, of one tenant if it is named."""
    settings = Settings(broker=BrokerSettings(url=bootstrap))
    found = (orjson.loads(record.value) for record in read_topic(settings, topic.topic_name) if record.value)
    return [record for record in found if tenant is None or record.get("tenant") == tenant]


def persons(records: list[dict[str, Any]], directory: Path) -> dict[str, dict[str, Any]]:
    """Who is who after these records, by the strongest identifier, as a replay tells it."""
    from ebbtide.streams.replay import replay  # noqa: PLC0415  (slow to import)
    from ebbtide.streams.settings import load_settings  # noqa: PLC0415

    directory.mkdir()
    raw = directory / "raw.ndjson"
    raw.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    replay([str(raw)], directory / "out", load_settings())
    told = [orjson.loads(line) for line in (directory / "out" / "persons.ndjson").read_bytes().splitlines()]
    return {_name(person): person for person in told}


def persons_with(records: list[dict[str, Any]], decisions: list[IdentityOperation]) -> dict[str, dict[str, Any]]:
    """As ``persons``, with what was decided by hand after the first half of the records."""
    from ebbtide.models.pipeline import RAW, Pipeline  # noqa: PLC0415  (slow to import)
    from ebbtide.models.policy import CorePolicy  # noqa: PLC0415
    from ebbtide.streams.entities import persons as persons_of  # noqa: PLC0415

    pipeline, now, half = Pipeline(CorePolicy()), datetime.now(UTC), len(records) // 2
    raw = [RawMessage(RAW, 0, n, None, orjson.dumps(record), to_ms(now)) for n, record in enumerate(records)]
    list(pipeline.feed(raw[:half], now=now))
    list(pipeline.decide(decisions))
    list(pipeline.feed(raw[half:], now=now))
    list(pipeline.close(now + timedelta(days=2)))
    return {_name(person): person for person in persons_of(pipeline)}


def _name(person: dict[str, Any]) -> str:
    names = sorted(f"{one['type']}/{one['value']}" for one in person["identifiers"])
    return next((name for name in names if name.startswith("user_id/")), names[0])
