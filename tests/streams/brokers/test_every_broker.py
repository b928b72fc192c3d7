"""What holds for every embedded broker: a new one adds a line to BROKERS and inherits the rest."""

from collections.abc import Callable

import pytest

from ebbtide.streams.brokers.broker import Broker, BrokerError
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.brokers.mock import MockBroker
from ebbtide.streams.brokers.tansu import TansuBroker
from support.brokers import create_topics, require_kafka_or_skip, unique_topic

from .clients import consume, produce

BROKERS = [
    pytest.param(KafkaBroker, marks=pytest.mark.kafka, id="kafka"),
    pytest.param(TansuBroker, id="tansu"),
    pytest.param(MockBroker, id="mock"),
]
VALUES = [b"value %d" % n for n in range(200)]

Processes = Callable[[], list[int]]


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Broker:
    kind: Callable[[], Broker] = request.param
    if kind is KafkaBroker:
        require_kafka_or_skip()
    return kind()


@pytest.mark.parametrize("broker", BROKERS, indirect=True)
def test_records_come_back_in_order_and_no_process_stays(broker: Broker, processes: Processes) -> None:
    topic = unique_topic()
    bootstrap = broker.start()
    try:
        assert broker.alive
        assert broker.bootstrap == bootstrap
        if not isinstance(broker, MockBroker):  # it makes topics by itself and cannot be asked to
            create_topics(bootstrap, {topic: 3})
        produce(bootstrap, topic, VALUES, partition=2)
        assert consume(bootstrap, topic, len(VALUES), partition=2) == VALUES
    finally:
        broker.stop()
    assert not broker.alive
    assert processes() == []


@pytest.mark.parametrize("broker", BROKERS, indirect=True)
def test_address_is_known_from_the_start_on(broker: Broker, processes: Processes) -> None:
    with pytest.raises(BrokerError, match="start"):
        _ = broker.bootstrap
    broker.stop()  # nothing to do, and no error
    with broker as running:
        assert running.bootstrap.startswith("127.0.0.1:")
        with pytest.raises(BrokerError, match="already runs"):
            broker.start()
    assert processes() == []
