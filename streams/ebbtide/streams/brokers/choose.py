"""Which embedded broker this machine can run, and why that one."""

from dataclasses import dataclass
from pathlib import Path

from ebbtide.streams.brokers import tansu
from ebbtide.streams.brokers.broker import Broker, BrokerUnavailableError
from ebbtide.streams.brokers.kafka import KafkaBroker, require_kafka
from ebbtide.streams.brokers.tansu import TansuBroker, find_tansu


@dataclass(frozen=True, slots=True)
class BrokerChoice:
    """A broker, not started yet, with what to tell the user about it."""

    broker: Broker
    reason: str  # one sentence
    warning: str | None  # what this broker cannot do; None for Apache Kafka

    @property
    def limited(self) -> bool:
        """Not Apache Kafka: nothing is kept, end offsets are wrong, producers cannot be idempotent."""
        return self.warning is not None


def choose_broker(data_dir: Path | None = None, *, port: int | None = None, durable: bool = False) -> BrokerChoice:
    """Apache Kafka where Java and its jars (or Maven) are, else Tansu with a warning; never Tansu if `durable`.

    Tansu keeps nothing, so `data_dir` does not count for it. Raises BrokerUnavailableError that says what to install.
    """
    try:
        return BrokerChoice(KafkaBroker(data_dir, port=port), require_kafka(), None)
    except BrokerUnavailableError as error:
        if durable:
            raise BrokerUnavailableError(f"no broker that keeps its data can run here. {error}") from error
        no_kafka = error
    try:
        find_tansu()
    except BrokerUnavailableError as no_tansu:
        raise BrokerUnavailableError(f"no broker can run here. {no_kafka}. Or: {no_tansu}") from no_tansu
    return BrokerChoice(
        TansuBroker(port=port), f"Tansu, because Apache Kafka cannot run here: {no_kafka}", tansu.LIMITS
    )
