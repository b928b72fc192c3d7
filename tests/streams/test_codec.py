"""Records between the core and Kafka."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ebbtide.models.outputs import ACTIVITY_KEY, EVERY_PARTITION, Output, Tombstone
from ebbtide.schemas.alert import DayActivity
from ebbtide.schemas.fleet import ChannelSpend, GridSummary
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode, for_triage, grid_summary
from support.raw import at
from support.triage import activity

PARTITIONS = {Topic.MODELS.topic_name: 3}


def test_what_is_kept_no_more_is_a_null_value_in_every_partition() -> None:
    gone = Output(Topic.MODELS, "t/champion-1", Tombstone("t", 0), EVERY_PARTITION)
    found = list(encode([gone], PARTITIONS))
    assert [(one.topic, one.key, one.value, one.partition) for one in found] == [
        ("models", b"t/champion-1", None, partition) for partition in range(3)
    ]
    assert found[0].headers == (("ebbtide-tenant", b"t"), ("ebbtide-version", b"0"))
    (single,) = encode([gone._replace(partition=1)], PARTITIONS)
    assert (single.value, single.partition) == (None, 1)
    (by_key,) = encode([gone._replace(partition=None)], PARTITIONS)
    assert by_key.partition is None


SPEND = ChannelSpend(
    tenant="t", spend_id="s", occurred_at=at(1), channel="search", amount_micros=5_000_000, currency="USD"
)


@pytest.mark.parametrize(
    ("key", "record"),
    [
        (ACTIVITY_KEY, activity(7, {"eu": 3}, blind=("us",))),
        ("t", GridSummary(tenant="t", instant=at(7), source="customers/0")),
        ("t", SPEND),
        ("@tick", Tick(source="customers/0", watermark=at(7), arrived_ms=0)),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_the_fleet_is_told_comes_back_as_it_was(
    key: str, record: DayActivity | GridSummary | ChannelSpend | Tick
) -> None:
    (sent,) = encode([Output(Topic.GRID_SUMMARIES, key, record, 0)], {})
    read: Any = SimpleNamespace(key=sent.key, value=sent.value)
    assert grid_summary(read) == record
    if isinstance(record, DayActivity):
        # Triage hears the same.
        assert for_triage(read) == record
