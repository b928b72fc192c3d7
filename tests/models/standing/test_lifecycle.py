"""Stories of the lifecycle. Day 20,094 is a Monday."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ebbtide.models.customer.cadence import Cadence, SilenceState, cadence, silence, silence_state
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.trend import Comparison, compare
from ebbtide.models.policy import CorePolicy
from ebbtide.models.standing.hysteresis import Held, StateChange
from ebbtide.models.standing.lifecycle import lifecycle
from support.standing import MONDAY, Step, used, walk

POLICY = CorePolicy()
DAILY = Cadence(1.0, business=False)
EVEN = dict.fromkeys(range(MONDAY - 60, MONDAY), 4)


def stepping(series: DaySeries) -> Step:
    """The state with the silence and comparison that belong to the series."""

    def step(held: Held | None, day: int) -> tuple[Held, StateChange | None]:
        own = cadence(series, day, POLICY.cadence)
        last_day = series.last_day(day)
        assert last_day is not None
        state = silence_state(silence(last_day, day, own), own, POLICY.cadence)
        comparison = compare(series, day, own, POLICY.baseline)
        return lifecycle(held, series, day, own, state, comparison, POLICY, tenant_has_queries=True)

    return step


def told(changes: Iterable[StateChange]) -> list[tuple[int, str | None, str | None, str]]:
    return [(change.day - MONDAY, change.old, change.new, change.reason) for change in changes]


def test_a_life() -> None:
    # Every day from Monday on, with a first query on the third day; silent after twelve weeks, back after four more.
    use = dict.fromkeys(range(MONDAY, MONDAY + 84), 10)
    back = dict.fromkeys(range(MONDAY + 112, MONDAY + 182), 10)
    series = used({**use, **back}, [MONDAY + 2])
    _, changes = walk(stepping(series), range(MONDAY + 1, MONDAY + 182))
    assert told(changes) == [
        (3, "acquisition", "growth", "core_value"),  # the morning after the first query
        # The week of the first query is not counted: four whole weeks from the second Monday on.
        (35, "growth", "maturity", "stable"),
        (86, "maturity", "decline", "asleep"),  # three silent days
        (91, "decline", "left", "silent"),  # eight days: 7.5 cadences of one day
        # Back on day 112; on day 114 it was active on two days, but the usual is still that of before.
        (114, "left", "decline", "drop"),
        (128, "decline", "growth", "core_value"),  # two weeks later
        (142, "growth", "maturity", "stable"),  # four whole weeks since, and two weeks later
    ]
    assert changes[0].evidence == {"core_day": MONDAY + 2}
    assert changes[1].evidence == {"core_day": MONDAY + 2, "variation": 0.0, "period_days": 7}
    assert changes[3].evidence == {"silence_days": 8, "cadence_days": 1.0}


def test_an_account_with_weekly_use_is_mature_at_weekly_use() -> None:
    # One query each Wednesday, 52 actions a year. Another has a thousand a day and is no better off.
    weekly = used({MONDAY + 2 + 7 * n: 1 for n in range(20)}, [MONDAY + 2])
    busy = used(dict.fromkeys(range(MONDAY + 2, MONDAY + 140), 1_000), [MONDAY + 2])
    for series in (weekly, busy):
        held, changes = walk(stepping(series), range(MONDAY + 3, MONDAY + 140))
        assert told(changes) == [(35, "growth", "maturity", "stable")]
        assert held is not None
        assert held.pending is None


def test_a_drop_holds_until_seven_tenths() -> None:
    # 10 a day, then 4 a day for two weeks, then 6, then 8. The usual, median of the eight weeks before, stays 70.
    levels = [(70, 10), (14, 4), (7, 6), (28, 8)]
    events: dict[int, int] = {}
    for length, count in levels:
        start = MONDAY + len(events)
        events |= dict.fromkeys(range(start, start + length), count)
    series = used(events, [MONDAY])
    _, changes = walk(stepping(series), range(MONDAY + 1, MONDAY + 119))
    assert told(changes)[1:] == [
        (76, "maturity", "decline", "drop"),  # 6 days of 4 and one of 10: 34 of 70 is 0.49, the day before 40: 0.57
        # A week of 6 is 0.6 and still a decline; three days of 6 and four of 8 end it: 50 of 70 is 0.71. The weeks of
        # 70, 28, 28 and 42 have mean 42 and deviation 17.1: 0.41.
        (95, "decline", "maturity", "stable"),
    ]


COMPARISONS = {
    None: None,
    0.49: Comparison(49, 100.0, 7, 8),
    0.5: Comparison(50, 100.0, 7, 8),
    0.69: Comparison(69, 100.0, 7, 8),
    0.7: Comparison(70, 100.0, 7, 8),
}


@pytest.mark.parametrize(
    ("ratio", "from_growth", "from_decline"),
    [
        (None, "maturity", "maturity"),
        (0.49, "decline", "decline"),
        (0.5, "maturity", "decline"),
        (0.69, "maturity", "decline"),
        (0.7, "maturity", "maturity"),
    ],
)
def test_a_drop_enters_under_a_half_and_leaves_from_seven_tenths(
    ratio: float | None, from_growth: str, from_decline: str
) -> None:
    series = used(EVEN, [MONDAY - 60])
    found = [
        lifecycle(held, series, MONDAY, DAILY, SilenceState.AWAKE, COMPARISONS[ratio], POLICY)[0].value
        for held in (Held("growth", 0), Held("decline", 0))
    ]
    assert found == [from_growth, from_decline]


@pytest.mark.parametrize(
    ("weeks", "from_growth", "from_maturity"),
    [
        ((18, 6, 18, 6), "maturity", "maturity"),  # 0.50
        ((19, 6, 18, 6), "growth", "maturity"),  # 0.51
        ((5, 5, 5, 0), "growth", "maturity"),  # 0.58: an idle week does not make one grow again
        ((21, 11, 5, 3), "growth", "maturity"),  # 0.70
        ((9, 1, 1, 9), "growth", "growth"),  # 0.80
        ((1, 5, 0, 5), "growth", "growth"),  # 0.83
    ],
)
def test_maturity_enters_at_one_half_and_leaves_over_seven_tenths(
    weeks: tuple[int, ...], from_growth: str, from_maturity: str
) -> None:
    series = used({MONDAY - 40: 9} | {MONDAY - 28 + 7 * n: count for n, count in enumerate(weeks)}, [MONDAY - 40])
    found = [
        lifecycle(Held(state, 0), series, MONDAY, DAILY, SilenceState.AWAKE, None, POLICY)[0].value
        for state in ("growth", "maturity")
    ]
    assert found == [from_growth, from_maturity]


@pytest.mark.parametrize(("core", "expected"), [(MONDAY - 28, "maturity"), (MONDAY - 27, "growth")])
def test_the_four_weeks_begin_after_the_first_core_value(core: int, expected: str) -> None:
    series = used(EVEN, [core])
    held, _ = lifecycle(
        Held("growth", 0), series, MONDAY, DAILY, SilenceState.AWAKE, None, POLICY, tenant_has_queries=True
    )
    assert held.value == expected


@pytest.mark.parametrize(
    ("silent", "active", "expected"),
    [
        (SilenceState.AWAKE, 1, "left"),  # one look is no return
        (SilenceState.AWAKE, 2, "growth"),
        (SilenceState.ASLEEP, 2, "left"),
        (SilenceState.LEFT, 2, "left"),
    ],
)
def test_one_that_left_is_back_after_two_active_days(silent: SilenceState, active: int, expected: str) -> None:
    series = used(dict.fromkeys([*range(MONDAY - 60, MONDAY - 30), *range(MONDAY - active, MONDAY)], 1), [MONDAY - 60])
    held, _ = lifecycle(Held("left", MONDAY - 20), series, MONDAY, DAILY, silent, None, POLICY)
    assert held.value == expected


@pytest.mark.parametrize(("gap", "window"), [(1.0, 11), (2.0, 21)])
def test_a_return_in_business_days_is_looked_for_in_calendar_days(gap: float, window: int) -> None:
    # 7.5 gaps of one workday are 10.5 days, of two workdays 21. Active on the first day of the window, and on Friday.
    own = Cadence(gap, business=True)
    series = used(dict.fromkeys([*range(MONDAY - 60, MONDAY - 30), MONDAY - window, MONDAY - 3], 1), [MONDAY - 60])
    held, _ = lifecycle(Held("left", MONDAY - 20), series, MONDAY, own, SilenceState.AWAKE, None, POLICY)
    assert held.value == "growth"
    held, _ = lifecycle(Held("left", MONDAY - 20), series, MONDAY + 1, own, SilenceState.AWAKE, None, POLICY)
    assert held.value == "left"


@pytest.mark.parametrize("state", [None, "acquisition", "growth", "maturity", "decline"])
def test_leaving_does_not_wait(state: str | None) -> None:
    held = None if state is None else Held(state, MONDAY - 1)
    found, change = lifecycle(held, used(EVEN), MONDAY + 8, DAILY, SilenceState.LEFT, None, POLICY)
    assert found == Held("left", MONDAY + 8)
    assert change is not None
    assert (change.old, change.reason) == (state, "silent")


def test_acquisition_ends_at_once_and_sleep_comes_before_it() -> None:
    series = used({MONDAY: 3, MONDAY + 1: 3}, [MONDAY + 1])
    step = stepping(series)
    _, changes = walk(step, range(MONDAY + 1, MONDAY + 3))
    assert told(changes) == [(2, "acquisition", "growth", "core_value")]
    without = used({MONDAY: 3, MONDAY + 1: 3})
    _, changes = walk(stepping(without), range(MONDAY + 1, MONDAY + 70))
    assert told(changes) == [(15, "acquisition", "decline", "asleep"), (54, "decline", "left", "silent")]


def test_a_customer_in_decline_without_core_value_goes_back_to_acquisition() -> None:
    series = used(dict.fromkeys(range(MONDAY - 60, MONDAY), 1))
    found = lifecycle(
        Held("decline", 0), series, MONDAY, DAILY, SilenceState.AWAKE, None, POLICY, tenant_has_queries=True
    )
    assert found[0].value == "acquisition"


def test_without_queries_active_days_are_core_value() -> None:
    held, _ = lifecycle(None, used(EVEN), MONDAY, DAILY, SilenceState.AWAKE, None, POLICY)
    assert held.value == "maturity"


def test_changes_tell_rounded_numbers() -> None:
    series, own = used({MONDAY - 60: 2, MONDAY - 3: 7}, [MONDAY - 60]), Cadence(7 / 3, business=False)
    _, change = lifecycle(None, series, MONDAY, own, SilenceState.ASLEEP, None, POLICY)
    assert change is not None
    assert change.evidence == {"silence_days": 3, "cadence_days": 2.33}
    _, change = lifecycle(None, series, MONDAY, own, SilenceState.AWAKE, Comparison(20, 200 / 3, 7, 8), POLICY)
    assert change is not None
    assert change.evidence == {"value": 20, "baseline": 66.67, "ratio": 0.3, "window_days": 7}
    _, change = lifecycle(None, series, MONDAY, own, SilenceState.AWAKE, Comparison(20, 70.0, 7, 8), POLICY)
    assert change is not None
    assert change.evidence["ratio"] == 0.2857
    weeks = used({MONDAY - 28: 1, MONDAY - 21: 1, MONDAY - 14: 1, MONDAY - 7: 2}, [MONDAY - 28])
    _, change = lifecycle(None, weeks, MONDAY, own, SilenceState.AWAKE, None, POLICY)
    assert change is not None
    assert change.evidence == {"core_day": MONDAY - 28, "variation": 0.3464, "period_days": 7}


def test_use_that_is_too_young_to_tell_is_growth() -> None:
    # Nothing in the newest whole weeks: it began this week.
    series = used({MONDAY: 5, MONDAY + 1: 5}, [MONDAY])
    held, change = lifecycle(None, series, MONDAY + 2, DAILY, SilenceState.AWAKE, None, POLICY)
    assert held.value == "growth"
    assert change is not None
    assert change.evidence == {"core_day": MONDAY}
