"""Quality on real histories, one pass, one shipped configuration.

Peers on the same rows (one batch fit each): CDNOW, everybody / bought in the last 91 days: BG/NBD .765/.695, logistic
.773/.700, boosted trees .766/.695. Sympy: BG/NBD .847/.757, logistic .956/.882, boosted trees .938/.917.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ebbtide.models.churn.quality import auc, brier
from ebbtide.models.customer.series import DaySeries
from ebbtide.schemas.base import DAY_SECONDS
from support.cohort import EPOCH_ORDINAL, Run, run

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
SAMPLE = ROOT / "deploy" / "sample"

pytestmark = [pytest.mark.quality, pytest.mark.timeout(900)]


def rows(name: str) -> Iterator[dict[str, str]]:
    path = SAMPLE / name if (SAMPLE / name).exists() else DATA / name
    if not path.exists():
        pytest.skip(f"{path} is absent: this test needs the real data set, which is not part of the repository")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def fold(activities: list[tuple[str, int, int, int]]) -> dict[str, DaySeries]:
    """(customer, day, orders, revenue in millionths), one row per event, to series."""
    buckets: dict[str, dict[int, list[int]]] = {}
    for customer, day, orders, micros in activities:
        bucket = buckets.setdefault(customer, {}).setdefault(day, [0, 0, 0, 0, 0, 0, 0, -1, -1])
        bucket[0] += 1
        bucket[3] += orders
        bucket[4] += micros
    cohort = {}
    for customer, days in buckets.items():
        series = cohort[customer] = DaySeries()
        for day in sorted(days):
            series.put(day, days[day])
    return cohort


def cdnow() -> dict[str, DaySeries]:
    return fold(
        [
            (
                row["customer_id"],
                date.fromisoformat(row["date"]).toordinal() - EPOCH_ORDINAL,
                1,
                round(float(row["amount"]) * 1_000_000),
            )
            for row in rows("cdnow_events.csv.gz")
        ]
    )


def sympy() -> dict[str, DaySeries]:
    aliases = {row["alias_id"]: (row["name_tok"], row["email_tok"]) for row in rows("gitlog_sympy_alias_ids.csv.gz")}
    people = {
        (row["name_tok"], row["email_tok"]): row["person_tok"] for row in rows("gitid_sympy_aliases_truth.csv.gz")
    }
    return fold(
        [
            (people[aliases[row["alias_id"]]], int(row["ts"]) // DAY_SECONDS, 0, 0)
            for row in rows("gitlog_sympy_events.csv.gz")
        ]
    )


def report(name: str, result: Run, active_days: int) -> tuple[float, float, float]:
    """AUC of everybody, AUC of those active in the last days, Brier of everybody."""
    everybody = result.verdicts
    active = [v for v in everybody if v.recency_days <= active_days]
    auc_all = auc([v.churned for v in everybody], [v.p_churn for v in everybody])
    auc_active = auc([v.churned for v in active], [v.p_churn for v in active])
    score = brier([v.churned for v in everybody], [v.p_churn for v in everybody])
    assert auc_all is not None
    assert auc_active is not None
    assert score is not None
    print(
        f"{name}: {len(everybody)}/{len(active)} customers, AUC {auc_all:.4f}/{auc_active:.4f}, Brier {score:.4f}, "
        f"{result.learner.examples} examples, prequential {result.learner.quality.report()}"
    )
    return auc_all, auc_active, score


def test_cdnow() -> None:
    """All of 1997-09-30 is known; churned: no purchase in the next 91 days."""
    result = run(cdnow(), date(1997, 10, 1).toordinal() - EPOCH_ORDINAL, 91)
    auc_all, auc_active, score = report("CDNOW", result, 91)
    assert len(result.verdicts) == 23_570
    assert auc_all >= 0.765
    assert auc_active >= 0.69
    assert score <= 0.1185


def test_sympy() -> None:
    """All of 2020 is known; churned: no commit in the next 90 days."""
    result = run(sympy(), date(2021, 1, 1).toordinal() - EPOCH_ORDINAL, 90)
    auc_all, auc_active, _ = report("sympy", result, 90)
    assert len(result.verdicts) == 1_028
    assert auc_all >= 0.95
    assert auc_active >= 0.85
