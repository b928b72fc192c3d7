"""Bytes and position in, row out: every contract against a row that was written by hand."""

import json
from datetime import UTC, datetime

import pytest

from ebbtide.schemas.alert import Alert, AlertKind, AlertState, Response
from ebbtide.schemas.base import Contract
from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.score import Contribution, Score
from ebbtide.schemas.state_change import StateChange
from ebbtide.streams.codec import TENANT_HEADER, VERSION_HEADER
from ebbtide.streams.sinks.pipelines import PIPELINES
from ebbtide.streams.sinks.record import BadRecordError, RecordMeta, Tombstone
from support.history import NOON, NOON_MS, NOON_S, alert, blind_score, customer_record, score, state_change

POSITION = {"topic": "t", "partition": 2, "offset": 17, "appended_at_ms": 1_736_164_801_000}
META = RecordMeta(**POSITION)  # type: ignore[arg-type]


def row(topic: str, record: bytes) -> dict[str, object]:
    pipeline = PIPELINES[topic]
    return dict(zip(pipeline.table.columns, pipeline.row(record, META), strict=True))


def test_score() -> None:
    assert row("scores", score().to_json()) == {
        "tenant": "default",
        "customer_id": "acct-acme",
        "version": 3,
        "occurred_at": NOON_S,
        "occurred_at_ms": NOON_MS,
        "p_churn": 0.75,
        "tier": "danger",
        "model_version": "m-7",
        "intercept": -1.5,
        "logit": 1.0,
        "calibration_before": 0.731,
        "calibration_after": 0.75,
        "contributions": '[{"feature":"silence_ratio","value":3.0,"contribution":2.5}]',
        "change_from_version": 2,
        "change_contributions": '[{"feature":"silence_ratio","contribution":0.5}]',
        "cannot_score_reason": "",
        **POSITION,
    }


def test_a_text_that_a_vendor_told_stays_a_text() -> None:
    part = Contribution(feature="attributes.plan", value="5", contribution=0.5)
    told = score().model_copy(update={"contributions": [part]})
    expected = '[{"feature":"attributes.plan","value":"5","contribution":0.5}]'
    assert row("scores", told.to_json())["contributions"] == expected
    assert row("alerts", alert().model_copy(update={"contributions": [part]}).to_json())["contributions"] == expected


def test_a_score_without_a_score() -> None:
    blind = row("scores", blind_score().to_json())
    numbers = ("p_churn", "logit", "calibration_before", "calibration_after", "change_from_version")
    assert {name: blind[name] for name in numbers} == dict.fromkeys(numbers)
    assert (blind["tier"], blind["contributions"], blind["change_contributions"]) == ("", "[]", "[]")
    assert blind["cannot_score_reason"] == "source_blind"


def test_alert() -> None:
    assert row("alerts", alert().to_json()) == {
        "tenant": "default",
        "customer_id": "acct-acme",
        "alert_id": "al-1",
        "version": 1,
        "kind": "risk",
        "type": "sudden_drop",
        "state": "open",
        "severity": "warning",
        "occurred_at": NOON_S,
        "occurred_at_ms": NOON_MS,
        "customer_name": "Acme 有限公司",
        "person_id": "",
        "p_churn": 0.75,
        "confidence": 1.0,
        "evidence": '{"queries_7d":4,"usual":41.5}',
        "contributions": '[{"feature":"silence_ratio","value":3.0,"contribution":2.5}]',
        "reasons_en": '["Queries fell by 90 %"]',
        "reasons_zh": '["查询量下降 90%"]',
        "play": "call",
        "owner": "mei",
        "route": "csm",
        "at_stake_amount": 12_000.5,
        "at_stake_currency": "CNY",
        "suppressed_reason": "",
        "resolved_reason": "",
        "priority": 0.0,
        "deliver_at": None,
        "escalated_at": None,
        "response": "",
        **POSITION,
    }


def test_an_alert_that_was_held_back_and_one_that_ended() -> None:
    assert row("alerts", alert(suppressed="snoozed").to_json())["suppressed_reason"] == "snoozed"
    assert row("alerts", alert(state=AlertState.RESOLVED).to_json())["resolved_reason"] == "recovered"
    said = Response(action="snooze", by="jo", at=NOON, until=NOON)
    answered = alert().model_copy(update={"deliver_at": NOON, "escalated_at": NOON, "response": said})
    found = row("alerts", answered.to_json())
    assert (found["deliver_at"], found["escalated_at"]) == (NOON_S, NOON_S)
    assert json.loads(str(found["response"]))["by"] == "jo"
    of_nobody = alert().model_copy(update={"customer_id": None, "kind": AlertKind.OPS})
    assert row("alerts", of_nobody.to_json())["customer_id"] == ""
    no_money = alert().model_copy(update={"at_stake": None})
    assert row("alerts", no_money.to_json())["at_stake_amount"] is None


