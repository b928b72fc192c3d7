"""Quality of a replay, from small directories whose answers are worked out by hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from io import StringIO
from math import log1p
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from ebbtide.streams.cli.evaluate import command
from ebbtide.streams.evaluation.evaluate import evaluate
from ebbtide.streams.evaluation.page import render
from ebbtide.streams.evaluation.rows import EvaluationError

CUT = datetime(2025, 4, 1, tzinfo=UTC)


def write(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def score(
    customer: str, at: str, p_churn: float | None, tier: str = "normal", version: int = 1, recency: float = 5.0
) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "occurred_at": at,
        "version": version,
        "p_churn": p_churn,
        "tier": tier,
        "model_version": "champion-7",
        "contributions": [{"feature": "recency", "value": log1p(recency), "contribution": 0.3}],
    }


def person(customer: str) -> dict[str, Any]:
    return {
        "person_id": f"p-{customer}",
        "identifiers": [{"type": "user_id", "value": f"user-{customer}"}],
        "customers": [customer],
    }


def account(customer: str) -> dict[str, Any]:
    return {"customer_id": customer, "identifiers": [{"type": "group_id", "value": f"group-{customer}"}], "names": []}


def track(customer: str, at: str, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "purchase", "userId": f"user-{customer}", "timestamp": at, **more}


@pytest.fixture
def replay(tmp_path: Path) -> Path:
    """Four customers with p .9, .6, .2, .1 at the cut; later scores, earlier scores and a blind one beside them."""
    write(
        tmp_path / "scores.ndjson",
        [
            score("a", "2025-03-01T00:00:00Z", 0.05, "excellent"),
            score("a", "2025-04-01T00:00:00Z", 0.9, "danger", 2),
            score("a", "2025-04-02T00:00:00Z", 0.01, "excellent", 3),
            score("b", "2025-03-20T00:00:00Z", 0.6, recency=100.0),
            score("c", "2025-04-01T00:00:00Z", 0.2),
            score("d", "2025-03-31T00:00:00Z", 0.1),
            score("blind", "2025-03-31T00:00:00Z", None),
        ],
    )
    write(tmp_path / "persons.ndjson", map(person, "abcd"))
    write(tmp_path / "accounts.ndjson", map(account, "abcd"))
    return tmp_path


def test_truth_from_events(replay: Path, tmp_path: Path) -> None:
    """a churned; b, scored .6, bought on the last day of the horizon; c on the first instant; d too late."""
    events = write(
        tmp_path / "events.ndjson.gz",
        [
            track("a", "2025-03-31T23:59:59Z"),
            track("b", "2024-12-01T00:00:00Z"),
            track("c", "2025-03-30T00:00:00Z"),
            track("d", "2025-03-30T00:00:00"),
            {"type": "identify", "userId": "user-a", "timestamp": "2025-04-05T00:00:00Z"},
            track("b", "2025-06-29T23:59:59Z"),
            track("c", "2025-04-01T00:00:00Z"),
            track("d", "2025-06-30T00:00:00Z"),
            track("nobody", "2025-03-01T00:00:00Z"),
            track("nobody", "no time"),
            track("nobody", "2025-05-01T00:00:00Z"),
        ],
    )
    result = evaluate(replay, events=events, cut=CUT)
    assert (result["cut"], result["horizon_days"], result["scored"]) == ("2025-04-01T00:00:00Z", 90, 4)
    everybody, active = result["quality"]["all"], result["quality"]["active"]
    assert (everybody["customers"], everybody["churned"], everybody["auc"]) == (4, 2, 0.5)
    assert everybody["brier"] == pytest.approx((0.01 + 0.36 + 0.04 + 0.81) / 4)
    assert (active["customers"], active["auc"]) == (3, 0.5)
    assert result["truth_without_score"] == 1
    danger = result["tiers"][0]
    assert (danger["tier"], danger["customers"], danger["churned"], danger["churn_rate"]) == ("danger", 1, 1, 1.0)
    assert (danger["low_95"], danger["high_95"]) == (pytest.approx(0.2065, abs=1e-4), 1.0)


def test_events_that_end_too_early_prove_no_churn(replay: Path, tmp_path: Path) -> None:
    events = write(tmp_path / "events.ndjson", [track("a", "2025-03-31T00:00:00Z"), track("b", "2025-05-01T00:00:00Z")])
    with pytest.raises(EvaluationError, match="ends at 2025-05-01, before the horizon of 90 days"):
        evaluate(replay, events=events, cut=CUT)


def truth_row(customer: str, churned_at: str | None, **more: Any) -> dict[str, Any]:
    return {"row": "account", "group_id": f"group-{customer}", "churned_at": churned_at, **more}


def test_truth_file_of_the_simulator(replay: Path, tmp_path: Path) -> None:
    truth = write(
        tmp_path / "truth.ndjson",
        [
            truth_row("a", "2025-05-01T00:00:00Z"),
            truth_row("b", "2025-03-01T00:00:00Z"),
            truth_row("c", "2025-08-01T00:00:00Z", contracts=[{"starts_at": "2025-01-01T00:00:00Z"}]),
            truth_row("d", None, contracts=[{"starts_at": "2025-04-15T00:00:00Z"}]),
            truth_row("unseen", None),
            {"row": "lead", "group_id": "group-d", "churned_at": None},
            {"row": "fleet", "type": "dip"},
        ],
    )
    quality = evaluate(replay, truth, cut=CUT)["quality"]["all"]
    assert (quality["customers"], quality["churned"], quality["auc"]) == (2, 1, 1.0)
    late = evaluate(replay, truth, horizon_days=10)
    assert late["cut"] == "2025-03-23T00:00:00Z"
    assert late["quality"]["all"]["customers"] == 1


def test_plain_truth_by_label(replay: Path, tmp_path: Path) -> None:
    truth = write(
        tmp_path / "truth.ndjson",
        [
            {"user_id": "user-a", "churned": True},
            {"customer": "b", "churned": False},
            {"user_id": "user-x", "churned": False},
        ],
    )
    result = evaluate(replay, truth, cut=CUT.replace(tzinfo=None))
    assert result["quality"]["all"]["auc"] == 1.0
    assert (result["truth_without_score"], result["score_without_truth"]) == (1, 2)


def example(p_churn: float, label: bool, recency: float, week: int = 0) -> dict[str, Any]:
    observed = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=week)
    return {
        "customer_id": "a",
        "observed_at": observed.isoformat(),
        "matured_at": (observed + timedelta(days=30)).isoformat(),
        "p_churn": p_churn,
        "label": label,
        "features": {"recency": log1p(recency)},
        "horizon_days": 30,
    }


def test_what_was_said_once_the_model_was_taught_is_judged_apart(replay: Path) -> None:
    """500 examples a week: 2,000 labels are there 30 days after the fourth, so those of the ninth week on count."""
    rows = [example(0.5 if week < 8 else 0.25, number % 4 == 0, 3, week) for week in range(12) for number in range(500)]
    write(replay / "training-examples.ndjson", rows)
    found = evaluate(replay)
    quality = found["prequential"]["quality"]
    assert quality["taught"]["customers"] == 4 * 500
    assert quality["taught"]["calibration_error"] == pytest.approx(0.0)
    assert quality["all"]["calibration_error"] == pytest.approx(0.25 * 8 / 12)
    said = StringIO()
    Console(file=said, width=120).print(render(found))
    assert "taught" in said.getvalue()
    assert "calibration error" in said.getvalue()


def test_a_model_of_few_labels_is_not_taught(replay: Path) -> None:
    write(replay / "training-examples.ndjson", [example(0.5, True, 3, week % 50) for week in range(1_999)])
    assert "taught" not in evaluate(replay)["prequential"]["quality"]


def test_prequential_from_examples(replay: Path) -> None:
    write(
        replay / "training-examples.ndjson",
        [example(0.9, True, 100), example(0.02, False, 3), example(0.3, True, 3), example(0.4, False, 30)],
    )
    result = evaluate(replay)
    assert result["horizon_days"] == 30
    assert result["prequential"]["quality"]["all"]["auc"] == 0.75
    assert result["prequential"]["quality"]["active"]["customers"] == 3
    assert [row["customers"] for row in result["prequential"]["tiers"]] == [1, 2, 1]


def test_an_example_is_judged_by_the_label_that_holds(replay: Path) -> None:
    late, withdrawn = {"revision": 1, "label": True}, {"revision": 2, "label": None}
    told = [example(0.9, False, 3, 0), example(0.2, False, 3, 1), example(0.4, True, 3, 2)]
    rows = [*told, told[0] | late, told[2] | {"revision": 1, "label": False}, told[2] | withdrawn]
    write(replay / "training-examples.ndjson", rows)
    quality = evaluate(replay)["prequential"]["quality"]["all"]
    assert (quality["customers"], quality["churned"], quality["auc"]) == (2, 1, 1.0)


def alert(customer: str, at: str) -> dict[str, Any]:
    return {
        "alert_id": customer,
        "kind": "risk",
        "type": "asleep",
        "customer_id": customer,
        "state": "open",
        "occurred_at": at,
        "owner": "kim",
    }


def test_it_renders_what_it_knows_and_is_json(replay: Path, tmp_path: Path) -> None:
    write(replay / "alerts.ndjson", [alert("a", "2025-04-01T00:00:00Z")])
    truth = write(tmp_path / "truth.ndjson", [truth_row("a", "2025-05-01T00:00:00Z"), truth_row("c", None)])
    result = evaluate(replay, truth, cut=CUT)
    json.dumps(result)
    console = Console(width=120, record=True, file=StringIO())
    console.print(render(result))
    text = console.export_text()
    for expected in (
        "Scores as of 2025-04-01T00:00:00Z",
        "auc",
        "1.0000",
        "danger",
        "95 % interval",
        "asleep",
        "came true",
    ):
        assert expected in text
    console.print(render(evaluate(replay)))
    assert "Alerts" in console.export_text()


def test_what_is_missing_is_named(replay: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"is missing: is .* the --out of a replay"):
        evaluate(tmp_path / "nowhere")
    with pytest.raises(EvaluationError, match="not both"):
        evaluate(replay, tmp_path, tmp_path)
    with pytest.raises(EvaluationError, match=r"truth.ndjson is missing"):
        evaluate(replay, tmp_path / "truth.ndjson")
    (replay / "scores.ndjson").write_text('{"customer_id": 1}\n')
    with pytest.raises(EvaluationError, match=r"scores.ndjson, line 1: "):
        evaluate(replay)
    (replay / "scores.ndjson").write_text("\n")
    with pytest.raises(EvaluationError, match="holds no score"):
        evaluate(replay)


def test_a_score_without_recency_is_not_counted_as_active(replay: Path, tmp_path: Path) -> None:
    write(replay / "scores.ndjson", [{**score("a", "2025-04-01T00:00:00Z", 0.9), "contributions": [], "tier": None}])
    (replay / "training-examples.ndjson").write_text("")
    truth = write(tmp_path / "truth.ndjson", [truth_row("a", None)])
    quality = evaluate(replay, truth, cut=CUT)["quality"]
    assert (quality["all"]["customers"], quality["active"]["customers"]) == (1, 0)
    assert quality["active"]["auc"] is None


def weekly(customer: str, ps: Iterable[float]) -> list[dict[str, Any]]:
    """A score each Monday from 2025-01-06 on."""
    first = datetime(2025, 1, 6, tzinfo=UTC)
    return [
        score(customer, (first + timedelta(weeks=week)).isoformat(), p, version=week + 1) for week, p in enumerate(ps)
    ]


@pytest.fixture
def weeks(tmp_path: Path) -> Path:
    """Ten Mondays, until 2025-03-10: a's risk grows, b's falls, c's is told once, d appears in the sixth week."""
    rows = [
        *weekly("a", [0.1 * week for week in range(10)]),
        *weekly("b", [0.9 - 0.1 * week for week in range(10)]),
        score("c", "2025-01-07T00:00:00Z", 0.5),
        score("d", "2025-02-12T00:00:00Z", 0.45),
        score("d", "2025-02-19T00:00:00Z", None, version=2),
    ]
    # As a replay emits them, and not: only version and time tell which is the last.
    write(tmp_path / "scores.ndjson", [*reversed(rows)])
    write(tmp_path / "persons.ndjson", map(person, "abcd"))
    write(tmp_path / "accounts.ndjson", map(account, "abcd"))
    return tmp_path


