"""Declarations of the fields."""

from __future__ import annotations

from enum import StrEnum

import pytest

from ebbtide.models.standing.activity_group import STRATEGIES, ActivityGroup
from ebbtide.models.standing.declared import DECLARED
from ebbtide.models.standing.journey import JourneyStage
from ebbtide.models.standing.levels import Level
from ebbtide.models.standing.lifecycle import Lifecycle
from ebbtide.models.standing.retention_phase import RetentionPhase

BY_NAME = {one.name: one for one in DECLARED}


def test_names_are_unique_and_every_column_is_filled() -> None:
    assert len(BY_NAME) == len(DECLARED)
    assert all(all((one.meaning, one.unit, one.window, one.source)) for one in DECLARED)
    assert {one.source for one in DECLARED} <= {"SA", "FX", "CRM", "KJ"}


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("lifecycle", Lifecycle),
        ("retention_phase", RetentionPhase),
        ("activity_group", ActivityGroup),
        ("usage_level", Level),
        ("relationship_level", Level),
        ("journey_stage", JourneyStage),
    ],
)
def test_a_state_names_all_its_values(name: str, states: type[StrEnum]) -> None:
    assert BY_NAME[name].unit.split(", ") == [state.value for state in states]


def test_strategies_are_told() -> None:
    assert all(f"{one.code} {one.aim}" in BY_NAME["strategy"].meaning for one in STRATEGIES.values())
