"""The newest statistics of a tenant's fleet, from the topic `fleet-stats` or from the directory of a replay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from ebbtide.schemas.fleet import FleetStats
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import TICK_KEY
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.ndjson import read_lines
from ebbtide.streams.replay import FILES
from ebbtide.streams.settings import Settings
from ebbtide.streams.topic_reader import read_topic


def stats_from_topic(settings: Settings, tenant: str) -> FleetStats | None:
    """The newest of the tenant; None where there are none. Raises ``EbbtideError`` where the topic cannot be read."""
    topic = Topic.FLEET_STATS.topic_name
    key = tenant.encode()
    newest: FleetStats | None = None
    # Every partition has a copy; that of the key is as good as any.
    for record in read_topic(settings, topic, keys=[key]):
        if record.key == TICK_KEY or record.key != key or record.value is None:
            continue
        newest = _newer(newest, record.value, f"{topic} partition {record.partition} offset {record.offset}")
    return newest


def stats_from_directory(directory: Path, tenant: str) -> FleetStats | None:
    """The same from what a replay wrote. Raises ``EbbtideError`` where it wrote nothing of the kind."""
    path = directory / FILES[Topic.FLEET_STATS]
    if not path.is_file():
        raise EbbtideError(f"{directory} has no {path.name}: it is not what `ebbtide replay --out` wrote")
    newest: FleetStats | None = None
    for where, line in _lines(path):
        found = _newer(newest, line, where)
        newest = found if found.tenant == tenant else newest
    return newest


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(read_lines(str(path)), 1):
        yield f"{path} line {number}", line


def _newer(known: FleetStats | None, value: bytes, where: str) -> FleetStats:
    try:
        found = FleetStats.from_json(value)
    except ValidationError as error:
        raise EbbtideError(f"{where} is no fleet statistics of this version: {error.errors()[0]['msg']}") from None
    return found if known is None or known.tenant != found.tenant or found.as_of >= known.as_of else known
