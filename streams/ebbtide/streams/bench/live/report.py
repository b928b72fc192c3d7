"""What the bench of latency found, as numbers and as a table."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from typing import Any

from ebbtide.schemas.topics import Topic
from ebbtide.streams.bench.live.probes import Answer, Answers
from ebbtide.streams.bench.live.spread import SHARES, Spread

TARGET_P99_MS = 1_000
PATIENCE_S = 30.0
"""For the next alert. A probe that has none by then has none."""

STAGES = ("intake", "profiles", "customers", "read")
_WAY = (Topic.EVENTS.topic_name, Topic.PROFILE_STATES.topic_name, Topic.ALERTS.topic_name)


def result_of(
    maximum: dict[str, Any], load: dict[str, Any], marked: Answers, timed: Answers, round_trip: Spread | None
) -> dict[str, Any]:
    """All that is told of a run: greatest load and load, the probes behind all at once and those under load."""
    latency = Spread.of([answer.read_ms - answer.sent_ms for answer in timed.answered if answer.read_ms is not None])
    ratio = None
    if latency is not None and round_trip is not None:
        ratio = {name: getattr(latency, name) / getattr(round_trip, name) for name in (*SHARES, "max")}
    return {
        "maximum": maximum,
        "load": load,
        "probes": {
            "sent": len(marked.sent) + len(timed.sent),
            "lost": marked.lost + timed.lost,
            "repeated": marked.repeated + timed.repeated,
            "suppressed": marked.suppressed + timed.suppressed,
        },
        "latency": _as_dict(latency),
        "round_trip": _as_dict(round_trip),
        "ratio": ratio,
        "legs": legs(timed.answered),
        "target_p99_ms": TARGET_P99_MS,
        "within_target": latency is not None and latency.p99 < TARGET_P99_MS,
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def render(result: dict[str, Any]) -> str:
    """The result as a table."""
    maximum, load, probes = result["maximum"], result["load"], result["probes"]
    rows = [
        ("event to alert", result["latency"]),
        ("bare round trip", result["round_trip"]),
        *((f"  of it {name}", result["legs"][name]) for name in STAGES),
    ]
    lines = [
        f"greatest load: {maximum['events']:,} events at once were through all stages in {maximum['seconds']:.1f} s, "
        f"{maximum['events_per_second']:,.0f} events/s",
        f"load: {load['events_per_second']:,.0f} events/s for {load['seconds']:.0f} s, {load['share']:.2f} of it; "
        f"the worker took {load['worker_cores']:.2f} of a core",
        f"{'ms':<18}" + "".join(f"{name.replace('_', '.'):>9}" for name in (*SHARES, "max")),
    ]
    for name, spread in rows:
        if spread is not None:
            lines.append(f"{name:<18}" + "".join(f"{spread[f'{share}_ms']:>9,.0f}" for share in (*SHARES, "max")))
        if name == "bare round trip" and result["ratio"] is not None:
            lines.append(f"{'ratio':<18}" + "".join(f"{result['ratio'][share]:>9.1f}" for share in (*SHARES, "max")))
    lines += [
        f"{probes['sent']:,} probes, {probes['lost']:,} lost, {probes['repeated']:,} answered again, "
        f"{probes['suppressed']:,} answered by a suppressed alert; "
        f"the feeder was {load['late_ms']:,.0f} ms late at most",
        f"p99 is {'within' if result['within_target'] else 'over'} the target of {TARGET_P99_MS:,} ms; "
        f"load average {result['load_average']:.1f}; Python {result['python']}",
    ]
    return "\n".join(lines)


def fault(result: dict[str, Any]) -> str | None:
    """What is wrong with the result: a probe without its alert."""
    lost, sent = result["probes"]["lost"], result["probes"]["sent"]
    return f"{lost:,} of {sent:,} probes had no alert {PATIENCE_S:.0f} s after the last that came" if lost else None


def legs(answers: Iterable[Answer]) -> dict[str, dict[str, float] | None]:
    """Where the time went: from topic to topic, by the times that their records say, and until the alert was read.

    A step that was not seen, as its listener was late, counts for none.
    """
    times: dict[str, list[float]] = {name: [] for name in STAGES}
    for answer in answers:
        stations = [answer.sent_ms, *(answer.legs_ms.get(topic) for topic in _WAY), answer.read_ms]
        for name, before, after in zip(STAGES, stations, stations[1:], strict=False):
            if before is not None and after is not None:
                times[name].append(after - before)
    return {name: _as_dict(Spread.of(found)) for name, found in times.items()}


def _as_dict(spread: Spread | None) -> dict[str, float] | None:
    return None if spread is None else spread.as_dict()
