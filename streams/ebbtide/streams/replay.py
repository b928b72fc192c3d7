"""`ebbtide replay`: the core over files, in one process, without Kafka (design §3)."""

from __future__ import annotations

import hashlib
import json
import resource
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import chain, count, islice, repeat
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from ebbtide.models.intake.accept import RawMessage
from ebbtide.models.outputs import Output, Tombstone
from ebbtide.models.pipeline import FEEDBACK, RAW, Pipeline
from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.schemas.topics import Topic
from ebbtide.streams.entities import accounts, persons
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.garbage import never_collect
from ebbtide.streams.ndjson import read_lines
from ebbtide.streams.settings import Settings

CHUNK = 16_000
"""Records after which identity is asked; how many hardly matters to the time."""
_BLOCK = 256
FILES = {
    Topic.SCORES: "scores.ndjson",
    Topic.ALERTS: "alerts.ndjson",
    Topic.ALERT_DIGESTS: "alert-digests.ndjson",
    Topic.STATE_CHANGES: "state-changes.ndjson",
    Topic.TRAINING_EXAMPLES: "training-examples.ndjson",
    Topic.MODELS: "models.ndjson",
    Topic.MODEL_EVENTS: "model-events.ndjson",
    Topic.FLEET_STATS: "fleet-stats.ndjson",
    Topic.DEAD_LETTERS: "dead-letters.ndjson",
    Topic.IDENTITY_AUDIT: "identity-audit.ndjson",
    Topic.CUSTOMER_RECORDS: "customer-records.ndjson",
}
PERSONS, ACCOUNTS, SUMMARY = "persons.ndjson", "accounts.ndjson", "summary.json"


@dataclass(slots=True)
class Summary:
    """What a replay did. ``digest`` covers the outputs and nothing that depends on time or machine.

    ``counted`` are the messages that count for customers: all that were accepted, each once. ``orders_without_rate``
    are those whose money does not count, by currency.
    """

    read: int = 0
    accepted: int = 0
    counted: int = 0
    duplicates: int = 0
    ignored: dict[str, int] = field(default_factory=dict)
    dead_lettered: dict[str, int] = field(default_factory=dict)
    late: int = 0
    orders_without_rate: dict[str, int] = field(default_factory=dict)
    customers: int = 0
    persons: int = 0
    scores: int = 0
    alerts: int = 0
    training_examples: int = 0
    feedback: dict[str, int] = field(default_factory=dict)
    until: str | None = None
    seconds: float = 0.0
    events_per_second: float = 0.0
    peak_memory_bytes: int = 0
    digest: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


class OutputFiles:
    """The directory of a replay: one file per kind, a line per record, hashed and written block by block."""

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            names = [*FILES.values(), PERSONS, ACCOUNTS]
            self._files: dict[str, BinaryIO] = {name: (directory / name).open("wb") for name in names}
        except OSError as error:
            raise EbbtideError(f"cannot write to {directory}: {error.strerror}") from None
        self._hashes = {name: hashlib.sha256() for name in names}
        self._waiting: dict[str, list[bytes]] = {name: [] for name in names}
        self.lines: Counter[str] = Counter()

    def write(self, name: str, line: bytes) -> None:
        """Append one line."""
        waiting = self._waiting[name]
        waiting.append(line)
        if len(waiting) == _BLOCK:
            self._write_block(name)

    def flush(self) -> None:
        """Write what waits."""
        for name, waiting in self._waiting.items():
            if waiting:
                self._write_block(name)

    def _write_block(self, name: str) -> None:
        waiting = self._waiting[name]
        block = b"\n".join(waiting) + b"\n"
        self._files[name].write(block)
        self._hashes[name].update(block)
        self.lines[name] += len(waiting)
        waiting.clear()

    def digest(self) -> str:
        """SHA-256 over the digests of all files in name order, of what was flushed."""
        whole = hashlib.sha256()
        for name in sorted(self._hashes):
            whole.update(f"{name} {self._hashes[name].hexdigest()}\n".encode())
        return whole.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()


