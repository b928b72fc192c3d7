"""Looking at a customer only when something is due is the same as looking at everybody every day."""

from __future__ import annotations

from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.evaluation import Evaluator
from ebbtide.models.customer.rhythm import rhythm
from ebbtide.models.customer.timers import Timers
from ebbtide.models.customer.view import View
from ebbtide.models.intake.facts import BEHAVIOUR
from ebbtide.models.policy import BaselinePolicy, CorePolicy
from support.blind import beats
from support.histories import POLICY, history
from support.told import drive, records

SEEDS = st.integers(0, 10_000)
POLICIES = st.builds(
    lambda weeks, least, actions: POLICY.model_copy(
        update={"baseline": BaselinePolicy(weeks=weeks, min_weeks=least, min_actions=actions)}
    ),
    st.integers(2, 6),
    st.integers(1, 4),
    st.integers(1, 20),
)


OUTAGES = st.lists(st.tuples(st.integers(30, 95), st.integers(2, 12)), max_size=4)
"""First day and number of days."""


@settings(max_examples=8)
@given(SEEDS, POLICIES)
# A key person is silent for longer than a loss stays open, because on most of the days the fleet was down.
@example(10_000, POLICY.model_copy(update={"baseline": BaselinePolicy(weeks=2, min_weeks=1, min_actions=1)}))
def test_due_is_brute_force(seed: int, policy: CorePolicy) -> None:
    is_brute_force(history(seed, days=100), policy)


@settings(max_examples=8)
@given(SEEDS, POLICIES, OUTAGES)
def test_due_is_brute_force_where_days_are_blind(seed: int, policy: CorePolicy, outages: list[tuple[int, int]]) -> None:
    is_brute_force(with_outages(seed, outages), policy)


@settings(max_examples=8)
@given(SEEDS, POLICIES, OUTAGES)
def test_a_trend_that_is_usual_is_looked_at_no_further_and_also_where_days_are_blind(
    seed: int, policy: CorePolicy, outages: list[tuple[int, int]]
) -> None:
    bodies = with_outages(seed, outages)
    short, expected = drive(bodies, policy)
    with patch.object(Evaluator, "_trend_is_usual", return_value=False):
        full, found = drive(bodies, policy)
    assert found == expected
    assert records(full) == records(short)


@settings(max_examples=8)
@given(SEEDS, POLICIES)
@example(315, POLICY.model_copy(update={"baseline": BaselinePolicy(weeks=2, min_weeks=1, min_actions=1)}))
def test_what_was_asked_of_another_day_says_nothing_of_this_one(seed: int, policy: CorePolicy) -> None:
    """As where a record is built between two looks: of a day already begun, or of one that partitions see later."""
    bodies, settle, random = history(seed, days=100), Evaluator.settle, Random(seed)

    def settle_after_a_record(
        self: Evaluator, customer: Customer, view: View, day: int, *rest: Any, **more: Any
    ) -> Any:
        rhythm(view, day + random.randint(-40, 7), policy.cadence)
        return settle(self, customer, view, day, *rest, **more)

    undisturbed, expected = drive(bodies, policy)
    with patch.object(Evaluator, "settle", settle_after_a_record):
        disturbed, found = drive(bodies, policy)
    assert found == expected
    assert records(disturbed) == records(undisturbed)


def is_brute_force(bodies: list[dict[str, Any]], policy: CorePolicy) -> None:
    due, expected = drive(bodies, policy)
    with patch.object(Timers, "next_due", lambda _self, _customer, _view, day, _rhythm: day + 1):
        daily, found = drive(bodies, policy)
    assert found == expected
    assert records(daily) == records(due)


def with_outages(seed: int, outages: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """A history whose source is heard but for the outages, and not from day 100 on."""
    *bodies, end = history(seed, days=100)
    dark = {day for first, days in outages for day in range(first, first + days)}
    heard = beats([day for day in range(100) if day not in dark], BEHAVIOUR)
    return [*sorted([*bodies, *heard], key=when), end]


def when(body: dict[str, Any]) -> str:
    return str(body.get("occurred_at") or body.get("timestamp"))
