"""The pure parts of the bench of latency: percentiles, pace, matching of alerts to probes, and what is printed."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.identity.identifiers import canonical_id, identifier_of
from ebbtide.models.intake.accept import Door, RawMessage
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.events import Event
from ebbtide.schemas.topics import Topic
from ebbtide.streams.bench import latency
from ebbtide.streams.bench.live.background import Background
from ebbtide.streams.bench.live.pace import Pace
from ebbtide.streams.bench.live.patience import Patience
from ebbtide.streams.bench.live.probes import PER_OWNER, Answer, Answers, Probe
from ebbtide.streams.bench.live.report import legs
from ebbtide.streams.bench.live.spread import SHARES, Spread
from ebbtide.streams.bench.live.worker_state import WorkerState
from ebbtide.streams.cli.bench import command

TODAY_MS = int(datetime(2025, 6, 11, tzinfo=UTC).timestamp() * 1000)


def test_percentiles_of_a_thousand_times_are_those_by_rank() -> None:
    spread = Spread.of([float(ms) for ms in range(1000, 0, -1)])
    assert spread == Spread(1000, 500.0, 900.0, 990.0, 999.0, 1000.0)
    assert spread.as_dict() == {
        "count": 1000,
        "p50_ms": 500.0,
        "p90_ms": 900.0,
        "p99_ms": 990.0,
        "p99_9_ms": 999.0,
        "max_ms": 1000.0,
    }
    assert Spread.of([]) is None


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_a_percentile_is_the_least_time_that_its_share_does_not_exceed(times: list[float]) -> None:
    spread = Spread.of(times)
    assert spread is not None
    for name, share in SHARES.items():
        value = getattr(spread, name)
        assert sum(time <= value for time in times) >= share * len(times) - 1e-6
        assert sum(time < value for time in times) < share * len(times)
    assert spread.max == max(times)


@given(st.floats(0.1, 5_000), st.floats(0, 10), st.lists(st.floats(0, 2), max_size=30), st.integers(0, 500))
def test_a_pace_gives_every_record_once_and_makes_up_for_what_was_missed(
    rate: float, begins: float, steps: list[float], most: int
) -> None:
    pace, elapsed = Pace(rate, begins=begins, most=most), 0.0
    taken: list[int] = []
    for step in steps:
        elapsed += step
        taken += pace.take(elapsed)
        assert abs(len(taken) - min(most, max(0.0, rate * (elapsed - begins)))) <= 0.5 + 1e-6
    assert taken == list(range(len(taken)))
    assert pace.is_over == (len(taken) == most)


def test_a_pace_without_an_end_is_never_over() -> None:
    pace = Pace(10.0)
    assert (pace.take(1.0), pace.take(1.0), pace.is_over) == (range(10), range(10, 10), False)


def test_patience_lasts_for_as_long_as_anything_moves() -> None:
    patience = Patience(30.0)
    seen = [(0.0, 5), (29.0, 5), (30.0, 4), (60.0, 4), (60.1, 4), (61.0, 3)]
    assert [patience.is_over(now, left) for now, left in seen] == [False, False, False, False, True, False]


def alert(probe: Probe, **others: Any) -> dict[str, Any]:
    plain = {"customer_id": probe.customer_id, "type": "warm_return", "state": "open", "suppressed": None}
    return plain | others


def test_the_first_alert_that_a_probe_must_have_is_its_answer() -> None:
    probe, silent, early, stranger = (Probe(number) for number in range(4))
    answers = Answers([probe, silent, early])
    for each in (probe, silent):
        answers.send(each, 1000.0)
    for other in (
        alert(stranger),
        alert(early),
        alert(probe, type="asleep", state="resolved"),
        alert(probe, state="resolved"),
    ):
        assert not answers.read(other, told_ms=1100.0, read_ms=1200.0)
    assert answers.read(alert(probe), told_ms=1250.0, read_ms=1300.0)
    assert not answers.read(alert(probe, suppressed={"reason": "budget"}), told_ms=1400.0, read_ms=1500.0)
    assert [(answer.sent_ms, answer.read_ms) for answer in answers.answered] == [(1000.0, 1300.0)]
    assert (answers.lost, answers.repeated, answers.suppressed) == (1, 1, 0)


def test_a_suppressed_alert_answers_and_is_counted_apart() -> None:
    answers = Answers([Probe(0)])
    answers.send(Probe(0), 0.0)
    assert answers.read(alert(Probe(0), suppressed={"reason": "budget"}), told_ms=1.0, read_ms=2.0)
    assert (answers.lost, answers.repeated, answers.suppressed) == (0, 0, 1)


def test_legs_are_the_steps_between_topics_and_the_first_record_counts() -> None:
    events, states, alerts = (topic.topic_name for topic in (Topic.EVENTS, Topic.PROFILE_STATES, Topic.ALERTS))
    answers = Answers([Probe(7)])
    answers.pass_by(7, events, 900.0)  # of its past
    answers.send(Probe(7), 1000.0)
    for topic, at_ms in ((events, 1100.0), (states, 1250.0), (states, 1900.0)):
        answers.pass_by(7, topic, at_ms)
    answers.read(alert(Probe(7)), told_ms=1600.0, read_ms=1620.0)
    found = legs([*answers.answered, Answer(0.0, {alerts: 50.0}, read_ms=60.0)])
    middle = {name: spread and (spread["count"], spread["p50_ms"]) for name, spread in found.items()}
    assert middle == {"intake": (1, 100.0), "profiles": (1, 150.0), "customers": (1, 350.0), "read": (2, 10.0)}
    assert set(legs([]).values()) == {None}


def test_probes_are_accounts_of_few_to_an_owner_that_the_door_takes() -> None:
    door, now_ms = Door(CorePolicy().intake, "default"), TODAY_MS + 1000
    probe = Probe(11)
    assert probe.customer_id == canonical_id("default", identifier_of("group_id/probe-00011"))
    past = list(probe.past(TODAY_MS))
    lines = [*past, (now_ms, probe.login(now_ms, "back"))]
    for number, (at_ms, line) in enumerate(lines):
        taken = door.accept(RawMessage("raw-behavior", 0, number, None, line, now_ms), now_ms=now_ms)
        assert isinstance(taken, Event), taken
        assert taken.occurred_ms == at_ms
    assert isinstance(taken, Event)
    assert (taken.key, taken.account) == (probe.event_key, probe.account)
    assert [(TODAY_MS - at_ms) // DAY_MS for at_ms, _ in past] == [72, 71, 64, 57, 50, 43, 36, 29, 22]
    owners = [orjson.loads(next(Probe(number).past(TODAY_MS))[1])["data"]["owner"] for number in range(3 * PER_OWNER)]
    assert {owners.count(owner) for owner in owners} == {PER_OWNER}


def test_the_background_ends_today_and_goes_on_with_behaviour_of_now() -> None:
    background = Background(5, 10, TODAY_MS, intensity=1.0, distinct=60, seed=2)
    past = [orjson.loads(line) for line in background.past()]
    told = [datetime.fromisoformat(record.get("receivedAt") or record["received_at"]) for record in past]
    assert max(told).timestamp() * 1000 < TODAY_MS <= max(told).timestamp() * 1000 + DAY_MS
    assert {"account.upserted", "track"} <= {record["type"] for record in past}
    at_ms = TODAY_MS + 36_000_500
    outputs = background.live(90, at_ms) + background.live(60, at_ms)
    live = [orjson.loads(output.value or b"") for output in outputs]
    assert {record["timestamp"] for record in live} == {"2025-06-11T10:00:00.500Z"}
    assert [record["messageId"] for record in live] == [f"live-{number}" for number in range(150)]
    assert not any("." in record["type"] or "sentAt" in record for record in live)
    # What is sent again comes of the same people.
    assert [output.key for output in outputs[:60]] == [output.key for output in outputs[60:120]]
    assert {output.topic for output in outputs} == {"raw-behavior"}


def test_the_workers_own_word_on_how_far_it_is() -> None:
    text = """# TYPE ebbtide_consumer_lag_records gauge
