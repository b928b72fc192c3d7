"""What crosses the bus: record batches in, outputs out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

__all__ = ["ConsumerRecord", "Headers", "Output", "RecordBatch", "TopicPartition"]

Headers = Sequence[tuple[str, bytes | None]]


class TopicPartition(NamedTuple):
    """Equal to, and hashed like, the tuples of Faust (`TP`) and of aiokafka (`TopicPartition`)."""

    topic: str
    partition: int


class ConsumerRecord(Protocol):
    """aiokafka's record, as it comes: no object of ours is made per record (2.5 µs each would be the cost of
    reading it).
    """

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


@dataclass(frozen=True, slots=True, eq=False)
class RecordBatch:
    """The records of one partition that one poll brought, in offset order.

    `start` and `end` are the consumer's positions before and after the poll. The records lie in `[start, end)`,
    maybe with holes (compaction, control records), so `end` and not `last_offset + 1` is what the next batch must
    start at and what is committed.
    """

    topic: str
    partition: int
    records: Sequence[ConsumerRecord]
    start: int
    end: int
    high_watermark: int | None = None
    #: Which possession of the partition the batch belongs to; an acknowledgement under another one is void.
    lease: int = field(default=0, repr=False)
    #: Generation of the consumer group under which it was read.
    generation: int = field(default=0, repr=False)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[ConsumerRecord]:
        return iter(self.records)

    def __repr__(self) -> str:
        # Never the records: they hold personal data, and Faust logs what it is given.
        return f"<RecordBatch {self.topic}-{self.partition} [{self.start}, {self.end}), {len(self)} records>"

    @property
    def tp(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)

    @property
    def first_offset(self) -> int:
        return self.records[0].offset

    @property
    def last_offset(self) -> int:
        return self.records[-1].offset

    @property
    def lag(self) -> int | None:
        """Records of the partition that were behind this batch when it was read, if known."""
        return None if self.high_watermark is None else max(0, self.high_watermark - self.end)


class Output(NamedTuple):
    """One record to send. With a key and no partition, Kafka's default partitioner chooses; timestamps are epoch
    milliseconds.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    timestamp: int | None = None
    headers: Any = ()
