"""The bench of detection: both sides see the same days, and who knows everything is not beaten."""

from __future__ import annotations

import pytest

from ebbtide.streams.bench.detection import render, run


@pytest.fixture(scope="module")
def result() -> dict[str, object]:
    return run(customers=120, days=240, seed=7)


Rows = list[dict[str, float]]


def rows(result: dict[str, object], name: str) -> Rows:
    found = result[name]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("name", ["ebbtide", "clairvoyant"])
def test_false_alarms_and_catches_go_together(result: dict[str, object], name: str) -> None:
    alarms = [row["false_alarms_per_account_year"] for row in rows(result, name)]
    caught = [row["caught"] for row in rows(result, name)]
    assert alarms == sorted(alarms, reverse=True)
    assert 1 >= caught[0] >= caught[-1] > 0.4


def test_who_knows_everything_catches_more(result: dict[str, object]) -> None:
    own, clairvoyant = (max(row["caught"] for row in rows(result, name)) for name in ("ebbtide", "clairvoyant"))
    assert clairvoyant >= own


def test_it_shows_both(result: dict[str, object]) -> None:
    shown = render(result).splitlines()
    assert shown[0].split() == ["false", "alarms", "caught", "days", "from", "onset"]
    assert [line.split(",")[0] for line in shown[1:-1]] == [*["ebbtide"] * 4, *["clairvoyant"] * 4]
    assert shown[-1].startswith("a year and account; ")
