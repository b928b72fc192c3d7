"""What is found of the alerts of a small replay, counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ebbtide.streams.evaluation.evaluate import evaluate
from support.replays import account, alert, at, day, later, write, write_replay

YEAR = 365.25


@pytest.fixture
def replay(tmp_path: Path) -> Path:
    """a churns on day 200, b on day 250 without a sign, d on day 50; c stays, e signs on day 300; x is nobody's."""
    held = alert("c", "sudden_drop", 130, suppressed={"reason": "budget"})
    digest = alert("c", "key_person_lost", 140, suppressed={"reason": "digest"})
    return write_replay(
        tmp_path / "out",
        "abcde",
        [
            alert("a", "asleep", 120),
            alert("a", "sudden_drop", 180),
            alert("b", "asleep", 240, owner="lee"),
            alert("c", "asleep", 100),
            alert("c", "surge", 110, kind="opportunity"),
            alert("d", "asleep", 20),
            alert("c", "left", 300),
            alert("a", "left", 210),
            alert("e", "asleep", 100),
            alert("x", "asleep", 100, owner=None),
            held,
            later(held, 133, "resolved"),
            digest,
            later(digest, 145, "updated"),
            alert(None, "fleet_drop", 150, kind="ops"),
            alert(None, "source_blind", 151, kind="ops", suppressed={"reason": "budget"}),
        ],
        owners=["zoe"],
    )


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return write(
        tmp_path / "truth.ndjson",
        [
            account("a", 200),
            account("b", 250, causeless=True),
            account("c"),
            account("d", 50),
            account("e", since=300),
            account("unseen", 100),
        ],
    )


def counted(share: dict[str, Any]) -> tuple[int, int]:
    return share["count"], share["of"]


def test_what_was_told(replay: Path, truth: Path) -> None:
    alerts = evaluate(replay, truth)["alerts"]
    assert alerts["told"] == 11
    assert alerts["told_by_type"] == {"asleep": 6, "key_person_lost": 1, "left": 2, "sudden_drop": 1, "surge": 1}
    assert alerts["suppressed"] == {"alerts": 1, "told_later": 1, "by_reason": {"budget": 1}}
    assert alerts["ops"] == {"fleet_drop": 1}


def test_risk_alerts_against_churn(replay: Path, truth: Path) -> None:
    """Judged are two of a, one of b and d each, and c's of days 100 and 145; of day 300 nothing is known yet."""
    churn = evaluate(replay, truth)["alerts"]["churn"]
    assert counted(churn["precision"]) == (4, 6)
    assert churn["precision"]["low_95"] == pytest.approx(0.3, abs=1e-4)
    # d had not been there for 90 days.
    assert (churn["churned"], churn["churners"], churn["truth_without_customer"]) == (3, 2, 1)
    assert counted(churn["churners_warned"]) == (2, 2)
    assert counted(churn["churners_warned_30_days_before"]) == (1, 2)
    assert counted(churn["churners_warned_60_to_90_days_before"]) == (1, 2)
    assert churn["lead_days"] == {"lower_quartile": 27.5, "median": 45.0, "upper_quartile": 62.5}
    assert counted(churn["foreseeable"]["churners_warned_30_days_before"]) == (1, 1)
    assert list(churn["by_type"]) == ["asleep", "key_person_lost", "left", "sudden_drop"]
    asleep = churn["by_type"]["asleep"]
    assert (asleep["told"], counted(asleep["precision"])) == (6, (3, 4))
    assert asleep["lead_days"]["median"] == 45.0
    assert counted(churn["by_type"]["left"]["precision"]) == (0, 0)
    assert churn["by_type"]["left"]["precision"]["share"] is None


def test_what_would_look_like_a_warning_by_chance(replay: Path, truth: Path) -> None:
    """c could have churned on any of the days 90 to 360: on 130 to 235 and on 330 to 360 it had been warned in time."""
    churn = evaluate(replay, truth)["alerts"]["churn"]
    assert churn["stayers_warned_30_days_before_by_chance"] == pytest.approx(135 / 270)


def test_what_alerts_ask_of_people(replay: Path, truth: Path) -> None:
    alerts = evaluate(replay, truth)["alerts"]
    rates = alerts["per_account_year"]
    years = (200 + 250 + 360 + 50 + 60) / YEAR
    assert (rates["customers"], rates["elsewhere"]) == (5, 3)
    assert rates["account_years"] == pytest.approx(years)
    assert (rates["all"], rates["risk"], rates["opportunity"]) == pytest.approx((8 / years, 7 / years, 1 / years))
    assert rates["by_type"]["asleep"] == pytest.approx(4 / years)
    load = alerts["per_owner_week"]
    assert (load["owners"], load["weeks"], load["maximum"], load["median"], load["without_owner"]) == (3, 52, 2, 0.0, 1)
    assert load["mean"] == pytest.approx(10 / (3 * 52))
    assert load["by_owner"]["kim"] == {"told": 9, "mean": 9 / 52, "median": 0.0, "maximum": 2}
    assert load["by_owner"]["zoe"] == {"told": 0, "mean": 0.0, "median": 0.0, "maximum": 0}


