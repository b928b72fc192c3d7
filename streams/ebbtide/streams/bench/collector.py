"""Batches over HTTP by wrk, to the collector and to a bare handler that only sends bodies on, by the same broker.

    ebbtide bench collector --seconds 60

Apache Kafka, `ebbtide collector` as a process of its own under the declared settings (`EBBTIDE_COLLECTOR__…` counts),
and wrk, all on this machine. First the bare handler is loaded, then the collector, each for so many seconds with 1,000
requests a second of 10 events. An event is lost if it was answered with 200 and is not in `raw-behavior` after that.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kafka.admin import NewTopic

from ebbtide.schemas.topics import Topic
from ebbtide.streams.bench.http.wrk import CONNECTIONS, Figures, find_wrk, load
from ebbtide.streams.brokers.broker import BrokerError
from ebbtide.streams.brokers.kafka import require_kafka
from ebbtide.streams.brokers.ports import HOST, accepts, free_ports
from ebbtide.streams.demo.interrupts import Interrupts
from ebbtide.streams.demo.stack import Stack, settings_for
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import PREFIX, Settings
from ebbtide.streams.topic_reader import Progress, read_topic, unseen
from ebbtide.streams.topics import admin_client

SECONDS, RATE, EVENTS = 60.0, 1_000.0, 10
WARM_UP_S = 3
BARE = "bench-bare"
START_S = 20.0
_ID = re.compile(rb'"messageId":"(run-[0-9]+-[0-9]+-[0-9]+)"')


def run(*, seconds: float = SECONDS, rate: float = RATE, progress: Progress = unseen) -> dict[str, Any]:
    """Measure; two and a half minutes with the defaults. Raises ``EbbtideError`` where a part is missing or ends."""
    find_wrk()
    try:
        require_kafka()
    except BrokerError as error:
        raise EbbtideError(f"this bench needs Apache Kafka itself. {error}") from error
    home = Path(tempfile.mkdtemp(prefix="ebbtide-bench-"))
    whole = max(1, round(seconds))
    with Interrupts() as interrupts:
        stack = Stack(home, discard=True, say=lambda _line: None)
        try:
            with progress("starting Apache Kafka", None):
                settings = settings_for(stack.start_broker())
                stack.create_topics(settings)
                with admin_client(settings) as admin:
                    admin.create_topics([NewTopic(BARE, settings.broker.partitions, 1)])
                    admin.wait_for_topics([BARE], timeout_ms=30_000)
            with progress("loading a bare handler", None), _bare(settings) as url:
                bare = _measured(url, whole, rate)
            with progress("loading the collector", None):
                ours = _measured(_collector(stack, settings), whole, rate)
                stack.check()
            with progress("reading what is stored", None):
                stored = _stored(settings)
            return _result(ours, bare, stored, rate)
        finally:
            interrupts.closing()
            stack.stop()


def _measured(url: str, seconds: int, rate: float) -> Figures:
    load(url, seconds=WARM_UP_S, rate=rate, events=EVENTS, prefix="warm")
    return load(url, seconds=seconds, rate=rate, events=EVENTS, prefix="run")


def _collector(stack: Stack, settings: Settings) -> str:
    (port,) = free_ports(1)
    own = {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX)}
    others = {"BROKER__URL": settings.broker.url, "COLLECTOR__PORT": str(port)}
    stack.start_service("collector", {"COLLECTOR__EVENTS_PER_SECOND": "1000000", **own, **others}).wait_until_ready()
    return f"http://{HOST}:{port}"


@contextmanager
def _bare(settings: Settings) -> Iterator[str]:
    (port,) = free_ports(1)
    module = "ebbtide.streams.bench.http.bare"
    process = subprocess.Popen([sys.executable, "-m", module, str(port), settings.broker.bootstrap, BARE])
    try:
        deadline = time.monotonic() + START_S
        while not accepts(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise EbbtideError(f"the bare handler did not start; see {sys.executable} -m {module}")
            time.sleep(0.05)
        yield f"http://{HOST}:{port}"
    finally:
        process.kill()
        process.wait()


def _stored(settings: Settings) -> Counter[bytes]:
    """How often each message of the run lies in the topic."""
    found: Counter[bytes] = Counter()
    for record in read_topic(settings, Topic.RAW_BEHAVIOR.topic_name):
        if match := _ID.search(record.value or b""):
            found[match[1]] += 1
    return found


def _result(ours: Figures, bare: Figures, stored: Counter[bytes], rate: float) -> dict[str, Any]:
    # When wrk stops, a request on each connection may be stored whose answer it does not wait for.
    answered = ours.answered * EVENTS
    return {
        "rate": rate,
        "events_of_a_batch": EVENTS,
        "collector": asdict(ours),
        "bare": asdict(bare),
        "ratio": {
            name: getattr(ours, name) / getattr(bare, name) for name in ("p50_ms", "p90_ms", "p99_ms", "p999_ms")
        },
        "events": {
            "answered": answered,
            "stored": len(stored),
            "stored_twice": sum(count - 1 for count in stored.values()),
            "lost": max(0, answered - len(stored)),
            "unanswered_at_the_end": max(0, len(stored) - answered),
        },
    }


def fault(result: dict[str, Any]) -> str | None:
    """What must not be: an event that was answered and is not stored, or an answer other than 200."""
    events, ours = result["events"], result["collector"]
    if events["lost"]:
        return f"{events['lost']} events were answered and are not stored"
    if events["unanswered_at_the_end"] > CONNECTIONS * result["events_of_a_batch"]:
        return f"{events['unanswered_at_the_end']} events are stored whose requests had no answer"
    if ours["not_200"] or ours["broken"]:
        return f"{ours['not_200']} answers were not 200, {ours['broken']} did not come"
    return None


def render(result: dict[str, Any]) -> str:
    """The figures as lines."""
    ours, bare, ratio, events = (result[name] for name in ("collector", "bare", "ratio", "events"))
    rates = [figures["requests"] / figures["seconds"] for figures in (ours, bare)]
    lines = [
        f"  {'':<28}{'collector':>12}{'bare':>12}{'ratio':>8}",
        f"  {'requests a second':<28}{rates[0]:>12,.0f}{rates[1]:>12,.0f}",
    ]
    for name, shown in (("p50_ms", "p50"), ("p90_ms", "p90"), ("p99_ms", "p99"), ("p999_ms", "p99.9")):
        lines.append(f"  {shown + ', ms':<28}{ours[name]:>12.1f}{bare[name]:>12.1f}{ratio[name]:>8.2f}")
    lines.append(f"  {'most, ms':<28}{ours['max_ms']:>12.1f}{bare['max_ms']:>12.1f}")
    lines.append(
        f"  {events['answered']:,} events answered in {ours['seconds']:.0f} s, {events['lost']} lost, "
        f"{events['stored_twice']} stored twice, {events['unanswered_at_the_end']} under way at the end"
    )
    return "\n".join(lines)
