"""What two sets of alerts have in common: stories as tables, and the laws of matching and of measures."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from ebbtide.streams.evaluation.alert_log import Told
from ebbtide.streams.evaluation.alerts import JudgedAlerts, judge
from ebbtide.streams.evaluation.customers import Customers
from ebbtide.streams.evaluation.difference import SHARES, difference, matched, measured
from ebbtide.streams.evaluation.difference_page import render
from ebbtide.streams.evaluation.fates import TruthFile
from ebbtide.streams.evaluation.planted import planted
from ebbtide.streams.evaluation.shares import ratio
from support.replays import account, alert, at, day, episode, write, write_replay

WEEK = timedelta(days=7)
HORIZON = timedelta(days=90)
TOLD = st.builds(
    lambda customer, type, on, number: Told(str(number), "risk", type, customer, "kim", day(on)),
    st.sampled_from("abcd"),
    st.sampled_from(("asleep", "sudden_drop", "key_person_lost")),
    st.integers(0, 359),
    st.uuids(),
)
SOME = st.lists(TOLD, max_size=12)
few = settings(max_examples=50, deadline=None)


def told(type: str, *days: float, customer: str = "a") -> list[Told]:
    return [Told(f"{type}-{on}", "risk", type, customer, "kim", day(on)) for on in days]


@pytest.mark.parametrize(
    ("first", "second", "both", "only_a", "only_b"),
    [
        ([], [], 0, 0, 0),
        (told("asleep", 10), told("asleep", 10), 1, 0, 0),
        (told("asleep", 10), told("asleep", 17), 1, 0, 0),
        (told("asleep", 17), told("asleep", 10), 1, 0, 0),
        (told("asleep", 10), told("asleep", 17.1), 0, 1, 1),
        (told("asleep", 10), told("left", 10), 0, 1, 1),
        (told("asleep", 10), told("asleep", 10, customer="b"), 0, 1, 1),
        # Each alert is in one pair; the first that fits leaves the later ones for later.
        (told("asleep", 10, 11), told("asleep", 10), 1, 1, 0),
        (told("asleep", 10, 16), told("asleep", 5, 12), 2, 0, 0),
        (told("asleep", 10), told("asleep", 1, 12, 30), 1, 0, 2),
    ],
)
def test_alerts_are_paired(first: list[Told], second: list[Told], both: int, only_a: int, only_b: int) -> None:
    found = matched(first, second, WEEK)
    assert (len(found.both), len(found.only_a), len(found.only_b)) == (both, only_a, only_b)


@given(SOME, SOME)
@few
def test_every_alert_is_somewhere_once(first: list[Told], second: list[Told]) -> None:
    found = matched(first, second, WEEK)
    assert sorted(a.alert_id for a in (*(a for a, _ in found.both), *found.only_a)) == sorted(a.alert_id for a in first)
    assert sorted(b.alert_id for b in (*(b for _, b in found.both), *found.only_b)) == sorted(
        b.alert_id for b in second
    )
    assert all((a.customer_id, a.type) == (b.customer_id, b.type) and abs(a.at - b.at) <= WEEK for a, b in found.both)


@given(SOME, SOME)
@few
def test_turned_round_as_many_are_the_same(first: list[Told], second: list[Told]) -> None:
    there, back = matched(first, second, WEEK), matched(second, first, WEEK)
    assert (len(there.both), len(there.only_a), len(there.only_b)) == (
        len(back.both),
        len(back.only_b),
        len(back.only_a),
    )


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> JudgedAlerts:
    """a churns on day 200 after a decline, b on day 300; c has a slump, d stays; no alerts."""
    directory = tmp_path_factory.mktemp("book")
    replay = write_replay(directory / "out", "abcd", [])
    user = {"user_id": "u", "role": "key_person", "leaves_at": at(150), "gap_days": 2.0}
    truth = write(
        directory / "truth.ndjson",
        [
            account("a", 200, episodes=[episode("decline", 150, 200, onset=170)]),
            account("b", 300, episodes=[]),
            account("c", episodes=[episode("slump", 100, 120, onset=103)]),
            account("d", episodes=[episode("key_person_loss", 150, 178)], users=[user]),
        ],
    )
    customers = Customers(replay)
    found = judge(replay, TruthFile(truth, customers), planted(truth, customers), HORIZON)
    assert found is not None
    return found


def with_told(book: JudgedAlerts, alerts: list[Told]) -> JudgedAlerts:
    """The same book with these alerts."""
    ordered = tuple(sorted(alerts, key=lambda alert: (alert.at, alert.customer_id, alert.type)))
    return replace(book, log=replace(book.log, told=ordered))


@given(SOME)
@few
def test_a_policy_differs_in_nothing_from_itself(book: JudgedAlerts, alerts: list[Told]) -> None:
    one = with_told(book, alerts)
    found = difference(one, one, WEEK)
    assert (found["told"]["only_a"], found["told"]["only_b"]) == (0, 0)
    assert found["told"]["both"] == len(alerts)
    assert {row["difference"] for row in found["measures"].values()} <= {0.0, None}


@given(SOME, TOLD)
@few
def test_one_alert_more_never_lowers_a_recall(book: JudgedAlerts, alerts: list[Told], more: Told) -> None:
    before, after = measured(with_told(book, alerts)), measured(with_told(book, [*alerts, more]))
    for name in SHARES - {"risk_alerts_that_came_true"}:
        less, now = ratio(before[name]), ratio(after[name])
        assert (less is None and now is None) or (now or 0.0) >= (less or 0.0)
    assert sum(c.part for c in after["false_alarms_per_account_year"]) >= sum(
        c.part for c in before["false_alarms_per_account_year"]
    )


@given(SOME)
@few
def test_shares_lie_between_none_and_all(book: JudgedAlerts, alerts: list[Told]) -> None:
    found = measured(with_told(book, alerts))
    assert set(found) >= SHARES
    for name in SHARES:
        assert 0.0 <= (ratio(found[name]) or 0.0) <= 1.0


def test_what_a_quieter_policy_leaves_out(book: JudgedAlerts) -> None:
    """A warns a 80 and 10 days before, and d for nothing; B warns a three days later, and of the slump of c."""
    first = with_told(book, [*told("asleep", 120, 190), *told("asleep", 140, customer="d")])
    second = with_told(book, [*told("asleep", 123), *told("sudden_drop", 105, customer="c")])
    found = difference(first, second, WEEK)
    assert found["told"] == {"a": 3, "b": 2, "both": 1, "only_a": 2, "only_b": 1}
    asleep = found["types"]["asleep"]
    assert (asleep["a"], asleep["b"], asleep["mean_days_later_in_b"]) == (3, 1, 3.0)
    assert {side: (share["count"], share["of"]) for side, share in asleep["came_true"].items()} == {
        "both": (1, 1),
        "only_a": (1, 2),
        "only_b": (0, 0),
    }
    assert found["types"]["sudden_drop"]["came_true"]["only_b"]["of"] == 1
    measures = found["measures"]
    assert (measures["risk_alerts_that_came_true"]["a"], measures["risk_alerts_that_came_true"]["b"]) == (2 / 3, 1 / 2)
    # Of a's decline B tells nothing, of c's slump A tells nothing.
    assert (measures["planted_declines_caught"]["a"], measures["planted_declines_caught"]["b"]) == (0.5, 0.5)
    assert (measures["mean_lead_days"]["a"], measures["mean_lead_days"]["b"]) == (80.0, 77.0)
    assert measures["mean_lead_days"]["difference"] == -3.0
    assert found["types"]["asleep"]["churn"]["a"]["churners_warned"]["count"] == 1


def test_without_outcomes_alerts_are_only_counted(book: JudgedAlerts) -> None:
    blind = replace(with_told(book, told("asleep", 120)), outcomes=None)
    found = difference(blind, blind, WEEK)
    assert list(found["measures"]) == ["alerts_per_owner_week"]
    assert found["types"] == {
        "asleep": {"a": 1, "b": 1, "both": 1, "only_a": 0, "only_b": 0, "mean_days_later_in_b": 0.0}
    }
    assert "came true" not in shown(found)


def shown(found: dict[str, Any], width: int = 80) -> str:
    page = StringIO()
    sides = {side: {"policy": f"somewhere/{side}.yaml"} for side in ("a", "b")}
    row = {"name": "cadence.asleep_gaps", "a": 2.0, "b": None}
    Console(file=page, width=width).print(render({**sides, "settings": [row], "difference": found}))
    return page.getvalue()


def test_the_page_fits_on_80_columns(book: JudgedAlerts) -> None:
    one = with_told(book, [*told("asleep", 120, 190), *told("renewal_at_risk", 140, customer="d")])
    quiet = with_told(book, told("asleep", 123))
    quiet = replace(quiet, log=replace(quiet.log, suppressed=Counter(budget=3)))
    page = shown(difference(one, quiet, WEEK))
    for expected in ("a.yaml", "asleep_gaps", "renewal_at_risk", "churners warned 60 to 90 days before", "-3.00"):
        assert expected in page
    (held,) = [row for row in page.splitlines() if "suppressed" in row]
    assert [cell.strip() for cell in held.split("│")[2:5]] == ["0", "3", "+3"]
    assert "…" not in page


def test_a_policy_that_tells_nothing(book: JudgedAlerts) -> None:
    found = difference(with_told(book, told("asleep", 120)), book, WEEK)
    assert found["measures"]["risk_alerts_that_came_true"] == {
        "a": 1.0,
        "b": None,
        "difference": None,
        "low_95": None,
        "high_95": None,
    }
    assert "none differs" not in shown(found)


def test_an_alert_that_was_held_back_is_not_told(tmp_path: Path) -> None:
    held = alert("a", "asleep", 120, suppressed={"reason": "budget"})
    found = judge(write_replay(tmp_path / "out", "a", [held]), None, None, HORIZON)
    assert found is not None
    assert found.log.told == ()
    assert dict(difference(found, found, WEEK)["suppressed"]["a"]) == {"budget": 1}
