"""What the truth says beside what was planted: when a decline shows, and how often somebody comes."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from ebbtide.streams.simulator.episode import Episode, EpisodeType
from ebbtide.streams.simulator.gap import gap_days, works_weekdays_only
from ebbtide.streams.simulator.people import Person, make_person
from streams.simulator.simulated import Simulated


@pytest.mark.parametrize(
    ("episode", "onset"),
    [
        # A fifth of the full effect a day: 0.1 ** (2 / 5) is 0.40.
        (Episode(EpisodeType.DECLINE, 10, 15, factor=0.1), 11),
        (Episode(EpisodeType.DECLINE, 10, 15, factor=0.6), None),
        # A slump has set in after four days: 0.4 ** (3 / 4) is 0.503.
        (Episode(EpisodeType.SLUMP, 10, 30, factor=0.4), 13),
        # A downgrade in the middle: 0.45 ** (8 / 10) is 0.53, 0.45 ** (9 / 10) is 0.49.
        (Episode(EpisodeType.DOWNGRADE, 10, 30, factor=0.45, after=0.45), 18),
        (Episode(EpisodeType.WARM_RETURN, 10, 40, factor=0.0), 10),
        (Episode(EpisodeType.SURGE, 10, 40, factor=3.0), None),
        (Episode(EpisodeType.KEY_PERSON_LOSS, 10, 38), None),
    ],
)
def test_the_onset_is_the_first_day_under_half(episode: Episode, onset: int | None) -> None:
    assert episode.onset() == onset
    if onset is not None:
        assert episode.multiplier(onset) < 0.5 <= min((episode.multiplier(d) for d in range(10, onset)), default=1.0)


def somebody(pattern: tuple[float, ...]) -> Person:
    person = make_person(Random(1), "u1", "acme.example", "end_user", joins=0, skew_share=0.0)
    return replace(person, pattern=pattern)


WEEKDAYS = (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)


def on(days: tuple[int, ...], chance: float) -> tuple[float, ...]:
    return tuple(chance if day in days else 0.0 for day in range(14))


@pytest.mark.parametrize(
    ("pattern", "weekdays_only", "gap"),
    [
        ((0.97,) * 14, False, 1.0),
        # 0.3 of all days: 1 - 0.7 ** 2 is 0.51.
        ((0.3,) * 14, False, 2.0),
        (on(WEEKDAYS, 0.97), True, 1.4),
        (on(WEEKDAYS, 0.3), True, 2.8),
        # On Tuesdays: the next one follows with a chance of 0.97, five business days later.
        (on((1, 8), 0.97), True, 7.0),
        (on((1,), 0.97), True, 14.0),
        (on((5, 12), 0.97), False, 7.0),
    ],
)
def test_the_usual_gap_of_a_habit(pattern: tuple[float, ...], weekdays_only: bool, gap: float) -> None:
    person = somebody(pattern)
    assert works_weekdays_only(person) is weekdays_only
    assert gap_days(person, 1.0) == pytest.approx(gap)


def test_who_does_less_comes_less_often() -> None:
    person = somebody((0.3,) * 14)
    gaps = [gap_days(person, level) for level in (2.0, 1.0, 0.5, 0.2)]
    assert gaps == sorted(gaps)
    assert gaps[0] < gaps[-1]


def test_the_truth_file_tells_both(simulated: Simulated) -> None:
    rows = [row for row in simulated.truth if row["row"] != "fleet"]
    episodes = [episode for row in rows for episode in row["episodes"]]
    assert all(
        episode["onset_at"] is None or episode["starts_at"] <= episode["onset_at"] < episode["ends_at"]
        for episode in episodes
    )
    assert {episode["type"] for episode in episodes if episode["onset_at"]} >= {"decline", "slump", "warm_return"}
    users = [user for row in rows for user in row["users"]]
    assert all(user["gap_days"] >= 1.0 for user in users)
    assert 0.8 < sum(user["weekdays_only"] for user in users) / len(users) < 1.0
