"""Who was won in a period, and by a referral."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.policy import ChannelPolicy
from ebbtide.models.value.first_touch import DatedFact
from ebbtide.models.value.rate import Rate
from ebbtide.models.value.referrals import NO_WINS, Wins, referral_rate, wins

POLICY = ChannelPolicy()
SIGNED, PAID, WON = "contract.signed", "invoice.paid", "deal.won"


def lead(at: int, channel: str | None) -> DatedFact:
    return "lead.upserted", at, {"channel": channel}


def fact(kind: str, at: int) -> DatedFact:
    return kind, at, {}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], NO_WINS),
        ([lead(1, "referral")], NO_WINS),  # not won
        ([lead(1, "referral"), fact(SIGNED, 150)], Wins(1, 1)),
        ([lead(1, " Referral "), fact(PAID, 150)], Wins(1, 1)),
        ([lead(1, "search"), lead(2, "referral"), fact(WON, 150)], Wins(1, 0)),  # the first touch counts
        ([lead(1, None), lead(2, "referral"), fact(WON, 150)], Wins(1, 1)),
        ([lead(1, None), fact(SIGNED, 150)], NO_WINS),  # nobody knows by what
        ([fact(SIGNED, 150)], NO_WINS),
        ([lead(1, "referral"), fact(SIGNED, 100)], Wins(1, 1)),
        ([lead(1, "referral"), fact(SIGNED, 99)], NO_WINS),  # before the period
        ([lead(1, "referral"), fact(PAID, 99), fact(SIGNED, 150)], NO_WINS),  # a customer already
        ([lead(1, "referral"), fact(SIGNED, 199)], Wins(1, 1)),
        ([lead(1, "referral"), fact(SIGNED, 200)], NO_WINS),  # not yet
        ([lead(200, "referral"), fact(SIGNED, 150)], NO_WINS),  # nobody said so by then
        ([lead(160, "referral"), fact(SIGNED, 150)], Wins(1, 1)),
        ([lead(1, "referral"), fact("deal.opened", 150)], NO_WINS),
    ],
)
def test_first_paid_in_the_period_with_its_first_touch(facts: list[DatedFact], expected: Wins) -> None:
    assert wins(facts, 100, 200, POLICY) == expected


def test_which_channels_are_referrals_is_a_setting() -> None:
    told = [lead(1, "Partner"), fact(SIGNED, 150)]
    assert wins(told, 100, 200, POLICY) == Wins(1, 0)
    assert wins(told, 100, 200, ChannelPolicy(referrals=("partner", "friend"))) == Wins(1, 1)


FACTS = st.lists(
    st.one_of(
        st.builds(lead, st.integers(0, 300), st.sampled_from([None, "referral", "search"])),
        st.builds(fact, st.sampled_from([SIGNED, PAID, WON, "deal.lost"]), st.integers(0, 300)),
    ),
    max_size=8,
)


@given(FACTS, st.randoms(use_true_random=False))
def test_the_order_of_facts_and_what_lies_after_change_nothing(facts: list[DatedFact], random: object) -> None:
    shuffled = list(facts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = wins(facts, 100, 200, POLICY)
    assert wins(shuffled, 100, 200, POLICY) == found
    assert wins([one for one in facts if one[1] < 200], 100, 200, POLICY) == found
    assert 0 <= found.referred <= found.won <= 1


@given(FACTS)
def test_a_customer_is_won_once(facts: list[DatedFact]) -> None:
    assert sum(wins(facts, since, since + 100, POLICY).won for since in (0, 100, 200)) <= 1


def test_the_rate_of_several_parts() -> None:
    found = referral_rate(Wins(40, 2) + Wins(20, 1))
    assert (found.share, found.n) == (0.05, 60)
    assert referral_rate(NO_WINS) == Rate(None, 0, 0.0, 1.0)
