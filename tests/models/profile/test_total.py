"""A partition's own total of messages: each once, wherever a crash falls; told every hour, after what it covers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ebbtide.models.intake.accept import Door
from ebbtide.models.outputs import Output
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.shard import META_KEY, PartitionState, ProfileShard
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.events import Event
from ebbtide.schemas.profile_state import ProfileState, Tick
from ebbtide.schemas.topics import Topic
from support.raw import NOW, at, messages, track

USERS = "aabacabbaacab"


def events() -> list[Event]:
    """Those of three users, one of them twice."""
    bodies: list[dict[str, Any]] = [
        track("view", at(1, n), f"m{n}", user=user, properties={"n": n}) for n, user in enumerate(USERS)
    ]
    bodies.insert(6, bodies[3])
    verdicts = [Door(CorePolicy().intake, "t").accept(m, now_ms=to_ms(NOW)) for m in messages(bodies)]
    return [verdict for verdict in verdicts if isinstance(verdict, Event)]


def shard(table: dict[bytes, bytes]) -> ProfileShard:
    return ProfileShard(2, frozenset({"raw/0"}), frozenset({"identity/0"}), CorePolicy(), table.get)


def read(table: dict[bytes, bytes], log: list[Event], start: int, end: int, writes: int | None = None) -> ProfileShard:
    """Read a part of the log, and store all values or the first ``writes``."""
    reader = shard(table)
    for offset in range(start, end):
        reader.apply(offset, log[offset])
    stored = list(reader.flush().writes.items())
    table.update({key: value for key, value in stored[:writes] if value is not None})
    return reader


@pytest.mark.parametrize("first", [0, 3, 5, 8])
@pytest.mark.parametrize("second", [8, 10, 14])
@pytest.mark.parametrize("third", [9, 12, 14])
@pytest.mark.parametrize("kept", [0, 1, 2, 3])
def test_a_message_counts_once_wherever_crashes_fall(first: int, second: int, third: int, kept: int) -> None:
    log, table = events(), dict[bytes, bytes]()
    read(table, log, 0, first)
    # Two workers die with some profiles stored, and the partition's own value not.
    read(table, log, first, second, writes=kept)
    read(table, log, first, third, writes=min(kept, 2))
    # One flushes in between, its values stored; whoever comes next goes on from there.
    middle = (first + len(log)) // 2
    assert read(table, log, first, middle).total is not None
    last = read(table, log, middle, len(log))
    assert last.total == len(USERS)
    assert shard(table).total == len(USERS)


def test_a_state_that_was_stored_without_a_total_never_tells_one() -> None:
    log = events()
    table = {META_KEY: msgspec.msgpack.encode(PartitionState())}
    read(table, log, 0, 5, writes=2)
    assert read(table, log, 0, len(log)).total is None
    assert shard(table).total is None


def test_the_total_is_told_every_hour_after_all_that_it_covers() -> None:
    log, profiles = events(), shard({})
    told: list[tuple[str, Any]] = []

    def hear(outputs: list[Output]) -> None:
        for output in outputs:
            if output.topic is Topic.PROFILE_STATES:
                assert isinstance(output.record, ProfileState | Tick)
                told.append((type(output.record).__name__, output.record.accepted))

    for offset, (number, hour) in enumerate([(2, 1.0), (4, 1.5), (14, 2.0)]):
        for place in range(profiles.applied + 1, number):
            profiles.apply(place, log[place])
        profiles.assign(offset, Tick(source="identity/0", watermark=at(1 + hour / 24), arrived_ms=0))
        hear(profiles.flush().outputs)
    assert told == [
        ("ProfileState", 2),
        ("Tick", 2),
        # Within the hour time alone is told; what has changed follows as ever.
        ("Tick", None),
        ("ProfileState", 1),
        ("ProfileState", 3),
        ("ProfileState", 2),
        ("ProfileState", 7),
        ("ProfileState", 4),
        ("Tick", 13),
    ]
    assert profiles.total == 13
