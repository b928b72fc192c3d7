"""`ebbtide model rollback` and `promote` on a real broker: done at once, told with the reason, kept over a kill."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import require_kafka_or_skip
from support.live import Live, drain, live
from support.raw import at, in_account, track

POLICY = {"EBBTIDE_LABEL__HORIZON_DAYS": "7", "EBBTIDE_OBSERVATION__EVERY_DAYS": "1"}


def use(path: Path, days: range) -> Path:
    """Six accounts; every third day of the odd ones, every day of the others."""
    bodies = [
        track("query", at(day, 60 * number), f"m-{number}-{day}") | in_account(f"a-{number}")
        for day in days
        for number in range(6)
        if number % 2 == 0 or day % 3 == 0
    ]
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies))
    return path


def send(deployment: Live, path: Path, days: range) -> None:
    until = at(days.stop)
    assert deployment.run("send", str(use(path, days)), "--until", stamp(until)).returncode == 0
    drain(deployment, until)


def stamp(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


def asked(deployment: Live, *arguments: str) -> Any:
    done = deployment.run("model", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(deployment: Live, *arguments: str) -> str:
    done = deployment.run("model", *arguments, "--reason", "to see it")
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr.removeprefix("ebbtide: ").strip()


@pytest.mark.kafka
def test_a_rollback_holds_at_once_and_over_a_kill(tmp_path: Path) -> None:
    require_kafka_or_skip()
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 2, **POLICY) as deployment:
        worker = deployment.worker("worker")
        send(deployment, tmp_path / "a", range(24))
        versions = [row["model_version"] for row in asked(deployment, "list")]
        # Eight are kept, of seventeen days with labels.
        assert len(versions) == 8
        old = versions[-4]

        assert refused(deployment, "rollback", versions[-1]) == f"rollback refused: {versions[-1]} is in force"
        assert refused(deployment, "rollback", "champion-1").startswith("there is no model champion-1; the newest are ")
        assert refused(deployment, "promote", old).startswith("promote refused: no challenger learns")
        back = asked(deployment, "rollback", old, "--reason", "the export was wrong", "--by", "ada")
        assert (back["kind"], back["model_version"], back["other_version"]) == ("rolled_back", old, versions[-1])
        worker.kill()

        deployment.worker("second")
        send(deployment, tmp_path / "b", range(24, 27))
        frozen = {
            row["model_version"]
            for row in deployment.published(Topic.TRAINING_EXAMPLES)
            if row["observed_at"] == stamp(at(25))
        }
        assert frozen <= {old}
        scored = [row for row in deployment.published(Topic.SCORES) if row["occurred_at"] == stamp(at(25))]
        assert {row["model_version"] for row in scored} <= {old}
        newest = asked(deployment, "list")[-1]
        assert newest["model_version"].startswith("champion.2-")
        assert newest["role"] == "champion"
        events = asked(deployment, "events")
        assert [event["kind"] for event in events] == ["refused", "refused", "rolled_back"]
        assert events[-1]["reason"] == "the export was wrong"
        page = deployment.run("model", "events").stdout.splitlines()
        assert page[0].split() == ["when", "what", "model", "by", "why"]
        assert page[-1].split()[:5] == [f"{at(24):%Y-%m-%d}", "rolled", "back", old, "ada"]
