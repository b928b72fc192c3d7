"""Quality by contracts: ChurnSim's social network, whose subscriptions run for a month and end two times of a hundred.

Its users keep their rates for life, so nothing declines: who leaves is told by what kind of user it always was. One
shipped configuration, as in ``test_cdnow``; a message to another user counts as the core action, a query (without any
the AUC at the cut is .781, with posts and replies too .790). Peers there (one batch fit each): logistic .778, boosted
trees .744. Only 22 of 851 subscriptions end within the horizon, and the standard error of an AUC is about .05: a second
cut and the earlier ones are told too.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import pytest

from ebbtide.models.churn.labels import Renewal
from ebbtide.models.customer.series import EVENTS, NO_BUCKET, QUERIES, DaySeries
from ebbtide.models.standing.contracts import CHURNED, SIGNED
from ebbtide.schemas.base import DAY_MS
from support.cohort import report, run
from support.data_sets import day_of, rows

pytestmark = [pytest.mark.quality, pytest.mark.timeout(900)]

HORIZON_DAYS = 30
BEGIN, END = day_of("2022-01-01"), day_of("2023-01-31")
"""First and last day with events."""

SIMULATED_UNTIL = day_of("2023-01-01")
"""No subscription begins later: one that ends later may have been renewed."""

QUERY = "message"


@cache
def activity() -> dict[str, DaySeries]:
    """Events and messages of each account, by day."""
    buckets: dict[str, dict[int, list[int]]] = defaultdict(dict)
    for row in rows("churnsim_soc_daily.csv.gz"):
        bucket = buckets[row["account_id"]].setdefault(day_of(row["date"]), list(NO_BUCKET))
        bucket[EVENTS] += int(row["n"])
        bucket[QUERIES] += int(row["n"]) * (row["event_type"] == QUERY)
    cohort = {}
    for account, days in buckets.items():
        series = cohort[account] = DaySeries()
        for day in sorted(days):
            series.put(day, days[day])
    return cohort


@cache
def contracts() -> dict[str, list[Renewal]]:
    """Signed at the first period's start, renewed at every later one's, churned at the end of the last."""
    periods: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in rows("churnsim_soc_subscriptions.csv.gz"):
        periods[row["account_id"]].append((day_of(row["start_date"]), day_of(row["end_date"])))
    told = {}
    for account, months in periods.items():
        months.sort()
        told[account] = [
            Renewal(start * DAY_MS, "renewed" if number else SIGNED) for number, (start, _) in enumerate(months)
        ]
        if months[-1][1] <= SIMULATED_UNTIL:
            told[account].append(Renewal(months[-1][1] * DAY_MS, CHURNED))
    return told


@pytest.mark.parametrize(
    ("share", "running", "ending", "least"),
    [
        pytest.param(0.6, 851, 22, 0.75, id="60 percent of the time"),
        pytest.param(0.7, 973, 21, 0.68, id="70 percent of the time"),
    ],
)
def test_subscriptions_that_end(share: float, running: int, ending: int, least: float) -> None:
    """Everybody with a running subscription at the cut; churned: it ends within 30 days and none follows."""
    result = run(activity(), BEGIN + round(share * (END - BEGIN)), HORIZON_DAYS, contracts=contracts())
    auc_all, _, _ = report(f"ChurnSim at {share:.0%}", result, HORIZON_DAYS)
    assert (len(result.verdicts), sum(verdict.churned for verdict in result.verdicts)) == (running, ending)
    assert auc_all >= least
