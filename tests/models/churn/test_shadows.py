"""Trees and forests in shadow: bounded, the same after a restart, told of once when they are better."""

from __future__ import annotations

from random import Random

import pytest

from ebbtide.models.churn import shadows
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.shadows import CHALLENGERS, Shadows

Example = tuple[list[float], bool, float]


def corners(seed: int, count: int) -> list[Example]:
    """Who is high in just one of two features churns: no sum of the two can tell. The champion says one half."""
    random, found = Random(seed), []
    for _ in range(count):
        vector = [0.0] * len(NAMES)
        vector[0], vector[1] = random.choice((0.0, 1.0)), random.choice((0.0, 1.0))
        found.append((vector, vector[0] != vector[1], 0.5))
    return found


def learn(found: Shadows, examples: list[Example]) -> Shadows:
    for features, label, champion_p in examples:
        found.learn(features, label, champion_p)
    return found


def test_they_find_what_an_additive_model_cannot_and_say_so_once() -> None:
    found = learn(Shadows(), corners(1, 600))
    better = found.take_better(0.001, 100)
    assert {"mondrian_forest"} <= set(better) <= set(CHALLENGERS)
    assert found.take_better(0.001, 100) == []
    told = found.report()
    for name in CHALLENGERS:
        assert told[f"{name}_examples"] == 600
        assert told[f"{name}_champion_log_loss"] == pytest.approx(0.693147, abs=1e-6)
    assert (told["mondrian_forest_log_loss"] or 1.0) < 0.2


def test_beside_another_champion_they_begin_again_with_what_they_know() -> None:
    found = learn(Shadows(), corners(1, 600))
    assert found.take_better(0.001, 100)
    found.begin_contests()
    assert {value for name, value in found.report().items() if name.endswith("loss")} == {None}
    learn(found, corners(3, 150))
    assert "mondrian_forest" in found.take_better(0.001, 100)


def test_before_the_first_example_nothing_is_known() -> None:
    assert {value for name, value in Shadows().report().items() if name.endswith("loss")} == {None}


@pytest.mark.parametrize("cut", [0, 1, 39, 40, 41, 75, 90])
def test_a_restart_changes_nothing(monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    monkeypatch.setattr(shadows, "MOST", 40)
    monkeypatch.setattr(shadows, "TAKEN_OVER", 10)
    examples = corners(2, 100)
    steady = learn(Shadows(), examples[:cut])
    again = Shadows(steady.kept, steady.standings)
    # Each goes on with numbers of its own.
    again.standings = {name: shadows.Standing() for name in CHALLENGERS}
    steady.standings = {name: shadows.Standing() for name in CHALLENGERS}
    learn(steady, examples[cut:])
    learn(again, examples[cut:])
    assert again.report() == steady.report()
    assert again.kept == steady.kept
    assert len(steady.kept) <= 40
