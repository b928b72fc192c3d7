"""Unit economics: renewal rate, lifetime, LTV, CAC, NPS."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.policy import EconomicsPolicy
from ebbtide.models.value.economics import (
    Lifetime,
    LtvToCac,
    cac,
    lifetime,
    ltv,
    ltv_to_cac,
    per_period,
    segment_lifetime,
)
from ebbtide.models.value.nps import Answers, Nps, answer, nps
from ebbtide.models.value.rate import Rate, Verdict, rate
from ebbtide.models.value.renewals import (
    Renewals,
    expansion_rate,
    one_renewal,
    renewal_rate,
    renewal_verdict,
)

POLICY = EconomicsPolicy()


def test_a_lifetime_at_a_renewal_rate_of_seventy_percent() -> None:
    assert lifetime(0.70, POLICY) == pytest.approx(3.3333, abs=5e-5)  # signals §5


@pytest.mark.parametrize(
    ("renewal", "periods"), [(0.0, 1.0), (0.5, 2.0), (0.9, 10.0), (0.95, 20.0), (0.99, 20.0), (1.0, 20.0)]
)
def test_lifetimes_and_the_longest(renewal: float, periods: float) -> None:
    assert lifetime(renewal, POLICY) == pytest.approx(periods)


@pytest.mark.parametrize("renewal", [-0.1, 1.1, nan, inf])
def test_what_is_no_share_has_no_lifetime(renewal: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        lifetime(renewal, POLICY)


@given(st.floats(0, 1), st.floats(0, 1))
def test_who_renews_more_lives_longer(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert 1 <= lifetime(low, POLICY) <= lifetime(high, POLICY) <= POLICY.max_lifetime


def test_the_rates_of_closed_renewals() -> None:
    renewals = Renewals(renewed=30, churned=15) + Renewals(renewed=25, expanded=10, downgraded=5, churned=15)
    assert renewals == Renewals(55, 10, 5, 30)
    found = renewal_rate(renewals)
    assert (found.share, found.n) == (0.7, 100)
    # Wilson's interval of 70 of 100, as in any table.
    assert (found.low, found.high) == pytest.approx((0.6042, 0.7811), abs=5e-5)
    assert expansion_rate(renewals).share == 0.1
    assert rate(0, 0) == Rate(None, 0, 0.0, 1.0)


def test_a_renewal_by_its_outcome() -> None:
    outcomes = ("renewed", "expanded", "downgraded", "churned", "churned", "paused", None)
    assert sum((one_renewal(outcome) for outcome in outcomes), Renewals()) == Renewals(1, 1, 1, 2)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 4), (5, 4)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="0 <= successes <= trials"):
        rate(successes, trials)


@pytest.mark.parametrize(
    ("stayed", "churned", "expected"),
    [
        (19, 0, Verdict.TOO_FEW),
        (20, 0, Verdict.HEALTHY),  # from 0.84
        (70, 30, Verdict.UNSURE),  # 0.60 to 0.78
        (80, 20, Verdict.HEALTHY),  # from 0.711
        (60, 40, Verdict.UNHEALTHY),  # to 0.691
    ],
)
def test_the_line_of_the_renewal_rate(stayed: int, churned: int, expected: Verdict) -> None:
    assert renewal_verdict(renewal_rate(Renewals(renewed=stayed, churned=churned)), POLICY) is expected


def test_an_interval_that_touches_the_line() -> None:
    assert renewal_verdict(Rate(0.8, 50, 0.7, 0.9), POLICY) is Verdict.HEALTHY
    assert renewal_verdict(Rate(0.6, 50, 0.5, 0.7), POLICY) is Verdict.UNSURE


def test_the_lifetime_of_a_segment_has_the_interval_of_its_rate() -> None:
    found = segment_lifetime(rate(70, 100), POLICY)
    assert isinstance(found, Lifetime)
    assert found.periods == pytest.approx(10 / 3)
    assert (found.low, found.high) == pytest.approx((2.526, 4.567), abs=1e-3)
    assert segment_lifetime(rate(14, 19), POLICY) is None
    assert segment_lifetime(rate(0, 0), POLICY) is None
    everyone = segment_lifetime(rate(20, 20), POLICY)
    assert everyone is not None
    assert everyone.periods == everyone.high == 20.0
    assert everyone.low == pytest.approx(6.206, abs=1e-3)


def test_ltv_cac_and_the_line_at_three() -> None:
    value = ltv(1_000.0, lifetime(0.70, POLICY), EconomicsPolicy(margin=0.9))
    assert value == pytest.approx(3_000.0)
    assert cac(5_000.0, 5) == 1_000.0
    assert ltv_to_cac(3_000.0, 1_000.0, POLICY) == LtvToCac(3.0, True)
    assert ltv_to_cac(2_999.0, 1_000.0, POLICY) == LtvToCac(2.999, False)


def test_a_value_per_period() -> None:
    assert per_period(500.0, 365, POLICY) == 500.0
    assert per_period(90.0, 90, POLICY) == 365.0
    assert per_period(3_000.0, 3 * 365, POLICY) == 1_000.0
    with pytest.raises(ValueError, match="needs days"):
        per_period(3.0, 0, POLICY)


def test_no_cac_without_a_customer_won_and_no_ratio_without_both() -> None:
    assert cac(5_000.0, 0) is None
    assert ltv_to_cac(3_000.0, None, POLICY) is None
    assert ltv_to_cac(None, 1_000.0, POLICY) is None
    assert ltv_to_cac(3_000.0, 0.0, POLICY) is None


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0, Answers(detractors=1)),
        (6, Answers(detractors=1)),
        (7, Answers(passives=1)),
        (8, Answers(passives=1)),
        (9, Answers(promoters=1)),
        (10, Answers(promoters=1)),
    ],
)
def test_an_answer(score: int, expected: Answers) -> None:
    assert answer(score) == expected


@pytest.mark.parametrize("score", [-1, 11, nan])
def test_an_answer_outside_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 10"):
        answer(score)


def test_nps() -> None:
    found = nps(Answers(50, 30, 10) + Answers(detractors=10), POLICY)
    assert isinstance(found, Nps)
    # Half are promoters, a fifth detractors: 30; variance 0.7 - 0.09 = 0.61, standard error 0.0781.
    assert (found.score, found.n) == pytest.approx((30.0, 100))
    assert (found.low, found.high) == pytest.approx((14.69, 45.31), abs=0.01)
    assert nps(Answers(9, 0, 0), POLICY) is None
    assert nps(Answers(10, 0, 0), POLICY) == Nps(100.0, 10, 100.0, 100.0)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(10, 50))
def test_nps_lies_in_its_interval(promoters: int, passives: int, detractors: int) -> None:
    found = nps(Answers(promoters, passives, detractors), POLICY)
    assert found is not None
    assert -100 <= found.low <= found.score <= found.high <= 100
