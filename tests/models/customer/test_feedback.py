"""Feedback: refused with a reason, held until its instant, counted once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.labels import Renewal
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.feedback import MOST_OUTCOMES, HeldFeedback, count_outcome, read_feedback
from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.intake.accept import RawMessage
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.dead_letter import DeadLetter, DeadLetterReason
from ebbtide.schemas.feedback import Feedback
from support.feedback import feedback, message
from support.raw import at, iso


def refused(**fields: Any) -> tuple[DeadLetterReason, str]:
    letter = read_feedback(message(feedback("c1", 3, "churned") | fields))
    assert isinstance(letter, DeadLetter)
    return letter.reason, letter.detail


def test_what_is_no_json_is_refused() -> None:
    for value in (b"churned", b"", None):
        letter = read_feedback(RawMessage("feedback", 2, 5, b"c1", value, to_ms(at(4))))
        assert isinstance(letter, DeadLetter)
        assert (letter.reason, letter.partition, letter.offset) == (DeadLetterReason.NOT_JSON, 2, 5)
        assert letter.original_bytes() == (value or b"")


def test_what_is_wrong_is_named() -> None:
    reason, detail = refused(outcome="left")
    assert reason is DeadLetterReason.INVALID
    assert detail.startswith("outcome: Input should be 'churned'")
    assert refused(action="forget")[1].startswith("action: ")
    assert "alert_type is missing: ack needs it" in refused(action="ack", outcome=None)[1]
    of_an_alert = {"outcome": None, "alert_type": "asleep"}
    assert "dismiss_reason is missing: dismiss needs it" in refused(**of_an_alert, action="dismiss")[1]
    assert "until is missing: snooze needs it" in refused(**of_an_alert, action="snooze")[1]
    assert "outcome is missing: outcome needs it" in refused(outcome=None)[1]
    assert "alert_type says nothing of outcome: leave it out" in refused(alert_type="asleep")[1]
    assert "until lies before recorded_at" in refused(**of_an_alert, action="snooze", until=iso(at(2)))[1]
    assert refused(feedback_id="x" * 65)[1].startswith("feedback_id: ")
    assert refused(mood="good")[1].startswith("mood: ")


def test_an_outcome_that_lies_ahead_is_refused() -> None:
    reason, detail = refused(occurred_at=at(9).isoformat())
    assert reason is DeadLetterReason.INVALID
    assert "occurred_at lies after recorded_at" in detail


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [
        ("churned", "churned"),
        ("renewed", "renewed"),
        ("expanded", "expanded"),
        ("downgraded", "downgraded"),
        ("won_back", "contract.signed"),
    ],
)
def test_it_counts_as_the_fact_that_says_the_same(outcome: str, counted: str) -> None:
    customer = Customer("c1", "default", "group_id", "acme")
    assert count_outcome(customer, said("f", 3, outcome, reason="product"))
    assert list(customer.feedback.values()) == [Renewal(to_ms(at(3)), counted, "product")]
    assert decode(encode(customer)).feedback == customer.feedback


def said(name: str, day: float, outcome: str = "churned", **fields: Any) -> Feedback:
    told = read_feedback(message(feedback("c1", day, outcome, name=name) | fields))
    assert isinstance(told, Feedback)
    return told


def test_the_same_twice_counts_once() -> None:
    customer = Customer("c1", "default", "group_id", "acme")
    assert [count_outcome(customer, said("f", 3)) for _ in range(2)] == [True, False]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=30), st.randoms())
def test_the_newest_are_kept_in_whatever_order_they_came(found: list[tuple[int, int]], rng: Any) -> None:
    told = [said(f"{day}-{number}", day) for day, number in found]
    one, other = (Customer("c1", "default", "group_id", "acme") for _ in range(2))
    for outcome in told:
        count_outcome(one, outcome)
    rng.shuffle(told)
    for outcome in [*told, *told]:
        count_outcome(other, outcome)
    assert one.feedback == other.feedback
    newest = sorted({(to_ms(outcome.occurred_at), outcome.feedback_id) for outcome in told})[-MOST_OUTCOMES:]
    assert {(kept.at_ms, name) for name, kept in one.feedback.items()} == set(newest)


def test_older_than_all_that_are_kept_is_no_news() -> None:
    customer = Customer("c1", "default", "group_id", "acme")
    for day in range(2, 2 + MOST_OUTCOMES):
        assert count_outcome(customer, said(f"f{day}", day))
    assert not count_outcome(customer, said("old", 1))
    assert count_outcome(customer, said("new", 30))
    assert len(customer.feedback) == MOST_OUTCOMES


def offsets(held: HeldFeedback, when: datetime) -> list[int]:
    return [record.offset for record, _ in held.take(to_ms(when))]


def test_it_is_held_until_the_instant_after_it_was_recorded() -> None:
    held = HeldFeedback((), -1)
    for offset, day in enumerate([3, 2, 2]):
        record = message(feedback("c1", day, "churned", name=f"f{offset}"), offset)
        held.put(record, Feedback.from_json(record.value or b""))
    # Recorded half a day after it occurred.
    assert offsets(held, at(2.5)) == []
    assert offsets(held, at(3)) == [1, 2]
    writes = held.take_writes()
    assert [value is None for value in writes.values()] == [False, True, True]
    assert held.take_writes() == {}
    kept = [(key, value) for key, value in writes.items() if value is not None]
    assert offsets(HeldFeedback(kept, 2), at(9)) == [0]
    # A crash came between the values and the partition's mark: it will be read again.
    assert offsets(HeldFeedback(kept, -1), at(9)) == []
