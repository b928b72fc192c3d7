"""The live view and the summary, from recorded states."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from ebbtide.streams.demo.scrape import Reading
from ebbtide.streams.demo.state import DemoState
from ebbtide.streams.demo.summary import progress_line, summary
from ebbtide.streams.demo.view import render
from ebbtide.streams.demo.wording import alert_lines
from support.alerts import AT, alert, champion

SIZES = [(80, 24), (100, 30), (120, 40), (200, 60)]


def printed(what: RenderableType, width: int) -> list[str]:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(what)
    return capture.get().splitlines()


def busy() -> DemoState:
    state = DemoState(broker="Apache Kafka 4.1.0", seconds=64.0, phase="live", book_start=AT, book_days=210)
    reading = Reading(
        accepted=1_000,
        lag=312,
        event_time=(AT + timedelta(days=62, hours=13)).timestamp(),
        dead_lettered={"not_json": 2, "clock_ahead": 1},
    )
    state.measure(reading)
    state.seconds = 65.0
    bounds = {0.1: 0.0, 0.25: 20.0, float("inf"): 20.0}
    state.measure(replace(reading, accepted=2_234, score_latency=bounds, alert_latency=bounds))
    for number in range(40):
        state.customers.add(b"%d" % number)
        state.score(f"customer-{number}", ("danger", "normal", "excellent")[number % 3])
        state.alert(alert(number, customer_name="远山 图书 有限公司" if number % 2 else f"Company {number}"))
    state.alert(alert(50, kind="opportunity", type="warm_return", severity="info", customer_name=None, at_stake=None))
    state.learned(champion(491, churned=12.0, prequential_auc=0.81, prequential_log_loss=0.3))
    return state


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("state", [DemoState(), busy()], ids=["empty", "busy"])
def test_it_fills_the_terminal_and_never_more(state: DemoState, width: int, height: int) -> None:
    lines = printed(render(state, width=width, height=height), width)
    assert len(lines) == height
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_what_a_person_wants_to_know_is_on_it(width: int, height: int) -> None:
    text = "\n".join(printed(render(busy(), width=width, height=height), width))
    for wanted in (
        "2026-05-03 13:00, day 63 of 210",
        "1:05",
        "1,234",
        "312",
        "danger",
        "champion-491",
        "0.81",
        "not json 2, clock ahead 1",
        "sudden drop",
        "远山 图书 有限公司",
        "$12,400",
        "62 %",
        "6 actions in the last 7 days, 30 % of the usual 20",
        "recency per cadence +2.07, trend 28d -0.40",
        "warm return",
        "customer customer",
        "Ctrl-C",
    ):
        assert wanted in text, wanted
    assert "tenure" not in text


def test_opportunities_do_not_drive_out_risks() -> None:
    state = busy()
    for number in range(60, 90):
        at = AT + timedelta(days=1)
        state.alert(alert(number, kind="opportunity", type="surge", severity="info", occurred_at=at))
    text = "\n".join(printed(render(state, width=80, height=24), 80))
    assert text.count("● sudden drop") == 2
    assert text.count("● surge") == 2


def test_a_lag_that_is_not_known_is_not_shown() -> None:
    state = busy()
    state.lag_known = False
    text = "\n".join(printed(render(state, width=80, height=24), 80))
    assert "312" not in text
    assert "unknown" in text
    assert "lag unknown" in progress_line(state)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_columns_of_alerts_line_up_whatever_the_script(width: int) -> None:
    heads = [alert_lines(alert(1, customer_name=name), width)[0] for name in ("Company", "远山", "x" * 99, None)]
    assert {head.cell_len for head in heads} == {width}


def test_an_alert_without_a_score_says_so() -> None:
    lines = alert_lines(alert(1, contributions=[], p_churn=None), 80)
    assert "no score yet" in lines[2].plain
    assert "–" in lines[0].plain


def test_an_alert_says_why_the_score_says_so_in_words_where_it_has_them() -> None:
    words = [
        "6 actions",
        "62 % likely to churn, starting from 12.0 %: odds × 12.0",
        "9 events ever: raises",
        "the rest",
    ]
    assert alert_lines(alert(1, reasons_en=words), 120)[2].plain == "  score: 9 events ever: raises; the rest"
    assert alert_lines(alert(1), 120)[2].plain == "  score: recency per cadence +2.07, trend 28d -0.40"


def test_the_summary_names_the_gravest_and_where_to_go_on() -> None:
    text = "\n".join(printed(summary(busy(), width=100, kept="/somewhere/kept"), 100))
    for wanted in ("The 5 gravest open risks", "491 outcomes learned", "12 of them churned", "0.81", "ebbtide up"):
        assert wanted in text, wanted
    assert "/somewhere/kept" in text
    assert text.count("● sudden drop") == 5


def test_the_summary_of_a_demo_that_saw_nothing() -> None:
    text = "\n".join(printed(summary(DemoState(), width=80), 80))
    assert "No open risks" in text
    assert "nothing was learned" in text


def test_the_progress_line_is_one_line() -> None:
    line = progress_line(busy())
    assert "\n" not in line
    assert "danger 14, normal 13, excellent 13" in line
    assert "alerts 41" in line
