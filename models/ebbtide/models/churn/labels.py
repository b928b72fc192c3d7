"""What became of an observed customer: the label of a training example, once it can be known (design §9).

An observation at grid day ``t`` (the start of UTC day t) has the horizon of the H days t … t + H - 1 and matures at the
start of day t + H, whatever happens in between. Activity on the next day would already prove "stayed", but labels that
come early for the ones that stay and late for the ones that leave would teach a learner that all stay.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from ebbtide.models.customer.series import DaySeries
from ebbtide.schemas.base import DAY_MS

HORIZON_DAYS = 90
CHURNED = "churned"
"""The outcome of ``renewal.closed`` that ends a contract; renewed, expanded and downgraded go on."""


class LabelKind(StrEnum):
    """By what a customer counts as churned."""

    AUTO = "auto"
    CONTRACT = "contract"
    INACTIVITY = "inactivity"


class LabelReason(StrEnum):
    """Why the label is what it is, or why there is none."""

    CONTRACT_CHURNED = "contract_churned"
    CONTRACT_RENEWED = "contract_renewed"
    CONTRACT_RUNNING = "contract_running"
    INACTIVE = "inactive"
    ACTIVE = "active"
    NOT_MATURED = "not_matured"
    NO_CONTRACT = "no_contract"
    ALREADY_CHURNED = "already_churned"


class Label(NamedTuple):
    """True: churned within the horizon. None: no label, the observation is censored and nobody learns from it."""

    churned: bool | None
    reason: LabelReason


class Renewal(NamedTuple):
    """A closed renewal: epoch milliseconds, and renewed | expanded | downgraded | churned."""

    at_ms: int
    outcome: str


def matures_on(day: int, horizon_days: int = HORIZON_DAYS) -> int:
    """The grid day from which the observation of ``day`` may be labelled."""
    return day + horizon_days


def inactivity_label(series: DaySeries, day: int, now_day: int, horizon_days: int = HORIZON_DAYS) -> Label:
    """Churned: no active day among the ``horizon_days`` days from ``day`` on."""
    if now_day < matures_on(day, horizon_days):
        return Label(None, LabelReason.NOT_MATURED)
    index = bisect_left(series.days, day)
    if index < len(series.days) and series.days[index] < day + horizon_days:
        return Label(False, LabelReason.ACTIVE)
    return Label(True, LabelReason.INACTIVE)


def contract_label(renewals: Sequence[Renewal], day: int, now_day: int, horizon_days: int = HORIZON_DAYS) -> Label:
    """Churned: the last renewal closed within the horizon ended the contract.

    ``renewals`` in any order. A contract that merely runs on has not churned by the horizon. One that had ended before
    ``day`` cannot churn again: no label. At the same millisecond a churn counts as later than a renewal.
    """
    if now_day < matures_on(day, horizon_days):
        return Label(None, LabelReason.NOT_MATURED)
    start, end = day * DAY_MS, (day + horizon_days) * DAY_MS
    before = max((_order(r) for r in renewals if r.at_ms < start), default=None)
    if before is not None and before[1]:
        return Label(None, LabelReason.ALREADY_CHURNED)
    within = max((_order(r) for r in renewals if start <= r.at_ms < end), default=None)
    if within is None:
        return Label(False, LabelReason.CONTRACT_RUNNING)
    if within[1]:
        return Label(True, LabelReason.CONTRACT_CHURNED)
    return Label(False, LabelReason.CONTRACT_RENEWED)


def label(
    kind: LabelKind,
    series: DaySeries,
    renewals: Sequence[Renewal] | None,
    day: int,
    now_day: int,
    horizon_days: int = HORIZON_DAYS,
) -> Label:
    """The label of the observation of ``day`` as known at the start of ``now_day``.

    ``renewals`` is None for a customer without a contract, and may be empty for one whose contract has not come up yet.
    ``auto`` takes the contract where there is one.
    """
    if kind is LabelKind.INACTIVITY or (kind is LabelKind.AUTO and renewals is None):
        return inactivity_label(series, day, now_day, horizon_days)
    if renewals is None:
        return Label(None, LabelReason.NO_CONTRACT)
    return contract_label(renewals, day, now_day, horizon_days)


def _order(renewal: Renewal) -> tuple[int, bool]:
    return renewal.at_ms, renewal.outcome == CHURNED
