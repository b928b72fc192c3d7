"""The fast reader is stricter than the contract: what it takes, pydantic takes, and reads the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ebbtide.models.intake.decode import Call, Context, PlainFact, fast, fast_fact
from ebbtide.schemas.raw import RawBehaviour, RawContext, RawFact, raw_record

TIMES = [
    "2025-01-06T09:30:00Z",
    "2025-01-06T09:30:00.123Z",
    "2025-01-06T09:30:00.123456Z",
    "2025-01-06T09:30:00.1234567Z",
    "2025-01-06T23:59:59.9999999Z",
    "2025-01-06 09:30:00z",
    "2025-01-06T09:30:00",
    "2025-01-06T09:30:00+00:00",
    "2025-01-06T09:30:00-00:00",
    "2025-01-06T09:30:00.5+05:30",
    "2025-01-06T09:30:60Z",
    "2025-01-06T24:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59.999999Z",
    "2025-01-06",
    "1736155800",
    "soon",
]
ids = st.text(max_size=4) | st.sampled_from(["x" * 256, "x" * 257, "é" * 1024, "x" * 1025]) | st.integers() | st.none()
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
values = st.recursive(plain, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=3))
objects = st.dictionaries(st.text(max_size=4), values, max_size=3)
times = st.sampled_from(TIMES) | st.datetimes().map(lambda at: at.isoformat() + "Z") | st.integers() | st.none()
odd: st.SearchStrategy[Any] = st.one_of(plain, st.just([]), st.just({}))
contexts = st.fixed_dictionaries(
    {},
    optional={
        "groupId": ids,
        "traits": objects,
        "device": objects,
        "source": ids,
        "machine": st.booleans() | odd,
        "library": values,
        "group_id": ids,
        "unheard": values,
    },
)
calls = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "identify", "group", "page", "screen", "alias", "trace", None])},
    optional={
        **dict.fromkeys(
            ("messageId", "event", "name", "userId", "anonymousId", "previousId", "groupId", "tenant"), ids
        ),
        **dict.fromkeys(("timestamp", "originalTimestamp", "sentAt", "receivedAt"), times),
        **dict.fromkeys(("properties", "traits"), objects | odd),
        "context": contexts | odd,
        "integrations": values,
        "user_id": ids,
        "unheard": values,
    },
)


def _same(ours: Any, theirs: Any) -> None:
    if hasattr(ours, "tzinfo"):
        assert (ours, ours.utcoffset()) == (theirs, theirs.utcoffset())
        return
    assert repr(ours).replace("TzInfo(0)", "UTC") == repr(theirs).replace("TzInfo(0)", "UTC")


def _agree(value: bytes) -> bool:
    """Whether the fast reader took it; and that both read the same then."""
    call = fast(value)
    if call is None:
        return False
    known = raw_record.validate_json(value)
    assert isinstance(known, RawBehaviour)
    for name in RawBehaviour.model_fields:
        ours, theirs = getattr(call, name), getattr(known, name)
        if name == "context" and ours is not None:
            for field in RawContext.model_fields:
                _same(getattr(ours, field), getattr(theirs, field))
        else:
            _same(ours, theirs)
    return True


FIELDS = {"outcome": "renewed", "kind": "visit", "ticket_id": 7, "severity": "High", "score": "9", "amount": 12.5}
facts = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["renewal.closed", "touchpoint", "ticket.opened", "account.upserted", "survey.gone"]),
        "id": st.sampled_from(["f1", "", "x" * 1025, 7, None]) | ids,
        "occurred_at": times,
        "source": ids,
    },
    optional={
        "received_at": times,
        "ids": st.dictionaries(st.sampled_from(["group_id", "user_id", "shoe_size"]), ids, max_size=2) | odd,
        "data": st.dictionaries(st.sampled_from([*FIELDS, "unheard"]), values | st.sampled_from([*FIELDS.values()]))
        | odd,
        "tenant": ids,
        "unheard": values,
    },
)
FACT = {
    "type": "renewal.closed",
    "id": "f1",
    "occurred_at": "2025-01-06T09:30:00Z",
    "source": "crm",
    "ids": {"group_id": "acct-1"},
    "data": {"outcome": "Renewed", "unheard": [1]},
}


def _agree_on_fact(value: bytes) -> bool:
    """As ``_agree``, of a fact."""
    fact = fast_fact(value)
    if fact is None:
        return False
    known = raw_record.validate_json(value)
    assert isinstance(known, RawFact)
    for name in RawFact.model_fields:
        _same(getattr(fact, name), getattr(known, name))
    return True


@given(facts, st.booleans())
def test_what_the_fast_reader_takes_of_facts_pydantic_reads_the_same(fact: dict[str, Any], escaped: bool) -> None:
    _agree_on_fact(json.dumps(fact, ensure_ascii=escaped).encode("utf-8", "surrogatepass"))


@given(st.lists(facts, min_size=2, max_size=2))
def test_of_a_fact_s_field_that_comes_twice_the_last_counts(two: list[dict[str, Any]]) -> None:
    first, second = (json.dumps(fact)[1:-1] for fact in two)
    _agree_on_fact(f"{{{first},{second}}}".encode())


@given(st.binary(max_size=2), st.integers(0, 250))
def test_damaged_bytes_of_a_fact_are_never_read_otherwise(damage: bytes, where: int) -> None:
    value = json.dumps(FACT, ensure_ascii=False).encode()
    _agree_on_fact(value[:where] + damage + value[where + len(damage) :])


@pytest.mark.parametrize("field", ["occurred_at", "received_at"])
@pytest.mark.parametrize("time", TIMES)
def test_times_of_facts_are_read_alike(field: str, time: str) -> None:
    _agree_on_fact(json.dumps({**FACT, field: time}).encode())


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "track"},
        {"unheard": 1},
        {"id": ""},
        {"ids": {"group_id": 7}},
        {"occurred_at": "2025-01-06T09:30:00"},
        {"occurred_at": "2025-01-06T09:30:00.1234567Z"},
        {"occurred_at": "0001-01-01T00:00:00+01:00"},
        {"received_at": "0001-01-01T00:00:00+01:00"},
        {"data": {"outcome": "renewd"}},
        {"data": None},
    ],
)
def test_a_fact_that_could_be_read_otherwise_or_is_wrong_is_left_to_pydantic(wrong: dict[str, Any]) -> None:
    assert fast_fact(json.dumps({**FACT, **wrong}).encode()) is None


def test_a_plain_fact_is_read_fast_with_its_fields_as_they_are_declared() -> None:
    value = json.dumps({**FACT, "received_at": "2025-01-06T09:31:00Z", "tenant": "t"}).encode()
    assert _agree_on_fact(value)
    fact = fast_fact(value)
    assert fact is not None
    assert fact.data == {"outcome": "renewed", "unheard": [1]}


@pytest.mark.parametrize("unheard", [1, True, 1.0, "1", None, [1], [True], {"a": 1}])
@pytest.mark.parametrize("seconds", [60, 61, 60.0, "60"])
def test_fields_of_heartbeats_which_are_kept_are_those_of_each(seconds: object, unheard: object) -> None:
    for data in ({"expected_interval_seconds": 60, "unheard": 1}, {"expected_interval_s": seconds, "unheard": unheard}):
        for _ in range(2):
            _agree_on_fact(json.dumps({**FACT, "type": "source.heartbeat", "data": data}).encode())


def test_the_fast_reader_has_every_field_of_a_fact() -> None:
    assert set(RawFact.model_fields) == set(PlainFact.__struct_fields__)


@given(calls, st.booleans())
@example({"type": "track", "properties": {"deep": 1e308, "großes": [10**30, -0.0]}}, False)
def test_what_the_fast_reader_takes_pydantic_reads_the_same(call: dict[str, Any], escaped: bool) -> None:
    _agree(json.dumps(call, ensure_ascii=escaped).encode("utf-8", "surrogatepass"))


@given(st.lists(calls, min_size=2, max_size=2))
def test_of_a_field_that_comes_twice_the_last_counts(two: list[dict[str, Any]]) -> None:
    first, second = (json.dumps(call)[1:-1] for call in two)
    _agree(f"{{{first},{second}}}".encode())


@given(calls, st.binary(max_size=2), st.integers(0, 400))
def test_damaged_bytes_are_never_read_otherwise(call: dict[str, Any], damage: bytes, where: int) -> None:
    value = json.dumps(call, ensure_ascii=False).encode("utf-8", "surrogatepass")
    _agree(value[:where] + damage + value[where + len(damage) :])


@pytest.mark.parametrize("field", ["timestamp", "originalTimestamp", "sentAt", "receivedAt"])
@pytest.mark.parametrize("time", TIMES)
def test_times_are_read_alike(field: str, time: str) -> None:
    _agree(f'{{"type":"track","{field}":"{time}"}}'.encode())


@pytest.mark.parametrize(
    "value",
    [
        b'{"type":"track","timestamp":"2025-01-06T09:30:00.1234567Z"}',
        b'{"type":"track","timestamp":"2025-01-06T09:30:00\\u002e1234567Z"}',
        b'{"type":"track","timestamp":"2025-01-06T09:30:00"}',
        b'{"type":"track","sentAt":"0001-01-01T00:00:00+01:00"}',
        b'{"type":"track","user_id":"u1"}',
        b'{"type":"track","userId":1}',
        b'{"type":"track","properties":{"rate":NaN}}',
        b'{"type":"track","properties":' + b'{"a":' * 200 + b"1" + b"}" * 201,
        b'{"type":"track","properties":{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}}",
        b'{"type":"track","event":"\xff"}',
        b'{"type":"account.upserted"}',
        b"[]",
        b"",
    ],
)
def test_what_could_be_read_otherwise_is_left_to_pydantic(value: bytes) -> None:
    assert fast(value) is None


def test_a_plain_call_of_a_segment_sdk_is_read_fast() -> None:
    value = (
        b'{"type":"track","event":"login","userId":"u1","anonymousId":"a1","messageId":"m1","properties":{"n":1},'
        b'"context":{"groupId":"acct-1","source":"web","library":{"name":"analytics.js"},"userAgent":"x"},'
        b'"timestamp":"2025-01-06T09:30:00.123Z","sentAt":"2025-01-06T09:30:01Z","integrations":{"All":true}}'
    )
    assert _agree(value)
    assert type(fast(value)) is Call


def test_the_fast_reader_has_every_field_of_the_contract() -> None:
    assert set(RawBehaviour.model_fields) <= set(Call.__struct_fields__)
    assert set(RawContext.model_fields) <= set(Context.__struct_fields__)
