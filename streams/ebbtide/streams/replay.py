"""`ebbtide replay`: the core over files, in one process, without Kafka (design §3)."""

from __future__ import annotations

import hashlib
import json
import resource
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from ebbtide.models.customer.customer import trait_values
from ebbtide.models.identity.identifiers import canonical_id, identifier_key
from ebbtide.models.intake.accept import RawMessage
from ebbtide.models.outputs import Output
from ebbtide.models.pipeline import RAW, Pipeline
from ebbtide.models.profile.profile import NO_ACCOUNT, Profile
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import Trait
from ebbtide.schemas.topics import Topic
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.garbage import never_collect
from ebbtide.streams.ndjson import read_lines
from ebbtide.streams.settings import Settings

CHUNK = 4_000
_BLOCK = 256
FILES = {
    Topic.SCORES: "scores.ndjson",
    Topic.ALERTS: "alerts.ndjson",
    Topic.TRAINING_EXAMPLES: "training-examples.ndjson",
    Topic.MODELS: "models.ndjson",
    Topic.DEAD_LETTERS: "dead-letters.ndjson",
    Topic.IDENTITY_LINKS: "identity-audit.ndjson",
    Topic.CUSTOMER_RECORDS: "customer-records.ndjson",
}
PERSONS, ACCOUNTS, SUMMARY = "persons.ndjson", "accounts.ndjson", "summary.json"


@dataclass(slots=True)
class Summary:
    """What a replay did. ``digest`` covers the outputs and nothing that depends on time or machine."""

    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    ignored: dict[str, int] = field(default_factory=dict)
    dead_lettered: dict[str, int] = field(default_factory=dict)
    late: int = 0
    customers: int = 0
    persons: int = 0
    scores: int = 0
    alerts: int = 0
    training_examples: int = 0
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
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Replay raw records in arrival order and write everything that leaves the topology to ``out``.

    With ``until`` time stands there at the end: events after it are left out, timers up to it have fired, and every
    customer is scored as of it. Without, time stands at the end of the newest event's day.
    """
    began = perf_counter()
    with never_collect(), OutputFiles(out) as written:
        summary = _run(files, settings, written, until, progress)
        summary.digest = written.digest()
    summary.seconds = round(perf_counter() - began, 3)
    summary.events_per_second = round(summary.read / summary.seconds, 1) if summary.seconds else 0.0
    summary.peak_memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    (out / SUMMARY).write_text(json.dumps(summary.as_dict(), indent=2) + "\n", encoding="utf-8")
    return summary


def _run(
    files: Iterable[str],
    settings: Settings,
    written: OutputFiles,
    until: datetime | None,
    progress: Callable[[int], None] | None,
) -> Summary:
    pipeline = Pipeline(settings.core, default_tenant=settings.tenant, until=until)
    now = datetime.now(UTC)
    appended_ms = int(now.timestamp() * 1000)
    lines = enumerate(chain.from_iterable(map(read_lines, files)))
    while chunk := [RawMessage(RAW, 0, offset, None, line, appended_ms) for offset, line in islice(lines, CHUNK)]:
        _write(written, pipeline.feed(chunk, now=now))
        if progress is not None:
            progress(len(chunk))
    end = until or pipeline.end_of_newest_day
    if end is not None:
        _write(written, pipeline.close(end))
    customers = pipeline.customers
    for customer_id in sorted(customers.customers):
        record = customers.record(customers.customers[customer_id])
        written.write(FILES[Topic.CUSTOMER_RECORDS], record.to_json())
    persons = _write_entities(pipeline, written)
    written.flush()
    intake = pipeline.intake
    return Summary(
        read=pipeline.read,
        accepted=pipeline.profiles.accepted,
        duplicates=pipeline.profiles.duplicates,
        ignored=_by_name(intake.ignored),
        dead_lettered=_by_name(intake.dead_lettered),
        late=intake.late,
        customers=len(customers.customers),
        persons=persons,
        scores=written.lines[FILES[Topic.SCORES]],
        alerts=written.lines[FILES[Topic.ALERTS]],
        training_examples=written.lines[FILES[Topic.TRAINING_EXAMPLES]],
        until=end.isoformat() if end else None,
    )


def _by_name(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts under plain strings: a reason's enum member is no key for JSON writers."""
    return {str(name): counts[name] for name in sorted(counts)}


def _write(written: OutputFiles, outputs: Iterable[Output]) -> None:
    for output in outputs:
        name = FILES.get(output.topic)
        if name is not None:
            written.write(name, output.record.to_json())


def _write_entities(pipeline: Pipeline, written: OutputFiles) -> int:
    """Persons from the profiles, accounts from the customers; the number of persons."""
    members: dict[str, set[str]] = {}
    persons = 0
    for key in sorted(pipeline.profiles.profiles):
        profile = pipeline.profiles.profiles[key]
        subject = Identifier(type=IdentifierType(profile.subject_type), value=profile.subject_value)
        person_id = canonical_id(profile.tenant, subject)
        owners = sorted({slot.owner for slot in profile.slots.values() if slot.owner})
        if not profile.is_person:
            continue
        for owner in owners:
            if owner != person_id:
                members.setdefault(owner, set()).add(person_id)
        persons += 1
        written.write(PERSONS, orjson.dumps(_person(profile, person_id, identifier_key(subject), owners)))
    for customer_id in sorted(pipeline.customers.customers):
        customer = pipeline.customers.customers[customer_id]
        if not customer.is_account:
            continue
        names = trait_values(customer, "name")
        account = {
            "customer_id": customer_id,
            "identifiers": [{"type": customer.anchor_type, "value": customer.anchor_value}],
            "names": _names(names),
            "members": sorted(members.get(customer_id, ())),
        }
        written.write(ACCOUNTS, orjson.dumps(account))
    return persons


def _names(values: list[Trait]) -> list[dict[str, Any]]:
    """Name history: a row for each change."""
    rows: list[dict[str, Any]] = []
    for name, at_ms, _, _ in values:
        if rows and rows[-1]["name"] == name:
            continue
        if rows:
            rows[-1]["valid_to"] = _iso(at_ms)
        rows.append({"name": name, "valid_from": _iso(at_ms), "valid_to": None})
    return rows


def _person(profile: Profile, person_id: str, subject: str, owners: list[str]) -> dict[str, Any]:
    events = sum(slot.accepted for slot in profile.slots.values())
    return {
        "person_id": person_id,
        "identifiers": [{"type": profile.subject_type, "value": profile.subject_value}],
        "customers": owners,
        "events": events,
        "profiles": [
            {"profile_id": subject, "events": slot.accepted, "account": None if account == NO_ACCOUNT else account}
            for account, slot in sorted(profile.slots.items())
        ],
    }


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")
