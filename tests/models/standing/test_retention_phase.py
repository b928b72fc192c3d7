"""Retention phase since first use."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ebbtide.models.policy import RetentionPhasePolicy
from ebbtide.models.standing.retention_phase import RetentionPhase, retention_phase

POLICY = RetentionPhasePolicy()


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (-1, None),
        (0, None),  # first use lies on the day that begins
        (1, "oscillation"),
        (13, "oscillation"),
        (14, "selection"),
        (55, "selection"),
        (56, "stable"),
        (1_000, "stable"),
    ],
)
def test_two_weeks_and_eight_weeks(age: int, expected: str | None) -> None:
    assert retention_phase(20_000, 20_000 + age, POLICY) == expected


def test_without_use_there_is_none() -> None:
    assert retention_phase(None, 20_000, POLICY) is None


def test_edges_are_settings() -> None:
    policy = RetentionPhasePolicy(selection_from_days=3, stable_from_days=5)
    found = [retention_phase(0, day, policy) for day in range(1, 7)]
    first, second, third = RetentionPhase
    assert found == [first, first, second, second, third, third]


def test_edges_must_be_in_order() -> None:
    with pytest.raises(ValidationError, match="selection_from_days <= stable_from_days must hold"):
        RetentionPhasePolicy(selection_from_days=57)
