"""SDKs and librdkafka compress as they like: what they send is read, and a worker may compress as well."""

from pathlib import Path

import pytest
from confluent_kafka import Producer

from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.transport import Output
from support.brokers import create_topics, kafka, unique_topic
from support.inline_worker import SeenStage, app_on, producing, reached, running

__all__ = ["kafka"]

pytestmark = pytest.mark.kafka
CODECS = ["gzip", "snappy", "lz4", "zstd"]
VALUES = [b'{"type":"track","event":"query","userId":"u-%d"}' % number for number in range(100)]


async def test_batches_of_every_codec_arrive(kafka: KafkaBroker, tmp_path: Path) -> None:
    topic = unique_topic("compressed")
    create_topics(kafka.bootstrap, {topic: 1})
    for codec in CODECS:
        theirs = Producer({"bootstrap.servers": kafka.bootstrap, "compression.type": codec, "linger.ms": 100})
        for value in VALUES:
            theirs.produce(topic, value)
        assert theirs.flush(20) == 0
        async with producing(kafka.bootstrap, compression=codec) as ours:
            await ours.send_all([Output(topic, None, value) for value in VALUES])
    app = app_on(kafka.bootstrap, tmp_path, unique_topic("app"))
    seen = SeenStage(app, [topic])
    async with running(app):
        await reached(lambda: len(seen.offsets) >= 2 * len(CODECS) * len(VALUES), "every record")
    assert [record.value for batch in seen.batches for record in batch] == 2 * len(CODECS) * VALUES