def test_outcomes_that_the_replay_knows_itself(replay: Path) -> None:
    """Without a truth its labels say who churned: a's first is of day 119, due on day 209; the journey says day 200.

    b's first label is corrected; c's stays say so; d's is due on day 140, and the week before it did not churn.
    """

    def example(customer: str, observed: float, label: bool | None, revision: int = 0) -> dict[str, Any]:
        return {
            "customer_id": customer,
            "observed_at": at(observed),
            "matured_at": at(observed + 90),
            "label": label,
            "revision": revision,
            "p_churn": 0.1,
            "features": {},
            "horizon_days": 90,
        }

    write(
        replay / "training-examples.ndjson",
        [
            *(example("a", observed, observed >= 119) for observed in (105, 112, 119, 126)),
            example("b", 112, True),
            example("b", 112, False, 1),
            example("b", 119, None),
            *(example("c", observed, False) for observed in (7, 14, 240)),
            *(example("d", observed, observed >= 50) for observed in (43, 50)),
        ],
    )
    write(
        replay / "state-changes.ndjson",
        [
            {"customer_id": "a", "occurred_at": at(200), "state": "journey", "new": "churned"},
            {"customer_id": "d", "occurred_at": at(300), "state": "journey", "new": "churned"},
            {"customer_id": "d", "occurred_at": at(60), "state": "lifecycle", "new": "left"},
        ],
    )
    churn = evaluate(replay)["alerts"]["churn"]
    assert (churn["known_by"], churn["churned"], churn["churners"]) == ("training examples", 2, 2)
    # a is warned from day 120 on; d, which counts as churned on day 43 + 90, was seen from day 43 on only.
    assert counted(churn["churners_warned"]) == (1, 2)
    assert churn["lead_days"]["median"] == 80.0
    # a's two, b's, and of c what is told until day 240 of the last example.
    assert counted(churn["precision"]) == (2, 5)
    assert "foreseeable" not in churn


def test_events_tell_who_fell_silent(replay: Path, tmp_path: Path) -> None:
    """a is last seen on day 110, so it churned on day 200; c is seen until the log ends on day 359."""

    def track(customer: str, on: float) -> dict[str, Any]:
        return {"type": "track", "groupId": f"group-{customer}", "timestamp": at(on)}

    events = write(
        tmp_path / "events.ndjson",
        [*(track("a", on) for on in range(0, 111, 10)), *(track("c", on) for on in range(0, 360, 30)), track("c", 359)],
    )
    churn = evaluate(replay, events=events, cut=day(200))["alerts"]["churn"]
    assert (churn["known_by"], churn["churned"], churn["churners"]) == ("events", 1, 1)
    assert churn["lead_days"]["median"] == 80.0
    # Who stays away for a horizon has churned, whatever comes after.
    write(events, [track("c", 0), track("c", 91), track("c", 359)])
    assert evaluate(replay, events=events, cut=day(200))["alerts"]["churn"]["churned"] == 1


def test_a_truth_without_times_counts_alerts_only(replay: Path, tmp_path: Path) -> None:
    truth = write(tmp_path / "labels.ndjson", [{"group_id": "group-a", "churned": True}])
    alerts = evaluate(replay, truth)["alerts"]
    assert alerts["told"] == 11
    assert "churn" not in alerts


def test_feedback_on_alerts(replay: Path, tmp_path: Path) -> None:
    first, second = alert("a", "asleep", 120), alert("c", "surge", 130, kind="opportunity")
    third = alert("c", "asleep", 140, suppressed={"reason": "budget"})
    write(replay / "alerts.ndjson", [first, second, third])
    feedback = write(
        tmp_path / "feedback.ndjson",
        [
            {"alert_id": first["alert_id"], "action": "ack"},
            {"alert_id": first["alert_id"], "action": "dismiss"},
            {"alert_id": first["alert_id"], "action": "ack"},
            {"alert_id": third["alert_id"], "action": "ack"},
            {"customer_id": "a", "action": "outcome"},
        ],
    )
    assert evaluate(replay, feedback=feedback)["alerts"]["feedback"] == {
        "alerts": 2,
        "with_feedback": 1,
        "share": 0.5,
        "by_action": {"ack": 1, "dismiss": 1},
        "share_by_type": {"asleep": 1.0, "surge": 0.0},
        "unknown": 1,
    }


def test_a_replay_without_alerts(replay: Path, truth: Path) -> None:
    (replay / "alerts.ndjson").unlink()
    assert evaluate(replay, truth)["alerts"] is None


@pytest.mark.parametrize("text", ["no json", "[]", "{}"])
def test_without_a_summary_the_last_score_is_the_end(replay: Path, text: str) -> None:
    (replay / "summary.json").write_text(text)
    assert evaluate(replay)["alerts"]["until"] == "2025-12-27T00:00:00Z"
