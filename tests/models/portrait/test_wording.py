"""Features in words."""

from __future__ import annotations

from math import log, log1p

import pytest

from ebbtide.models.churn.features import NAMES
from ebbtide.models.portrait.wording import CLAUSES, clause

READ = {
    "recency": (log1p(1), "last active 1 day ago"),
    "tenure": (log1p(1_200), "first active 1,200 days ago"),
    "active_days_7d": (log1p(3), "active on 3 of the last 7 days"),
    "active_days_28d": (log1p(12), "active on 12 of the last 28 days"),
    "active_days_91d": (log1p(40), "active on 40 of the last 91 days"),
    "active_days_total": (log1p(1), "1 active day ever"),
    "events_28d": (log1p(0), "0 events in the last 28 days"),
    "events_91d": (log1p(1), "1 event in the last 91 days"),
    "events_total": (log1p(3_321), "3,321 events ever"),
    "trend_28d": (log(0.5), "active days at 50 % of the 28 days before"),
    "trend_91d": (log(2), "active days at 200 % of the 91 days before"),
    "mean_gap": (log1p(1.34), "a mean gap of 1.34 days between active days"),
    "recency_per_gap": (log1p(154), "a silence of 154 × its mean gap"),
    "recency_per_cadence": (log1p(2.25), "a silence of 2.25 × its usual gap"),
    "active_rate": (log1p(1.5), "1.5 active days a week since the first"),
    "events_per_active_day": (log(4), "4 events on an active day"),
    "life_share": (0.45, "last active 45 % of the way from its first day to now"),
    "silence_surprise": (log1p(log(4)), "a silence that chance gives 25 % of the time"),
    "logins_28d": (log1p(2), "2 logins in the last 28 days"),
    "queries_28d": (log1p(1), "1 query in the last 28 days"),
    "queries_share": (0.27, "27 % of its events are queries"),
    "orders_total": (log1p(7), "7 orders ever"),
    "revenue_91d": (log1p(1_234.5), "1,234.50 of money in the last 91 days"),
    "revenue_total": (-log1p(10), "-10.00 of money ever"),
}


@pytest.mark.parametrize(("feature", "value", "words"), [(name, *row) for name, row in READ.items()], ids=list(READ))
def test_a_feature_reads_as_what_it_was_computed_from(feature: str, value: float, words: str) -> None:
    assert clause(feature, value) == words


def test_more_than_one_query() -> None:
    assert clause("queries_28d", log1p(2)) == "2 queries in the last 28 days"


def test_every_feature_has_words_and_one_without_is_shown_as_it_is() -> None:
    assert set(CLAUSES) == set(READ) == set(NAMES)
    assert clause("stickiness", 0.25) == "stickiness 0.25"
