"""What is read of a record, and what it is known by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ebbtide.models.delivery.message import Position, UnreadableError, gone, read
from ebbtide.schemas.deliveries import DeliveryKind
from support.delivered import alert, record, score
from support.examples import examples, name_of

TOPICS = {"Score": "scores", "Alert": "alerts", "CustomerRecord": "customer-records"}
POSITION = Position("scores", 1, 7)


@pytest.mark.parametrize("path", examples(*TOPICS), ids=name_of)
def test_every_example_is_read_and_its_data_are_the_bytes_that_came(path: Path) -> None:
    value, topic = path.read_bytes(), TOPICS[path.parent.name]
    message = read(Position(topic, 0, 0), "key", value, 5)
    data = json.loads(value)
    assert (message.tenant, message.customer_id, message.version) == (
        data["tenant"],
        data["customer_id"],
        data["version"],
    )
    assert message.data_json() == value
    assert message.data() == data
    assert message.size == len(value)
    assert message.occurred_at == data.get("occurred_at", data.get("as_of"))


def test_types_say_what_happened() -> None:
    assert score().type == "score.updated"
    assert [alert(state=state).type for state in ("open", "updated", "resolved")] == [
        "alert.opened",
        "alert.updated",
        "alert.resolved",
    ]
    assert record().type == "customer_record.updated"


def test_one_id_for_one_version_of_one_thing() -> None:
    assert score(version=3).id == score(version=3, offset=99, partition=2).id
    several = [score(), score(version=2), score("other"), alert(), alert(version=2), alert(alert_id="x"), record()]
    assert len({one.id for one in several}) == len(several)
    assert all(one.id.startswith("msg_") for one in several)


def test_an_alert_tells_what_endpoints_choose_by() -> None:
    told = alert(suppressed={"reason": "budget"}, deliver_at="2025-01-23T08:00:00+01:00")
    assert (told.alert_kind, told.severity, told.route, told.suppressed) == ("risk", "warning", "csm", "budget")
    assert told.not_before_ms == 1_737_615_600_000
    assert alert().suppressed == ""
    assert alert().not_before_ms == 0


def test_a_tier_is_told_where_there_is_one() -> None:
    assert score(tier="danger").tier == "danger"
    assert score(tier=None).tier == ""
    assert record(fields={"health_tier": {"value": "normal"}}).tier == "normal"
    assert record(fields={"health_tier": {"value": None}}).tier == ""
    assert record(fields={}).tier == ""


def test_a_customer_that_is_gone_still_has_a_version() -> None:
    message = gone(Position("customer-records", 0, 3), "acme", "default", 9, 1_700_000_000_000)
    assert message.kind is DeliveryKind.RECORD
    assert message.type == "customer_record.gone"
    assert message.size == 0
    assert message.occurred_at == "2023-11-14T22:13:20Z"
    expected = {"tenant": "default", "customer_id": "acme", "version": 9, "gone": True}
    assert message.data() == json.loads(message.data_json()) == expected


def test_a_record_without_a_key_is_known_by_what_it_says() -> None:
    assert read(POSITION, "", score("acme").data_json(), 0).key == "acme"
    about_nobody = alert(customer_id=None).data_json()
    assert read(Position("alerts", 0, 0), "", about_nobody, 0).key == "default"


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        ("scores", b"no json"),
        ("scores", b"{}"),
        ("scores", b'\xff{"tenant": 1}'),
        ("alerts", b'{"tenant": "default"}'),
        ("customer-records", b"[]"),
    ],
)
def test_what_cannot_be_read_says_so(topic: str, value: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(Position(topic, 0, 0), "key", value, 0)


def test_a_time_that_is_none_is_unreadable() -> None:
    with pytest.raises(UnreadableError, match="isoformat"):
        alert(deliver_at="tomorrow")
