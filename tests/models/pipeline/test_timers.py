"""Looking at a customer only when something is due is the same as looking at everybody every day."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.customer.timers import Timers
from ebbtide.models.policy import BaselinePolicy, CorePolicy
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


@settings(max_examples=8)
@given(SEEDS, POLICIES)
def test_due_is_brute_force(seed: int, policy: CorePolicy) -> None:
    bodies = history(seed, days=100)
    due, expected = drive(bodies, policy)
    with patch.object(Timers, "next_due", lambda _self, _customer, _view, day, _rhythm: day + 1):
        daily, found = drive(bodies, policy)
    assert found == expected
    assert records(daily) == records(due)
