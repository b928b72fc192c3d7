"""The inputs of the churn model in words."""

from __future__ import annotations

import re
import struct
from math import log, log1p

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.features import FEATURES, NAMES, Feature
from ebbtide.models.churn.wording import READINGS, clause

VALUES = {name: log1p(9) for name in NAMES}
READ = {
    "recency": (log1p(1), "last active 1 day ago", "最近一次活跃在1天前"),
    "tenure": (log1p(1_200), "first active 1,200 days ago", "首次活跃在1,200天前"),
    "active_days_7d": (log1p(3), "active on 3 of the last 7 days", "近7天中活跃3天"),
    "active_days_28d": (log1p(12), "active on 12 of the last 28 days", "近28天中活跃12天"),
    "active_days_91d": (log1p(40), "active on 40 of the last 91 days", "近91天中活跃40天"),
    "active_days_total": (log1p(1), "1 active day ever", "累计活跃1天"),
    "events_28d": (log1p(0), "0 events in the last 28 days", "近28天事件0次"),
    "events_91d": (log1p(1), "1 event in the last 91 days", "近91天事件1次"),
    "events_total": (log1p(3_321), "3,321 events ever", "累计事件3,321次"),
    "trend_28d": (log(10 / 19), "active days in 4 weeks fell from 18 to 9", "4周活跃天数由18天降至9天"),
    "trend_91d": (log(10 / 5), "active days in 13 weeks rose from 4 to 9", "13周活跃天数由4天升至9天"),
    "mean_gap": (log1p(1.34), "a mean gap of 1.34 days between active days", "活跃日之间平均间隔1.34天"),
    "recency_per_gap": (log1p(154), "a silence of 154 times its mean gap", "沉默时长为其平均间隔的154倍"),
    "recency_per_cadence": (log1p(2.25), "a silence of 2.25 times its usual gap", "沉默时长为其平时间隔的2.25倍"),
    "active_rate": (log1p(1.5), "1.5 active days a week since its first", "首次活跃以来平均每周活跃1.5天"),
    "events_per_active_day": (log(4), "4 events on an active day", "平均每个活跃日事件4次"),
    "life_share": (
        0.45,
        "last active 45 % of the way from its first day to now",
        "最近一次活跃位于首次活跃至今的45%处",
    ),
    "silence_surprise": (
        log1p(log(4)),
        "a silence that chance gives 25 % of the time",
        "如此长的沉默偶然发生的概率为25%",
    ),
    "logins_28d": (log1p(2), "2 logins in the last 28 days", "近28天登录2次"),
    "queries_28d": (log1p(1), "1 query in the last 28 days", "近28天查询1次"),
    "queries_share": (0.27, "27 % of its events are queries", "查询占其全部事件的27%"),
    "orders_total": (log1p(7), "7 orders ever", "累计订单7笔"),
    "revenue_91d": (log1p(1_234.5), "orders worth 1,234.50 in the last 91 days", "近91天订单金额1,234.50"),
    "revenue_total": (-log1p(10), "orders worth -10.00 ever", "累计订单金额-10.00"),
    "usual_14d": (log1p(42), "use of the last 2 weeks is 42 % of the usual", "近2周的使用量为平时的42%"),
    "usual_28d": (log1p(400), "use of the last 4 weeks is 400 % of the usual", "近4周的使用量为平时的400%"),
    "people_14d": (
        log1p(60),
        "60 % of the people of the last 10 weeks came in the last 2",
        "近10周的使用者中近2周仍在使用的占60%",
    ),
    "contract_days": (log1p(365), "a contract over 365 days", "合同期限为365天"),
    "contract_days_left": (log1p(1), "its contract ends in 1 day", "合同将在1天后到期"),
    "renewals_due": (log1p(3), "3 renewals fall due within the horizon", "预测期内有3次续约"),
}
OTHERWISE = [
    ("queries_28d", log1p(2), {}, "2 queries in the last 28 days", "近28天查询2次"),
    ("trend_28d", 0.0, {}, "active days in 4 weeks stayed at 9", "4周活跃天数保持在9天"),
    (
        "mean_gap",
        log1p(12),
        {"active_days_total": log1p(1)},
        "1 active day so far, 12 days ago",
        "至今仅活跃1天，在12天前",
    ),
    ("mean_gap", log1p(1), {"active_days_total": log1p(1)}, "1 active day so far, 1 day ago", "至今仅活跃1天，在1天前"),
    ("mean_gap", log1p(1), {}, "a mean gap of 1 day between active days", "活跃日之间平均间隔1天"),
    (
        "silence_surprise",
        log1p(10),
        {},
        "a silence that chance gives less than 0.01 % of the time",
        "如此长的沉默偶然发生的概率不到0.01%",
    ),
    ("silence_surprise", 0.0, {}, "a silence that chance gives 100 % of the time", "如此长的沉默偶然发生的概率为100%"),
    ("events_total", log1p(12_345_678), {}, "12,350,000 events ever", "累计事件12,350,000次"),
    ("revenue_total", log1p(54_321.9), {}, "orders worth 54,322 ever", "累计订单金额54,322"),
    (
        "attributes.contract_type",
        "month-to-month",
        {},
        "contract type is month-to-month",
        "contract type为month-to-month",
    ),
    ("attributes.seats", 1_200.0, {}, "seats is 1,200", "seats为1,200"),
    ("stickiness", 0.25, {}, "stickiness is 0.25", "stickiness为0.25"),
    ("attributes.discount", 0.0, {}, "discount is 0", "discount为0"),
]
FIGURES = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?")


