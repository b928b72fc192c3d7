"""Settings are checked, and a book can be sized to a number of events."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ebbtide.schemas.raw import raw_record
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import arrivals, truth


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customers", 0),
        ("days", 0),
        ("seed", -1),
        ("intensity", 0.0),
        ("duplicate_share", 0.9),
        ("heartbeat_hours", 25),
    ],
)
def test_out_of_range_names_the_setting(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} must be between"):
        BookConfig(**{field: value})  # type: ignore[arg-type]


def test_a_start_without_a_zone_and_an_empty_tenant_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        BookConfig(start=datetime(2025, 1, 6))
    with pytest.raises(ValueError, match="tenant"):
        BookConfig(tenant="")


@pytest.mark.parametrize(("events", "customers", "days"), [(20_000, 60, 60), (12_000, 100, 30)])
def test_a_sized_book_has_about_the_events_asked_for(events: int, customers: int, days: int) -> None:
    config = BookConfig.sized(events=events, customers=customers, days=days, seed=4)
    lines = sum(1 for _ in arrivals(config))
    assert abs(lines / events - 1) < 0.05
    accounts = sum(1 for row in truth(config) if row["row"] == "account")
    assert abs(accounts / customers - 1) < 0.08


def test_a_size_that_cannot_be_met_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        BookConfig.sized(events=100, customers=100, days=30)


configs = st.builds(
    BookConfig,
    customers=st.integers(1, 6),
    seed=st.integers(0, 2**40),
    days=st.integers(1, 20),
    intensity=st.floats(0.05, 3.0),
    churn_scale=st.floats(0.0, 10.0),
    causeless_share=st.floats(0.0, 1.0),
    leads_per_month=st.floats(0.0, 1.0),
    duplicate_share=st.floats(0.0, 0.5),
    late_share=st.floats(0.0, 0.5),
    very_late_share=st.floats(0.0, 0.5),
    very_late_hours=st.floats(1.0, 200.0),
    heartbeat_hours=st.integers(1, 24),
    tenant=st.sampled_from(["default", "t-1", 'q"uote']),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configs)
def test_any_settings_give_valid_records_in_arrival_order(config: BookConfig) -> None:
    last = 0
    for arrival in arrivals(config):
        assert arrival.received_ms >= last
        last = arrival.received_ms
        record = raw_record.validate_json(arrival.line)
        tenant = getattr(record, "tenant", None)
        assert (tenant or "default") == config.tenant
    assert last > 0
