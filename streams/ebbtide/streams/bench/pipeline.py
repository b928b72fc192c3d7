"""The replay of a simulated book, end to end on one core, against just reading and counting the same file.

    ebbtide bench pipeline

Work: raw lines to validated events, profiles, customers, scores, learning, alerts, and all of it written to files.
The baseline parses each line with orjson and counts it under its user: what any consumer of the file must do.
Both run one after the other on the same core, in processes of their own.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import write

EVENTS = 1_000_000
CUSTOMERS = 2_000
_REPLAY = """
import json, sys
from pathlib import Path
from time import perf_counter, process_time
from ebbtide.streams.replay import replay
from ebbtide.streams.settings import Settings
began = process_time()
summary = replay([sys.argv[1]], Path(sys.argv[2]), Settings()).as_dict()
print(json.dumps({**summary, "cpu_seconds": process_time() - began}))
"""
_BASELINE = """
import json, sys
from collections import Counter
from time import perf_counter, process_time
import orjson
began, cpu = perf_counter(), process_time()
counts, read = Counter(), 0
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        counts[orjson.loads(line).get("userId")] += 1
        read += 1
seconds = perf_counter() - began
print(json.dumps({"read": read, "seconds": seconds, "cpu_seconds": process_time() - cpu}))
"""


def run(*, events: int = EVENTS, customers: int = CUSTOMERS, seed: int = 1) -> dict[str, Any]:
    """Simulate, count, replay. About two minutes for a million events."""
    with tempfile.TemporaryDirectory(prefix="ebbtide-bench-") as directory:
        book = Path(directory) / "book.ndjson"
        write(BookConfig.sized(events=events, customers=customers, seed=seed), book, None, None)
        baseline = _measure(_BASELINE, book)
        pipeline = _measure(_REPLAY, book, Path(directory) / "out")
    for side in (baseline, pipeline):
        side["events_per_second"] = side["read"] / side["seconds"]
    return {
        "baseline": baseline,
        "pipeline": pipeline,
        "ratio": pipeline["events_per_second"] / baseline["events_per_second"],
        "bytes_per_customer": pipeline["peak_memory_bytes"] / max(1, pipeline["customers"]),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def render(result: dict[str, Any]) -> str:
    """The result as a table."""
    lines = [f"{'side':<26} {'events':>9} {'seconds':>8} {'cpu s':>7} {'events/s':>10}"]
    for name, side in (("read and count (orjson)", result["baseline"]), ("replay, all of it", result["pipeline"])):
        lines.append(
            f"{name:<26} {side['read']:>9,} {side['seconds']:>8.2f} {side['cpu_seconds']:>7.2f} "
            f"{side['events_per_second']:>10,.0f}"
        )
    pipeline = result["pipeline"]
    lines += [
        f"ratio {result['ratio']:.3f} of just reading and counting; load average {result['load_average']:.1f}; "
        f"Python {result['python']}",
        f"{pipeline['customers']:,} customers, {pipeline['scores']:,} scores, {pipeline['alerts']:,} alerts, "
        f"{pipeline['training_examples']:,} examples learned",
        f"memory: {pipeline['peak_memory_bytes'] / 2**20:,.0f} MiB at the peak, "
        f"{result['bytes_per_customer'] / 1024:,.1f} KiB per customer",
    ]
    return "\n".join(lines)


def _measure(program: str, *arguments: Path) -> dict[str, Any]:
    """Run one side on one core."""
    core = min(os.sched_getaffinity(0))
    finished = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    result: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return result
