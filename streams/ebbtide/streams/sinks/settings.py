"""What a sink has to be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    ca_file: str | None = None
    connect_timeout_s: float = 5.0
    answer_timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """A sink between Kafka and a database.

    A batch is written when it has `batch_rows` rows or `batch_bytes` bytes of records, or when its first record is
    `flush_s` seconds old. One is gathered while the one before is written: memory stays below about eight times
    `batch_bytes` plus what one fetch brings. `client` are aiokafka's settings for TLS and log-in.
    """

    bootstrap: str
    group: str = "ebbtide-sink-clickhouse"
    batch_rows: int = 20_000
    batch_bytes: int = 32 * 1024 * 1024
    flush_s: float = 1.0
    backoff: Backoff = field(default_factory=Backoff)
    client: Mapping[str, Any] = field(default_factory=dict, repr=False)