def single(value: float) -> float:
    """As the ledger keeps it."""
    kept: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return kept


@pytest.mark.parametrize(("feature", "value", "en", "zh"), [(name, *row) for name, row in READ.items()], ids=list(READ))
def test_a_feature_reads_as_what_it_was_computed_from(feature: str, value: float, en: str, zh: str) -> None:
    said = clause(feature, single(value), VALUES)
    assert (said.en, said.zh) == (en, zh)


@pytest.mark.parametrize(("name", "value", "beside", "en", "zh"), OTHERWISE, ids=[row[3] for row in OTHERWISE])
def test_what_is_told_otherwise(name: str, value: float | str, beside: dict[str, float], en: str, zh: str) -> None:
    said = clause(name, value, VALUES | beside)
    assert (said.en, said.zh) == (en, zh)


def test_every_feature_is_declared_and_in_the_order_of_the_vector() -> None:
    assert tuple(READINGS) == NAMES
    assert set(READ) == set(NAMES)


@given(st.sampled_from(FEATURES).flatmap(lambda f: st.tuples(st.just(f), st.floats(f.low, f.high))), st.floats(0, 3.4))
def test_every_value_of_a_feature_is_worded_with_the_same_figures(told: tuple[Feature, float], days: float) -> None:
    feature, value = told
    said = clause(feature.name, value, VALUES | {"active_days_28d": days, "active_days_91d": days})
    assert sorted(FIGURES.findall(said.en)) == sorted(FIGURES.findall(said.zh))
    assert "e+" not in said.en
    assert "e-" not in said.en
    assert said.figure.rstrip("%") in said.en
    assert said.figure in said.zh


@given(st.integers(0, 1_000_000))
def test_a_count_is_told_exactly_as_it_was_frozen(count: int) -> None:
    assert clause("recency", single(log1p(count)), VALUES).figure == f"{count:,}"


@given(st.integers(0, 91), st.integers(0, 91))
def test_the_days_before_are_what_the_trend_was_computed_from(new: int, old: int) -> None:
    values = {"active_days_91d": single(log1p(new))}
    said = clause("trend_91d", single(log1p(new) - log1p(old)), values).en
    assert said.endswith(f"stayed at {new}" if new == old else f"from {old} to {new}")
