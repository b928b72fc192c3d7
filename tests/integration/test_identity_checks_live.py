"""Consistency checks through a real broker: on `/metrics`, in the audit, and not again after a restart."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import eventually, require_kafka_or_skip
from support.identity_cases import CASES, NAMES, RENAMES, Body
from support.live import Live, Worker, drain, live, ndjson
from support.raw import at

UNTIL = at(80)
FINDINGS, VIOLATIONS = "ebbtide_identity_findings", "ebbtide_identity_violations"
KINDS = ("suspected", "cleared")
TOLD = ("tenant", "kind", "reason", "identifier", "other", "count", "first_day", "cause")


def write(path: Path, stories: dict[str, list[Body]]) -> Path:
    """Stories in one file, a tenant for each, in the order of their time."""
    bodies = [{**body, "tenant": tenant} for tenant, bodies in stories.items() for body in bodies]
    bodies.sort(key=lambda body: body.get("timestamp") or body["occurred_at"])
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies))
    return path


def told(rows: list[dict[str, Any]]) -> Counter[tuple[str, ...]]:
    """Findings in the audit; epochs are offsets, and differ."""
    return Counter(
        tuple(
            str(row[name])
            for name in ("tenant", "kind", "reason", "identifier", "other", "count", "first_day", "cause")
        )
        for row in rows
        if row["kind"] in KINDS
    )


def shown(worker: Worker, name: str) -> dict[str, float]:
    """A gauge by type, over all partitions."""
    found: dict[str, float] = defaultdict(float)
    for sample, labels, value in worker.samples():
        if sample == name:
            found[labels.partition('type="')[2].rstrip('"')] += value
    return dict(found)


def sent(deployment: Live, path: Path) -> None:
    result = deployment.run("send", str(path), "--until", UNTIL.isoformat())
    assert result.returncode == 0, result.stderr


@pytest.mark.kafka
def test_findings_are_on_metrics_and_in_the_audit(tmp_path: Path) -> None:
    require_kafka_or_skip()
    stories = {name: story.bodies for name, (story, _) in (*CASES.items(), *RENAMES.items(), *NAMES.items())}
    path, replayed = write(tmp_path / "stories.ndjson", stories), tmp_path / "replayed"
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 4) as deployment:
        done = deployment.run("replay", str(path), "--out", str(replayed), "--until", UNTIL.isoformat())
        assert done.returncode == 0, done.stderr
        worker = deployment.worker("worker")
        sent(deployment, path)
        drain(deployment, UNTIL)
        rows = told(deployment.published(Topic.IDENTITY_AUDIT))
        assert rows == told(ndjson(replayed / "identity-audit.ndjson"))
        assert sum("suspected_rename" in row for row in rows.elements()) == 1

        found = shown(worker, FINDINGS)
        assert (found["suspected_rename"], found["name_as_id"]) == (1, 6)
        assert set(shown(worker, VIOLATIONS).values()) == {0}
        assert worker.total("ebbtide_identity_refused_links", 'reason="limit:user_id"') > 0
        assert 0 < worker.total("ebbtide_identity_owners") < worker.total("ebbtide_identity_identifiers")

        assert worker.stop() == 0
        again = deployment.worker("worker")
        eventually(lambda: shown(again, FINDINGS) == found, "the same findings after a restart", timeout=60)
        assert told(deployment.published(Topic.IDENTITY_AUDIT)) == rows

        link = ("identity", "link", "group_id/Acme Ltd", "group_id/Globex Inc", "--reason", "renamed")
        made = deployment.run(*link, "--tenant", "a group id that was replaced", "--actor", "jo")
        assert made.returncode == 0, made.stderr
        eventually(lambda: shown(again, FINDINGS)["suspected_rename"] == 0, "the rename is settled", timeout=60)
        new = told(deployment.published(Topic.IDENTITY_AUDIT)) - rows
        assert [(row[1], row[2]) for row in new.elements()] == [("cleared", "suspected_rename")]

        checked = deployment.run("identity", "check", "--json")
        assert checked.returncode == 0, checked.stderr
        kinds = Counter(one["kind"] for row in json.loads(checked.stdout) for one in row["findings"])
        assert kinds == {"name_as_id": 6}
