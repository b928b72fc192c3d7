"""A customer whose sources went silent: nothing can be said of it or held against it. Day 0 is Monday, 2025-01-06."""

from __future__ import annotations

import pytest

from ebbtide.schemas.score import Score
from support.blind import beats, used
from support.raw import story
from support.standings import Told, day_of

EVERY_TWO_DAYS = list(range(0, 60, 2))


def scores(found: Told) -> list[Score]:
    return [output.record for output in found.outputs if isinstance(output.record, Score)]


def silent(until: float, back: int = 100) -> Told:
    """Used every two days to day 40; the source is heard to day 40, and again from ``back`` on."""
    days = [day for day in EVERY_TWO_DAYS if day <= 40 or day >= back]
    return Told(used(days) + beats([*range(41), *range(back, 61)]) + used([60], "web", "other"), until)


@pytest.fixture(scope="module")
def blind() -> Told:
    return silent(59)


def test_it_cannot_be_scored_and_that_is_told_once(blind: Told) -> None:
    """The last heartbeat, on day 40 at 18:00, covers the time to day 41 at 12:00: it is blind at day 42."""
    last = scores(blind)[-1]
    assert (last.cannot_score_reason, last.p_churn, last.tier, last.logit) == ("source_blind", None, None, None)
    assert (day_of(last.occurred_at), last.contributions, last.change) == (42, [], None)
    assert [one.cannot_score_reason for one in scores(blind)].count("source_blind") == 1
    versions = [one.version for one in scores(blind)]
    assert versions == list(range(1, len(versions) + 1))
    before = scores(blind)[-2]
    assert before.model_version == last.model_version
    assert before.p_churn is not None


def test_nothing_is_held_against_it(blind: Told) -> None:
    """Without heartbeats it would be asleep on day 44, and left on day 55."""
    assert [row for row in story(blind.outputs) if row[0] in {"asleep", "left", "sudden_drop"}] == []
    assert [new for _, new, _ in blind.moves("u1", "lifecycle")] == ["growth", "maturity"]
    unheard = Told(used(day for day in EVERY_TWO_DAYS if day <= 40), 59)
    assert [row for row in story(unheard.outputs) if row[0] != "tier_to_danger"] == [
        ("asleep", "open", 44),
        ("left", "open", 55),
        ("asleep", "resolved", 55),
    ]
    assert [new for _, new, _ in unheard.moves("u1", "lifecycle")][-1] == "left"


def test_its_record_says_so(blind: Told) -> None:
    fields = blind.fields("u1")
    assert fields["cannot_score_reason"] == "source_blind"
    assert (fields["p_churn"], fields["health_tier"]) == (None, None)
    assert (fields["silence_state"], fields["lifecycle"], fields["open_alerts"]) == ("awake", "maturity", [])


def test_an_observed_instant_tells_no_score_of_it_either() -> None:
    found = silent(50)
    assert scores(found)[-1].cannot_score_reason == "source_blind"
    assert found.customer("u1").blind


def test_when_the_source_is_back_it_is_scored_again_and_the_blind_days_are_no_silence() -> None:
    """Back on day 54, and so is the customer: scored on day 54's end, at day 55, at the latest."""
    found = silent(60, 54)
    own = found.customer("u1").customer_id
    again = [one for one in scores(found) if one.customer_id == own and day_of(one.occurred_at) > 42]
    assert again[0].cannot_score_reason is None
    assert again[0].p_churn is not None
    assert day_of(again[0].occurred_at) == 55
    assert [row for row in story(found.outputs) if row[0] in {"asleep", "left", "warm_return", "sudden_drop"}] == []
    assert [new for _, new, _ in found.moves("u1", "lifecycle")] == ["growth", "maturity"]
    fields = found.fields("u1")
    assert (fields["cannot_score_reason"], fields["silence_state"]) == (None, "awake")
    assert found.moves("u1", "usage") == [(None, "middle", 7)]


def test_who_stays_away_after_the_source_is_back_sleeps_by_the_days_that_were_seen() -> None:
    """Last active on day 40; blind days are 41 to 53; seen silent on days 54, 55, 56: asleep at day 57."""
    bodies = used(day for day in EVERY_TWO_DAYS if day <= 40) + beats([*range(41), *range(54, 90)])
    rows = [row for row in story(Told(bodies, 80).outputs) if row[0] in {"asleep", "left", "sudden_drop"}]
    assert rows[0] == ("asleep", "open", 57)


def test_a_second_live_source_makes_it_seen() -> None:
    """Who also uses an app that is heard is silent, not unseen."""
    bodies = used(day for day in EVERY_TWO_DAYS if day <= 40) + used([1, 21], "app")
    heard = Told(bodies + beats(range(41)) + beats(range(60), "app"), 59)
    assert ("asleep", "open", 44) in story(heard.outputs)
    assert {one.cannot_score_reason for one in scores(heard)} == {None}
    both = Told(bodies + beats(range(41)) + beats(range(41), "app"), 59)
    assert scores(both)[-1].cannot_score_reason == "source_blind"


def test_a_window_that_could_not_be_seen_is_no_drop() -> None:
    """Six events a day, 42 a week; of the week before day 56 four days, 51 to 54, are blind, and 18 are under half."""
    days = [day for day in range(60) if not 50 < day < 55]
    bodies = [body for n in range(3) for body in used(days, "web", f"u{n}")]
    joined = [body | {"context": {"source": "web", "groupId": "acme"}} for body in bodies]
    dark = Told(joined + beats([*range(51), *range(55, 60)]), 60)
    assert [row for row in story(dark.outputs) if row[0] == "sudden_drop"] == []
    assert [new for _, new, _ in dark.moves("acme", "lifecycle")] == ["growth", "maturity"]
    seen = Told(joined + beats(range(60)), 60)
    assert ("sudden_drop", "open") in [row[:2] for row in story(seen.outputs)]
