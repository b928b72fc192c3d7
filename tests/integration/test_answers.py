"""Answers to alerts, by command and over HTTP, on a real broker: they are told at once, and change what follows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from ebbtide.models.identity.identifiers import canonical_id, identifier_of
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import eventually, require_kafka_or_skip
from support.collecting import collecting
from support.live import Live, drain, live
from support.raw import in_account, track

ACME = canonical_id("default", identifier_of("group_id/acme"))


def of_acme(deployment: Live) -> list[dict[str, Any]]:
    return [row for row in deployment.published(Topic.ALERTS) if row["customer_id"] == ACME and row["type"] == "asleep"]


@pytest.mark.kafka
def test_an_answer_is_told_at_once(tmp_path: Path) -> None:
    require_kafka_or_skip()
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    used = tmp_path / "used.ndjson"
    days = [(day, "acme") for day in range(-40, -9, 2)] + [(day, "other") for day in range(-40, 0)]
    bodies = [
        track("query", today + timedelta(days=day, hours=9), f"{name}{day}", user=name) | in_account(name)
        for day, name in sorted(days)
    ]
    used.write_text("".join(json.dumps(body) + "\n" for body in bodies))
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 2) as deployment:
        deployment.worker("worker")
        assert deployment.run("send", str(used), "--until", today.isoformat()).returncode == 0
        drain(deployment, today)
        eventually(lambda: len(of_acme(deployment)) == 1, "acme is asleep")
        (opened,) = of_acme(deployment)
        assert (opened["state"], opened["suppressed"], opened["response"]) == ("open", None, None)

        nothing = deployment.run("feedback", "group_id/acme", "--ack", "surge")
        assert nothing.returncode == 1
        assert "no alert surge is open for group_id/acme; open are: asleep" in nothing.stderr
        acked = deployment.run("feedback", "group_id/acme", "--ack", "asleep", "--by", "jo")
        assert acked.returncode == 0, acked.stderr
        assert "group_id/acme asleep taken in hand, says jo" in acked.stdout
        eventually(lambda: len(of_acme(deployment)) == 2, "the answer is told")
        told = of_acme(deployment)[-1]
        assert (told["state"], told["response"]["action"], told["response"]["by"]) == ("updated", "ack", "jo")

        dismissal = {
            "customer_id": ACME,
            "action": "dismiss",
            "alert_type": "asleep",
            "dismiss_reason": "known",
            "by": "jo",
        }
        with collecting(kafka.bootstrap, tmp_path) as collector:
            request = Request(f"{collector.url}/v1/feedback", json.dumps(dismissal).encode(), method="POST")
            with urlopen(request, timeout=20) as answer:
                assert json.load(answer)["accepted"] == 1
        eventually(lambda: len(of_acme(deployment)) == 3, "the dismissal is told")
        last = of_acme(deployment)[-1]
        assert (last["state"], last["resolved_reason"], last["version"]) == ("resolved", "dismissed", 3)
        assert {row["alert_id"] for row in of_acme(deployment)} == {opened["alert_id"]}
