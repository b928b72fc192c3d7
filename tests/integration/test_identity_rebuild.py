"""Other limits on a real broker: a worker that starts with them moves nobody, `identity rebuild` moves all at once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import eventually, require_kafka_or_skip
from support.comparison import differences, final, held
from support.identity_cases import Story, story
from support.live import Live, command, drain, live, ndjson
from support.raw import at

UNTIL, LATER = at(7), at(14)
LIMITS = json.dumps({"user_id": 3, "email": 5, "group_id": 1})
PENDING = "ebbtide_identity_pending_generation"


def households() -> Story:
    """People who share a browser two by two: under the defaults each is alone, under the other limits two are one."""
    told = story()
    for n in range(6):
        told.track(userId=f"A{n}", anonymousId=f"browser{n}", context={"groupId": f"g{n % 2}"})
        told.identify(userId=f"B{n}", anonymousId=f"browser{n}", email=f"b{n}@x.example")
        told.track(anonymousId=f"browser{n}").track(userId=f"A{n}")
    return told


def told(deployment: Live) -> list[dict[str, object]]:
    return deployment.published(Topic.IDENTITY_ASSIGNMENTS)


@pytest.mark.kafka
def test_other_limits_move_people_when_somebody_says_so_and_not_before(tmp_path: Path) -> None:
    require_kafka_or_skip()
    events, replayed, nothing = tmp_path / "events.ndjson", tmp_path / "replayed", tmp_path / "nothing.ndjson"
    events.write_text("".join(json.dumps(body) + "\n" for body in households().bodies))
    nothing.touch()
    command(
        "replay", str(events), "--out", str(replayed), "--until", LATER.isoformat(), EBBTIDE_IDENTITY__LIMITS=LIMITS
    )
    expected = final(ndjson(replayed / "customer-records.ndjson"))

    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 4) as deployment:
        first = deployment.worker("worker")
        assert deployment.run("send", str(events), "--until", UNTIL.isoformat()).returncode == 0
        drain(deployment, UNTIL)
        assert first.total(PENDING) == 0
        assert first.stop() == 0
        before = told(deployment)

        deployment.settings = {**deployment.settings, "EBBTIDE_IDENTITY__LIMITS": LIMITS}
        second = deployment.worker("worker")
        eventually(lambda: second.total(PENDING) == 1, "the worker says that its settings are not in force", timeout=60)
        drain(deployment, UNTIL)
        shown = deployment.run("identity", "rebuild")
        assert shown.returncode == 0, shown.stderr
        assert "limits.user_id" in shown.stdout
        assert "Nothing was switched." in shown.stdout
        assert told(deployment) == before
        assert "1 tenants are clustered under other identity settings" in second.log.read_text()

        report = json.loads(deployment.run("identity", "rebuild", "--yes", "--json").stdout)
        eventually(lambda: second.total(PENDING) == 0, "the worker switches", timeout=60)
        sent = deployment.run("send", str(nothing), "--until", LATER.isoformat())
        assert sent.returncode == 0, sent.stderr
        drain(deployment, LATER)
        assert not differences(held(deployment), expected)
        rows = deployment.published(Topic.IDENTITY_AUDIT)
        epochs = {row["generation"]: row["epoch"] for row in rows if row["kind"] == "generation"}
        assert epochs.keys() == {1, 2}
        moved = Counter(row["epoch"] for row in rows if row["kind"] == "owner")
        assert moved[epochs[2]] == report["difference"]["moved"] > 6
        assert "nothing to switch" in deployment.run("identity", "rebuild").stdout
        checked = json.loads(deployment.run("identity", "check", "--json").stdout)
        assert [(row["generation"], row["violations"]) for row in checked] == [(2, [])]
