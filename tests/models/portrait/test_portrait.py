"""A whole portrait, and that it says what the worker's record says."""

from __future__ import annotations

import pytest

from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import CorePolicy
from ebbtide.models.portrait.dates import date_of
from ebbtide.models.portrait.portrait import portrait
from support.customers import SETTLED, acme, customer, share
from support.raw import DAY_0, NOW, at, fact, in_account, messages, track

POLICY = CorePolicy()


def test_what_is_stored_and_read_again_has_the_same_portrait() -> None:
    made = acme()
    settled = DAY_0 + SETTLED
    found = portrait(decode(encode(made)), settled, POLICY)
    assert found == portrait(made, settled, POLICY)
    assert (found.kind, found.record.version, found.record.as_of) == ("account", 12, at(SETTLED))
    assert found.evaluated == date_of(settled)
    assert [(told.type, told.at) for told in found.facts] == [
        ("survey.answered", at(180, 3_600)),
        ("contract.signed", at(1)),
    ]
    score = found.score
    assert score is not None
    assert [part.feature for part in score.parts[:3]] == ["recency_per_cadence", "active_days_28d", "recency"]
    assert score.parts[0].says_en == "a silence of 3.57 times its usual gap"
    assert score.parts[0].says_zh == "沉默时长为其平时间隔的3.57倍"
    assert score.reasons.en[1] == "a silence of 3.57 times its usual gap: raises the risk, odds × 2.12"
    assert len(score.reasons.en) == len(score.reasons.zh) == 4
    assert score.intercept + sum(part.contribution for part in score.parts) == pytest.approx(score.logit)
    assert score.as_of == date_of(settled)


def test_who_was_never_scored_has_no_score_and_of_older_states_the_day_is_unknown() -> None:
    quiet = customer("group_id/quiet", ann=share("user_id/ann", {}))
    assert portrait(quiet, None, POLICY).score is None
    made = acme()
    made.scored_day = None
    made.settled_day = None
    found = portrait(made, None, POLICY)
    assert found.score is not None
    assert (found.score.as_of, found.evaluated) == (None, None)


def test_the_record_is_the_one_that_the_worker_publishes() -> None:
    bodies = [
        fact("account.upserted", at(0), "f-1", {"group_id": "acme"}, name="Acme Ltd", seats=4),
        *(track("query", at(day, 60), f"m-{day}", **in_account("acme")) for day in range(20)),
        track("query", at(24, 60), "m-24", user="u2"),
    ]
    pipeline = Pipeline(POLICY)
    list(pipeline.feed(messages(bodies), now=NOW))
    list(pipeline.close(at(26)))
    shard = pipeline.customers
    assert {one.kind for one in shard.customers.values()} == {"account", "person"}
    for stored in shard.customers.values():
        assert shard.fleet(stored) is not None
        found = portrait(decode(encode(stored)), shard.settled_day, POLICY, shard.fleet(stored))
        assert found.record == shard.record(stored)
        fields = {name: field.value for name, field in found.record.fields.items()}
        assert fields["silence_days"] == (None if found.rhythm is None else found.rhythm.silence_days)
        assert fields["query_count_30d"] == found.counts["queries"].windows[30]
        assert fields["total_event_count"] == found.counts["events"].total
        assert fields["open_alerts"] == sorted(alert.type for alert in found.alerts)
