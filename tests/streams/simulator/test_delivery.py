"""Arrival order, retries, lateness and wrong clocks."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from ebbtide.schemas.raw import raw_record
from ebbtide.streams.simulator.config import HOUR_MS
from streams.simulator.simulated import Record, Simulated, milliseconds

MOVES_WITH_ARRIVAL = {"receivedAt", "sentAt", "received_at"}


def test_lines_come_in_arrival_order_and_say_when(simulated: Simulated) -> None:
    arrived = [arrival.received_ms for arrival in simulated.arrivals]
    assert arrived == sorted(arrived)
    for arrival, record in zip(simulated.arrivals, simulated.records, strict=True):
        assert arrival.received_ms == milliseconds(record.get("receivedAt") or record["received_at"])


def test_every_line_is_a_valid_record(simulated: Simulated) -> None:
    for arrival in simulated.arrivals[::7]:
        raw_record.validate_json(arrival.line)


def test_events_lie_within_the_book_and_never_arrive_before_they_happen(simulated: Simulated) -> None:
    for record in simulated.records:
        at = milliseconds(record.get("timestamp") or record["occurred_at"])
        assert simulated.config.start_ms <= at < simulated.config.end_ms
        assert at <= milliseconds(record.get("receivedAt") or record["received_at"])


def test_retries_share_id_and_content_and_arrive_later(simulated: Simulated) -> None:
    copies: defaultdict[str, list[Record]] = defaultdict(list)
    for record in simulated.records:
        copies[record.get("messageId") or record["id"]].append(record)
    repeated = [group for group in copies.values() if len(group) > 1]
    for first, *others in repeated:
        for other in others:
            assert {k: v for k, v in first.items() if k not in MOVES_WITH_ARRIVAL} == {
                k: v for k, v in other.items() if k not in MOVES_WITH_ARRIVAL
            }
    share = sum(len(group) - 1 for group in repeated) / len(copies)
    assert 0.012 < share < 0.018


def test_the_clock_correction_gives_the_timestamp(simulated: Simulated) -> None:
    skewed = 0
    for record in simulated.behaviour:
        sent, original = milliseconds(record["sentAt"]), milliseconds(record["originalTimestamp"])
        assert milliseconds(record["timestamp"]) == milliseconds(record["receivedAt"]) - (sent - original)
        skewed += original != milliseconds(record["timestamp"])
    assert 0.01 < skewed / len(simulated.behaviour) < 0.3


def test_most_events_are_prompt_some_late_few_beyond_the_bound(simulated: Simulated) -> None:
    first: dict[str, int] = {}
    for record in simulated.behaviour:
        delay = milliseconds(record["receivedAt"]) - milliseconds(record["timestamp"])
        first.setdefault(record["messageId"], delay)
    delays = list(first.values())
    beyond = sum(delay > HOUR_MS for delay in delays) / len(delays)
    late = sum(60_000 < delay <= HOUR_MS for delay in delays) / len(delays)
    assert 0.0005 < beyond < 0.002
    assert 0.015 < late < 0.025
    assert max(delays) <= simulated.config.very_late_hours * HOUR_MS
    at = [milliseconds(record["timestamp"]) for record in simulated.behaviour]
    assert any(later < earlier for earlier, later in pairwise(at))
