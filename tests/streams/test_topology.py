"""The printed topology is the one that the worker runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ebbtide.schemas.topics import Topic
from ebbtide.streams.app import create_app, partition_counts
from ebbtide.streams.settings import Settings, WorkerSettings
from ebbtide.streams.topology import SERVICES, TOPOLOGY


def test_agents_read_and_own_what_the_topology_says(tmp_path: Path) -> None:
    app = create_app(Settings(worker=WorkerSettings(data_dir=tmp_path, store="memory")))
    declared = {
        stage.name: (stage.inputs, stage.table.name if stage.table is not None else None) for stage in app.stages
    }
    assert declared == {name: (node.reads, node.table) for name, node in TOPOLOGY.items()}


def test_some_agents_are_run_and_unknown_ones_refused(tmp_path: Path) -> None:
    settings = Settings(worker=WorkerSettings(data_dir=tmp_path, store="memory"))
    app = create_app(settings, agents=["intake", "learner"])
    assert [stage.name for stage in app.stages] == ["intake", "learner"]
    with pytest.raises(ValueError, match="no such agent: nobody; there are intake"):
        create_app(settings, agents=["nobody"])


def test_inputs_of_one_stage_have_equal_partition_counts() -> None:
    counts = partition_counts(Settings())
    nodes = [*TOPOLOGY.values(), *SERVICES.values()]
    for node in nodes:
        assert len({counts[topic] for topic in node.reads}) == 1
    everything = {topic for node in nodes for topic in (*node.reads, *node.writes)}
    unused = {topic.topic_name for topic in Topic} - everything
    assert not unused
