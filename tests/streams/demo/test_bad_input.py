"""The planted records are refused, each for its own reason."""

from datetime import UTC, datetime, timedelta

import pytest

from ebbtide.models.intake.accept import Door, RawMessage, Refused
from ebbtide.models.policy import IntakePolicy
from ebbtide.schemas.base import to_ms
from ebbtide.streams.demo.bad_input import bad_record

NOW = datetime(2026, 3, 2, tzinfo=UTC)
BEFORE_MS = int((NOW - timedelta(days=60)).timestamp() * 1000)


@pytest.mark.parametrize("number", range(10))
def test_intake_refuses_it_for_that_reason(number: int) -> None:
    reason, line = bad_record(number, BEFORE_MS)
    message = RawMessage("raw-behavior", 0, number, None, line, int(NOW.timestamp() * 1000))
    verdict = Door(IntakePolicy(), "default").accept(message, now_ms=to_ms(NOW))
    assert isinstance(verdict, Refused)
    assert verdict.dead_letter.reason == reason


def test_all_kinds_come_by_turns() -> None:
    assert len({bad_record(number, BEFORE_MS)[0] for number in range(5)}) == 5