def replay(
    files: Iterable[str],
    out: Path,
    settings: Settings,
    *,
    until: datetime | None = None,
    feedback: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Replay raw records in arrival order and write everything that leaves the topology to ``out``.

    ``feedback`` is a file of what people told; each record counts from the first grid instant after it was recorded.

    With ``until`` time stands there at the end: events after it are left out, timers up to it have fired, and every
    customer is scored as of it. Without, time stands at the end of the newest event's day.
    """
    began = perf_counter()
    with never_collect(), OutputFiles(out) as written:
        pipeline = Pipeline(settings.core, default_tenant=settings.tenant, until=until)
        if feedback is not None:
            told = (RawMessage(FEEDBACK, 0, offset, None, line, 0) for offset, line in enumerate(read_lines(feedback)))
            _write(written, pipeline.hear(told))
        summary = _run(pipeline, files, written, until, progress)
        summary.digest = written.digest()
        # Everything is written; what follows is that the memory is given back.
        summary.seconds = round(perf_counter() - began, 3)
    summary.events_per_second = round(summary.read / summary.seconds, 1) if summary.seconds else 0.0
    summary.peak_memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    (out / SUMMARY).write_text(json.dumps(summary.as_dict(), indent=2) + "\n", encoding="utf-8")
    return summary


def _run(
    pipeline: Pipeline,
    files: Iterable[str],
    written: OutputFiles,
    until: datetime | None,
    progress: Callable[[int], None] | None,
) -> Summary:
    now = datetime.now(UTC)
    appended_ms = int(now.timestamp() * 1000)
    lines = chain.from_iterable(map(read_lines, files))
    # What ``RawMessage(...)`` does, without a step of Python for every line.
    message: Callable[[tuple[Any, ...]], RawMessage] = partial(tuple.__new__, RawMessage)
    places = zip(repeat(RAW), repeat(0), count(), repeat(None), lines, repeat(appended_ms), strict=False)
    messages = map(message, places)
    more = True
    while more:
        before = pipeline.read
        _write(written, pipeline.feed(islice(messages, CHUNK), now=now, more=True))
        read = pipeline.read - before
        more = read == CHUNK
        if progress is not None and read:
            progress(read)
    end = until or pipeline.end_of_newest_day
    if end is not None:
        _write(written, pipeline.close(end))
    customers = pipeline.customers
    for customer_id in sorted(customers.customers):
        customer = customers.customers[customer_id]
        if not customer.is_vacant:
            written.write(FILES[Topic.CUSTOMER_RECORDS], customers.record(customer).to_json())
    found = _write_entities(pipeline, written)
    written.flush()
    intake = pipeline.intake
    return Summary(
        read=pipeline.read,
        accepted=pipeline.profiles.accepted + pipeline.profiles.heartbeats + pipeline.spends,
        counted=customers.messages,
        duplicates=pipeline.profiles.duplicates,
        ignored=_by_name(intake.ignored),
        dead_lettered=_by_name(intake.dead_lettered + _letters(customers.feedback_refused)),
        late=intake.late,
        orders_without_rate=_by_name(pipeline.profiles.orders_without_rate),
        customers=written.lines[FILES[Topic.CUSTOMER_RECORDS]],
        persons=found,
        scores=written.lines[FILES[Topic.SCORES]],
        alerts=written.lines[FILES[Topic.ALERTS]],
        training_examples=written.lines[FILES[Topic.TRAINING_EXAMPLES]],
        feedback=_by_name(customers.feedback_taken),
        until=end.isoformat() if end else None,
    )


def _letters(refused: Counter[str]) -> Counter[str]:
    """Of what was refused, what became a dead letter."""
    return Counter({reason: count for reason, count in refused.items() if isinstance(reason, DeadLetterReason)})


def _by_name(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts under plain strings: a reason's enum member is no key for JSON writers."""
    return {str(name): counts[name] for name in sorted(counts)}


def _write(written: OutputFiles, outputs: Iterable[Output]) -> None:
    for output in outputs:
        name = FILES.get(output.topic)
        # In one process everybody's record is written once, at the end: nothing has to be taken back.
        if name is not None and not isinstance(output.record, Tombstone):
            written.write(name, output.record.to_json())


def _write_entities(pipeline: Pipeline, written: OutputFiles) -> int:
    """Persons and accounts; the number of persons."""
    members: dict[str, set[str]] = {}
    count = 0
    for person in persons(pipeline):
        count += 1
        for customer_id in person["customers"]:
            if customer_id != person["person_id"]:
                members.setdefault(customer_id, set()).add(person["person_id"])
        written.write(PERSONS, orjson.dumps(person))
    for account in accounts(pipeline, members):
        written.write(ACCOUNTS, orjson.dumps(account))
    return count
