"""All settings of the transport."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["Credentials", "TransportConfig"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in to the brokers. Without a user name, the TLS context alone (maybe with a client certificate)."""

    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """Defaults are the ones to run with; durations are seconds."""

    #: Name of the application: consumer group, prefix of changelog topics.
    app_id: str
    #: `host:port`, or several with commas.
    bootstrap: str
    #: One per application *and* worker: Faust's paths below it do not contain the application's name.
    data_dir: Path
    #: Grows when state cannot be migrated: it begins a new group, new changelogs and new files.
    version: int = 1
    #: `memory` forgets everything at the end of the process and reads the whole changelog at the start.
    store: Literal["rocksdb", "memory"] = "rocksdb"
    cache_bytes: int = 64 << 20
    #: Of changelog topics; must equal that of every input topic.
    partitions: int = 8
    replication_factor: int = 1
    credentials: Credentials | None = None
    #: The broker drops what is sent twice after a lost answer. Off for a broker without idempotent producers.
    idempotent: bool = True
    #: Refuse to start without credentials: Faust then silently uses PLAINTEXT.
    require_credentials: bool = False

    commit_interval: float = 1.0
    #: After a crash the partitions are given away when this is over (Faust's default of 60 is a minute of silence).
    session_timeout: float = 15.0
    heartbeat_interval: float = 3.0
    rebalance_timeout: float = 60.0
    request_timeout: float = 90.0
    #: How long a flush waits for the broker until the worker gives up. Short outages are waited out.
    delivery_timeout: float = 300.0

    #: Most records in a batch.
    max_poll_records: int = 2000
    #: A partition with so many batches delivered and not acknowledged, and `max_poll_records` records, gets no more
    #: until one is.
    in_flight_batches: int = 4
    #: Of a produced batch, below the broker's `message.max.bytes` (1 MiB).
    batch_bytes: int = 512 << 10
    #: Of what is produced; what others compressed, with whichever of these, is read in any case.
    compression: Literal["gzip", "lz4", "snappy", "zstd"] | None = None

    #: The watchdog ends the worker after so long with lag and without progress, or without becoming ready.
    stall_seconds: float = 120.0
    #: A crashed worker that has not ended by itself is ended after this; None leaves it alone (tests in one process).
    exit_grace: float | None = 20.0

    def __post_init__(self) -> None:
        if self.session_timeout > self.request_timeout:
            raise ValueError("session_timeout must not exceed request_timeout, or aiokafka refuses to start")
        if self.require_credentials and self.credentials is None:
            raise ValueError("credentials are required, and none are set: the connection would be plain text")
