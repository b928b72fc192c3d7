"""`ebbtide feedback` on a real broker: what somebody tells of a customer corrects labels that were told already."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ebbtide.models.identity.identifiers import canonical_id, identifier_of
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import require_kafka_or_skip
from support.live import drain, live
from support.raw import in_account, track

ACME = canonical_id("default", identifier_of("group_id/acme"))
POLICY = {
    "EBBTIDE_LABEL__HORIZON_DAYS": "7",
    "EBBTIDE_OBSERVATION__EVERY_DAYS": "1",
    # Days that have not come yet are sent, so that the instant from which feedback counts passes.
    "EBBTIDE_INTAKE__MAX_AHEAD_SECONDS": "864000",
}


@pytest.mark.kafka
def test_an_outcome_that_somebody_tells_corrects_labels(tmp_path: Path) -> None:
    require_kafka_or_skip()
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    churned, later = today - timedelta(days=3), today + timedelta(days=2)
    used, after = tmp_path / "used.ndjson", tmp_path / "after.ndjson"
    for path, days in ((used, range(-20, 0)), (after, range(2))):
        bodies = [track("query", today + timedelta(days=day, hours=9), f"m{day}") | in_account("acme") for day in days]
        path.write_text("".join(json.dumps(body) + "\n" for body in bodies))
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 2, **POLICY) as deployment:
        worker = deployment.worker("worker")
        assert deployment.run("send", str(used), "--until", today.isoformat()).returncode == 0
        drain(deployment, today)
        first = deployment.published(Topic.TRAINING_EXAMPLES)
        assert {(row["label"], row["revision"]) for row in first} == {(False, 0)}

        nobody = deployment.run("feedback", "group_id/nobody", "--outcome", "churned")
        assert (nobody.returncode, nobody.stderr.startswith("ebbtide: no customer of tenant default")) == (1, True)
        told = deployment.run(
            "feedback", "group_id/acme", "--outcome", "churned", "--at", f"{churned:%Y-%m-%d}", "--by", "jo"
        )
        assert told.returncode == 0, told.stderr
        assert f"group_id/acme churned on {churned:%Y-%m-%d}, says jo" in told.stdout
        assert deployment.run("send", str(after), "--until", later.isoformat()).returncode == 0
        drain(deployment, later)

        rows = deployment.published(Topic.TRAINING_EXAMPLES)
        corrections = [row for row in rows if row["revision"]]
        # Those whose week had ended and held the day of the churn; and two more where the test ran past midnight.
        wanted = [today - timedelta(days=days) for days in range(9, 6, -1)]
        assert [datetime.fromisoformat(row["observed_at"]) for row in corrections][:3] == wanted
        for row in corrections:
            assert (row["customer_id"], row["previous_label"], row["label"]) == (ACME, False, True)
            assert row["label_reason"] == "contract_churned"
            assert today < datetime.fromisoformat(row["matured_at"]) <= later
        newest = max(deployment.published(Topic.MODELS), key=lambda row: row["trained_through"])
        held = {row["observed_at"]: row["label"] for row in rows}
        labels = [label for label in held.values() if label is not None]
        assert (newest["examples"], newest["metrics"]["churned"]) == (len(labels), sum(labels))
        taken = {labels: value for name, labels, value in worker.samples() if name == "ebbtide_feedback_taken_total"}
        assert list(taken.values()) == [1.0]
        assert worker.stop() == 0
