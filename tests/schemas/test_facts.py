"""The declarations of the CRM facts: what is read, in which words, and what is said of the rest."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from pydantic import ValidationError

from ebbtide.schemas.contracts import json_schema
from ebbtide.schemas.facts import FACTS, FactError, fitting, read
from ebbtide.schemas.raw import FactType, RawFact
from support.facts import facts
from support.json_schema import faults

FACT = {"id": "f", "occurred_at": "2025-01-06T09:00:00Z", "source": "crm", "ids": {"group_id": "g1"}}


def test_every_type_is_declared() -> None:
    assert tuple(FACTS) == get_args(FactType)


def test_no_other_name_hides_a_field() -> None:
    for fields in FACTS.values():
        assert set(fields.also.values()) <= set(fields.model_fields)
        assert not set(fields.also) & set(fields.model_fields)


@given(facts())
def test_what_is_right_is_read_as_it_is(fact: tuple[str, dict[str, Any]]) -> None:
    kind, data = fact
    assert read(kind, data) == data
    assert faults({**FACT, "type": kind, "data": data}, json_schema("RawFact")) == []


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("account.upserted", {"name": " Acme ", "tier": 1, "x": None, "y": " "}, {"name": "Acme", "tier": "1"}),
        ("account.upserted", {"name": None, "industry": "", "seats": "25"}, {"seats": 25}),
        ("account.upserted", {"licensed_seats": 25.0, "csm": "mei"}, {"seats": 25, "owner": "mei"}),
        ("account.upserted", {"licensed_seats": 7, "seats": None}, {"seats": 7}),
        ("account.upserted", {"licensed_seats": 7, "seats": 8}, {"seats": 8, "licensed_seats": 7}),
        ("account.upserted", {"mrr": " 1240.50", "currency": "usd"}, {"mrr": 1240.5, "currency": "USD"}),
        ("contact.left", {"role": "Key-Person", "since": [None]}, {"role": "key_person", "since": [None]}),
        ("contract.signed", {"end_date": "2026-01-06"}, {"end": "2026-01-06T00:00:00Z"}),
        ("contract.signed", {"start": "2026-01-06t02:00:00.5+02:00"}, {"start": "2026-01-06T00:00:00.500000Z"}),
        ("contract.signed", {"start": "2026-01-06 10:00", "end": "9999-12-31"}, None),
        (
            "renewal.closed",
            {"status": "Renewed", "reason": "not target"},
            {"outcome": "renewed", "reason": "not_target"},
        ),
        ("deal.won", {"deal_id": 7, "value": 3}, {"deal_id": "7", "amount": 3.0}),
        ("ticket.opened", {"ticket_id": "t", "priority": "Urgent"}, {"ticket_id": "t", "severity": "critical"}),
        ("survey.answered", {"kind": "CSAT", "score": "4.5"}, {"kind": "csat", "score": 4.5}),
        ("source.heartbeat", {"expected_interval_s": 60}, {"expected_interval_seconds": 60}),
        ("account.upserted", {"attributes": {}}, {"attributes": {}}),
        (
            "lead.upserted",
            {"attributes": {" plan ": " pro ", "seats": 5, "paid": True, "x": None, "y": " ", " ": ""}},
            {"attributes": {"plan": "pro", "seats": 5.0, "paid": True}},
        ),
        (
            "contact.upserted",
            {"attributes": {"n" * 64: "v" * 64, "least": -1e12, "most": 1e12, "zip": "0815"}},
            {"attributes": {"n" * 64: "v" * 64, "least": -1e12, "most": 1e12, "zip": "0815"}},
        ),
        (
            "account.upserted",
            {"attributes": {"a": "b"} | dict.fromkeys(map(str, range(99)))},
            {"attributes": {"a": "b"}},
        ),
    ],
)
def test_what_can_mean_one_thing_only_is_read_so(
    kind: str, data: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    found = read(kind, data)
    assert found == (expected or {"start": "2026-01-06T10:00:00Z", "end": "9999-12-31T00:00:00Z"})
    assert read(kind, found) == found


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        (
            "renewal.closed",
            {"outcome": "renewd"},
            "data.outcome: 'renewd' is none of renewed, expanded, downgraded, churned",
        ),
        ("renewal.closed", {"outcome": None}, "data.outcome: is required"),
        ("renewal.closed", {"outcome": ["churned"]}, "data.outcome: ['churned'] is none of renewed, expanded,"),
        ("account.upserted", {"seats": -1}, "data.seats: -1 is less than 0"),
        ("account.upserted", {"seats": 10**10}, "data.seats: 10000000000 is more than 1,000,000,000"),
        ("account.upserted", {"seats": 10**400}, "… is more than 1,000,000,000"),
        ("account.upserted", {"seats": 2.5}, "data.seats: 2.5 is no whole number"),
        ("account.upserted", {"seats": "2,500"}, "data.seats: '2,500' is no number"),
        ("account.upserted", {"seats": True}, "data.seats: True is no number"),
        ("account.upserted", {"licensed_seats": "many"}, "data.seats: 'many' is no number"),
        ("account.upserted", {"mrr": "€ 5", "name": {"en": "x"}}, "data.name: {'en': 'x'} is no text; data.mrr: '€ 5'"),
        ("account.upserted", {"mrr": float("nan")}, "data.mrr: nan is no number"),
        ("account.upserted", {"mrr": 10**400}, "… is no number"),
        ("account.upserted", {"mrr": 2e12}, "is more than 1,000,000,000,000"),
        ("account.upserted", {"currency": "€"}, "data.currency: '€' is no ISO 4217 code such as USD"),
        ("account.upserted", {"name": "x" * 1025}, "data.name: has more than 1,024 characters"),
        ("account.upserted", {"attributes": "plan=pro"}, "data.attributes: 'plan=pro' is no object"),
        (
            "account.upserted",
            {"attributes": {"n" * 65: 1}},
            "data.attributes: 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn… is no name of 1 to 64",
        ),
        ("account.upserted", {"attributes": {" ": 1}}, "data.attributes: ' ' is no name of 1 to 64 characters"),
        (
            "account.upserted",
            {"attributes": {"plan": ["pro"]}},
            "data.attributes: ['pro'] of 'plan' is no text, number or boolean",
        ),
        ("account.upserted", {"attributes": {"plan": "x" * 65}}, "… of 'plan' has more than 64 characters"),
        (
            "contact.upserted",
            {"attributes": {"arr": float("nan")}},
            "data.attributes: nan of 'arr' is no number from -1e+12 to 1e+12",
        ),
        ("lead.upserted", {"attributes": {"arr": 10**400}}, "… of 'arr' is no number from -1e+12 to 1e+12"),
        ("lead.upserted", {"attributes": {"arr": -1e13}}, "-10000000000000.0 of 'arr' is no number from -1e+12 to"),
        (
            "lead.upserted",
            {"attributes": dict.fromkeys(map(str, range(33)), 0)},
            "data.attributes: has 33 names, more than 32",
        ),
        ("account.merged", {}, "data.into: is required"),
        ("contract.signed", {"end": "06/01/2026"}, "data.end: '06/01/2026' is no date or RFC 3339 time"),
        ("contract.signed", {"end": 1767657600}, "data.end: 1767657600 is no date or RFC 3339 time"),
        ("contract.signed", {"end": "2026-02-30"}, "data.end: '2026-02-30' is no date"),
        ("contract.signed", {"end": "0001-01-01T00:00:00+05:00"}, "is no date or RFC 3339 time"),
        (
            "contract.signed",
            {"start": "2026-01-06", "end": "2025-01-06"},
            "data: end 2025-01-06T00:00:00Z is before start 2026-01-06T00:00:00Z",
        ),
        ("survey.answered", {"kind": "nps", "score": 11}, "data: score 11 of nps is not a whole number from 0 to 10"),
        ("survey.answered", {"kind": "nps", "score": 9.5}, "data: score 9.5 of nps is not a whole number from 0 to 10"),
        ("survey.answered", {"kind": "csat", "score": 0}, "data: score 0 of csat is not from 1 to 5"),
        ("channel.spend", {"channel": "search", "amount": -1}, "data.amount: -1 is less than 0"),
        ("source.heartbeat", {"expected_interval": 0}, "data.expected_interval_seconds: 0 is less than 1"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_sender(kind: str, data: dict[str, Any], told: str) -> None:
    with pytest.raises(FactError) as caught:
        read(kind, data)
    assert told in caught.value.told("data")
    with pytest.raises(ValidationError) as refused:
        RawFact.model_validate({**FACT, "type": kind, "data": data})
    assert caught.value.told("data") in str(refused.value)


def test_a_fact_that_needs_fields_needs_data() -> None:
    with pytest.raises(ValidationError, match=r"data\.outcome: is required"):
        RawFact.model_validate({**FACT, "type": "renewal.closed"})
    assert faults({**FACT, "type": "renewal.closed"}, json_schema("RawFact")) == ["$: data is missing"]


def test_a_type_that_there_is_not_is_at_fault_itself() -> None:
    with pytest.raises(ValidationError) as refused:
        RawFact.model_validate({**FACT, "type": "renewal.foretold", "data": {"outcome": "renewd"}})
    assert [error["loc"] for error in refused.value.errors()] == [("type",)]


def test_of_traits_only_what_fits_is_read() -> None:
    assert fitting("contact.upserted", {"role": "Chief of Data", "title": "CDO", "x": 1}) == {"title": "CDO", "x": 1}
    assert fitting("account.upserted", {"licensed_seats": "a few", "name": "Acme"}) == {"name": "Acme"}
    assert fitting("account.upserted", {"attributes": {"a": 1, "b": [2]}, "name": "Acme"}) == {"name": "Acme"}
