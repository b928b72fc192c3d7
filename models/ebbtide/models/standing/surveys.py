"""What people answered in surveys: the latest answer of each person counts (signals §1, §5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ebbtide.models.standing.history import History

ANSWERED = "survey.answered"
NPS, CSAT = "nps", "csat"
PROMOTER, DETRACTOR = 9, 6
"""Net promoter score: promoters answer 9 or 10, detractors 0 to 6 (Reichheld 2003)."""
CSAT_MIDDLE, CSAT_SPREAD = 3.0, 2.0
"""CSAT is answered from 1 to 5."""


class Answer(NamedTuple):
    """A person's latest answer. ``person`` is empty for answers that name nobody: they count as one person's."""

    person: str
    score: float
    at_ms: int


def latest_answers(history: History, day: int, kind: str, within_days: int) -> list[Answer]:
    """The latest answer of every person in the ``within_days`` days before grid day ``day``, by person.

    ``kind`` is `nps` or `csat`, in any case. Of two in one millisecond the lower one counts.
    """
    latest: dict[str, Answer] = {}
    for fact in history.before(day, ANSWERED, since_day=day - within_days):
        score = fact.number("score")
        if score is None or fact.text("kind").lower() != kind:
            continue
        known = latest.get(fact.person)
        if known is None or known.at_ms < fact.at_ms or score < known.score:
            latest[fact.person] = Answer(fact.person, score, fact.at_ms)
    return [latest[person] for person in sorted(latest)]


def net_promoter_score(answers: Iterable[Answer]) -> float | None:
    """Share of promoters less share of detractors, -1 to 1; None without answers."""
    scores = [answer.score for answer in answers]
    if not scores:
        return None
    return sum((score >= PROMOTER) - (score <= DETRACTOR) for score in scores) / len(scores)


def mean_score(answers: Iterable[Answer]) -> float | None:
    """Mean of the scores; None without answers."""
    scores = [answer.score for answer in answers]
    return sum(scores) / len(scores) if scores else None
