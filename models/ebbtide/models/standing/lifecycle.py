"""Lifecycle of a customer: acquisition, growth, maturity, decline, left, and back [CRM] (signals §4)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import ceil

from ebbtide.models.customer.cadence import Cadence, SilenceState, left_after
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.policy import CorePolicy
from ebbtide.models.standing.core_value import core_day
from ebbtide.models.standing.hysteresis import Held, Proposal, StateChange, move
from ebbtide.models.standing.stability import variation
from ebbtide.models.standing.unseen import Unseen, all_seen

STATE_NAME = "lifecycle"


class Lifecycle(StrEnum):
    """The five states."""

    ACQUISITION = "acquisition"
    GROWTH = "growth"
    MATURITY = "maturity"
    DECLINE = "decline"
    LEFT = "left"


class LifecycleReason(StrEnum):
    """Why a customer is in its state."""

    NO_CORE_VALUE = "no_core_value"
    CORE_VALUE = "core_value"
    STABLE = "stable"
    DROP = "drop"
    ASLEEP = "asleep"
    SILENT = "silent"
    NOT_BACK = "not_back"


# Members of enumerations cost twice a look-up of these, and are asked for at every look at a customer.
_ACQUISITION, _MATURITY = Lifecycle.ACQUISITION, Lifecycle.MATURITY
_DECLINE, _LEFT = Lifecycle.DECLINE, Lifecycle.LEFT
_AWAKE, _ASLEEP, _GONE = SilenceState.AWAKE, SilenceState.ASLEEP, SilenceState.LEFT


def lifecycle(
    held: Held | None,
    series: DaySeries,
    day: int,
    own: Cadence,
    silence: SilenceState,
    comparison: Comparison | None,
    policy: CorePolicy,
    *,
    tenant_has_queries: bool = False,
    unseen: Unseen = all_seen,
) -> tuple[Held, StateChange | None]:
    """The state as of grid day ``day``, for a customer that was active before it.

    ``own``, ``silence`` and ``comparison`` are those of ``day``. Left is who is silent for 7.5 cadences; decline who is
    asleep, or under half of the own usual until over 0.7 of it; before the first core value it is acquisition; maturity
    begins with four whole weeks of even use since the first core value; all else is growth. One that left is back when
    it is awake and was active on two days. Leaving, and the first core value, do not wait for the dwell time.
    Weeks with ``unseen`` days make no mature customer less so.
    """
    current = None if held is None else held.value
    proposed = _propose(
        current, series, day, own, silence, comparison, policy, unseen, tenant_has_queries=tenant_has_queries
    )
    return move(STATE_NAME, held, proposed, day, policy.lifecycle.dwell_days)


def _propose(
    current: str | None,
    series: DaySeries,
    day: int,
    own: Cadence,
    silence: SilenceState,
    comparison: Comparison | None,
    policy: CorePolicy,
    unseen: Unseen,
    *,
    tenant_has_queries: bool,
) -> Proposal:
    if silence is _GONE:
        return Proposal(_LEFT, LifecycleReason.SILENT, _silent(series, day, own), urgent=True)
    if current == _LEFT:
        # Whoever left was silent for longer than this window: all activity in it is that of its return.
        window = ceil(left_after(own, policy.cadence) * own.days / own.gap)
        active = series.active_days(day, window)
        if silence is not _AWAKE or active < policy.lifecycle.return_active_days:
            return Proposal(_LEFT, LifecycleReason.NOT_BACK)
    if silence is _ASLEEP:
        return Proposal(_DECLINE, LifecycleReason.ASLEEP, _silent(series, day, own))
    if comparison is not None:
        baseline = policy.baseline
        edge = baseline.drop_leave if current == _DECLINE else baseline.drop_enter
        if comparison.ratio < edge:
            return Proposal(_DECLINE, LifecycleReason.DROP, _dropped(comparison))
    core = core_day(series, day, policy.lifecycle, tenant_has_queries=tenant_has_queries)
    if core is None:
        return Proposal(_ACQUISITION, LifecycleReason.NO_CORE_VALUE)
    return _grown(current, series, day, own, core, policy, unseen)


def _grown(
    current: str | None, series: DaySeries, day: int, own: Cadence, core: int, policy: CorePolicy, unseen: Unseen
) -> Proposal:
    """Growth or maturity of one that has had core value and is neither asleep nor down."""
    first = current == _ACQUISITION
    settings = policy.lifecycle
    use = variation(series, day, own, settings.stable_periods)
    mature = use is not None and (
        use.value <= settings.stable_leave or unseen(use.start_day) > 0
        if current == _MATURITY
        else use.value <= settings.stable_enter and use.every_period_active and use.start_day >= core
    )
    stays = _MATURE if mature else _GROWS
    if stays.value == current:
        # Most customers on most days: nobody asks why nothing changed.
        return stays
    evidence: dict[str, object] = {"core_day": core}
    if use is not None:
        evidence |= {"variation": round(use.value, 4), "period_days": use.period_days}
    return stays._replace(evidence=evidence, urgent=first)


_MATURE = Proposal(_MATURITY, LifecycleReason.STABLE)
_GROWS = Proposal(Lifecycle.GROWTH, LifecycleReason.CORE_VALUE)


def _silent(series: DaySeries, day: int, own: Cadence) -> Mapping[str, object]:
    last_day = series.last_day(day)
    assert last_day is not None, "a customer with a cadence was active before"
    return {"silence_days": day - last_day, "cadence_days": round(own.days, 2)}


def _dropped(comparison: Comparison) -> Mapping[str, object]:
    return {
        "value": comparison.value,
        "baseline": round(comparison.baseline, 2),
        "ratio": round(comparison.ratio, 4),
        "window_days": comparison.window_days,
    }
