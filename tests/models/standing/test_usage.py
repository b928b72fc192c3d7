"""Usage against the segment and the own baseline."""

from __future__ import annotations

import pytest

from ebbtide.models.customer.cadence import Cadence
from ebbtide.models.policy import UsagePolicy
from ebbtide.models.standing.hysteresis import Held
from ebbtide.models.standing.usage import Usage, usage, usage_level
from support.standing import MONDAY, used

POLICY = UsagePolicy()
WEEKLY = Cadence(7.0, business=False)
EDGES = (10.0, 20.0)


def every(gap: int, count: int, since: int) -> dict[int, int]:
    return dict.fromkeys(range(MONDAY - since, MONDAY, gap), count)


@pytest.mark.parametrize(
    ("events", "own", "seats", "expected"),
    [
        # Once a week for 20 weeks: 4 in 28 days, 1 a week, as always.
        (every(7, 1, 140), WEEKLY, None, Usage(1.0, False, 28, 1.0)),
        # 10 a day on 5 seats: 70 a week, 14 per seat.
        (every(1, 10, 140), Cadence(1.0, business=False), 5, Usage(14.0, True, 28, 1.0)),
        (every(1, 10, 140), Cadence(1.0, business=False), 0, Usage(70.0, False, 28, 1.0)),
        # Once in 30 days: the window is 63 days, so there are always two visits in it: 2 / 9 a week.
        (every(30, 1, 300), Cadence(30.0, business=False), None, Usage(2 / 9, False, 63, 1.0)),
        # 10 days old, 3 a day: 21 a week although the window is longer; nothing to compare with.
        (every(1, 3, 10), Cadence(1.0, business=False), None, Usage(21.0, False, 28, None)),
        # 2 days old: measured over a week at least.
        (every(1, 3, 2), Cadence(7.0, business=False), None, Usage(6.0, False, 28, None)),
        # 55 days: one window and a part; 56: two.
        (every(1, 3, 55), Cadence(1.0, business=False), None, Usage(21.0, False, 28, None)),
        (every(1, 3, 56), Cadence(1.0, business=False), None, Usage(21.0, False, 28, 1.0)),
        # The windows before had 28, 56, 84: their median is 56; now 14.
        (
            {MONDAY - 20: 14, MONDAY - 40: 28, MONDAY - 70: 56, MONDAY - 112: 84},
            WEEKLY,
            None,
            Usage(3.5, False, 28, 0.25),
        ),
        # Nothing in the windows before, or nothing now.
        ({MONDAY - 150: 5, MONDAY - 3: 4}, WEEKLY, None, Usage(1.0, False, 28, None)),
        ({MONDAY - 40: 9, MONDAY - 70: 9}, WEEKLY, None, Usage(0.0, False, 28, 0.0)),
    ],
)
def test_measured_by_hand(events: dict[int, int], own: Cadence, seats: int | None, expected: Usage) -> None:
    assert usage(used(events), MONDAY, own, seats, POLICY) == pytest.approx(expected)


def measured(value: float, ratio: float | None) -> Usage:
    return Usage(value, False, 28, ratio)


@pytest.mark.parametrize(
    ("value", "ratio", "from_nothing", "from_low", "from_middle", "from_high"),
    [
        (9.9, None, "low", "low", "low", "low"),
        (10.0, None, "middle", "low", "middle", "middle"),
        (10.9, None, "middle", "low", "middle", "middle"),
        (11.1, None, "middle", "middle", "middle", "middle"),
        (18.1, None, "middle", "middle", "middle", "high"),
        (20.1, 0.1, "high", "high", "high", "high"),
        # In the lower third, but as it always was.
        (1.0, 1.0, "middle", "middle", "middle", "middle"),
        (1.0, 0.89, "middle", "low", "middle", "middle"),
        (1.0, 0.69, "low", "low", "low", "low"),
        (0.0, 0.0, "low", "low", "low", "low"),
    ],
)
def test_thirds_of_the_segment(
    value: float, ratio: float | None, from_nothing: str, from_low: str, from_middle: str, from_high: str
) -> None:
    found = [
        usage_level(None if state is None else Held(state, 0), measured(value, ratio), EDGES, MONDAY, POLICY)[0].value
        for state in (None, "low", "middle", "high")
    ]
    assert found == [from_nothing, from_low, from_middle, from_high]


@pytest.mark.parametrize(
    ("value", "ratio", "from_low", "from_middle", "from_high"),
    [
        (3.0, None, "middle", "middle", "middle"),
        (0.0, None, "low", "low", "low"),
        (3.0, 0.69, "low", "low", "low"),
        (3.0, 0.84, "low", "middle", "middle"),
        (3.0, 1.0, "middle", "middle", "middle"),
        (3.0, 1.16, "middle", "middle", "high"),
        (3.0, 1.31, "high", "high", "high"),
    ],
)
def test_without_a_segment_the_own_baseline_decides(
    value: float, ratio: float | None, from_low: str, from_middle: str, from_high: str
) -> None:
    found = [
        usage_level(Held(state, 0), measured(value, ratio), None, MONDAY, POLICY)[0].value
        for state in ("low", "middle", "high")
    ]
    assert found == [from_low, from_middle, from_high]


def test_the_change_tells_its_numbers() -> None:
    _, change = usage_level(Held("middle", MONDAY - 14), measured(3.14159, 0.333333), EDGES, MONDAY, POLICY)
    assert change is not None
    assert (change.state_name, change.reason) == ("usage", "segment")
    assert change.evidence == {
        "usage_per_week": 3.1416,
        "per_seat": False,
        "own_ratio": 0.3333,
        "lower_edge": 10.0,
        "upper_edge": 20.0,
    }


def test_a_level_lasts_two_weeks() -> None:
    held, change = usage_level(Held("middle", MONDAY - 13), measured(3.0, 0.3), EDGES, MONDAY, POLICY)
    assert (held, change) == (Held("middle", MONDAY - 13, "low"), None)
