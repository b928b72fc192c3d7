"""`ebbtide demo` on a real Apache Kafka, as a user runs it: it shows alerts, and whatever ends it, nothing is left."""

import os
import signal
from pathlib import Path

import pytest

from support.brokers import eventually, require_kafka_or_skip
from support.program import Program

pytestmark = pytest.mark.kafka
SMALL = ["demo", "--customers", "25", "--speed", "3"]


@pytest.fixture(autouse=True)
def _kafka_here() -> None:
    require_kafka_or_skip()


def test_it_ends_by_itself_with_a_summary_that_names_alerts(tmp_path: Path) -> None:
    with Program([*SMALL, "--duration", "12"], tmp_path) as demo:
        assert demo.ends() == 0, demo.text
        text = demo.text
        demo.left_nothing()
    assert "starting Apache Kafka" in text
    assert "events/s" in text  # a progress line, as this is no terminal
    for wanted in ("gravest open risks", "$", "churn", "score: ", "not json", "ebbtide up"):
        assert wanted in text, text
    assert "unknown type" in text
    assert "\x1b" not in text
    assert "champion-" in text
    assert not (tmp_path / ".ebbtide").exists()


def test_in_a_terminal_an_interrupt_is_its_regular_end(tmp_path: Path) -> None:
    with Program(SMALL, tmp_path, terminal=True) as demo:
        demo.says("● ")
        demo.signal(signal.SIGINT)
        assert demo.ends() == 0, demo.text
        demo.left_nothing()
        assert b"\x1b[?1049h" in demo.raw
        assert demo.raw.rindex(b"\x1b[?1049l") < demo.raw.index(b"Where to go on")


@pytest.mark.parametrize("moment", ["starting Apache Kafka", "starting the worker"])
def test_an_interrupt_while_it_starts_leaves_nothing(tmp_path: Path, moment: str) -> None:
    with Program(SMALL, tmp_path) as demo:
        demo.says(moment)
        demo.signal(signal.SIGINT)
        assert demo.ends() == 130
        # Java's own start cannot be waited for; its leash sees to it within a moment.
        demo.left_nothing(within=5.0)
        assert demo.text.rstrip().endswith("stopped; nothing is left running")
        assert "Traceback" not in demo.text


def test_sigterm_in_the_middle_keeps_what_was_asked_to_be_kept(tmp_path: Path) -> None:
    with Program([*SMALL, "--duration", "60", "--keep"], tmp_path) as demo:
        demo.says("events/s")
        demo.signal(signal.SIGTERM)
        assert demo.ends() == 130, demo.text
        demo.left_nothing()
        assert demo.text.rstrip().endswith("stopped; nothing is left running")
    (kept,) = (tmp_path / ".ebbtide" / "demo").iterdir()
    assert {"broker", "worker", "worker.log"} <= {path.name for path in kept.iterdir()}


def test_kill_9_takes_everything_along(tmp_path: Path) -> None:
    with Program([*SMALL, "--duration", "60"], tmp_path) as demo:
        demo.says("events/s")
        assert len(demo.offspring()) >= 2
        demo.signal(signal.SIGKILL)
        assert demo.ends() == -9
        demo.left_nothing(within=10.0)


@pytest.mark.parametrize(
    ("program", "what"), [("ebbtide.streams.cli", "the worker was"), ("kafka.Kafka", "the broker")]
)
def test_a_part_that_dies_ends_it_with_one_clear_line(tmp_path: Path, program: str, what: str) -> None:
    with Program([*SMALL, "--duration", "60"], tmp_path) as demo:
        demo.says("events/s")
        eventually(lambda: bool(demo.offspring(program)), f"{program} runs")
        for pid in demo.offspring(program):
            os.kill(pid, signal.SIGKILL)
        assert demo.ends() == 1, demo.text
        demo.left_nothing()
        assert f"ebbtide: {what}" in demo.text
        assert "ends with:" in demo.text
        ours = demo.text.split("ends with:")[0]
        assert "Traceback" not in ours
        assert "Unable" not in ours  # what clients say of a broker that is gone
