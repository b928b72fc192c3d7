"""What the door adds: a corrected time, once; an id that a repeat shares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.intake.accept import Door, RawMessage, Refused
from ebbtide.models.policy import IntakePolicy
from ebbtide.schemas.events import Event
from ebbtide.streams.collector.items import Arrival, Bad
from ebbtide.streams.collector.stamp import named_by, stamped, written

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARRIVAL = Arrival(round(NOON.timestamp() * 1000), None, False)


def call(sent_at: Any = None, **fields: Any) -> dict[str, Any]:
    made = stamped({"type": "track", "event": "x", "userId": "u", **fields}, dict(fields), 0, ARRIVAL, sent_at=sent_at)
    assert isinstance(made, dict)
    return made


@pytest.mark.parametrize(
    ("fields", "sent_at", "expected"),
    [
        ({}, None, None),
        ({"timestamp": "2026-03-01T11:00:00Z"}, None, NOON - timedelta(hours=1)),
        # The client's clock is two hours behind: it sent at 10:00 what happened a minute before.
        ({"timestamp": "2026-03-01T09:59:00Z"}, "2026-03-01T10:00:00Z", NOON - timedelta(minutes=1)),
        # The event's own word on its sending comes before that of the batch.
        ({"timestamp": "2026-03-01T09:59:00Z", "sentAt": "2026-03-01T10:01:00Z"}, "x", NOON - timedelta(minutes=2)),
        # RudderStack sends both; the original is what was on the client's clock.
        (
            {"timestamp": "2026-03-01T11:30:00Z", "originalTimestamp": "2026-03-01T09:59:00Z"},
            "2026-03-01T10:00:00Z",
            NOON - timedelta(minutes=1),
        ),
        # History through a server's SDK keeps its time.
        ({"timestamp": "2024-03-01T12:00:00Z"}, "2026-03-01T12:00:00Z", NOON.replace(year=2024)),
    ],
)
def test_clocks_are_corrected_as_segment_does(
    fields: dict[str, Any], sent_at: str | None, expected: datetime | None
) -> None:
    found = call(sent_at, **fields)
    assert found.get("timestamp") == expected
    assert found["receivedAt"] == NOON


@given(
    behind=st.timedeltas(min_value=timedelta(days=-400), max_value=timedelta(days=400)),
    ago=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)),
)
def test_intake_takes_the_corrected_time_as_it_is(behind: timedelta, ago: timedelta) -> None:
    sent_at = NOON - behind
    made = call(sent_at.isoformat(), timestamp=(sent_at - ago).isoformat())
    value = written(made)
    verdict = Door(IntakePolicy(), "default").accept(
        RawMessage("raw-behavior", 0, 0, None, value, ARRIVAL.received_ms + 5_000), now_ms=ARRIVAL.received_ms + 5_000
    )
    assert isinstance(verdict, Event)
    assert verdict.occurred_at == NOON - ago


@pytest.mark.parametrize("bad", ["yesterday", [1], {"a": 1}, "9999-12-31T23:59:59-23:59", ""])
def test_times_that_cannot_be_read_are_left_for_intake_to_judge(bad: Any) -> None:
    made = call(None, timestamp=bad)
    verdict = Door(IntakePolicy(), "default").accept(
        RawMessage("raw-behavior", 0, 0, None, written(made), ARRIVAL.received_ms), now_ms=ARRIVAL.received_ms
    )
    assert isinstance(verdict, Refused)


def test_a_repeat_has_the_same_id_whenever_it_is_sent() -> None:
    event = {"type": "track", "event": "x", "userId": "u", "timestamp": "2026-03-01T09:00:00Z"}
    ids = set()
    for minutes in (0, 7):
        sent = {**event, "sentAt": (NOON + timedelta(minutes=minutes)).isoformat()}
        later = ARRIVAL._replace(received_ms=ARRIVAL.received_ms + minutes * 60_000)
        made = stamped(dict(sent), sent, minutes, later)
        assert isinstance(made, dict)
        ids.add(made["messageId"])
    assert len(ids) == 1


def test_the_same_action_without_a_time_counts_each_time() -> None:
    event = {"type": "track", "event": "login", "userId": "u"}
    places = [(0, ARRIVAL), (1, ARRIVAL), (0, ARRIVAL._replace(received_ms=ARRIVAL.received_ms + 1))]
    made = [stamped(dict(event), event, index, arrival) for index, arrival in places]
    assert len({one["messageId"] for one in made if isinstance(one, dict)}) == 3


def test_an_id_of_its_own_is_kept() -> None:
    assert call(messageId="m1")["messageId"] == "m1"


def test_the_order_of_fields_does_not_name_an_event() -> None:
    assert named_by({"a": 1, "b": {"c": 2, "d": 3}}) == named_by({"b": {"d": 3, "c": 2}, "a": 1, "_flush_time": 9})


def test_what_lies_too_deep_is_refused() -> None:
    deep: Any = 1
    for _ in range(600):
        deep = [deep]
    event = orjson.loads(b'{"a":' + b"[" * 600 + b"1" + b"]" * 600 + b"}")
    assert isinstance(stamped({"type": "track"}, event, 0, ARRIVAL), Bad)


def test_the_receipt_is_the_doors_word_whatever_the_client_says() -> None:
    assert call(receivedAt="2020-01-01T00:00:00Z")["receivedAt"] == NOON
