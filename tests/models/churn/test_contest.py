"""A challenger is promoted on evidence, and who is no better never has it."""

from __future__ import annotations

from itertools import pairwise
from math import log
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.contest import BETS, Contest, is_judged
from ebbtide.models.churn.scorer import sigmoid

ERROR = 0.001


def contest(seed: int, *, champion: float, challenger: float, outcomes: int = 2_000) -> tuple[bool, Contest]:
    """Both know the truth but for an error of that many nats; whether the challenger was ever found to be better."""
    random, found, ever = Random(seed), Contest(), False
    for _ in range(outcomes):
        truth = random.gauss(-1.0, 1.5)
        label = random.random() < sigmoid(truth)
        found.judge(sigmoid(truth + random.gauss(0.0, champion)), sigmoid(truth + random.gauss(0.0, challenger)), label)
        ever = ever or found.is_won(ERROR, 100)
    return ever, found


@pytest.mark.parametrize("challenger", [0.5, 0.6, 2.0])
def test_who_is_no_better_is_not_promoted_in_a_hundred_runs(challenger: float) -> None:
    """Looked at after every outcome. The first is as good as the champion, the others are worse."""
    assert not any(contest(seed, champion=0.5, challenger=challenger, outcomes=800)[0] for seed in range(100))


def test_who_is_better_is_found_out() -> None:
    won = [contest(seed, champion=1.0, challenger=0.2) for seed in range(20)]
    assert all(ever for ever, _ in won)
    for _, found in won:
        champion, challenger = found.briers or (0.0, 0.0)
        assert challenger < champion
        assert found.judged == 2_000


def test_before_the_first_outcome_nothing_is_known() -> None:
    found = Contest()
    assert (found.briers, found.log_evidence, found.is_won(0.5, 0)) == (None, 0.0, False)


def test_a_few_outcomes_are_not_enough_however_clear() -> None:
    found = Contest()
    for _ in range(99):
        found.judge(0.99, 0.01, False)
    assert found.log_evidence > -log(ERROR)
    assert not found.is_won(ERROR, 100)
    found.judge(0.99, 0.01, False)
    assert found.is_won(ERROR, 100)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), max_size=40))
def test_it_survives_json_and_a_bet_is_fair_at_worst(judged: list[tuple[float, float, bool]]) -> None:
    found = Contest()
    for champion, challenger, label in judged:
        before = msgspec.convert(msgspec.json.decode(msgspec.json.encode(found)), Contest)
        assert before == found
        # Whatever the champion says is true: on average over the outcome no bet grows.
        sides = []
        for outcome, chance in ((True, champion), (False, 1.0 - champion)):
            after = msgspec.convert(msgspec.to_builtins(found), Contest)
            after.judge(champion, challenger, outcome)
            sides.append((chance, after.log_capitals))
        for number in range(len(BETS)):
            grown = sum(
                chance * 2.718281828459045 ** (logs[number] - found.log_capitals[number]) for chance, logs in sides
            )
            assert grown <= 1.0 + 1e-9
        found.judge(champion, challenger, label)


@given(st.text(max_size=12), st.integers(1, 400), st.integers(1, 30), st.integers(0, 10_000))
def test_a_customer_is_judged_once_a_horizon(customer: str, horizon: int, every: int, start: int) -> None:
    days = range(start, start + 8 * max(horizon, every) + every, every)
    judged = [day for day in days if is_judged(customer, day, horizon, every)]
    gaps = [later - earlier for earlier, later in pairwise(judged)]
    assert len(judged) >= 7
    assert all(gap > max(horizon, every) - every for gap in gaps)