def test_several_cuts_by_truth(weeks: Path) -> None:
    """A horizon of 14 days: the first cut is two weeks after the first score, the last two weeks before the last one.

    a leaves on 2025-02-20, which is within two weeks of the cuts of 02-10 and 02-17. On 02-10 a is at .5, b at .4, c at
    .5; d is new on 02-17, where a is at .6 and b at .3; on 02-24 a is gone and d cannot be scored.
    """
    truth = write(
        weeks / "truth.ndjson", [truth_row("a", "2025-02-20T00:00:00Z"), *(truth_row(c, None) for c in "bcd")]
    )
    found = evaluate(weeks, truth, horizon_days=14, every_days=7)
    cuts = {row["cut"][:10]: row for row in found["rolling"]["cuts"]}
    assert list(cuts) == ["2025-01-20", "2025-01-27", "2025-02-03", "2025-02-10", "2025-02-17", "2025-02-24"]
    assert [row["all"]["customers"] for row in cuts.values()] == [3, 3, 3, 3, 4, 2]
    assert [row["all"]["churned"] for row in cuts.values()] == [0, 0, 0, 1, 1, 0]
    assert cuts["2025-02-10"]["all"]["auc"] == 0.75
    assert cuts["2025-02-17"]["all"]["auc"] == 1.0
    assert cuts["2025-02-17"]["all"]["brier"] == pytest.approx((0.4**2 + 0.3**2 + 0.5**2 + 0.45**2) / 4)
    # c was last active five days before 2025-01-07, the others five before their last score.
    assert [row["active"]["customers"] for row in cuts.values()] == [2, 2, 2, 2, 3, 1]
    # Where nobody churned there is no AUC, and none in mean and spread.
    assert cuts["2025-02-24"]["all"]["auc"] is None
    assert found["rolling"]["mean"]["all"]["auc"] == pytest.approx(0.875)
    assert found["rolling"]["standard_deviation"]["all"]["auc"] == pytest.approx(0.125 * 2**0.5)
    assert found["rolling"]["mean"]["all"]["customers"] == 3.0
    # The last cut is the one that is judged in full.
    assert (found["cut"], found["quality"]["all"]["customers"]) == ("2025-02-24T00:00:00Z", 2)


