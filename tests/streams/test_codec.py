"""Records between the core and Kafka."""

from __future__ import annotations

from ebbtide.models.outputs import EVERY_PARTITION, Output, Tombstone
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode

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
