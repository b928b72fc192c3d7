"""librdkafka's built-in mock cluster: a broker inside this process, up in milliseconds, for quick tests only."""

from types import TracebackType
from typing import Any, Self

from ebbtide.streams.brokers.broker import BrokerError, BrokerUnavailableError

LIMITS = (
    "librdkafka's mock cluster creates every topic that is named, with four partitions, keeps about 5 MB a partition, "
    "knows no transactions, and at times refuses a second group member. Nothing that it says about delivery counts."
)


class MockBroker:
    """A mock cluster of one broker; it lives exactly as long as the producer that carries it."""

    def __init__(self) -> None:
        self._carrier: Any = None
        self._bootstrap: str | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        if self._bootstrap is None:
            raise BrokerError("this broker has no address yet: call start() first")
        return self._bootstrap

    @property
    def alive(self) -> bool:
        return self._carrier is not None

    def start(self, *, timeout: float = 60.0) -> str:
        """Start an empty cluster on a free port, return `bootstrap`."""
        if self.alive:
            raise BrokerError(f"this broker already runs at {self.bootstrap}")
        try:
            from confluent_kafka import Producer  # noqa: PLC0415  (a dependency of tests only)
        except ImportError as error:
            raise BrokerUnavailableError("the mock cluster needs `pip install confluent-kafka`") from error
        # log_level 4: it tells at level 5 that bootstrap.servers is replaced, which is what we want.
        self._carrier = Producer({"test.mock.num.brokers": 1, "log_level": 4})
        (broker,) = self._carrier.list_topics(timeout=timeout).brokers.values()
        self._bootstrap = f"{broker.host}:{broker.port}"
        return self._bootstrap

    def stop(self) -> None:
        """End the cluster; all records are gone."""
        self._carrier = None
        self._bootstrap = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