ebbtide_consumer_lag_records{topic="events",partition="0"} 3.0
ebbtide_consumer_lag_records{topic="events",partition="1"} 4.0
# TYPE ebbtide_partition_evaluated_timestamp_seconds gauge
ebbtide_partition_evaluated_timestamp_seconds{topic="profile-states",partition="1"} 172800.0
ebbtide_partition_evaluated_timestamp_seconds{topic="profile-states",partition="0"} 86400.0
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 1.5
"""
    assert WorkerState.parse(text) == WorkerState(7, (86400.0, 172800.0), 1.5)


def spread_of(ms: float) -> dict[str, float]:
    spread = Spread.of([ms])
    assert spread is not None
    return spread.as_dict()


RESULT: dict[str, Any] = {
    "maximum": {"events": 50_064, "seconds": 10.0, "events_per_second": 5_006.4},
    "load": {
        "share": 0.5,
        "events_per_second": 2_503.2,
        "events": 162_708,
        "seconds": 65.0,
        "worker_cores": 0.61,
        "late_ms": 12.0,
    },
    "probes": {"sent": 1_264, "lost": 0, "repeated": 0, "suppressed": 2},
    "latency": spread_of(420.0),
    "round_trip": spread_of(4.0),
    "ratio": dict.fromkeys((*SHARES, "max"), 105.0),
    "legs": {"intake": spread_of(100.0), "profiles": spread_of(150.0), "customers": spread_of(160.0), "read": None},
    "within_target": True,
    "load_average": 1.25,
    "python": "3.11.2",
}


def test_it_prints_percentiles_beside_the_round_trip_and_what_became_of_the_probes() -> None:
    lines = latency.render(RESULT).splitlines()
    assert lines[0].endswith("through all stages in 10.0 s, 5,006 events/s")
    assert lines[1] == "load: 2,503 events/s for 65 s, 0.50 of it; the worker took 0.61 of a core"
    assert lines[2].split() == ["ms", "p50", "p90", "p99", "p99.9", "max"]
    assert lines[3].split() == ["event", "to", "alert", *["420"] * 5]
    assert lines[4].split() == ["bare", "round", "trip", *["4"] * 5]
    assert lines[5].split() == ["ratio", *["105.0"] * 5]
    assert [line.split()[2] for line in lines[6:9]] == ["intake", "profiles", "customers"]
    assert lines[9].startswith("1,264 probes, 0 lost, 0 answered again, 2 answered by a suppressed alert")
    assert lines[10] == "p99 is within the target of 1,000 ms; load average 1.2; Python 3.11.2"
    nothing = latency.render(RESULT | {"latency": None, "ratio": None, "within_target": False})
    assert "event to alert" not in nothing
    assert "over the target" in nothing


@pytest.mark.parametrize("as_json", [False, True])
def test_a_lost_probe_is_one_clear_line_after_the_figures(monkeypatch: pytest.MonkeyPatch, *, as_json: bool) -> None:
    lost = RESULT | {"probes": RESULT["probes"] | {"lost": 3}}
    asked: dict[str, Any] = {}
    monkeypatch.setattr(latency, "run", lambda **options: asked.update(options) or lost)
    arguments = ["latency", "--seconds", "9", "--load", "0.25", *(["--json"] if as_json else [])]
    done = CliRunner().invoke(command, arguments)
    assert str(done.exception) == "latency: 3 of 1,264 probes had no alert 30 s after the last that came"
    assert (asked["seconds"], asked["load"]) == (9.0, 0.25)
    if as_json:
        assert orjson.loads(done.stdout) == {"latency": lost}
    else:
        assert "1,264 probes, 3 lost" in done.stdout
    assert latency.fault(RESULT) is None


def test_options_of_latency_are_bad_usage_for_other_benches() -> None:
    done = CliRunner().invoke(command, ["learning", "--load", "0.5"])
    assert done.exit_code == 2
    assert "--load is for latency" in done.output


def test_the_load_is_even() -> None:
    pace = Pace(100.0)
    sizes = [len(pace.take(tick / 20)) for tick in range(1, 200)]
    assert (min(sizes), max(sizes), round(fmean(sizes))) == (5, 5, 5)
    assert all(before <= after for before, after in pairwise([Pace(7.0).take(t / 9).stop for t in range(99)]))
