"""The door: every kind of bad input has its own reason, keeps its bytes and is the same letter each time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.intake import accept
from ebbtide.models.intake.accept import Door, Ignored, Punctuated, RawMessage, Refused, Verdict
from ebbtide.models.policy import IntakePolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.dead_letter import DeadLetterReason as Why
from ebbtide.schemas.events import Event, EventKind, IdentifierType

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
POLICY = IntakePolicy()
CALL: dict[str, Any] = {"type": "track", "event": "login", "userId": "u1", "messageId": "m1"}
FACT: dict[str, Any] = {
    "type": "account.upserted",
    "id": "f1",
    "occurred_at": "2025-03-01T10:00:00Z",
    "source": "crm",
    "ids": {"group_id": "g1"},
}


def record(value: bytes | None, offset: int = 7) -> RawMessage:
    return RawMessage("raw-behavior", 2, offset, b"k\xff", value, to_ms(NOW))


def judge(value: bytes | dict[str, Any] | None, now: datetime = NOW) -> Verdict:
    data = json.dumps(value).encode() if isinstance(value, dict) else value
    return Door(POLICY, "acme").accept(record(data), now_ms=to_ms(now))


BAD: dict[str, tuple[bytes | dict[str, Any], Why]] = {
    "empty": (b"", Why.NOT_JSON),
    "half a record": (b'{"type":"track"', Why.NOT_JSON),
    "null byte": (b'{"type":"tr\x00ck"}', Why.NOT_JSON),
    "only null bytes": (b"\x00\x00", Why.NOT_JSON),
    "500 lists deep": (b'{"type":"track","properties":{"a":' + b"[" * 500 + b"]" * 500 + b"}}", Why.NOT_JSON),
    "number of 5,000 digits": (b'{"type":"track","properties":{"a":' + b"9" * 5_000 + b"}}", Why.NOT_JSON),
    "half a surrogate": (b'{"type":"track","event":"\\ud800"}', Why.NOT_JSON),
    "latin-1": ('{"type":"track","event":"é"}'.encode("latin-1"), Why.NOT_UTF8),
    "no utf-8 at all": (b"\xff\xfe", Why.NOT_UTF8),
    "1 MB": (b'{"type":"track","event":"' + b"x" * 1_000_000 + b'"}', Why.TOO_LARGE),
    "null": (b"null", Why.INVALID),
    "list": (b"[]", Why.INVALID),
    "text": (b'"track"', Why.INVALID),
    "no type": ({"event": "login", "userId": "u1"}, Why.UNKNOWN_TYPE),
    "unknown type": ({**CALL, "type": "dance"}, Why.UNKNOWN_TYPE),
    "type is a list": ({**CALL, "type": ["track"]}, Why.UNKNOWN_TYPE),
    "properties are text": ({**CALL, "properties": "many"}, Why.INVALID),
    "user id is a float": ({**CALL, "userId": 1.5}, Why.INVALID),
    "user id is true": ({**CALL, "userId": True}, Why.INVALID),
    "track without event": ({"type": "track", "userId": "u1"}, Why.INVALID),
    "time is no time": ({**CALL, "timestamp": "yesterday"}, Why.INVALID),
    "time is nan": (b'{"type":"track","event":"x","userId":"u","timestamp":NaN}', Why.INVALID),
    "time is huge": (b'{"type":"track","event":"x","userId":"u","timestamp":1e300}', Why.INVALID),
    "before the calendar": ({**CALL, "timestamp": "0001-01-01T00:00:00+05:00"}, Why.INVALID),
    "clocks 9,998 years apart": (
        {
            **CALL,
            "originalTimestamp": "0001-01-02T00:00:00Z",
            "sentAt": "9999-12-30T00:00:00Z",
            "receivedAt": "2025-03-01T00:00:00Z",
        },
        Why.INVALID,
    ),
    "nobody": ({"type": "track", "event": "login"}, Why.MISSING_IDENTIFIER),
    "an hour and a second ahead": ({**CALL, "timestamp": "2025-03-01T13:00:01Z"}, Why.CLOCK_AHEAD),
    "received ahead": (
        {**CALL, "timestamp": "2025-03-01T13:30:00Z", "receivedAt": "2025-03-01T13:30:00Z"},
        Why.CLOCK_AHEAD,
    ),
    "five years and two days behind": ({**CALL, "timestamp": "2020-02-28T00:00:00Z"}, Why.CLOCK_BEHIND),
    "fact without id": ({k: v for k, v in FACT.items() if k != "id"}, Why.INVALID),
    "fact without time": ({k: v for k, v in FACT.items() if k != "occurred_at"}, Why.INVALID),
    "fact about nobody": ({**FACT, "ids": {}}, Why.MISSING_IDENTIFIER),
    "fact about a name": ({**FACT, "ids": {"name": "Acme"}}, Why.INVALID),
    "fact with a wrong value": ({**FACT, "data": {"seats": "many"}}, Why.INVALID),
    "fact without a field that it needs": ({**FACT, "type": "renewal.closed"}, Why.INVALID),
    "time to the year 2999": ({"type": "watermark.advanced", "to": "2999-01-01T00:00:00Z"}, Why.CLOCK_AHEAD),
    "punctuation with more": ({"type": "watermark.advanced", "to": "2025-01-01T00:00:00Z", "x": 1}, Why.INVALID),
}


@pytest.mark.parametrize(("value", "reason"), BAD.values(), ids=BAD)
def test_bad_input_has_its_reason_and_keeps_its_bytes(value: bytes | dict[str, Any], reason: Why) -> None:
    data = json.dumps(value).encode() if isinstance(value, dict) else value
    verdict, again = judge(data), judge(data)
    assert isinstance(verdict, Refused)
    letter = verdict.dead_letter
    assert letter.reason == reason
    assert letter.detail
    assert letter.original_bytes() == data
    assert (letter.topic, letter.partition, letter.offset) == ("raw-behavior", 2, 7)
    assert letter.key == "k\\xff"
    assert again == verdict


def test_a_letter_of_a_fact_says_what_is_wrong_as_its_sender_knows_it() -> None:
    verdict = judge({**FACT, "type": "renewal.closed", "data": {"outcome": "renewd", "value": "a lot"}})
    assert isinstance(verdict, Refused)
    assert verdict.dead_letter.detail == (
        "data.outcome: 'renewd' is none of renewed, expanded, downgraded, churned; data.value: 'a lot' is no number"
    )


def test_letters_are_named_by_place() -> None:
    one, two = (Door(POLICY, "acme").accept(record(b"", n), now_ms=to_ms(NOW)) for n in (1, 2))
    assert isinstance(one, Refused)
    assert isinstance(two, Refused)
    assert one.dead_letter.dead_letter_id != two.dead_letter.dead_letter_id
    unkeyed = Door(POLICY, "acme").accept(RawMessage("raw-crm", 0, 0, None, b"", to_ms(NOW)), now_ms=to_ms(NOW))
    assert isinstance(unkeyed, Refused)
    assert unkeyed.dead_letter.key is None


@given(st.binary(max_size=200))
def test_any_bytes_are_judged(data: bytes) -> None:
    verdict = judge(data)
    assert isinstance(verdict, Refused)
    assert verdict.dead_letter.original_bytes() == data


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_CLOCKS = ("timestamp", "sentAt", "originalTimestamp", "receivedAt", "occurred_at", "to")
_NAMES = ("userId", "anonymousId", "groupId", "event", "messageId", "tenant", "ids", "id", "source")
FIELDS = st.sampled_from((*_CLOCKS, *_NAMES, "traits", "properties", "context", "data"))
TYPES = st.sampled_from(["track", "identify", "group", "alias", "page", "account.upserted", "watermark.advanced"])


@given(TYPES, st.dictionaries(FIELDS, JSON, max_size=6))
def test_any_record_is_judged_and_judged_later_the_same(kind: str, fields: dict[str, Any]) -> None:
    body = {**CALL, **FACT, **fields, "type": kind}
    verdict = judge(body)
    assert isinstance(verdict, Event | Ignored | Refused | Punctuated)
    assert judge(body) == verdict or "nan" in repr(verdict)


@pytest.mark.parametrize("value", [CALL, FACT, *(v for v, _ in BAD.values())])
def test_a_record_judged_later_is_judged_the_same(value: bytes | dict[str, Any]) -> None:
    if value is BAD["received ahead"][0] or value is BAD["time to the year 2999"][0]:
        return  # it is the reader's clock that these contradict
    assert judge(value, NOW + timedelta(days=4_000)) == judge(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "tombstone"),
        ({**CALL, "userId": "-1"}, "unresolved"),
        ({**CALL, "userId": ""}, "unresolved"),
        ({**CALL, "userId": "u" * 1_000, "anonymousId": None} | {"userId": " null "}, "unresolved"),
        ({**FACT, "ids": {"email": "info@acme.com", "domain": "gmail.com"}}, "unresolved"),
    ],
)
def test_ignored_for_a_counted_reason(value: Any, reason: str) -> None:
    assert judge(value) == Ignored(reason)


@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        ({}, "2025-03-01T12:00:00+00:00"),
        ({"timestamp": "2025-02-01T00:00:00"}, "2025-02-01T00:00:00+00:00"),
        ({"timestamp": "2025-02-01T02:00:00+02:00"}, "2025-02-01T00:00:00+00:00"),
        ({"originalTimestamp": "2025-02-01T00:00:00Z"}, "2025-02-01T00:00:00+00:00"),
        ({"originalTimestamp": "2025-02-01T00:00:00Z", "sentAt": "2025-02-01T00:00:05Z"}, "2025-02-01T00:00:00+00:00"),
        (
            # The device's clock is a year behind; it sent the call 5 s after it happened.
            {
                "originalTimestamp": "2024-02-01T00:00:00Z",
                "sentAt": "2024-02-01T00:00:05Z",
                "receivedAt": "2025-02-01T00:00:09Z",
            },
            "2025-02-01T00:00:04+00:00",
        ),
    ],
)
def test_clock_correction_happens_once_at_the_door(clocks: dict[str, str], expected: str) -> None:
    verdict = judge({**CALL, **clocks})
    assert isinstance(verdict, Event)
    assert verdict.occurred_at.isoformat() == expected


def test_the_edges_of_the_clock_are_inside() -> None:
    for when in ("2025-03-01T13:00:00Z", "2020-02-29T12:00:00Z"):
        assert isinstance(judge({**CALL, "timestamp": when}), Event)


def test_a_call_becomes_an_event() -> None:
    verdict = judge(
        {
            **CALL,
            "userId": 42,
            "anonymousId": "a1",
            "previousId": "a0",
            "properties": {"x": 1},
            "context": {
                "groupId": " g1 ",
                "source": "web",
                "machine": True,
                "device": {"id": "d1"},
                "traits": {"email": "Jane@X.com", "phone": 7},
            },
        }
    )
    assert isinstance(verdict, Event)
    event = verdict
    assert [(i.type.value, i.value) for i in event.identifiers] == [
        ("user_id", "42"),
        ("anonymous_id", "a1"),
        ("anonymous_id", "a0"),
        ("email", "jane@x.com"),
        ("device_id", "d1"),
    ]
    assert (event.subject.value, event.account, event.tenant, event.source) == ("42", "g1", "acme", "web")
    assert (event.machine, event.kind, event.properties) == (True, EventKind.ACTIVITY, {"x": 1})


def test_a_call_without_message_id_is_named_by_its_bytes() -> None:
    body = {"type": "page", "userId": "u1"}
    one, two = judge(body), judge(body)
    assert isinstance(one, Event)
    assert one == two
    assert one.event_id.startswith("sha-")
    assert one.name == "page"


def test_a_group_call_names_its_account_and_an_identify_its_traits() -> None:
    group = judge({"type": "group", "userId": "u1", "groupId": "g1", "traits": {"name": "Acme"}})
    assert isinstance(group, Event)
    assert [i.value for i in group.identifiers] == ["u1", "g1"]
    assert (group.kind, group.properties) == (EventKind.IDENTITY, {"name": "Acme"})
    alone = judge({"type": "page", "groupId": "g1"})
    assert isinstance(alone, Event)
    assert alone.subject.type is IdentifierType.GROUP_ID
    assert alone.identifiers == [alone.subject]
    known = judge({"type": "identify", "anonymousId": "a1", "traits": {"email": "x@y.z", "phone": "1"}})
    assert isinstance(known, Event)
    assert known.subject.type is IdentifierType.EMAIL


def test_values_too_long_for_an_identifier_name_nobody() -> None:
    verdict = judge({"type": "identify", "userId": "u1", "traits": {"email": "x" * 2_000, "phone": "İ" * 1_020}})
    assert isinstance(verdict, Event)
    assert [i.type.value for i in verdict.identifiers] == ["user_id", "phone"]


def test_a_fact_belongs_to_the_account_it_names() -> None:
    verdict = judge({**FACT, "ids": {"crm_contact_id": 5, "group_id": "g1", "domain": "Acme.com"}})
    assert isinstance(verdict, Event)
    assert (verdict.subject.value, verdict.account, verdict.kind) == ("5", "g1", EventKind.FACT)
    without = judge({**FACT, "ids": {"crm_account_id": "c1"}})
    assert isinstance(without, Event)
    assert without.account is None


def test_punctuation() -> None:
    assert judge({"type": "watermark.advanced", "to": "2025-02-01T00:00:00Z", "observe": False}) == Punctuated(
        datetime(2025, 2, 1, tzinfo=UTC), observe=False
    )


def test_users_beyond_what_is_kept_are_named_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept, "_MOST_USERS", 2)
    door = Door(POLICY, "acme")
    for user in ("u1", "u2", "u3", "u1", "u3", "u3"):
        told = door.accept(record(json.dumps({**CALL, "userId": user}).encode()), now_ms=to_ms(NOW))
        assert isinstance(told, Event)
        assert told.subject.value == user


def test_the_people_of_a_call_are_those_that_it_names() -> None:
    """The same user: with another account, with another device, in another tenant."""
    door = Door(POLICY, "acme")
    calls = [CALL, {**CALL, "groupId": "g1"}, {**CALL, "anonymousId": "a1"}, {**CALL, "tenant": "other"}]
    told = [door.accept(record(json.dumps(call).encode()), now_ms=to_ms(NOW)) for call in [*calls, *calls]]
    found = [(one.account, len(one.identifiers), one.key) for one in told if isinstance(one, Event)]
    expected = [
        (None, 1, "acme/user_id/u1"),
        ("g1", 1, "acme/user_id/u1"),
        (None, 2, "acme/user_id/u1"),
        (None, 1, "other/user_id/u1"),
    ]
    assert found == expected * 2


@pytest.mark.parametrize("now", [NOW, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_what_was_received_in_the_last_second_of_the_calendar(now: datetime) -> None:
    call = {**CALL, "timestamp": "9999-12-31T23:59:59.5Z", "receivedAt": "9999-12-31T23:59:59.9Z"}
    verdict = judge(call, now)
    assert isinstance(verdict, Refused if now == NOW else Event)
