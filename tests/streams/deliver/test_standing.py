"""What one process knows of endpoints while it writes and reads the topic of their states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.delivery.standing import disabled, enabled
from ebbtide.schemas.deliveries import EndpointState
from ebbtide.streams.deliver.standing import Standings, output_of, told
from ebbtide.streams.sinks.health import SinkHealth

AT = datetime(2026, 1, 6, tzinfo=UTC)
URL = "https://crm.example.com/hook"


def gone(number: int) -> EndpointState:
    return disabled("crm", URL, "410 Gone", AT + timedelta(microseconds=number))


def standings() -> Standings:
    return Standings({}, SinkHealth())


@given(st.integers(0, 5))
def test_what_was_decided_here_counts_while_older_lines_are_read(older: int) -> None:
    """An operator's line from before our 410 must not enable it for a moment."""
    made, own = standings(), gone(100)
    made.decide(own)
    for number in range(older):
        made.learn([gone(number) if number % 2 else enabled(gone(number), AT)])
        assert made.of("crm") == own
    back = EndpointState.from_json(output_of(own).value or b"")
    made.learn([back])
    assert made.of("crm") == own
    made.learn([enabled(own, AT)])  # by a clock that is slow
    state = made.of("crm")
    assert state is not None
    assert not state.disabled


def test_a_newer_decision_counts_even_where_ours_is_never_read_back() -> None:
    made = standings()
    made.decide(gone(1))
    made.learn([enabled(gone(1), AT + timedelta(seconds=1))])
    state = made.of("crm")
    assert state is not None
    assert not state.disabled
    assert made.of("other") is None


def test_it_is_told_with_what_to_do() -> None:
    said = told(gone(1))
    assert said.startswith("crm answered 410 Gone at 2026-01-06 00:00:00 UTC and is not asked any more")
    assert "`ebbtide deliveries enable crm`" in said
