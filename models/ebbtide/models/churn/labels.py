"""What became of an observed customer: the label of a training example, once it can be known (design §9).

An observation at grid day ``t`` (the start of UTC day t) has the horizon of the H days t … t + H - 1 and matures at the
start of day t + H, whatever happens in between. Activity on the next day would already prove "stayed", but labels that
come early for the ones that stay and late for the ones that leave would teach a learner that all stay.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import NamedTuple

from ebbtide.models.customer.series import DaySeries
from ebbtide.models.standing.contracts import CHURNED, SIGNED
from ebbtide.schemas.base import DAY_MS

HORIZON_DAYS = 90


class LabelKind(StrEnum):
    """By what a customer counts as churned."""

    AUTO = "auto"
    CONTRACT = "contract"
    INACTIVITY = "inactivity"


class LabelReason(StrEnum):
    """Why the label is what it is, or why there is none."""

    CONTRACT_CHURNED = "contract_churned"
    CONTRACT_RENEWED = "contract_renewed"
    CONTRACT_WON_BACK = "contract_won_back"
    CONTRACT_RUNNING = "contract_running"
    INACTIVE = "inactive"
    ACTIVE = "active"
    NOT_MATURED = "not_matured"
    NO_CONTRACT = "no_contract"
    ALREADY_CHURNED = "already_churned"
    EXCLUDED = "excluded"


class Label(NamedTuple):
    """True: churned within the horizon. None: no label, the observation is censored and nobody learns from it."""

    churned: bool | None
    reason: LabelReason


class Renewal(NamedTuple):
    """A contract that was signed, or came to its end: epoch milliseconds; contract.signed, or renewed | expanded |
    downgraded | churned; and the reason for that as the CRM names it."""

    at_ms: int
    outcome: str
    reason: str = ""


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


def contract_label(
    renewals: Sequence[Renewal],
    day: int,
    now_day: int,
    horizon_days: int = HORIZON_DAYS,
    *,
    excluded: Collection[str] = (),
) -> Label:
    """Churned: the last that was heard of a contract within the horizon ended it.

    ``renewals`` in any order. A contract that merely runs on has not churned by the horizon, nor has one that ended and
    was won back. One that had ended before ``day`` cannot churn again: no label. Nor has one that ended for a reason
    among ``excluded``: that the customer should never have been sold to, say, no use of the product could tell. At the
    same millisecond a churn counts as later than all else.
    """
    if now_day < matures_on(day, horizon_days):
        return Label(None, LabelReason.NOT_MATURED)
    start, end = day * DAY_MS, (day + horizon_days) * DAY_MS
    before = max((r for r in renewals if r.at_ms < start), key=_order, default=None)
    if before is not None and before.outcome == CHURNED:
        return Label(None, LabelReason.ALREADY_CHURNED)
    within = sorted((r for r in renewals if start <= r.at_ms < end), key=_order)
    if within and within[-1].outcome == CHURNED:
        if within[-1].reason in excluded:
            return Label(None, LabelReason.EXCLUDED)
        return Label(True, LabelReason.CONTRACT_CHURNED)
    outcomes = {renewal.outcome for renewal in within}
    if CHURNED in outcomes:
        return Label(False, LabelReason.CONTRACT_WON_BACK)
    return Label(False, LabelReason.CONTRACT_RENEWED if outcomes - {SIGNED} else LabelReason.CONTRACT_RUNNING)


def label(
    kind: LabelKind,
    series: DaySeries,
    renewals: Sequence[Renewal],
    day: int,
    now_day: int,
    horizon_days: int = HORIZON_DAYS,
    *,
    excluded: Collection[str] = (),
) -> Label:
    """The label of the observation of ``day`` as known at the start of ``now_day``.

    A customer of whose contracts nothing was heard before the horizon ended has none. ``auto`` takes the contract where
    there is one. ``excluded``: see :func:`contract_label`.
    """
    if kind is not LabelKind.INACTIVITY:
        end_ms = (day + horizon_days) * DAY_MS
        if any(renewal.at_ms < end_ms for renewal in renewals):
            return contract_label(renewals, day, now_day, horizon_days, excluded=excluded)
        if kind is LabelKind.CONTRACT:
            return Label(None, LabelReason.NO_CONTRACT)
    return inactivity_label(series, day, now_day, horizon_days)


def _order(renewal: Renewal) -> tuple[int, bool, str, str]:
    # Outcome and reason only so that two churns of one time do not depend on the order in which they came.
    return renewal.at_ms, renewal.outcome == CHURNED, renewal.outcome, renewal.reason
