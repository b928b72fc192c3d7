"""Labels: by silence, by contract, and never before their time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.labels import (
    Label,
    LabelKind,
    LabelReason,
    Renewal,
    contract_label,
    inactivity_label,
    label,
    matures_on,
)
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.standing.contracts import SIGNED
from ebbtide.schemas.base import DAY_MS
from support.vectors import series

T, H = 100, 90
EXCLUDED = ("not_target",)


def active_on(*days: int) -> DaySeries:
    target = DaySeries()
    for day in days:
        target.put(day, [1, 0, 0, 0, 0, 0, 0, -1, -1])
    return target


def at(day: float, outcome: str, reason: str = "") -> Renewal:
    return Renewal(int(day * DAY_MS), outcome, reason)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((99,), Label(True, LabelReason.INACTIVE)),
        ((99, 100), Label(False, LabelReason.ACTIVE)),
        ((99, 189), Label(False, LabelReason.ACTIVE)),
        ((99, 190), Label(True, LabelReason.INACTIVE)),
        ((), Label(True, LabelReason.INACTIVE)),
    ],
)
def test_inactivity(days: tuple[int, ...], expected: Label) -> None:
    """Observed at the start of day 100, the horizon is days 100 to 189."""
    assert inactivity_label(active_on(*days), T, T + H, H) == expected


@pytest.mark.parametrize(
    ("renewals", "expected"),
    [
        ([], Label(False, LabelReason.CONTRACT_RUNNING)),
        ([at(150, "churned")], Label(True, LabelReason.CONTRACT_CHURNED)),
        ([at(150, "renewed")], Label(False, LabelReason.CONTRACT_RENEWED)),
        ([at(150, "downgraded")], Label(False, LabelReason.CONTRACT_RENEWED)),
        ([at(190, "churned")], Label(False, LabelReason.CONTRACT_RUNNING)),
        ([at(189.99, "churned")], Label(True, LabelReason.CONTRACT_CHURNED)),
        ([at(100, "churned")], Label(True, LabelReason.CONTRACT_CHURNED)),
        ([at(99.99, "churned")], Label(None, LabelReason.ALREADY_CHURNED)),
        ([at(50, "churned"), at(60, "renewed")], Label(False, LabelReason.CONTRACT_RUNNING)),
        ([at(160, "renewed"), at(150, "churned")], Label(False, LabelReason.CONTRACT_WON_BACK)),
        ([at(150, "churned"), at(150, "renewed")], Label(True, LabelReason.CONTRACT_CHURNED)),
        ([at(50, SIGNED)], Label(False, LabelReason.CONTRACT_RUNNING)),
        ([at(50, SIGNED), at(150, SIGNED)], Label(False, LabelReason.CONTRACT_RUNNING)),
        ([at(50, SIGNED), at(150, "churned")], Label(True, LabelReason.CONTRACT_CHURNED)),
        ([at(150, "churned"), at(160, SIGNED)], Label(False, LabelReason.CONTRACT_WON_BACK)),
        ([at(50, "churned"), at(60, SIGNED)], Label(False, LabelReason.CONTRACT_RUNNING)),
        ([at(50, "churned"), at(60, SIGNED), at(150, "churned")], Label(True, LabelReason.CONTRACT_CHURNED)),
        ([at(50, "churned"), at(160, SIGNED)], Label(None, LabelReason.ALREADY_CHURNED)),
        ([at(150, "churned", "not_target")], Label(None, LabelReason.EXCLUDED)),
        ([at(150, "churned", "product")], Label(True, LabelReason.CONTRACT_CHURNED)),
        ([at(150, "renewed", "not_target")], Label(False, LabelReason.CONTRACT_RENEWED)),
        ([at(150, "churned", "not_target"), at(160, SIGNED)], Label(False, LabelReason.CONTRACT_WON_BACK)),
        ([at(50, "churned", "not_target")], Label(None, LabelReason.ALREADY_CHURNED)),
        # Two ends of one instant: which reason counts does not depend on which came first.
        ([at(150, "churned", "not_target"), at(150, "churned", "other")], Label(True, LabelReason.CONTRACT_CHURNED)),
    ],
)
def test_contract(renewals: list[Renewal], expected: Label) -> None:
    assert contract_label(renewals, T, T + H, H, excluded=EXCLUDED) == expected
    assert contract_label(renewals[::-1], T, T + H, H, excluded=EXCLUDED) == expected


def test_a_contract_says_nothing_a_day_too_early() -> None:
    assert contract_label([at(150, "churned")], T, T + H - 1, H) == Label(None, LabelReason.NOT_MATURED)


def test_without_excluded_reasons_every_churn_teaches() -> None:
    assert contract_label([at(150, "churned", "not_target")], T, T + H, H) == Label(True, LabelReason.CONTRACT_CHURNED)


@pytest.mark.parametrize(
    ("kind", "renewals", "expected"),
    [
        (LabelKind.AUTO, [], LabelReason.INACTIVE),
        (LabelKind.AUTO, [at(60, SIGNED)], LabelReason.CONTRACT_RUNNING),
        (LabelKind.AUTO, [at(T + H - 0.01, SIGNED)], LabelReason.CONTRACT_RUNNING),
        (LabelKind.AUTO, [at(T + H, SIGNED)], LabelReason.INACTIVE),
        (LabelKind.AUTO, [at(T + H, "churned")], LabelReason.INACTIVE),
        (LabelKind.INACTIVITY, [at(150, "renewed")], LabelReason.INACTIVE),
        (LabelKind.CONTRACT, [at(150, "renewed")], LabelReason.CONTRACT_RENEWED),
        (LabelKind.CONTRACT, [], LabelReason.NO_CONTRACT),
        (LabelKind.CONTRACT, [at(T + H, SIGNED)], LabelReason.NO_CONTRACT),
    ],
)
def test_kind(kind: LabelKind, renewals: list[Renewal], expected: LabelReason) -> None:
    assert label(kind, active_on(99), renewals, T, T + H, H).reason is expected


@given(
    st.sampled_from([LabelKind.AUTO, LabelKind.INACTIVITY, LabelKind.CONTRACT]),
    series(),
    st.lists(st.builds(at, st.floats(19_900, 20_900), st.sampled_from(["renewed", "churned"])), max_size=4),
    st.integers(20_000, 20_700),
    st.integers(1, 200),
    st.integers(-400, 400),
)
def test_no_label_before_maturity(
    kind: LabelKind, target: DaySeries, renewals: list[Renewal], day: int, horizon: int, later: int
) -> None:
    answer = label(kind, target, renewals, day, day + later, horizon)
    if answer.reason is LabelReason.NO_CONTRACT:
        assert kind is LabelKind.CONTRACT
        assert not any(renewal.at_ms < matures_on(day, horizon) * DAY_MS for renewal in renewals)
    elif day + later < matures_on(day, horizon):
        assert answer == Label(None, LabelReason.NOT_MATURED)
    else:
        assert answer.reason is not LabelReason.NOT_MATURED
        assert answer == label(kind, target, renewals, day, day + later + 1_000, horizon)
