"""The generated pages: fresh, complete, and without gaps in what they explain."""

from __future__ import annotations

from pathlib import Path

import pytest

from ebbtide.models.churn.features import NAMES
from ebbtide.models.fleet.contribution import COUNTERS, METRICS
from ebbtide.schemas.alert import AlertType
from ebbtide.schemas.contracts import CONTRACTS
from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.schemas.topics import Topic
from ebbtide.streams.cli import COMMANDS
from ebbtide.streams.metrics import exposed_names
from ebbtide.streams.reference import PAGES_DIRECTORY, SCHEMAS_DIRECTORY, generate, stale, write
from ebbtide.streams.reference.__main__ import main
from ebbtide.streams.reference.settings import names
from support.docs import ROOT, pages


def test_it_is_fresh() -> None:
    assert stale(ROOT) == [], "run python -m ebbtide.streams.reference"


def test_it_is_the_same_every_time() -> None:
    assert generate(ROOT) == generate(ROOT)


def test_write_mends_and_clears(tmp_path: Path) -> None:
    assert write(tmp_path) != []
    assert stale(tmp_path) == []
    page, orphan = tmp_path / PAGES_DIRECTORY / "topics.md", tmp_path / SCHEMAS_DIRECTORY / "Gone.json"
    page.write_text("old")
    orphan.write_text("{}")
    assert stale(tmp_path) == [page, orphan]
    assert write(tmp_path) == [page, orphan]
    assert stale(tmp_path) == []
    assert not orphan.exists()


def test_the_command_names_what_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr("sys.argv", ["reference", "--check", "--root", str(tmp_path)])
    assert main() == 1
    assert "docs/reference/topics.md is stale" in capsys.readouterr().err
    write(tmp_path)
    assert main() == 0
    monkeypatch.setattr("sys.argv", ["reference", "--check", "--root", str(tmp_path / "docs")])
    assert main() == 2


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("settings", list(names())),
        ("topics", [topic.topic_name for topic in Topic]),
        ("commands", list(COMMANDS)),
        (
            "metrics",
            sorted({name.removesuffix("_bucket") for name in exposed_names() if not name.endswith(("_sum", "_count"))}),
        ),
        ("features", list(NAMES)),
        ("fleet", [*METRICS, *COUNTERS]),
        ("alerts", list(AlertType)),
        ("contracts", list(CONTRACTS)),
        ("input", list(DeadLetterReason)),
    ],
)
def test_nothing_is_left_out(page: str, wanted: list[str]) -> None:
    text = (ROOT / PAGES_DIRECTORY / f"{page}.md").read_text(encoding="utf-8")
    assert [name for name in wanted if name not in text] == []


def test_every_cell_says_something() -> None:
    """An empty meaning is a declaration without a description."""
    empty = [
        f"{path.name}: {line}"
        for path, text in pages()
        if path.parent.name == "reference"
        and path.stem in {"settings", "metrics", "features", "fleet", "topics", "alerts"}
        for line in text.splitlines()
        if line.startswith("|") and line.rstrip().endswith(("|  |", "| |"))
    ]
    assert empty == []
