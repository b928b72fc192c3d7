"""A raw partition: its counts, its order, and the time it tells."""

from __future__ import annotations

from datetime import datetime

from ebbtide.models.intake.accept import RawMessage
from ebbtide.models.intake.shard import IntakeShard
from ebbtide.models.outputs import EVERY_PARTITION, Output
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.profile_state import Tick
from support.raw import NOW, at, fact, messages, punctuation, track

HOUR_MS = 3_600_000


class Door:
    """A shard, fed at wall times that the test says."""

    def __init__(self) -> None:
        self.shard = IntakeShard("raw-behavior", 0, CorePolicy(), "default")
        self.offset = 0

    def feed(self, *bodies: dict[str, object], now_ms: int = 0) -> None:
        for message in messages(bodies, self.offset):
            self.offset += 1
            self.shard.apply(message, now_ms=to_ms(NOW), heard_ms=now_ms)


def ticks(outputs: list[Output]) -> list[tuple[datetime | None, bool, bool]]:
    """``(watermark, observe, idle)``."""
    return [(o.record.watermark, o.record.observe, o.record.idle) for o in outputs if isinstance(o.record, Tick)]


def test_events_then_time_an_hour_behind() -> None:
    door = Door()
    door.feed(track("a", at(0, 7_200), "m1"), track("b", at(0, 5_400), "m2"))
    outputs = door.shard.flush()
    assert [type(o.record).__name__ for o in outputs] == ["Event", "Tick", "Event"]
    assert ticks(outputs) == [(at(0, 3_600), False, False)]
    assert door.shard.flush() == []
    assert door.shard.greatest_event_ms == to_ms(at(0, 7_200))


def test_a_midnight_is_told_where_it_passed() -> None:
    door = Door()
    door.feed(track("a", at(0.5), "m1"), track("b", at(1, 3_600), "m2"), track("c", at(1, 7_200), "m3"))
    names = [type(o.record).__name__ for o in door.shard.flush()]
    assert names == ["Event", "Tick", "Event", "Tick", "Event", "Tick"]


def test_late_is_below_the_watermark() -> None:
    door = Door()
    door.feed(track("a", at(1), "m1"), track("b", at(1, -3_600), "m2"), track("c", at(1, -3_601), "m3"))
    assert (door.shard.accepted, door.shard.late) == (3, 1)
    door.feed(punctuation(at(2)), track("d", at(1.9), "m4"))
    assert door.shard.late == 2


def test_letters_and_reasons_are_counted() -> None:
    door = Door()
    door.feed({"type": "dance"}, track("x", at(0), "m", user="null"))
    door.shard.apply(RawMessage("raw-behavior", 0, 9, None, None, 0), now_ms=0, heard_ms=0)
    assert door.shard.dead_lettered == {"unknown_type": 1}
    assert door.shard.ignored == {"unresolved": 1, "tombstone": 1}
    assert [o.topic.topic_name for o in door.shard.flush()] == ["dead-letters"]


def test_punctuation_is_told_by_itself_after_what_came_before() -> None:
    door = Door()
    door.feed(track("a", at(1, 7_200), "m1"), track("b", at(1, 9_000), "m2"), punctuation(at(1, 3_600)))
    assert ticks(door.shard.flush()) == [
        (at(1, 3_600), False, False),
        (at(1, 5_400), False, False),
        (at(1, 3_600), True, False),
        (at(1, 5_400), False, False),
    ]


def test_a_silent_source_says_so_and_wall_time_carries_it_on() -> None:
    door = Door()
    door.feed(track("a", at(1), "m1"), now_ms=0)
    door.shard.flush()
    assert ticks(door.shard.idle(now_ms=10_000)) == [(at(1, -3_590), False, True)]
    assert ticks(door.shard.idle(now_ms=20_000)) == [(at(1, -3_580), False, True)]
    assert door.shard.flush() == []
    # It wakes up: what was told holds, and it holds the others back again.
    door.feed(track("b", at(1, 1), "m2"), now_ms=30_000)
    assert ticks(door.shard.flush()) == [(at(1, -3_580), False, False)]
    door.feed(track("c", at(1, -3_585), "m3"), now_ms=30_000)
    assert door.shard.late == 1


def test_a_source_that_was_never_heard_is_idle_without_time() -> None:
    assert ticks(Door().shard.idle(now_ms=5)) == [(None, False, True)]


def test_a_heartbeat_goes_to_one_partition_before_the_time_that_covers_it() -> None:
    door = Door()
    beat = fact("source.heartbeat", at(1, 7_200), "h", {}, expected_interval_seconds=60)
    door.feed(track("a", at(1), "m1"), beat, beat)
    outputs = door.shard.flush()
    assert [(type(o.record).__name__, o.key) for o in outputs[2:]] == [
        ("SourceHeartbeat", "@heartbeat"),
        ("Tick", "@tick"),
        ("SourceHeartbeat", "@heartbeat"),
    ]
    assert [o.partition for o in outputs[2:]] == [0, EVERY_PARTITION, 0]
    assert ticks(outputs)[-1] == (at(1, 3_600), False, False)
    assert (door.shard.accepted, door.shard.late) == (3, 0)


def test_what_channels_cost_goes_to_one_partition() -> None:
    door = Door()
    door.feed(fact("channel.spend", at(1), "s", {}, channel="search", amount=2))
    (output, _) = door.shard.flush()
    assert (output.topic.topic_name, output.key, output.partition) == ("grid-summaries", "default", 0)
    assert door.shard.accepted == 1
