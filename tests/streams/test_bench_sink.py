"""The bench of the sink measures what it says, on both sides, and says when it is too slow."""

from __future__ import annotations

from random import Random

import pytest

from ebbtide.streams.bench.sink import fault, render, run
from ebbtide.streams.bench.sink_records import make_records
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.sinks.pipelines import PIPELINES
from ebbtide.streams.sinks.record import RecordMeta
from support.brokers import require_kafka_or_skip
from support.databases import require_chdb_or_skip


def result(ratio: float) -> dict[str, object]:
    side = {"bare": 100_000.0, "sink": 100_000.0 * ratio, "ratio": ratio}
    return {"records": 160_000, "sides": {"server": side}, "load_average": 1.5}


def test_less_than_half_is_a_fault() -> None:
    assert fault(result(0.5)) is None
    assert fault(result(0.49)) == "less than 0.5 of the bare insert: server 0.49"
    assert render(result(0.62)).splitlines()[1].split() == ["server", "100,000", "62,000", "0.62"]


def test_its_records_are_rows() -> None:
    made = make_records(500, Random(3))
    assert made == make_records(500, Random(3))
    assert {topic for topic, _ in made} == {"events", "scores", "state-changes"}
    for topic, record in made:
        PIPELINES[topic].row(record, RecordMeta(topic, 0, 0, 0))


def test_without_a_database_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebbtide.streams.bench.sink.installed", lambda: False)
    with pytest.raises(EbbtideError, match="no database to measure on: name a ClickHouse server"):
        run()


@pytest.mark.kafka
def test_it_measures_both_sides_on_the_embedded_history() -> None:
    require_kafka_or_skip()
    require_chdb_or_skip()
    side = run(records=4_000, batch_rows=500)["sides"]["chdb"]
    assert side["ratio"] == side["sink"] / side["bare"] > 0
