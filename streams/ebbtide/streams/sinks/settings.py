"""What a sink has to be told."""

from dataclasses import dataclass, field

from ebbtide.streams.sinks.backoff import Backoff


@dataclass(frozen=True, slots=True)
class ClickHouseSettings:
    """A ClickHouse server, spoken to by its native protocol."""

    host: str = "127.0.0.1"
    port: int = 9000
    user: str = "default"
    password: str = field(default="", repr=False)
    database: str = "ebbtide"
    secure: bool = False
    connect_timeout_s: float = 5.0
    answer_timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """A sink between Kafka and a database.

    A batch is written when it has `batch_rows` rows or `batch_bytes` bytes of records, or when its first record is
    `flush_s` seconds old. Memory stays below about four times `batch_bytes` plus what one fetch brings.
    """

    bootstrap: str
    group: str = "ebbtide-sink-clickhouse"
    batch_rows: int = 20_000
    batch_bytes: int = 32 * 1024 * 1024
    flush_s: float = 1.0
    backoff: Backoff = field(default_factory=Backoff)
