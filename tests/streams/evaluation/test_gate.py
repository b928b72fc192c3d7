"""`ebbtide gate`: each gate at its line, and what it says when it cannot judge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ebbtide.streams.cli.gate import command
from ebbtide.streams.evaluation.evaluate import evaluate
from ebbtide.streams.evaluation.gates import Thresholds, Verdict, gates, overall
from support.replays import account, alert, at, score, write, write_replay

BOOK = "abcdefghijklmnopqrst"
CHURNERS = "abcdefghijkl"


@pytest.fixture
def replay(tmp_path: Path) -> Path:
    """Twenty customers, of whom twelve churn on day 200, two of them without a sign; nine are warned 40 days before.

    From day 120 on a, b and t are in danger and m to p excellent.
    """

    def tiers() -> Iterator[dict[str, Any]]:
        for customer in "abt":
            yield score(customer, 110, 0.9, "danger", version=1)
        for customer in "mnop":
            yield score(customer, 110, 0.01, "excellent", version=1)

    return write_replay(
        tmp_path / "out",
        BOOK,
        [alert(customer, "asleep", 160) for customer in "abcdefghi"] + [alert("j", "asleep", 180)],
        scores=tiers(),
    )


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    rows = [account(customer, 200 if customer in CHURNERS else None) for customer in BOOK]
    for row in rows[10:12]:
        row["causeless"] = True
    return write(tmp_path / "truth.ndjson", rows)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_the_values_are_counted(replay: Path, truth: Path) -> None:
    """The grid of 28 days falls on days 103, 131, 159, 187, 215 and 243; churn on day 200 is near from 131 to 187.

    All twenty are there on the first four, the eight who stay on the last two; tiers are told from the second on.
    """
    result = evaluate(replay, truth)
    tiers = result["tier_lift"]
    assert (tiers["instants"], tiers["observations"], tiers["churned"]) == (6, 4 * 20 + 2 * 8, 3 * 12)
    assert (tiers["in_danger"], tiers["customers_in_danger"], tiers["customers_churned"]) == (3 * 3 + 2, 3, 12)
    lift, warned, excellent = gates(result, Thresholds(lift=2.0))
    assert lift.value == pytest.approx((6 / 11) / (36 / 96))
    assert (warned.value, warned.verdict) == (9 / 12, Verdict.HOLDS)
    assert excellent.value == pytest.approx(4 * 5 / 96)


def test_all_hold(replay: Path, truth: Path) -> None:
    done = run(replay, "--truth", truth, "--lift", 0.5)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["holds"] * 3
    # Of three customers in danger no interval is told.
    assert "1.5 times the base rate of 37.5% (3 customers were in it)" in lines[0]
    assert "75.0% of 12 churned customers were warned at least 30 days before" in lines[1]
    assert "of those that showed a sign 90.0%" in lines[1]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("options", "failed"),
    [
        (["--lift", 2.6], ["danger tier:"]),
        (["--lift", 0.5, "--warned", 0.76], ["warnings:"]),
        (["--lift", 0.5, "--excellent", 0.01], ["excellent tier:"]),
        (["--lift", 2.6, "--warned", 1, "--excellent", 0], ["danger tier:", "warnings:", "excellent tier:"]),
    ],
)
def test_a_line_for_each_gate_that_failed(replay: Path, truth: Path, options: list[object], failed: list[str]) -> None:
    done = run(replay, "--truth", truth, *options)
    assert done.exit_code == 1
    lines = done.stderr.splitlines()
    assert len(lines) == len(failed)
    for line, says in zip(lines, failed, strict=True):
        assert line.startswith(f"FAILED   {says}")
        assert "wanted" in line


def test_who_churned_without_a_sign_counts_unless_left_out(replay: Path, truth: Path) -> None:
    """Nine of twelve, and of ten that showed a sign."""
    assert run(replay, "--truth", truth, "--lift", 0.5, "--warned", 0.8).exit_code == 1
    done = run(replay, "--truth", truth, "--lift", 0.5, "--warned", 0.8, "--foreseeable")
    assert done.exit_code == 0, done.output
    assert "90.0% of 10 churned customers that showed a sign" in done.stdout
    assert "of all churners 75.0%" in done.stdout


def test_too_few_churners_decide_nothing(replay: Path, truth: Path) -> None:
    done = run(replay, "--truth", truth, "--min-churners", 13)
    assert done.exit_code == 2
    assert "12 customers churned within the horizon" in done.stderr
    assert "13 are needed" in done.stderr
    # A gate that failed decides though others cannot be judged.
    assert run(replay, "--truth", truth, "--min-churners", 13, "--excellent", 0).exit_code == 1


def test_a_lift_that_nothing_can_have_decides_nothing(replay: Path, truth: Path) -> None:
    """Of 36 in 96 nothing can be three times as much."""
    done = run(replay, "--truth", truth)
    assert done.exit_code == 2
    assert "nothing can churn at 3 times a base rate of 37.5%; it churns at 1.5 times" in done.stderr


def test_what_is_missing_is_named(replay: Path, truth: Path, tmp_path: Path) -> None:
    done = run(replay)
    assert done.exit_code == 2
    assert "no outcomes are known; give --truth" in done.stderr
    assert "nobody says when customers churned" in done.stderr
    write(replay / "scores.ndjson", [score(customer, on, version=int(on)) for customer in BOOK for on in (0, 360)])
    done = run(replay, "--truth", truth)
    assert done.exit_code == 2
    assert "nobody was in it at any of the" in done.stderr
    plain = write(
        tmp_path / "plain.ndjson",
        [
            {"group_id": f"group-{customer}", "churned_at": at(200 if customer in CHURNERS else None)}
            for customer in BOOK
        ],
    )
    assert "--foreseeable needs a truth that says" in run(replay, "--truth", plain, "--foreseeable").stderr
    (replay / "alerts.ndjson").unlink()
    assert "wrote no alerts.ndjson" in run(replay, "--truth", truth).stderr


def test_json_for_scripts(replay: Path, truth: Path) -> None:
    done = run(replay, "--truth", truth, "--lift", 0.5, "--warned", 0.8, "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["verdict"] == "failed"
    assert [(gate["name"], gate["verdict"]) for gate in told["gates"]] == [
        ("danger_lift", "holds"),
        ("warned_30_days_before", "failed"),
        ("excellent_share", "holds"),
    ]
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments", [["nowhere"], [".", "--warned", 1.5], [".", "--min-churners", 0], [".", "--lift", -1]]
)
def test_bad_usage(arguments: list[object]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_directory_that_is_no_replay(tmp_path: Path) -> None:
    assert "is missing: is" in str(run(tmp_path).exception)


def test_one_failure_decides() -> None:
    assert overall([]) is Verdict.HOLDS
