"""What the SDKs really send, recorded, and what the adapters make of it."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from ebbtide.models.policy import IntakePolicy
from ebbtide.schemas.identity import IdentityOperation, OperationKind
from ebbtide.streams.collector.bodies import unpacked
from ebbtide.streams.collector.endpoints import ENDPOINTS
from ebbtide.streams.collector.formats import facts, feedback, posthog, segment, sensors
from ebbtide.streams.collector.items import Arrival, Bad, Decided, LeftOut, Told
from ebbtide.streams.collector.judge import Judge
from ebbtide.streams.collector.keys import key_of_head
from ebbtide.streams.collector.settings import CollectorSettings
from support.goldens import GOLDEN, check_golden

SETTINGS = CollectorSettings()
# A while after the recordings, in UTC: 2026-11-23 17:30.
ARRIVAL = Arrival(1_795_455_000_000, "acme", True)
BROWSER = ARRIVAL._replace(secret=False)
RECORDED = sorted(path.name.removesuffix(".requests.ndjson") for path in (GOLDEN / "collector").glob("*.ndjson"))


def test_all_clients_are_recorded() -> None:
    assert RECORDED == [
        "analytics_next", "analytics_python", "posthog", "posthog_js", "rudder_sdk_python",
        "segment_analytics_python", "sensors_analytics_sdk",
    ]  # fmt: skip


@pytest.mark.parametrize("client", RECORDED)
def test_what_a_client_sends_becomes_these_records(client: str) -> None:
    records = []
    for line in (GOLDEN / "collector" / f"{client}.requests.ndjson").read_bytes().splitlines():
        request = orjson.loads(line)
        url = urlsplit(request["path"])
        endpoint = ENDPOINTS[url.path.rstrip("/")]
        body = unpacked(
            base64.b64decode(request["body"]),
            request["headers"].get("Content-Encoding", ""),
            endpoint.most(SETTINGS),
        )
        found = endpoint.read(body, SETTINGS)
        query = dict(part.partition("=")[::2] for part in url.query.split("&"))
        assert (key_of_head(request["headers"], query) or found.key) == "KEY"
        judged = Judge(IntakePolicy(), "default").judge(found.items(ARRIVAL), ARRIVAL.received_ms)
        assert judged.events == found.events
        assert not judged.refused
        records += [orjson.loads(output.value or b"") for output in judged.outputs]
    check_golden(f"collector/{client}", records)


def of_segment(*events: Any, arrival: Arrival = ARRIVAL, **body: Any) -> list[Any]:
    return list(segment.read(body, list(events), arrival))


def of_posthog(event: Any) -> Any:
    (item,) = posthog.read({}, [event], ARRIVAL, SETTINGS.group_types)
    return item


def of_sensors(event: Any, arrival: Arrival = ARRIVAL) -> Any:
    (item,) = sensors.read([event], arrival, SETTINGS)
    return item


def test_the_context_of_a_batch_is_that_of_its_calls() -> None:
    shared = {"groupId": "acme"}
    own, given = of_segment({"type": "track", "context": {"a": 1}}, {"type": "track"}, context=shared)
    assert own["context"] == {"a": 1}
    assert given["context"] == shared


def test_the_path_says_which_call_it_is() -> None:
    (call,) = segment.read({}, [{"type": "page", "userId": "u", "writeKey": "k"}], ARRIVAL, verb="track")
    assert call["type"] == "track"  # type: ignore[call-overload]
    assert "writeKey" not in call


@pytest.mark.parametrize(("named", "taken"), [(None, True), ("acme", True), ("other", False)])
def test_a_key_is_of_one_tenant(named: str | None, taken: bool) -> None:
    (call,) = of_segment({"type": "track", "tenant": named})
    (fact,) = facts.read({"type": "deal.won", "tenant": named}, ARRIVAL)
    (told,) = feedback.read(answer(tenant=named), ARRIVAL)
    assert [isinstance(item, Bad) for item in (call, fact, told)] == [not taken] * 3
    if taken:
        assert call["tenant"] == fact["tenant"] == "acme"  # type: ignore[call-overload]
        assert isinstance(told, Told)
        assert told.feedback.tenant == "acme"


def test_without_keys_the_record_names_its_tenant() -> None:
    nobody = ARRIVAL._replace(tenant=None)
    named, silent = of_segment({"type": "track", "tenant": "t2"}, {"type": "track"}, arrival=nobody)
    assert named["tenant"] == "t2"
    assert "tenant" not in silent


def test_facts_and_partings_need_a_key_that_is_in_no_browser() -> None:
    fact = {"type": "deal.won", "id": "d1"}
    unbind = {"type": "track_id_unbind", "identities": {"$identity_login_id": "u1", "$identity_email": "a@b.example"}}
    assert isinstance(of_segment(fact, arrival=BROWSER)[0], Bad)
    assert of_segment(fact)[0]["id"] == "d1"
    assert isinstance(of_sensors(unbind, BROWSER), Bad)
    assert isinstance(of_sensors(unbind), Decided)


def test_a_sensors_unbind_of_two_is_a_decision_about_the_two() -> None:
    event = {"type": "track_id_unbind", "identities": {"$identity_login_id": "u1", "$identity_email": "A@B.example"}}
    found, again = of_sensors(event), of_sensors(event)
    made = IdentityOperation.from_json(found.operation.to_json())
    assert (made.kind, made.tenant, made.operation_id) == (
        OperationKind.CANNOT_LINK, "acme", again.operation.operation_id,
    )  # fmt: skip
    assert {made.identifier.key, made.other.key if made.other else ""} == {"user_id/u1", "email/a@b.example"}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"distinct_id": "u1"}, {"userId": "u1"}),
        ({"distinct_id": "u1", "properties": {"$is_identified": False}}, {"anonymousId": "u1"}),
        ({"distinct_id": "v1", "properties": {"$process_person_profile": False}}, {"anonymousId": "v1"}),
        ({"distinct_id": "d1", "properties": {"$device_id": "d1"}}, {"anonymousId": "d1"}),
        ({"distinct_id": "u1", "properties": {"$device_id": "d1"}}, {"userId": "u1", "anonymousId": "d1"}),
        (
            {"distinct_id": "0190f5b4-8c2a-7000-8000-0123456789ab"},
            {"anonymousId": "0190f5b4-8c2a-7000-8000-0123456789ab"},
        ),
        (
            {"distinct_id": "0190f5b4-8c2a-7000-8000-0123456789ab", "properties": {"$is_identified": True}},
            {"userId": "0190f5b4-8c2a-7000-8000-0123456789ab"},
        ),
        (
            {"distinct_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
            {"userId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
        ),
        ({"properties": {"distinct_id": "u1"}}, {"userId": "u1"}),
    ],
)
def test_a_posthog_id_is_a_users_unless_the_event_says_otherwise(
    event: dict[str, Any], expected: dict[str, str]
) -> None:
    call = of_posthog({"event": "x", **event})
    assert {name: call[name] for name in ("userId", "anonymousId") if name in call} == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"event": "$screen", "properties": {"$screen_name": "Home"}}, {"type": "screen", "name": "Home"}),
        ({"event": "$feature_flag_called"}, {"type": "track", "context": {"machine": True}}),
        (
            {"event": "x", "properties": {"$groups": {"project": "p", "company": "acme"}}},
            {"context": {"groupId": "acme"}},
        ),
        (
            {"event": "$identify", "$set": {"plan": "pro"}},
            {"type": "identify", "userId": "u1", "traits": {"plan": "pro"}},
        ),
        (
            {"event": "$create_alias", "properties": {"$user_id": "u1", "alias": "v"}},
            {"type": "alias", "userId": "u1", "previousId": "v"},
        ),
        (
            {"event": "$create_alias", "properties": {"distinct_id": "v", "alias": "u2"}},
            {"type": "alias", "userId": "u2", "previousId": "v"},
        ),
        ({"event": "$groupidentify", "properties": {"$group_type": "project"}}, LeftOut("other_group_type")),
        ({"event": ""}, "event: its name is missing"),
        ({"event": "x", "properties": [1]}, "properties: an object is needed"),
    ],
)  # fmt: skip
def test_posthog_events(event: dict[str, Any], expected: Any) -> None:
    found = of_posthog({"distinct_id": "u1", **event})
    if isinstance(found, Bad):
        assert found.detail == expected
    elif isinstance(found, LeftOut):
        assert found == expected
    else:
        assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "profile_append"}, LeftOut("unsupported_verb")),
        ({"type": "item_set", "item_type": "song", "properties": {}}, LeftOut("other_item_type")),
        ({"type": "nonsense", "properties": {}}, "type: 'nonsense' is none of Sensors'"),
        ({"type": "track"}, "properties: an object is needed"),
        (
            {"type": "track", "event": "$AppViewScreen", "properties": {"$screen_name": "Home"}},
            {"type": "screen", "name": "Home"},
        ),
        (
            {"type": "track", "event": "x", "properties": {}, "login_id": "u1", "anonymous_id": "a1"},
            {"userId": "u1", "anonymousId": "a1"},
        ),
        (
            {
                "type": "track_id_bind",
                "properties": {},
                "identities": {"$identity_login_id": "u1", "$identity_email": "e"},
            },
            {"type": "alias", "userId": "u1", "context": {"traits": {"email": "e"}}},
        ),
        (
            {
                "type": "track",
                "event": "x",
                "properties": {},
                "identities": {"$identity_ios_uuid": "i", "$identity_a": "a"},
            },
            {"anonymousId": "a", "context": {"traits": {}, "device": {"id": "i"}}},
        ),
        (
            {"type": "track", "event": "x", "properties": {}, "identities": {"a": "1", "b": "2", "c": "3"}},
            "identities: of visitors' ids at most two are read at a time",
        ),
    ],
)  # fmt: skip
def test_sensors_events(event: dict[str, Any], expected: Any) -> None:
    found = of_sensors({"distinct_id": "d1", "time": 1_795_454_000_000, **event})
    if isinstance(found, Bad):
        assert found.detail == expected
    elif isinstance(found, LeftOut):
        assert found == expected
    else:
        assert {name: found[name] for name in expected} == expected


def answer(**others: Any) -> dict[str, Any]:
    told = {"customer_id": "c1", "by": "kim", "action": "ack", "alert_type": "sudden_drop"}
    return {name: value for name, value in (told | others).items() if value is not None}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (answer(), None),
        (answer(action="dismiss", dismiss_reason="wrong"), None),
        (answer(action="snooze", until="2027-01-01T00:00:00Z"), None),
        (answer(action="outcome", alert_type=None, outcome="churned", occurred_at="2026-10-01T00:00:00Z"), None),
        (answer(action="dismiss"), "dismiss_reason is missing"),
        (answer(action="snooze", until="2020-01-01T00:00:00Z"), "until lies before recorded_at"),
        (answer(customer_id=None), "customer_id: Field required"),
        (answer(by=None), "by: Field required"),
        (
            answer(action="outcome", alert_type=None, outcome="churned", occurred_at="2030-01-01T00:00:00Z"),
            "occurred_at lies after recorded_at",
        ),
        (answer(alert_type="fleet_drop"), "alert_type: fleet_drop is about no customer"),
        (answer(colour="red"), "colour: Extra inputs"),
        ([1], "feedback: an object is needed"),
    ],
)  # fmt: skip
def test_feedback_is_what_the_topic_takes(given: Any, fault: str | None) -> None:
    (item,) = feedback.read(given, ARRIVAL)
    if fault is None:
        assert isinstance(item, Told)
        assert item.feedback.recorded_at == ARRIVAL.received_at
        assert item.feedback.tenant == "acme"
    else:
        assert isinstance(item, Bad)
        assert fault in item.detail


def test_feedback_with_an_id_of_its_own_keeps_it_and_others_differ_by_receipt() -> None:
    (first,), (again,) = (list(feedback.read(answer(feedback_id="f1"), ARRIVAL)) for _ in range(2))
    assert isinstance(first, Told)
    assert first == again
    later = ARRIVAL._replace(received_ms=ARRIVAL.received_ms + 1)
    (one,), (other,) = feedback.read(answer(), ARRIVAL), feedback.read(answer(), later)
    assert isinstance(one, Told)
    assert isinstance(other, Told)
    assert one.feedback.feedback_id != other.feedback.feedback_id