@pytest.mark.parametrize("cut", ["2025-02-10", "2025-02-17"])
def test_each_cut_is_judged_as_if_it_were_the_only_one(weeks: Path, cut: str) -> None:
    truth = write(
        weeks / "truth.ndjson", [truth_row("a", "2025-02-20T00:00:00Z"), *(truth_row(c, None) for c in "bcd")]
    )
    at = datetime.fromisoformat(cut)
    rolling = evaluate(weeks, truth, horizon_days=14, every_days=7, cut=at)
    assert rolling["rolling"]["cuts"][-1] == {
        "cut": f"{cut}T00:00:00Z",
        **evaluate(weeks, truth, horizon_days=14, cut=at)["quality"],
    }
    assert rolling["quality"] == evaluate(weeks, truth, horizon_days=14, cut=at)["quality"]


def test_several_cuts_by_events(weeks: Path) -> None:
    """The log ends on 2025-02-23: with 14 days of horizon the cut of 02-10 is the last whose outcome is known."""
    events = write(
        weeks / "events.ndjson",
        [
            track("a", "2025-01-05T00:00:00Z"),
            track("b", "2025-01-05T00:00:00Z"),
            track("c", "2025-01-05T00:00:00Z"),
            track("a", "2025-02-04T00:00:00Z"),
            track("stranger", "2025-02-04T00:00:00Z"),
            track("b", "2025-02-23T09:00:00Z"),
        ],
    )
    found = evaluate(weeks, events=events, horizon_days=14, every_days=7)
    cuts = {row["cut"][:10]: row for row in found["rolling"]["cuts"]}
    assert list(cuts) == ["2025-01-20", "2025-01-27", "2025-02-03", "2025-02-10"]
    assert [row["all"]["churned"] for row in cuts.values()] == [3, 2, 2, 2]
    assert [row["active"]["customers"] for row in cuts.values()] == [0, 0, 0, 1]
    assert found["truth_without_score"] == 1
    # Asked for a cut that is later, it says what is missing.
    with pytest.raises(EvaluationError, match="ends at 2025-02-23, before the horizon"):
        evaluate(weeks, events=events, horizon_days=14, every_days=14, cut=datetime(2025, 2, 24, tzinfo=UTC))


