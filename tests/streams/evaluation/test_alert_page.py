"""How what was found of alerts reads: whole on 80 columns, and without a trace of what is not known."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from ebbtide.streams.cli.evaluate import command
from ebbtide.streams.evaluation.evaluate import evaluate
from ebbtide.streams.evaluation.figures import days, number, per_cent, quartiles, share_of, signed
from ebbtide.streams.evaluation.page import render
from support.replays import account, alert, at, episode, later, write, write_replay


def page(result: dict[str, Any], width: int = 80) -> list[str]:
    said = StringIO()
    Console(file=said, width=width).print(render(result))
    return said.getvalue().splitlines()


def cells(lines: list[str], name: str) -> list[str]:
    """Of the last row that begins with ``name``."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    return next(row[1:] for row in reversed(rows) if row[0] == name)


@pytest.fixture
def replay(tmp_path: Path) -> Path:
    late = alert("c", "support_distress", 140, suppressed={"reason": "budget"})
    return write_replay(
        tmp_path / "out",
        "abc",
        [
            alert("a", "sudden_drop", 120),
            alert("b", "asleep", 240, owner=None),
            alert("c", "asleep", 100, suppressed={"reason": "quiet_hours"}),
            late,
            later(late, 141, "updated"),
            alert(None, "fleet_drop", 150, kind="ops"),
        ],
        cadences={"a": 2.0},
    )


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    slump = episode("slump", 110, 130, onset=113)
    mild = episode("downgrade", 200, 230)
    fleet = {"row": "fleet", "type": "dip", "starts_at": at(118), "ends_at": at(122)}
    return write(
        tmp_path / "truth.ndjson",
        [account("a", 200, episodes=[slump]), account("b", 250, causeless=True, episodes=[mild]), account("c"), fleet],
    )


def test_a_page_of_a_simulated_book(replay: Path, truth: Path) -> None:
    lines = page(evaluate(replay, truth))
    # An interval is written with dots of its own.
    assert not any("…" in line.replace(" … ", "") for line in lines)
    assert max(map(len, lines)) <= 80
    assert cells(lines, "told") == ["3"]
    assert cells(lines, "suppressed") == ["1: quiet_hours 1"]
    assert cells(lines, "suppressed first, told later") == ["1"]
    assert cells(lines, "on no customer (ops)") == ["fleet_drop 1"]
    assert cells(lines, "sudden_drop") == ["1", "0.45", "100% 21-100", "50%", "50%", "50%", "80 (80-80)"]
    assert cells(lines, "support_distress") == ["1", "0.45", "0% 0-79", "0%", "0%", "0%", "–"]
    assert cells(lines, "any risk")[2:] == ["67% 21-94", "100%", "50%", "50%", "45 (28-62)"]
    assert cells(lines, "any, with a sign")[2:] == ["", "100%", "100%", "100%", "80 (80-80)"]
    assert cells(lines, "declines caught") == ["100% (21-100), 1 of 1"]
    assert cells(lines, "first by") == ["sudden_drop 1"]
    assert cells(lines, "drops in 1 holidays and a week on") == ["0 told, 0 resting on it, 0 held back"]
    assert cells(lines, "lost key people, in 3 gaps") == ["– (none to judge)"]
    assert cells(lines, "nobody")[0] == "1"


def test_a_page_without_a_truth(replay: Path) -> None:
    lines = page(evaluate(replay))
    assert not any("Churn foretold" in line or "planted" in line for line in lines)
    assert cells(lines, "told") == ["3"]


def test_a_page_where_nobody_owns_a_customer(replay: Path) -> None:
    write(replay / "alerts.ndjson", [alert("a", "asleep", 120, owner=None)])
    lines = page(evaluate(replay))
    assert cells(lines, "per CSM and week") == ["no owner is known"]
    assert not any("Alerts per owner" in line for line in lines)


def test_the_command_reads_feedback(replay: Path, tmp_path: Path) -> None:
    told = alert("a", "asleep", 120)
    write(replay / "alerts.ndjson", [told])
    answers = [{"alert_id": told["alert_id"], "action": "ack"}, {"alert_id": "none", "action": "ack"}]
    feedback = write(tmp_path / "feedback.ndjson", answers)
    done = CliRunner().invoke(command, [str(replay), "--feedback", str(feedback)])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert cells(lines, "with feedback") == ["1 of 1 told"]
    assert cells(lines, "ack") == ["1"]
    assert cells(lines, "on an alert nobody was told of") == ["1"]


def test_figures() -> None:
    assert [number(value) for value in (None, 0, 3.0, 1234, 0.456, 12.34)] == ["–", "0", "3", "1,234", "0.46", "12.3"]
    assert [per_cent(value) for value in (None, 0.0, 0.004, 0.5, 1.0)] == ["–", "0%", "0.4%", "50%", "100%"]
    assert [days(value) for value in (None, 2.04)] == ["–", "2 days"]
    spread: dict[str, float | None] = {"lower_quartile": -4.26, "median": 9.5, "upper_quartile": 12.5}
    assert quartiles(spread) == "9.5 (-4.3 to 12)"
    assert signed(None, share=True) == "–"
    assert (signed(-0.1234, share=True), signed(1.5, share=False)) == ("-12.3", "+1.50")
    assert share_of({"share": None}) == "– (none to judge)"
