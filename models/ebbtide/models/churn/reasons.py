"""Why a score is what it is, and why it changed, in words that need no logits; English and Chinese (signals §6).

A logit is a sum, so the odds of churn, churn against stay, are a product: every part multiplies or divides them by
``exp(|part|)``. The first line tells the whole, from where it starts to where it ends; then come the strongest parts,
and one line for all the others together. What the lines say multiplies to what the first one says: nothing is invented
and nothing left out.

Scores do not carry the words: 35 µs for score and change would be 3 % of a replay, and 1.7 kB beside 3.9. Whoever shows
a score puts it into words from its record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum
from typing import NamedTuple

from ebbtide.models.churn.scorer import MODEL_PART, sigmoid
from ebbtide.models.churn.wording import Clause, Value, Values, clause, readable
from ebbtide.schemas.score import Contribution, Score

MOST_TOLD = 5
TOLD_SHARE = 0.8
"""The strongest parts are told one by one until they are this much of all that moves the odds, either way."""

LEAST_TOLD = 0.005
"""Nats. A weaker part would show as 1.00."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """The same lines in both languages: the whole, the strongest parts in their order, the rest."""

    en: list[str]
    zh: list[str]


CANNOT_SCORE: Mapping[str, tuple[str, str]] = {
    "source_blind": (
        "nothing is heard of what delivers its events, so nobody can say what it does",
        "接收不到其事件的数据来源，无法判断其行为",
    ),
    "anonymous": ("nobody knows who this is", "尚不知其身份"),
    "no_activity": ("no activity of it counts", "没有可计入的活动"),
}
"""What a ``cannot_score_reason`` means, in English and in Chinese."""


class _Told(NamedTuple):
    """A part that is told by itself."""

    said: Clause
    nats: float


def why_scored(
    intercept: float, logit: float, contributions: Sequence[Contribution], *, most: int = MOST_TOLD
) -> Reasons:
    """Why a score is what it is. All its ``contributions``: with ``intercept`` they add up to ``logit``.

    At ``most`` so many parts are told one by one.

    It starts where nothing is known of the customer: at the average customer that the model has learned from or, while
    the rule alone speaks, at one that is active just now.
    """
    values: Values = {part.feature: part.value for part in contributions}
    strongest, rest = _split([(part.feature, part.contribution) for part in contributions], most)
    told = [_Told(clause(name, values[name], values), nats) for name, nats in strongest]
    start, end = _percent(sigmoid(intercept)), _percent(sigmoid(logit))
    odds = _factor(logit - intercept)
    return _lines(
        f"{end} % likely to churn, starting from {start} %: odds {odds}",
        f"流失概率{end}%，起点为{start}%：{_ODDS_ZH}{_close(odds)}",
        told,
        rest,
        _IS,
    )


def why_changed(score: Score, previous: Score | None = None) -> Reasons | None:
    """Why a score moved since the version before; None where it is the first.

    With ``previous``, the score that the change is told against, also what the values were then. ``(model)`` is what
    the model learned of customers in general.
    """
    change = score.change
    if change is None or score.logit is None:
        return None
    if previous is not None and previous.version != change.from_version:
        raise ValueError(
            f"version {score.version} is told against version {change.from_version}, not {previous.version}"
        )
    values: Values = {part.feature: part.value for part in score.contributions}
    before: Values = {} if previous is None else {part.feature: part.value for part in previous.contributions}
    strongest, rest = _split([(part.feature, part.contribution) for part in change.contributions], MOST_TOLD)
    told = [_Told(_moved(name, values, before), nats) for name, nats in strongest]
    moved = fsum(part.contribution for part in change.contributions)
    start, end, odds = _percent(sigmoid(score.logit - moved)), _percent(sigmoid(score.logit)), _factor(moved)
    if start == end:
        en, zh = f"risk stayed at {end} %", f"流失概率保持在{end}%"
    else:
        en = f"risk {'rose' if moved > 0 else 'fell'} from {start} % to {end} %"
        zh = f"流失概率由{start}%{'升' if moved > 0 else '降'}至{end}%"
    return _lines(f"{en}: odds {odds}", f"{zh}：{_ODDS_ZH}{_close(odds)}", told, rest, _WAS)


def why_not_scored(reason: str) -> Reasons:
    """Why there is no score, by ``cannot_score_reason``."""
    en, zh = CANNOT_SCORE.get(reason, (reason, reason))
    return Reasons([f"cannot be scored: {en}"], [f"无法评分：{zh}"])


def explain(score: Score) -> Reasons:
    """Why a published score is what it is, or why there is none."""
    if score.logit is None:
        return why_not_scored(score.cannot_score_reason or "")
    return why_scored(score.intercept, score.logit, score.contributions)


_IS = (("hardly moves", "raises", "lowers"), ("hardly move", "raise", "lower"))
_WAS = (("hardly moved", "raised", "lowered"),) * 2
_ZH = ("几乎不变", "升高", "降低")
_ODDS_ZH = "流失与留存之比"
_UNMOVED = "1.00"
_Verbs = tuple[tuple[str, str, str], tuple[str, str, str]]
"""Of one and of several: hardly moves, raises, lowers."""


def _split(parts: list[tuple[str, float]], most: int) -> tuple[list[tuple[str, float]], list[float]]:
    """The parts to tell one by one, the strongest first, and what the others are, 0 left out."""
    # Sorting is stable: parts that are equally strong stay in the order of the features.
    ordered = sorted((part for part in parts if part[1]), key=lambda part: -abs(part[1]))
    enough = TOLD_SHARE * fsum(abs(nats) for _, nats in ordered)
    told = 0
    sum_told = 0.0
    for _, nats in ordered[:most]:
        if sum_told >= enough or abs(nats) < LEAST_TOLD:
            break
        sum_told += abs(nats)
        told += 1
    return ordered[:told], [nats for _, nats in ordered[told:]]


def _lines(en: str, zh: str, told: Sequence[_Told], rest: Sequence[float], verbs: _Verbs) -> Reasons:
    lines = Reasons([en], [zh])
    for said, nats in told:
        _add(lines, said.en, said.zh, nats, verbs[0])
    if rest:
        count = len(rest)
        en, zh = f"{count} smaller reasons together", f"其余{count}个较小因素合计"
        if count == 1:
            en, zh = "1 smaller reason", "其余1个较小因素"
        _add(lines, en, zh, fsum(rest), verbs[count > 1])
    return lines


def _add(lines: Reasons, en: str, zh: str, nats: float, verbs: tuple[str, str, str]) -> None:
    factor = _factor(nats)
    way = 0 if factor.endswith(f" {_UNMOVED}") else 2 if nats < 0 else 1
    lines.en.append(f"{en}: {verbs[way]} the risk, odds {factor}")
    lines.zh.append(f"{zh}：风险{_ZH[way]}，{_ODDS_ZH}{_close(factor)}")


def _moved(name: str, values: Values, before: Values) -> Clause:
    """A part of a change: what the value says now, and what it was before where that is known."""
    if name == MODEL_PART:
        return Clause("the model itself has learned", "模型自身学到了新情况", "")
    value: Value | None = values.get(name)
    if value is None:
        # An attribute that is not told any more, or that the model goes by no more.
        what = readable(name)
        return Clause(f"{what} no longer counts", f"{what}不再计入", "")
    said = clause(name, value, values)
    old = before.get(name)
    if old is None:
        return said
    if old == value:
        return Clause(f"{said.en}, as before, weighed anew", f"{said.zh}，与之前相同，模型重新衡量", "")
    was = clause(name, old, before).figure
    if was == said.figure:
        return said
    return Clause(f"{said.en} (before: {was})", f"{said.zh}（之前：{was}）", "")


def _factor(nats: float) -> str:
    """What a part does to the odds, as a factor that is not below 1."""
    return f"{'÷' if nats < 0 else '×'} {_size(exp(abs(nats)))}"


def _size(factor: float) -> str:
    return f"{factor:.2f}" if factor < 99.995 else f"{factor:,.0f}"


def _close(text: str) -> str:
    """Chinese is written without spaces."""
    return text.replace(" ", "")


def _percent(p: float) -> str:
    """A probability as per cent, with a digit after the point where the whole number says too little."""
    percent = 100.0 * p
    if 19.95 <= percent < 99.0:
        return f"{percent:.0f}"
    return f"{percent:.1f}" if percent >= 0.0995 else f"{percent:.3f}"
