"""The book of a demo."""

from datetime import UTC, datetime, timedelta

import pytest

from ebbtide.streams.demo.plan import Plan


@pytest.mark.parametrize("day", range(7))
@pytest.mark.parametrize("duration", [None, 30.0])
def test_it_starts_on_a_monday_and_ends_in_the_past(day: int, duration: float | None) -> None:
    now = datetime(2026, 3, 2, 13, 5, tzinfo=UTC) + timedelta(days=day)
    book = Plan(duration=duration).book(now)
    assert book.first_day.weekday() == 0
    assert book.end_ms <= now.timestamp() * 1000
    assert book.end_ms > (now - timedelta(days=9)).timestamp() * 1000


def test_it_is_no_longer_than_the_duration_needs() -> None:
    plan = Plan(duration=20.0, speed=2.0)
    book = plan.book(datetime(2026, 3, 2, tzinfo=UTC))
    assert book.days == plan.warm_up_days + 40 + 14
    assert book.start_ms < plan.warm_until_ms(book) < book.end_ms
