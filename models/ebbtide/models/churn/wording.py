"""What a value of the churn model's inputs says of a customer, in English and Chinese, in units that people think in.

Logarithms are turned back into days, counts and money. Both languages come from one declaration for each feature and
hold the same figures. What is told is what was scored: figures are rounded only where the vector, which is frozen in
single precision, knows them no better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import exp, expm1, floor, log10
from typing import NamedTuple

ATTRIBUTE = "attributes."
"""Begins the name of an input that is an attribute from the CRM; its value is a word or a number."""

Value = float | str
Values = Mapping[str, Value]
"""The values of a score's inputs by name, as they were scored."""


class Clause(NamedTuple):
    """A value in words. ``figure`` is the number alone, as both languages write it; empty where there are two."""

    en: str
    zh: str
    figure: str


_Number = Callable[[float], str]
_Reading = Callable[[float, Values], Clause]

_EXACT_COUNT = 1_000_000
"""Greater counts are told in four digits: half a step of single precision is then more than half of one."""
_EXACT_CENTS = 10_000
"""Greater amounts are told in whole units of money, for the same reason."""
_LEAST_CHANCE = 1e-4
_LEAST, _MOST = 1e-4, 99.95
"""Between these three digits are written without an exponent, and are no fewer than those before the point."""


def _count(value: float) -> str:
    """``ln(1 + count)``."""
    return _whole(expm1(value))


def _whole(number: float) -> str:
    if abs(number) > _EXACT_COUNT:
        number = round(number, 3 - floor(log10(abs(number))))
    return f"{round(number):,}"


def number(value: float) -> str:
    """A number that need not be whole: three digits, and never fewer than there are before the point."""
    return f"{value:,.3g}" if _LEAST <= abs(value) < _MOST else _whole(value)


def _plain(value: float) -> str:
    return number(expm1(value))


def _money(value: float) -> str:
    """``ln(1 + money)``, mirrored for refunds."""
    amount = expm1(value) if value >= 0 else -expm1(-value)
    return f"{amount:,.2f}" if abs(amount) < _EXACT_CENTS else _whole(amount)


def _percent(value: float) -> str:
    """``ln(1 + percent)``."""
    return f"{round(expm1(value))}%"


def _share(value: float) -> str:
    return f"{value:.0%}"


def _say(figure: _Number, en: str, zh: str, one: str = "") -> _Reading:
    """``en`` and ``zh`` are told with the figure in place of ``{}``; ``one`` is the English for 1."""
    before, after = en.split("{}")
    singular = one.split("{}") if one else (before, after)
    first, last = zh.split("{}")

    def read(value: float, _values: Values) -> Clause:
        told = figure(value)
        if told == "1":
            return Clause(f"{singular[0]}1{singular[1]}", f"{first}1{last}", told)
        if told[-1] == "%":
            return Clause(f"{before}{told[:-1]} %{after}", f"{first}{told}{last}", told)
        return Clause(f"{before}{told}{after}", f"{first}{told}{last}", told)

    return read


def _active_on(days: int) -> _Reading:
    return _say(_count, f"active on {{}} of the last {days} days", f"近{days}天中活跃{{}}天")


def _trend(now: str, weeks: int) -> _Reading:
    """Active days of two windows. The feature holds their ratio, one added to both; ``now`` holds the newer count."""

    def read(value: float, values: Values) -> Clause:
        days = float(values[now])
        new, old = round(expm1(days)), round(exp(days - value)) - 1
        if new == old:
            return Clause(f"active days in {weeks} weeks stayed at {new}", f"{weeks}周活跃天数保持在{new}天", "")
        en, zh = ("fell", "降至") if new < old else ("rose", "升至")
        return Clause(
            f"active days in {weeks} weeks {en} from {old} to {new}", f"{weeks}周活跃天数由{old}天{zh}{new}天", ""
        )

    return read


_GAP = _say(
    _plain,
    "a mean gap of {} days between active days",
    "活跃日之间平均间隔{}天",
    "a mean gap of {} day between active days",
)
_ONLY_DAY = _say(
    _plain, "1 active day so far, {} days ago", "至今仅活跃1天，在{}天前", "1 active day so far, {} day ago"
)


def _mean_gap(value: float, values: Values) -> Clause:
    """Of one active day there is no gap: the feature then is its age."""
    return (_ONLY_DAY if round(expm1(float(values["active_days_total"]))) == 1 else _GAP)(value, values)


