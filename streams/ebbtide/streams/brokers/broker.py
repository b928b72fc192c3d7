"""What every embedded broker is, so that a caller can take any of them."""

from types import TracebackType
from typing import Protocol, Self


class BrokerError(Exception):
    """A broker could not be started; the message says what to do about it."""


class BrokerUnavailableError(BrokerError):
    """This machine lacks a program that the broker needs (for Kafka: Java or Maven)."""


class PortInUseError(BrokerError):
    """Another program listens on the port that was asked for."""


class Broker(Protocol):
    """A broker on the loopback interface that lives no longer than the process that started it."""

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients; raises BrokerError before the first start."""

    @property
    def alive(self) -> bool:
        """Whether the broker runs now."""

    def start(self, *, timeout: float = 60.0) -> str:
        """Start, wait until the broker answers a client, and return `bootstrap`.

        `timeout` is in seconds. Raises BrokerError, with the tail of the broker's log where there is one.
        """

    def stop(self) -> None:
        """Stop cleanly, within a bounded time; does nothing when it does not run."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
