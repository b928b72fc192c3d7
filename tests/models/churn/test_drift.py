"""An alarm when what was published fails more often, none when it does not."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.churn import drift
from ebbtide.models.churn.drift import Drift, Level, LossWatch

ERROR = 0.002


def losses(seed: int, *rates: tuple[int, float]) -> list[float]:
    """Squared errors of somebody who says 0.1 where that many of so many churn."""
    random = Random(seed)
    return [(0.1 - (random.random() < rate)) ** 2 for count, rate in rates for _ in range(count)]


def alarms(values: list[float]) -> list[tuple[int, Drift]]:
    watch = LossWatch(ERROR)
    return [(number, found) for number, value in enumerate(values) if (found := watch.add(value))]


def test_nothing_is_said_of_what_stays_as_it_is() -> None:
    assert [alarms(losses(seed, (6_000, 0.1))) for seed in range(10)] == [[]] * 10


def test_a_rise_is_told_within_five_hundred_labels() -> None:
    for seed in range(20):
        (number, found), *more = alarms(losses(seed, (3_000, 0.1), (1_000, 0.4)))
        assert 3_000 < number < 3_500
        assert found.after > (1.0 + drift.RISE) * found.before
        assert found.labels < 3_500
        # It may be told of again while it goes on, not of each label.
        assert len(more) <= 2


def test_a_fall_is_no_alarm_and_makes_what_is_usual() -> None:
    for seed in range(10):
        assert alarms(losses(seed, (2_000, 0.5), (2_000, 0.1))) == []
        # From there, a rise to what was usual long ago is one.
        assert len(alarms(losses(seed, (2_000, 0.5), (2_000, 0.1), (1_000, 0.5)))) >= 1


def test_a_rise_that_is_hardly_one_is_no_alarm() -> None:
    watch = LossWatch(ERROR)
    assert [watch.add(loss) for loss in [0.3] * 1_000 + [0.34] * 1_000] == [None] * 2_000
    assert watch.level.is_suspected
    assert watch.level.usual == pytest.approx(0.3, abs=0.01)
    # It is over when things are as they were.
    assert [watch.add(loss) for loss in [0.2] * 1_000] == [None] * 1_000
    assert not watch.level.is_suspected


@settings(deadline=None)
@given(st.integers(0, 1_000), st.integers(1, 400), st.integers(0, 400))
def test_a_restart_changes_nothing(seed: int, cut: int, after: int) -> None:
    values = losses(seed, (cut, 0.1), (after, 0.6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drift, "MOST", 128)
        watch = LossWatch(ERROR)
        for value in values[:cut]:
            watch.add(value)
        again = LossWatch(ERROR, bytes(watch.kept), msgspec.convert(msgspec.to_builtins(watch.level), Level))
        assert [again.add(value) for value in values[cut:]] == [watch.add(value) for value in values[cut:]]
        assert (again.kept, again.level) == (watch.kept, watch.level)
        assert len(watch.kept) <= 128
