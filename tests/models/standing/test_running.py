"""The contract that a customer is under: how much of it is left, and how many renewals fall due."""

from __future__ import annotations

import pytest

from ebbtide.models.standing.contracts import Term
from ebbtide.models.standing.history import DatedFact, History
from ebbtide.models.standing.running import GRACE_DAYS, running
from ebbtide.schemas.base import DAY_MS

SIGNED, START, END = 1_000, 1_000, 1_365
TERM = Term(SIGNED * DAY_MS, START * DAY_MS, END * DAY_MS)
MONTH = Term(SIGNED * DAY_MS, START * DAY_MS, (START + 30) * DAY_MS)


def closed(day: int, outcome: str) -> History:
    return History([DatedFact("renewal.closed", day * DAY_MS, {"outcome": outcome}, "r")])


NONE = History([])


@pytest.mark.parametrize(
    ("term", "history", "day", "told"),
    [
        pytest.param(TERM, NONE, START + 5, (365, 360, 0), id="ends beyond the horizon"),
        pytest.param(TERM, NONE, END - 90, (365, 90, 0), id="on the first day after it"),
        pytest.param(TERM, NONE, END - 89, (365, 89, 1), id="on its last day"),
        pytest.param(MONTH, NONE, START + 10, (30, 20, 3), id="three of a month"),
        pytest.param(MONTH, NONE, START + 1, (30, 29, 3), id="on days 29, 59 and 89"),
        pytest.param(MONTH, NONE, START + 30, (30, 0, 3), id="on days 0, 30 and 60"),
        pytest.param(TERM, NONE, END + GRACE_DAYS, (365, 0, 1), id="nothing heard yet"),
        pytest.param(TERM, NONE, END + GRACE_DAYS + 1, None, id="nothing heard for long"),
        pytest.param(TERM, closed(END - 40, "renewed"), END - 30, (365, 395, 0), id="renewed before its end"),
        pytest.param(TERM, closed(END - 40, "churned"), END - 30, None, id="cancelled"),
        pytest.param(TERM, closed(END - 40, "churned"), END - 50, (365, 50, 1), id="not cancelled yet"),
        pytest.param(TERM, closed(SIGNED - 1, "churned"), SIGNED + 5, None, id="a churn alone was told"),
        pytest.param(None, NONE, START, None, id="no end is known"),
        pytest.param(Term(0, 9 * DAY_MS, 9 * DAY_MS), NONE, 5, (1, 4, 86), id="a term of no length"),
    ],
)
def test_what_falls_due(term: Term | None, history: History, day: int, told: tuple[int, int, int] | None) -> None:
    assert running(term, history, day, 90) == told
