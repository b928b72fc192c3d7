"""Sensors' `track_id_unbind` of one identity, as its SDKs send it."""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.policy import IntakePolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.identity import IdentityOperation, OperationKind
from ebbtide.streams.collector.formats import sensors
from ebbtide.streams.collector.items import Arrival, Bad, Decided
from ebbtide.streams.collector.judge import Judge
from ebbtide.streams.collector.settings import CollectorSettings

NOW = 1_795_455_000_000
ARRIVAL = Arrival(NOW, "acme", True)
UNBIND = {
    "type": "track_id_unbind",
    "event": "$UnbindID",
    "time": NOW - 2,
    "distinct_id": "$identity_mobile+187",
    "identities": {"$identity_mobile": "187"},
    "properties": {},
}
BIND = {**UNBIND, "type": "track_id_bind", "identities": {"$identity_login_id": "u2", "$identity_mobile": "187"}}
TRACK = {**UNBIND, "type": "track", "event": "Called"}


def read(*events: Any, arrival: Arrival = ARRIVAL) -> list[Any]:
    return list(sensors.read(list(events), arrival, CollectorSettings()))


@pytest.mark.parametrize(
    ("identities", "key"),
    [
        ({"$identity_mobile": "18712345678"}, "phone/18712345678"),
        ({"$identity_login_id": "u1"}, "user_id/u1"),
        ({"$identity_email": "A@B.example"}, "email/a@b.example"),
        ({"$identity_android_uuid": "d1"}, "device_id/d1"),
        ({"$identity_cookie_id": "v1"}, "anonymous_id/v1"),
    ],
)
def test_it_parts_the_identity_from_its_user(identities: dict[str, str], key: str) -> None:
    (found,) = read({**UNBIND, "identities": identities})
    made = IdentityOperation.from_json(found.operation.to_json())
    assert (made.kind, made.tenant, made.identifier.key, made.other) == (OperationKind.UNBIND, "acme", key, None)
    (again,) = read(
        {**UNBIND, "identities": identities, "_flush_time": NOW}, arrival=ARRIVAL._replace(received_ms=NOW + 9)
    )
    assert made.operation_id == again.operation.operation_id


@pytest.mark.parametrize(
    ("told", "before_ms"),
    [
        ({}, 2),
        ({"time": None}, 0),
        ({"time": NOW + 3_599_000, "_flush_time": NOW + 3_600_000}, 1_000),
    ],
    ids=["told", "not told", "by a clock that is ahead"],
)
def test_its_time_is_that_by_the_clock_of_receipt(told: dict[str, Any], before_ms: int) -> None:
    (found,) = read({**UNBIND, **told})
    assert to_ms(found.operation.decided_at) == NOW - before_ms


@pytest.mark.parametrize(
    ("events", "before_ms"),
    [
        ([UNBIND, BIND], 3),
        ([UNBIND, TRACK, BIND, "no event"], 3),
        ([UNBIND, {**BIND, "time": NOW - 1}], 2),
        ([UNBIND, {**BIND, "identities": {"$identity_login_id": "u2", "$identity_mobile": "188"}}], 2),
        ([UNBIND, {**BIND, "identities": None}], 2),
        ([UNBIND, "no event", BIND], 2),
        ([BIND, UNBIND], 2),
    ],
    ids=[
        "in one go",
        "with one between",
        "a millisecond later",
        "another phone",
        "nobody",
        "a gap",
        "before it",
    ],
)
def test_a_bind_behind_it_counts_also_in_its_millisecond(events: list[Any], before_ms: int) -> None:
    (found,) = [item for item in read(*events) if isinstance(item, Decided)]
    assert to_ms(found.operation.decided_at) == NOW - before_ms


DEEP: Any = {}
for _ in range(300):
    DEEP = {"more": DEEP}


@pytest.mark.parametrize(
    ("told", "detail"),
    [
        ({"identities": {}}, "names one to unbind, or two to part"),
        ({"identities": ["$identity_mobile"]}, "names one to unbind, or two to part"),
        ({"identities": {"a": "1", "b": "2", "c": "3"}}, "names one to unbind, or two to part"),
        ({"identities": {"$identity_mobile": 187}}, "as text"),
        ({"identities": {"$identity_login_id": "null"}}, "names nobody"),
        ({"time": "yesterday"}, "event: "),
        ({"time": 253_402_300_799_000, "_flush_time": -62_135_596_800_000}, "event: "),
        ({"properties": DEEP}, "event: "),
    ],
)
def test_what_cannot_be_is_refused_with_the_place(told: dict[str, Any], detail: str) -> None:
    (found,) = read({**UNBIND, **told})
    assert isinstance(found, Bad)
    assert detail in found.detail


def test_it_needs_a_key_that_is_in_no_browser() -> None:
    (found,) = read(UNBIND, arrival=ARRIVAL._replace(secret=False))
    assert isinstance(found, Bad)
    assert "secret key" in found.detail


def test_one_of_the_future_is_refused_as_events_are() -> None:
    judge = Judge(IntakePolicy(), "acme").judge
    assert judge(read({**UNBIND, "time": NOW + 60_000}), NOW).accepted == 1
    judged = judge(read({**UNBIND, "time": NOW + 86_400_000}), NOW)
    assert [(one.reason, one.output) for one in judged.refused] == [("clock_ahead", None)]
    assert judged.outputs == []
