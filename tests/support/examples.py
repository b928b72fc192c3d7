"""The published examples of the contracts, and the way of raw ones through the real path."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from ebbtide.models.intake.accept import Door, RawMessage, Verdict
from ebbtide.models.outputs import Output, Tombstone
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.events import Event

ROOT = Path(str(files("ebbtide.schemas"))) / "examples"
NOW = datetime(2026, 1, 6, tzinfo=UTC)
"""When everything is read, after the youngest example."""


def examples(*contracts: str) -> list[Path]:
    """Example files, all or those of some contracts, in the order of their names."""
    found = sorted(ROOT.glob("*/*.json"))
    return [path for path in found if not contracts or path.parent.name in contracts]


def name_of(path: Path) -> str:
    """``Contract/example``."""
    return f"{path.parent.name}/{path.stem}"


def message(path: Path, offset: int = 0) -> RawMessage:
    """The example as a raw record that was appended when everything is read."""
    return RawMessage("raw-behavior", 0, offset, None, path.read_bytes(), to_ms(NOW))


def judged(path: Path) -> Verdict:
    """What the door says to the example."""
    return Door(CorePolicy().intake, "default").accept(message(path), now_ms=to_ms(NOW))


def in_time_order(paths: Iterable[Path]) -> list[Path]:
    """Accepted examples by event time."""
    timed = [(verdict.occurred_at, path) for path in paths if isinstance(verdict := judged(path), Event)]
    return [path for _, path in sorted(timed)]


def run(paths: list[Path], until: datetime | None = None) -> tuple[Pipeline, list[Output]]:
    """Feed examples to the whole topology, one by one; time then stands at ``until``, or at the end of the last day."""
    pipeline = Pipeline(CorePolicy(), until=until)
    outputs: list[Output] = []
    for offset, path in enumerate(paths):
        outputs += pipeline.feed([message(path, offset)], now=NOW)
    end = until or pipeline.end_of_newest_day
    if end is not None:
        outputs += pipeline.close(end)
    return pipeline, outputs


def told(outputs: Iterable[Output]) -> list[dict[str, Any]]:
    """Outputs as plain data."""
    found = []
    for output in outputs:
        assert not isinstance(output.record, Tombstone), "one process takes no record back"
        record = json.loads(output.record.to_json())
        found.append({"topic": output.topic.topic_name, "key": output.key, "record": record})
    return found


def records(pipeline: Pipeline) -> list[dict[str, Any]]:
    """The record of every customer as plain data, in the order of their ids; its version only counts what was read."""
    shard = pipeline.customers
    found = [json.loads(shard.record(shard.customers[key]).to_json()) for key in sorted(shard.customers)]
    for record in found:
        del record["version"]
    return found
