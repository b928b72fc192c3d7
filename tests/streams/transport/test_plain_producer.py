"""Without idempotence, for brokers that know no idempotent producer: the same order, the same acknowledgement."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka.errors import UnknownError

from ebbtide.streams.app import transport_config
from ebbtide.streams.brokers.tansu import TansuBroker
from ebbtide.streams.demo.stack import settings_for
from ebbtide.streams.settings import load_settings
from ebbtide.streams.transport import BatchProducer, Output, TransportConfig, build_app
from streams.brokers.clients import consume
from support.brokers import create_topics, unique_topic
from support.inline_worker import producing


@pytest.fixture(scope="module")
def tansu() -> Iterator[str]:
    with TansuBroker() as broker:
        yield broker.bootstrap


async def test_order_is_kept_over_many_batches(tansu: str) -> None:
    topic = unique_topic("order")
    create_topics(tansu, {topic: 2})
    values = [b"%d" % number for number in range(400)]
    async with producing(tansu, idempotent=False, batch_bytes=1024) as producer:
        assert producer._producer._sender._acks == -1
        await producer.send_all(Output(topic, b"k", value, partition=1) for value in values)
    assert consume(tansu, topic, 400, partition=1) == values


async def test_it_is_off_because_tansu_has_no_idempotent_producer(tansu: str) -> None:
    producer = BatchProducer({"bootstrap_servers": tansu})
    with pytest.raises(UnknownError):
        await producer.start()


def test_the_setting_reaches_the_producer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert transport_config(load_settings()).idempotent
    monkeypatch.setenv("EBBTIDE_BROKER__IDEMPOTENT", "false")
    assert not transport_config(load_settings()).idempotent
    for idempotent in (True, False):
        config = TransportConfig(app_id="a", bootstrap="a:9092", data_dir=tmp_path, idempotent=idempotent)
        assert build_app(config).batch_producer._settings["enable_idempotence"] is idempotent


def test_settings_for_a_broker_name_what_else_it_needs() -> None:
    assert settings_for("kafka://a:1").broker.idempotent
    assert not settings_for("kafka://a:1", idempotent=False).broker.idempotent
