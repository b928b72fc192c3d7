"""What alerts caught of what was planted: hand-made stories, a row each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ebbtide.streams.evaluation.evaluate import evaluate
from ebbtide.streams.evaluation.rows import EvaluationError
from support.replays import account, alert, at, episode, later, write, write_replay


def judged(tmp_path: Path, alerts: list[dict[str, Any]], truth: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    replay = write_replay(tmp_path / "out", "abc", alerts, **{"cadences": {"a": 2.0, "b": 2.0, "c": 2.0}, **more})
    found: dict[str, Any] = evaluate(replay, write(tmp_path / "truth.ndjson", truth))["alerts"]["planted"]
    return found


SLUMP = episode("slump", 100, 120, onset=103)


@pytest.mark.parametrize(
    ("alerts", "caught", "by"),
    [
        ([], 0, {}),
        ([alert("a", "sudden_drop", 105)], 1, {"sudden_drop": 1}),
        ([alert("a", "sudden_drop", 105), alert("a", "asleep", 104)], 1, {"asleep": 1}),
        # From its first day to two cadences after its last.
        ([alert("a", "left", 100)], 1, {"left": 1}),
        ([alert("a", "cell_down", 124)], 1, {"cell_down": 1}),
        ([alert("a", "asleep", 99.5), alert("a", "asleep", 124.5)], 0, {}),
        # Not by what is no risk of behaviour, of another customer, or kept from everybody.
        ([alert("a", "surge", 105, kind="opportunity"), alert("a", "overdue", 105)], 0, {}),
        ([alert("b", "asleep", 105)], 0, {}),
        ([alert("a", "asleep", 105, suppressed={"reason": "fleet"})], 0, {}),
    ],
)
def test_a_decline_is_caught_while_it_lasts(
    tmp_path: Path, alerts: list[dict[str, Any]], caught: int, by: dict[str, int]
) -> None:
    found = judged(tmp_path, alerts, [account("a", episodes=[SLUMP])])["declines"]
    assert (found["recall"]["count"], found["recall"]["of"]) == (caught, 1)
    assert (found["caught_first_by"], found["by_episode"]["slump"]["count"]) == (by, caught)


@pytest.mark.parametrize(
    ("planted", "count"),
    [
        (episode("decline", 100, 150, onset=130), 1),
        (episode("downgrade", 100, 150, onset=130), 1),
        # It never is under half; it is no decline; its onset lies before the log; its time is not over at the end.
        (episode("downgrade", 100, 150), 0),
        (episode("warm_return", 100, 130, onset=100), 0),
        (episode("slump", -10, 20, onset=-1), 0),
        (episode("slump", 340, 356.5, onset=343), 0),
        (episode("slump", 340, 356, onset=343), 1),
    ],
)
def test_which_episodes_have_to_be_caught(tmp_path: Path, planted: dict[str, Any], count: int) -> None:
    assert judged(tmp_path, [], [account("a", episodes=[planted])])["declines"]["recall"]["of"] == count


def test_delays_are_in_days_and_in_cadences(tmp_path: Path) -> None:
    """a of 2 days: told 1 day before the onset; b of 4: 8 days after; c has none, so a week counts: 14 days after."""
    found = judged(
        tmp_path,
        [alert("a", "asleep", 102), alert("b", "asleep", 111), alert("c", "asleep", 117)],
        [account(customer, episodes=[SLUMP]) for customer in "abc"],
        cadences={"a": 2.0, "b": 4.0},
    )["declines"]
    assert found["days_from_onset"]["median"] == 8.0
    assert found["days_from_start"]["median"] == 11.0
    assert found["cadences_from_onset"] == {"lower_quartile": 0.75, "median": 2.0, "upper_quartile": 2.0}
    assert found["median_target_days"] == 9.0
    # 1 day before, 8 of 9 days, 14 of 15.
    assert found["within_two_cadences_and_a_day"] == 1.0
    assert found["caught_before_onset"] == 1


def test_what_false_alarms_would_catch_by_themselves(tmp_path: Path) -> None:
    """Three in 360 days, and a window of 24 days (20, and two cadences of 2): 1 - exp(-3 / 15) is 0.18."""
    alarms = [alert("a", "asleep", on) for on in (10, 200, 300)]
    found = judged(tmp_path, alarms, [account("a", episodes=[SLUMP])])["declines"]
    assert found["by_luck"] == pytest.approx(0.18127, abs=1e-5)
    assert judged(tmp_path, [], [account("a", episodes=[SLUMP])])["declines"]["by_luck"] == 0.0
    mild = episode("slump", 100, 120)
    assert judged(tmp_path, alarms, [account("a", episodes=[mild])])["declines"]["by_luck"] is None


def test_a_decline_that_meets_an_open_alert(tmp_path: Path) -> None:
    """Nobody is told again of what is open: a missed decline, and a reason."""
    first, second = alert("a", "asleep", 90), alert("b", "asleep", 90)
    found = judged(
        tmp_path,
        [first, later(first, 101, "resolved"), second],
        [account("a", episodes=[SLUMP]), account("b", episodes=[SLUMP])],
    )["declines"]
    assert (found["recall"]["count"], found["missed_with_an_alert_open_before"]) == (0, 1)


@pytest.mark.parametrize(
    ("told", "in_time", "ever"),
    [([], 0, 0), ([99], 0, 0), ([100], 1, 1), ([107], 1, 1), ([107.5], 0, 1), ([128], 0, 1), ([129], 0, 0)],
)
def test_a_lost_key_person_is_told_within_three_of_its_gaps(
    tmp_path: Path, told: list[float], in_time: int, ever: int
) -> None:
    """It came every other day: three gaps and a day after day 100 are day 107."""
    users = [
        {"user_id": "u1", "role": "key_person", "leaves_at": at(100), "gap_days": 2.0},
        {"user_id": "u2", "role": "end_user", "leaves_at": at(100), "gap_days": 20.0},
    ]
    lost = episode("key_person_loss", 100, 128)
    found = judged(
        tmp_path,
        [alert("a", "key_person_lost", on) for on in told],
        [account("a", episodes=[lost, SLUMP], users=users)],
    )["key_people_lost"]
    assert (found["warned_within_three_gaps"]["count"], found["warned_within_three_gaps"]["of"]) == (in_time, 1)
    assert found["warned_ever"] == ever


def test_only_losses_that_can_be_judged_count(tmp_path: Path) -> None:
    user = {"user_id": "u1", "role": "key_person", "leaves_at": at(355), "gap_days": 2.0}
    found = judged(
        tmp_path,
        [],
        [
            account("a", episodes=[episode("key_person_loss", 355, 383), SLUMP], users=[user]),
            account("b", episodes=[episode("key_person_loss", 100, 128)], users=[user]),
            account("c", episodes=[episode("key_person_loss", -5, 23)], users=[{**user, "leaves_at": at(-5)}]),
        ],
    )["key_people_lost"]
    assert found["warned_within_three_gaps"]["of"] == 0


@pytest.mark.parametrize(("on", "told"), [(129.4, 0), (129.5, 1), (130.6, 1), (131.4, 1), (131.5, 0)])
def test_a_return_is_told_on_its_local_day(tmp_path: Path, on: float, told: int) -> None:
    found = judged(
        tmp_path,
        [alert("a", "warm_return", on, kind="opportunity")],
        [account("a", episodes=[episode("warm_return", 100, 130, onset=100)])],
    )["warm_returns_told_on_their_day"]
    assert (found["count"], found["of"]) == (told, 1)


def test_only_returns_to_a_contract_count(tmp_path: Path) -> None:
    """a came back during its trial, b after the end of the log; c had churned meanwhile."""
    found = judged(
        tmp_path,
        [],
        [
            account("a", since=140, episodes=[episode("warm_return", 100, 130, onset=100)]),
            account("b", episodes=[episode("warm_return", 330, 359, onset=330)]),
            account("c", 120, episodes=[episode("warm_return", 100, 130, onset=100)]),
        ],
    )["warm_returns_told_on_their_day"]
    assert found["of"] == 0


def test_drops_while_the_fleet_dips_or_a_source_is_silent(tmp_path: Path) -> None:
    """The dip of days 200 to 205 and the outage of days 250 to 253, each with a week after; c declines then itself."""
    fleet = [
        {"row": "fleet", "type": "dip", "starts_at": at(200), "ends_at": at(205)},
        {"row": "fleet", "type": "outage", "starts_at": at(250), "ends_at": at(253), "source": "eu"},
        {"row": "fleet", "type": "campaign", "starts_at": at(200), "ends_at": at(260), "id": "c-1"},
    ]
    found = judged(
        tmp_path,
        [
            alert("a", "sudden_drop", 199),
            alert("a", "sudden_drop", 200),  # at its first midnight nothing of it was seen
            alert("a", "sudden_drop", 201, evidence={"window_days": 3}),
            alert("a", "sudden_drop", 211.9, evidence={"window_days": 7, "fleet_down_days": 1}),
            alert("a", "sudden_drop", 212),
            alert("a", "asleep", 203),
            alert("b", "sudden_drop", 200, suppressed={"reason": "covered"}),
            alert("b", "sudden_drop", 203, suppressed={"reason": "fleet_drop"}),
            alert("c", "sudden_drop", 203),
            alert("a", "sudden_drop", 250),
            alert("a", "sudden_drop", 251),
            alert("a", "sudden_drop", 255, evidence={"window_days": 7, "blind_days": 2}),
            alert("a", "sudden_drop", 256, evidence={"window_days": 7, "fleet_down_days": 1, "blind_days": 2}),
            alert("a", "sudden_drop", 257, evidence={"window_days": 4}),
            alert("b", "sudden_drop", 251),
        ],
        [
            account("a", source="eu", episodes=[]),
            account("b", source="us", episodes=[]),
            account("c", source="eu", episodes=[episode("slump", 195, 215, onset=199)]),
            *fleet,
        ],
    )["fleet"]
    assert found == {
        "dips": 1,
        "sudden_drops_in_dips": 2,
        "sudden_drops_resting_on_dips": 1,
        "held_back_in_dips": 1,
        "outages": 1,
        "sudden_drops_in_outages": 4,
        "sudden_drops_resting_on_outages": 1,
        "held_back_in_outages": 0,
    }


def test_an_alarm_is_false_outside_of_all_that_was_planted(tmp_path: Path) -> None:
    """Mild downgrades, lost people and planted silence excuse an alarm until two cadences after; a surge does not."""
    found = judged(
        tmp_path,
        [
            alert("a", "asleep", 50),
            alert("a", "asleep", 60, kind="opportunity", suppressed={"reason": "budget"}),
            alert("a", "overdue", 70),
            alert("a", "sudden_drop", 110),
            alert("a", "sudden_drop", 154),
            alert("a", "asleep", 154.5),
            alert("b", "asleep", 110),
            alert("b", "key_person_lost", 210),
            alert("b", "asleep", 310),
            alert("c", "left", 250),
        ],
        [
            account("a", episodes=[episode("downgrade", 100, 150)]),
            account(
                "b",
                episodes=[
                    episode("surge", 100, 120),
                    episode("key_person_loss", 200, 228),
                    episode("warm_return", 300, 330, onset=300),
                ],
            ),
            account("c", 200, episodes=[]),
        ],
    )["false_alarms"]
    years = (360 + 360 + 200) / 365.25
    assert found["alerts"] == 3
    assert found["per_account_year"] == pytest.approx(3 / years)
    assert found["by_type"] == {"asleep": pytest.approx(3 / years)}


def test_a_truth_that_knows_no_onsets(tmp_path: Path) -> None:
    plain = {"type": "slump", "starts_at": at(100), "ends_at": at(120)}
    replay = write_replay(tmp_path / "out", "a", [alert("a", "asleep", 105)])
    for row in (account("a"), account("a", episodes=[plain])):
        assert "planted" not in evaluate(replay, write(tmp_path / "truth.ndjson", [row]))["alerts"]


def test_a_truth_that_is_damaged_is_named(tmp_path: Path) -> None:
    replay = write_replay(tmp_path / "out", "a", [])
    truth = write(tmp_path / "truth.ndjson", [account("a", episodes=[{**SLUMP, "starts_at": "soon"}])])
    with pytest.raises(EvaluationError, match=r"truth.ndjson: group-a: .*starts_at"):
        evaluate(replay, truth)