_CHANCE = _say(
    lambda value: f"{number(100 * exp(-expm1(value)))}%",
    "a silence that chance gives {} of the time",
    "如此长的沉默偶然发生的概率为{}",
)
_NO_CHANCE = Clause(
    "a silence that chance gives less than 0.01 % of the time", "如此长的沉默偶然发生的概率不到0.01%", ""
)


def _surprise(value: float, values: Values) -> Clause:
    return _NO_CHANCE if exp(-expm1(value)) < _LEAST_CHANCE else _CHANCE(value, values)


_MONTH, _QUARTER, _EVER = "in the last 28 days", "in the last 91 days", "ever"


def _counted(noun: str, when: str, zh: str, nouns: str = "") -> _Reading:
    """In English the noun follows the figure; ``nouns`` where its plural is no mere s."""
    return _say(_count, f"{{}} {nouns or noun + 's'} {when}", zh, f"{{}} {noun} {when}")


def _of_usual(when: str, zh: str) -> _Reading:
    return _say(_percent, f"use of the last {when} is {{}} of the usual", f"{zh}的使用量为平时的{{}}")


READINGS: Mapping[str, _Reading] = {
    "recency": _say(_count, "last active {} days ago", "最近一次活跃在{}天前", "last active {} day ago"),
    "tenure": _say(_count, "first active {} days ago", "首次活跃在{}天前", "first active {} day ago"),
    "active_days_7d": _active_on(7),
    "active_days_28d": _active_on(28),
    "active_days_91d": _active_on(91),
    "active_days_total": _counted("active day", _EVER, "累计活跃{}天"),
    "events_28d": _counted("event", _MONTH, "近28天事件{}次"),
    "events_91d": _counted("event", _QUARTER, "近91天事件{}次"),
    "events_total": _counted("event", _EVER, "累计事件{}次"),
    "trend_28d": _trend("active_days_28d", 4),
    "trend_91d": _trend("active_days_91d", 13),
    "mean_gap": _mean_gap,
    "recency_per_gap": _say(_plain, "a silence of {} times its mean gap", "沉默时长为其平均间隔的{}倍"),
    "recency_per_cadence": _say(_plain, "a silence of {} times its usual gap", "沉默时长为其平时间隔的{}倍"),
    "active_rate": _say(
        _plain,
        "{} active days a week since its first",
        "首次活跃以来平均每周活跃{}天",
        "{} active day a week since its first",
    ),
    "events_per_active_day": _say(
        lambda value: number(exp(value)),
        "{} events on an active day",
        "平均每个活跃日事件{}次",
        "{} event on an active day",
    ),
    "life_share": _say(
        _share, "last active {} of the way from its first day to now", "最近一次活跃位于首次活跃至今的{}处"
    ),
    "silence_surprise": _surprise,
    "logins_28d": _counted("login", _MONTH, "近28天登录{}次"),
    "queries_28d": _counted("query", _MONTH, "近28天查询{}次", "queries"),
    "queries_share": _say(_share, "{} of its events are queries", "查询占其全部事件的{}"),
    "orders_total": _counted("order", _EVER, "累计订单{}笔"),
    "revenue_91d": _say(_money, "orders worth {} in the last 91 days", "近91天订单金额{}"),
    "revenue_total": _say(_money, "orders worth {} ever", "累计订单金额{}"),
    "usual_14d": _of_usual("2 weeks", "近2周"),
    "usual_28d": _of_usual("4 weeks", "近4周"),
    "people_14d": _say(
        _percent,
        "{} of the people of the last 10 weeks came in the last 2",
        "近10周的使用者中近2周仍在使用的占{}",
    ),
    "contract_days": _say(_count, "a contract over {} days", "合同期限为{}天", "a contract over {} day"),
    "contract_days_left": _say(
        _count, "its contract ends in {} days", "合同将在{}天后到期", "its contract ends in {} day"
    ),
    "renewals_due": _say(
        _count,
        "{} renewals fall due within the horizon",
        "预测期内有{}次续约",
        "{} renewal falls due within the horizon",
    ),
}
"""By feature, in the order of ``FEATURES``."""


def clause(name: str, value: Value, values: Values) -> Clause:
    """What the value of an input says of the customer; ``values`` are those of all features that were scored with it.

    Attributes, and whatever is no feature, are told by the name that their source gave them.
    """
    reading = READINGS.get(name)
    if reading is not None:
        return reading(float(value), values)
    said = value if isinstance(value, str) else number(value)
    what = readable(name)
    return Clause(f"{what} is {said}", f"{what}为{said}", said)


def readable(name: str) -> str:
    """The name of an attribute as its source gave it, without what marks it."""
    return name.removeprefix(ATTRIBUTE).replace("_", " ")
