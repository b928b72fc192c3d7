"""What msgspec reads is what pydantic reads, and what it refuses is for pydantic to judge."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.schemas.base import adapter
from ebbtide.schemas.contracts import CONTRACTS
from ebbtide.streams.sinks import values
from ebbtide.streams.sinks.pipelines import PIPELINES
from ebbtide.streams.sinks.record import BadRecordError, RecordMeta
from ebbtide.streams.sinks.table import Pipeline, Row

CONTRACT_OF = {
    "events": "Event",
    "scores": "Score",
    "alerts": "Alert",
    "customer-records": "CustomerRecord",
    "state-changes": "StateChange",
    "identity-audit": "IdentityAudit",
    "models": "Model",
    "model-events": "ModelEvent",
    "deliveries": "Delivery",
}
EXAMPLES = Path(__file__).parents[3] / "schemas" / "ebbtide" / "schemas" / "examples"
RECORDS = [
    (topic, path.read_bytes()) for topic, name in CONTRACT_OF.items() for path in sorted((EXAMPLES / name).iterdir())
]
META = RecordMeta("t", 0, 0, 0)


def test_every_topic_is_here() -> None:
    assert set(CONTRACT_OF) == set(PIPELINES)


def by_pydantic(pipeline: Pipeline, record: bytes) -> Row | str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "decoder", _Refuses)
        return outcome(pipeline, record)


class _Refuses:
    def __init__(self, contract: type[Any]) -> None: ...

    def decode(self, record: bytes) -> None:
        raise RecursionError


def outcome(pipeline: Pipeline, record: bytes) -> Row | str:
    try:
        return pipeline.row(record, META)
    except BadRecordError as error:
        return error.reason


@pytest.mark.parametrize(("topic", "record"), RECORDS)
def test_every_example_gives_the_same_row(topic: str, record: bytes) -> None:
    assert isinstance(outcome(PIPELINES[topic], record), tuple)
    assert outcome(PIPELINES[topic], record) == by_pydantic(PIPELINES[topic], record)


WRONG = st.sampled_from(
    [
        None,
        "",
        "x",
        "7",
        7,
        2.5,
        True,
        [],
        {},
        [1],
        {"a": 1},
        2**70,
        -1,
        "2025-01-06T09:00:00",
        "2025-01-06T09:00:00+02:00",
    ]
)


@given(st.sampled_from(RECORDS), st.data())
def test_so_does_an_example_with_anything_in_it(record: tuple[str, bytes], data: st.DataObject) -> None:
    topic, good = record
    fields = orjson.loads(good)
    name = data.draw(st.sampled_from(sorted(fields)))
    if data.draw(st.booleans()):
        del fields[name]
    else:
        value = data.draw(WRONG)
        if isinstance(value, int) and value.bit_length() > 64:
            changed = good.replace(orjson.dumps(fields[name]), str(value).encode(), 1)
            assert_same(topic, changed)
            return
        fields[name] = value
    assert_same(topic, orjson.dumps(fields))


def assert_same(topic: str, record: bytes) -> None:
    found, expected = outcome(PIPELINES[topic], record), by_pydantic(PIPELINES[topic], record)
    if isinstance(found, tuple) and isinstance(expected, tuple):
        assert list(map(str, found)) == list(map(str, expected))
    else:
        assert isinstance(found, tuple) == isinstance(expected, tuple), (found, expected)


def test_contracts_are_those_of_the_declarations() -> None:
    for name in CONTRACT_OF.values():
        assert adapter(CONTRACTS[name])
