"""An account with weekly use is healthy at weekly use: its own cadence decides, never an absolute level."""

from __future__ import annotations

import msgspec
import pytest

from ebbtide.models.customer.cadence import cadence, silence, silence_state
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.trend import compare
from ebbtide.models.policy import CorePolicy
from ebbtide.models.standing.activity_group import activity_group
from ebbtide.models.standing.cells import cell
from ebbtide.models.standing.hysteresis import Held
from ebbtide.models.standing.lifecycle import lifecycle
from ebbtide.models.standing.relationship import relationship, relationship_level
from ebbtide.models.standing.usage import usage, usage_level
from support.standing import MONDAY, history, used

POLICY = CorePolicy()
BUSY_SEGMENT = (40.0, 90.0)
WEEKS = 26

WEDNESDAYS = used({MONDAY + 2 + 7 * n: 1 for n in range(WEEKS)}, range(MONDAY, MONDAY + 200))
DAILY = used(dict.fromkeys(range(MONDAY, MONDAY + 7 * WEEKS), 10), range(MONDAY, MONDAY + 200))
FADING = used({MONDAY + 2 + 7 * n: 8 if n < 18 else 2 for n in range(WEEKS)}, range(MONDAY, MONDAY + 200))


def standing(series: DaySeries, last_day: int) -> tuple[str, str, str]:
    """Lifecycle, activity group and cell of a customer that is evaluated every day, in a segment of busy ones."""
    stage: Held | None = None
    level: Held | None = None
    bond: Held | None = None
    group: Held | None = None
    for day in range(MONDAY + 3, last_day + 1):
        own = cadence(series, day, POLICY.cadence)
        last = series.last_day(day)
        assert last is not None
        state = silence_state(silence(last, day, own), own, POLICY.cadence)
        comparison = compare(series, day, own, POLICY.baseline)
        stage, _ = lifecycle(stage, series, day, own, state, comparison, POLICY, tenant_has_queries=True)
        measured = usage(series, day, own, None, POLICY.usage)
        level, _ = usage_level(level, measured, BUSY_SEGMENT, day, POLICY.usage)
        found = relationship(history(), {"p": ("key_person", last)}, day, own.days, POLICY.relationship)
        bond, _ = relationship_level(bond, found, day, POLICY.relationship)
        group, _ = activity_group(
            group,
            day,
            POLICY.activity_group,
            lifecycle=stage.value,
            not_renewed=False,
            tier="normal",
            p_churn=0.1,
            usage=level.value,
        )
    assert stage is not None
    assert level is not None
    assert bond is not None
    assert group is not None
    return stage.value, group.value, cell(level.value, bond.value)


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (WEDNESDAYS, ("maturity", "high", "middle-middle")),  # 1 action a week where a third has 40 or fewer
        (DAILY, ("maturity", "high", "middle-middle")),  # 70 a week
        (FADING, ("maturity", "normal", "low-middle")),  # as weekly as before, but a quarter of its own usual
    ],
    ids=["weekly", "daily", "fading"],
)
def test_the_own_rhythm_decides(series: DaySeries, expected: tuple[str, str, str]) -> None:
    assert standing(series, MONDAY + 7 * WEEKS) == expected


def test_what_the_rules_hold_is_stored_as_plain_text() -> None:
    own = cadence(WEDNESDAYS, MONDAY + 3, POLICY.cadence)
    day = MONDAY + 3
    state = silence_state(1, own, POLICY.cadence)
    held, _ = lifecycle(None, WEDNESDAYS, day, own, state, None, POLICY)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(held)) == ["growth", day, None]
