"""What was told of a tenant: from its topic, or from the directory of a replay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from ebbtide.schemas.fleet import FleetStats
from ebbtide.schemas.learning import Model, ModelEvent
from ebbtide.schemas.score import Score
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import TICK_KEY
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.ndjson import read_lines
from ebbtide.streams.replay import FILES
from ebbtide.streams.settings import Settings
from ebbtide.streams.topic_reader import read_topic

Told = TypeVar("Told", FleetStats, Model, ModelEvent, Score)


def from_topic(
    settings: Settings, topic: Topic, contract: type[Told], tenant: str, key: str | None = None
) -> Iterator[Told]:
    """The tenant's records that a topic still has under a key, in their order; without a key those under the tenant's.

    What a null value was written for afterwards is gone, though the broker may not have compacted it away yet. Raises
    ``EbbtideError`` where the topic cannot be read, or a record on it is not one of this version.
    """
    wanted = (key or tenant).encode()
    # Of a broadcast topic every partition has a copy; that of the key is as good as any. A model's key names its
    # version after the tenant. Others' records are many, and are not kept.
    ours = [
        record
        for record in read_topic(settings, topic.topic_name, keys=[wanted])
        if record.key != TICK_KEY and (record.key == wanted or record.key.startswith(wanted + b"/"))
    ]
    newest = {record.key: record.value for record in ours}
    for record in ours:
        if newest[record.key] is None or record.value is None:
            continue
        where = f"{topic.topic_name} partition {record.partition} offset {record.offset}"
        found = _read(contract, record.value, where)
        if found.tenant == tenant:
            yield found


def from_directory(
    directory: Path, topic: Topic, contract: type[Told], tenant: str, key: str | None = None
) -> Iterator[Told]:
    """The same from what a replay wrote: lines in which ``key`` stands. Raises ``EbbtideError`` where it wrote nothing
    of the kind."""
    mark = (key or "").encode()
    path = directory / FILES[topic]
    if not path.is_file():
        raise EbbtideError(f"{directory} has no {path.name}: it is not what `ebbtide replay --out` wrote")
    for number, line in enumerate(read_lines(str(path)), 1):
        if mark not in line:
            continue
        found = _read(contract, line, f"{path} line {number}")
        if found.tenant == tenant:
            yield found


def _read(contract: type[Told], value: bytes, where: str) -> Told:
    try:
        return contract.from_json(value)
    except ValidationError as error:
        name = contract.__name__
        raise EbbtideError(f"{where} is no {name} of this version: {error.errors()[0]['msg']}") from None
