"""Is the broker up? The only honest answer is the broker's own, to a client."""

import logging
import time
from collections.abc import Callable

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from ebbtide.streams.brokers.broker import BrokerError
from ebbtide.streams.brokers.ports import HOST, accepts

POLL_S = 0.03
ASK_MS = 2_000


class _Muted:
    """Silences kafka-python while it talks to a broker that is not up: its complaints are expected and many."""

    def __enter__(self) -> None:
        self._level = logging.getLogger("kafka").level
        logging.getLogger("kafka").setLevel(logging.CRITICAL)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("kafka").setLevel(self._level)


def answers(port: int) -> bool:
    """Whether the broker on `port` answers a metadata request and lists itself, that is, takes work."""
    if not accepts(port):
        return False
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=f"{HOST}:{port}", bootstrap_timeout_ms=ASK_MS, request_timeout_ms=ASK_MS
        )
    except (KafkaError, OSError):
        return False
    try:
        return bool(admin.describe_cluster()["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        admin.close()


def wait_until_ready(port: int, *, deadline: float, exit_code: Callable[[], int | None]) -> None:
    """Return when the broker answers; raise BrokerError when it has ended or `deadline` (monotonic) is past."""
    began = time.monotonic()
    with _Muted():
        while not answers(port):
            if (code := exit_code()) is not None:
                raise BrokerError(f"it ended with exit code {code} before it was ready")
            if time.monotonic() > deadline:
                raise BrokerError(f"it did not answer on {HOST}:{port} within {time.monotonic() - began:.0f} s")
            time.sleep(POLL_S)