def test_several_cuts_by_frozen_predictions(replay: Path) -> None:
    """Without truth the examples' own labels judge what was frozen at each instant, once a label had matured."""
    rows = [
        example(0.1 * week + (0.05 if churned else 0.0), churned, 3 if churned else 40, week)
        for week in range(9)
        for churned in (True, False, False)
    ]
    write(replay / "training-examples.ndjson", rows)
    found = evaluate(replay, every_days=14)
    assert "quality" not in found
    # 30 days after 2024-01-01 is past the Monday of 01-29; of 14 days the grid has 02-05 and 02-19.
    assert [row["cut"] for row in found["rolling"]["cuts"]] == ["2024-02-05T00:00:00Z", "2024-02-19T00:00:00Z"]
    assert [row["all"]["auc"] for row in found["rolling"]["cuts"]] == [1.0, 1.0]
    assert [row["active"]["customers"] for row in found["rolling"]["cuts"]] == [1, 1]
    assert found["rolling"]["mean"]["active"]["auc"] is None
    one = evaluate(replay, every_days=14, cut=datetime(2024, 2, 12, tzinfo=UTC))["rolling"]
    assert len(one["cuts"]) == 1
    assert one["standard_deviation"]["all"]["auc"] is None


def test_cuts_that_do_not_fit(weeks: Path) -> None:
    truth = write(weeks / "truth.ndjson", [truth_row("a", None)])
    with pytest.raises(
        EvaluationError, match=r"from 2025-03-07 on, .* for cuts until 2025-01-09; give a shorter --hor"
    ):
        evaluate(weeks, truth, horizon_days=60, every_days=7)
    with pytest.raises(EvaluationError, match="no training example has matured; give --events or --truth"):
        evaluate(weeks, every_days=7)
    write(weeks / "training-examples.ndjson", [example(0.5, True, 3, week) for week in range(3)])
    with pytest.raises(EvaluationError, match="observed from 2024-01-01 to 2024-01-15, and nothing was learned before"):
        evaluate(weeks, every_days=7)
    label = write(weeks / "label.ndjson", [{"user_id": "user-a", "churned": True}])
    with pytest.raises(EvaluationError, match="whether somebody left, not when"):
        evaluate(weeks, label, horizon_days=14, every_days=7)
    silent = write(weeks / "silent.ndjson", [{"type": "identify", "userId": "user-a"}])
    with pytest.raises(EvaluationError, match="shows nobody in action"):
        evaluate(weeks, events=silent)


def test_the_command_prints_a_row_a_cut(weeks: Path) -> None:
    truth = write(
        weeks / "truth.ndjson", [truth_row("a", "2025-02-20T00:00:00Z"), *(truth_row(c, None) for c in "bcd")]
    )
    arguments = [str(weeks), "--truth", str(truth), "--horizon", "14", "--every", "7"]
    page = CliRunner().invoke(command, arguments)
    assert page.exit_code == 0, page.output
    rows = {line.split("│")[1].strip(): line.split("│")[2:-1] for line in page.output.splitlines() if "│" in line}
    assert [cell.strip() for cell in rows["2025-02-17"]][:4] == ["4", "1", "1.0000", "1.0000"]
    assert [cell.strip() for cell in rows["mean"]][:3] == ["3", "0", "0.8750"]
    assert [cell.strip() for cell in rows["deviation"]] == [""] * 8
    told = json.loads(CliRunner().invoke(command, [*arguments, "--json"]).output)
    assert told["rolling"] == evaluate(weeks, truth, horizon_days=14, every_days=7)["rolling"]
