"""Raw examples through the real path, against what was read and accepted before."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ebbtide.models.customer.fields import FIELDS
from ebbtide.models.intake.accept import Ignored, Punctuated, Refused, Verdict
from ebbtide.schemas.events import Event
from ebbtide.schemas.fleet import ChannelSpend, SourceHeartbeat
from support.examples import examples, in_time_order, judged, name_of, records, run, told
from support.goldens import check_golden

SPRING = datetime(2025, 4, 21, tzinfo=UTC)


@pytest.mark.parametrize("path", examples("RawBehaviour", "RawFact", "RawPunctuation"), ids=name_of)
def test_one_record_alone(path: Path) -> None:
    """What the door says to it, what leaves the topology by the end of its day, and the customer it makes."""
    pipeline, outputs = run([path])
    found = {"door": _told(judged(path)), "out": told(outputs), "customers": records(pipeline)}
    check_golden(name_of(path), found)


def test_all_records_as_one_history() -> None:
    """The examples are one story: Acme signs, Jane is active for a week, then silence, and the alerts that follow."""
    pipeline, outputs = run(in_time_order(examples("RawBehaviour", "RawFact")), SPRING)
    out = told(outputs)
    found = {
        "alerts": [_without(o["record"], "contributions") for o in out if o["topic"] == "alerts"],
        "scores": [
            {name: o["record"][name] for name in ("customer_id", "version", "occurred_at", "p_churn", "tier")}
            for o in out
            if o["topic"] == "scores"
        ],
        "examples": [_without(o["record"], "features") for o in out if o["topic"] == "training-examples"],
        "customers": records(pipeline),
    }
    check_golden("history", found)


def test_the_same_record_twice_is_the_same_history() -> None:
    paths = in_time_order(examples("RawBehaviour", "RawFact"))
    once, _ = run(paths, SPRING)
    twice, _ = run([again for path in paths for again in (path, path)], SPRING)
    assert twice.profiles.duplicates == once.profiles.accepted == twice.profiles.accepted
    assert records(twice) == records(once)


def test_a_record_has_the_declared_fields_in_order() -> None:
    pipeline, _ = run(in_time_order(examples("RawBehaviour", "RawFact")), SPRING)
    for record in records(pipeline):
        assert list(record["fields"]) == [field.name for field in FIELDS]
        for field in FIELDS:
            assert record["fields"][field.name]["source"] in {field.source, "crm", "web"}


def _told(verdict: Verdict) -> dict[str, Any]:
    match verdict:
        case SourceHeartbeat() | ChannelSpend() as about_nobody:
            return {"accepted": json.loads(about_nobody.to_json())}
        case Event() as event:
            return {"accepted": json.loads(event.to_json())}
        case Refused(letter):
            return {"refused": json.loads(letter.to_json())}
        case Ignored(reason):
            return {"ignored": reason}
        case Punctuated(to, observe):
            return {"punctuated": to.isoformat(), "observe": observe}


def _without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}