def test_customer_record() -> None:
    made = row("customer-records", customer_record().to_json())
    fields = json.loads(str(made.pop("fields")))
    assert made == {
        "tenant": "default",
        "customer_id": "acct-acme",
        "version": 3,
        "as_of": NOON_S,
        "as_of_ms": NOON_MS,
        "anchor_type": "crm_account_id",
        "anchor_value": "001A",
        "field_values": '{"health_tier":"danger","seats":40}',
        **POSITION,
    }
    assert fields["seats"] == {"value": 40, "as_of": "2025-01-05T12:00:00.250000Z", "source": "crm"}


def test_state_change() -> None:
    assert row("state-changes", state_change().to_json()) == {
        "tenant": "default",
        "customer_id": "acct-acme",
        "version": 4,
        "occurred_at": NOON_S,
        "occurred_at_ms": NOON_MS,
        "state": "lifecycle",
        "old": "maturity",
        "new": "decline",
        "reason": "drop",
        "evidence": '{"value":31,"ratio":0.4161}',
        **POSITION,
    }
    assert row("state-changes", state_change(old=None).to_json())["old"] == ""


def test_a_state_that_a_newer_version_knows_is_refused_and_said() -> None:
    with pytest.raises(BadRecordError, match="state: ") as caught:
        row("state-changes", state_change().to_json().replace(b'"lifecycle"', b'"mood"'))
    assert caught.value.reason == "invalid"


GONE = {TENANT_HEADER: b"default", VERSION_HEADER: b"4"}


def test_a_customer_that_is_gone() -> None:
    gone = PIPELINES["customer-records"].gone
    assert gone is not None
    made = dict(zip(gone.table.columns, gone.row(Tombstone(b"acct-acme", GONE), META), strict=True))
    assert made == {"tenant": "default", "customer_id": "acct-acme", "version": 4, **POSITION}


@pytest.mark.parametrize("headers", [{}, {TENANT_HEADER: b"t"}, {VERSION_HEADER: b"4"}, GONE | {VERSION_HEADER: b"x"}])
def test_a_tombstone_of_somebody_else_is_no_row(headers: dict[str, bytes]) -> None:
    gone = PIPELINES["customer-records"].gone
    assert gone is not None
    with pytest.raises(BadRecordError, match="without a value") as caught:
        gone.row(Tombstone(b"c", headers), META)
    assert caught.value.reason == "tombstone"


def test_the_same_record_gives_the_same_row() -> None:
    for topic, record in (
        ("scores", score()),
        ("alerts", alert()),
        ("customer-records", customer_record()),
        ("state-changes", state_change()),
    ):
        assert row(topic, record.to_json()) == row(topic, record.to_json())


def test_a_field_of_a_newer_producer_is_let_through() -> None:
    newer = json.loads(score().to_json()) | {"confidence": 0.9}
    newer["contributions"][0]["unit"] = "ratio"
    assert row("scores", json.dumps(newer).encode()) == row("scores", score().to_json())


def test_evidence_that_no_reader_could_hold_is_refused() -> None:
    huge = alert().to_json().replace(b'"queries_7d":4', b'"queries_7d":' + b"9" * 30)
    with pytest.raises(BadRecordError) as caught:
        row("alerts", huge)
    assert caught.value.reason == "out_of_range"


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        (b"\xff\xfe", "invalid", "record: "),
        (b"[]", "invalid", "record: "),
        (b"{}", "invalid", "tenant: Field required"),
        (score().to_json().replace(b"acct-acme", rb"\ud800"), "invalid", ""),
        (score().to_json().replace(b'"p_churn":0.75', b'"p_churn":"high"'), "invalid", "p_churn: "),
        (score(version=2**63).to_json(), "out_of_range", "does not fit into 64 bits"),
        (score(at=datetime(1969, 12, 31, tzinfo=UTC)).to_json(), "out_of_range", "1969-12-31"),
        (score(at=datetime(2107, 1, 1, tzinfo=UTC)).to_json(), "out_of_range", "2107-01-01"),
    ],
)
def test_what_can_never_be_a_row_says_why(record: bytes, reason: str, detail: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        row("scores", record)
    assert caught.value.reason == reason
    assert detail in str(caught.value)


@pytest.mark.parametrize(
    ("contract", "elsewhere", "topic"),
    [
        (Score, {"calibration", "change"}, "scores"),
        (Alert, {"at_stake", "suppressed"}, "alerts"),
        (CustomerRecord, {"anchor"}, "customer-records"),
        (StateChange, set(), "state-changes"),
    ],
)
def test_no_field_of_a_contract_is_lost(contract: type[Contract], elsewhere: set[str], topic: str) -> None:
    """A new contract field needs a column: add a migration, and the column to the pipeline of its topic."""
    assert set(contract.model_fields) - elsewhere <= set(PIPELINES[topic].table.columns)
