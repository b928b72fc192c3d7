"""When an alert may be delivered: hours on the clocks of a zone, weekends, nights over midnight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ebbtide.models.policy import QuietHours
from ebbtide.models.triage.quiet import deliver_at
from ebbtide.schemas.alert import Severity

NIGHT = QuietHours()
LUNCH = QuietHours(start="12:00", end="13:30")
BERLIN = QuietHours(time_zone="Europe/Berlin")
WEEK = QuietHours(time_zone="Asia/Shanghai", weekends=True)
CALM = QuietHours(critical_too=False)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("quiet", "asked", "expected"),
    [
        (None, "2025-01-06T03:00", "2025-01-06T03:00"),
        (NIGHT, "2025-01-06T19:59", "2025-01-06T19:59"),
        (NIGHT, "2025-01-06T20:00", "2025-01-07T08:00"),
        (NIGHT, "2025-01-07T07:59", "2025-01-07T08:00"),
        (NIGHT, "2025-01-07T08:00", "2025-01-07T08:00"),
        (LUNCH, "2025-01-06T12:15", "2025-01-06T13:30"),
        (LUNCH, "2025-01-06T13:30", "2025-01-06T13:30"),
        # 20:00 in Berlin is 19:00 UTC in winter and 18:00 in summer.
        (BERLIN, "2025-01-06T18:30", "2025-01-06T18:30"),
        (BERLIN, "2025-01-06T19:00", "2025-01-07T07:00"),
        (BERLIN, "2025-07-07T18:30", "2025-07-08T06:00"),
        # The night in which clocks go forward.
        (BERLIN, "2025-03-29T22:00", "2025-03-30T06:00"),
        # Friday evening to Monday morning in Shanghai.
        (WEEK, "2025-01-10T12:30", "2025-01-13T00:00"),
        (WEEK, "2025-01-11T03:00", "2025-01-13T00:00"),
        (WEEK, "2025-01-09T12:30", "2025-01-10T00:00"),
    ],
)
def test_it_waits_for_the_end_of_quiet_hours(quiet: QuietHours | None, asked: str, expected: str) -> None:
    assert deliver_at(at(asked), Severity.WARNING, quiet) == at(expected)


def test_what_is_critical_waits_unless_it_is_said_not_to() -> None:
    assert deliver_at(at("2025-01-06T21:00"), Severity.CRITICAL, NIGHT) == at("2025-01-07T08:00")
    assert deliver_at(at("2025-01-06T21:00"), Severity.CRITICAL, CALM) == at("2025-01-06T21:00")


CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))


@given(
    st.integers(0, 400 * 24 * 60),
    CLOCK,
    CLOCK,
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
    st.booleans(),
)
def test_it_is_soon_never_quiet_and_stays_when_asked_again(
    minute: int, start: str, end: str, zone: str, weekends: bool
) -> None:
    if start == end:
        return
    quiet = QuietHours(start=start, end=end, time_zone=zone, weekends=weekends)
    asked = at("2025-01-01T00:00") + timedelta(minutes=minute)
    found = deliver_at(asked, Severity.INFO, quiet)
    assert asked <= found <= asked + timedelta(days=4)
    assert deliver_at(found, Severity.INFO, quiet) == found
    local = found.astimezone(ZoneInfo(zone))
    assert not (weekends and local.weekday() >= 5)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"start": "8 pm"}, "String should match pattern"),
        ({"start": "24:00"}, "String should match pattern"),
        ({"start": "08:00", "end": "08:00"}, "must leave some of the day"),
        ({"time_zone": "Berlin"}, "no time zone is called 'Berlin'"),
        ({"time_zone": "../etc"}, "no time zone is called"),
    ],
)
def test_what_is_no_quiet_time_is_refused(fields: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        QuietHours.model_validate(fields)
