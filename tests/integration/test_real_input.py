"""Real histories, unchanged by hand, through the commands a user types and through Kafka."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import require_kafka_or_skip
from support.comparison import assert_equal_to_replay
from support.live import command, drain, live

ROOT = Path(__file__).resolve().parents[2]
CDNOW = ROOT / "deploy" / "sample" / "cdnow_events.csv.gz"
SYMPY = ROOT.parent / "shared" / "data" / "gitlog_sympy_events.csv.gz"


@pytest.mark.quality
@pytest.mark.timeout(900)
def test_scores_of_cdnow_are_as_good_as_batch_models(tmp_path: Path) -> None:
    """Batch logistic regression on the same rows: .773 and .700; BG/NBD: .765 and .695."""
    events, out = tmp_path / "cdnow.ndjson", tmp_path / "out"
    columns = ("--user", "customer_id", "--time", "date", "--value", "amount", "--property", "n_cds")
    command("import", "csv", str(CDNOW), *columns, "-o", str(events))
    horizon = {"EBBTIDE_LABEL__HORIZON_DAYS": "91"}
    command("replay", str(events), "--out", str(out), "--until", "1997-09-30", timeout=800, **horizon)
    judged = command(
        "evaluate", str(out), "--events", str(events), "--cut", "1997-09-30", "--horizon", "91", "--json", timeout=300
    )
    quality = json.loads(judged.stdout)["quality"]
    assert quality["all"]["customers"] == 23_570
    assert quality["all"]["auc"] >= 0.765
    assert quality["active"]["auc"] >= 0.69
    with (out / "training-examples.ndjson").open(encoding="utf-8") as examples:
        for line in examples:
            example = json.loads(line)
            assert example["observed_at"] < example["matured_at"] <= "1997-10-01T00:00:00Z"


COMMITS = (SYMPY, ("--user", "alias_id", "--time", "ts", "--event", "commit"), "2026-01-01T00:00:00+00:00")
PURCHASES = (CDNOW, ("--user", "customer_id", "--time", "date", "--value", "amount"), "1997-10-01T00:00:00+00:00")


@pytest.mark.kafka
@pytest.mark.quality
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("history", "columns", "end"), [COMMITS, PURCHASES], ids=["sympy", "cdnow"])
def test_a_history_gives_the_same_through_kafka_and_replay(
    history: Path, columns: tuple[str, ...], end: str, tmp_path: Path
) -> None:
    """50,117 commits of 1,889 aliases over 19 years; 49,086 purchases of 23,570 customers over nine months."""
    if not history.exists():
        pytest.skip(f"{history} is absent: this test needs the real data set, which is not part of the repository")
    require_kafka_or_skip()
    events, kept, out = tmp_path / "events.ndjson", tmp_path / "kept.ndjson", tmp_path / "out"
    command("import", "csv", str(history), *columns, "-o", str(events))
    until = datetime.fromisoformat(end)
    # Workers and learner take a turn at every observation instant; quarterly ones show the same as weekly ones, and the
    # scores that matter most the same as a gigabyte of them.
    settings = {"EBBTIDE_OBSERVATION__EVERY_DAYS": "91", "EBBTIDE_SCORE__MIN_CHANGE": "0.3"}
    command("replay", str(events), "--out", str(out), "--until", end, timeout=400, **settings)
    lines = events.read_bytes().splitlines(keepends=True)
    kept.write_bytes(b"".join(x for x in lines if datetime.fromisoformat(json.loads(x)["timestamp"]) < until))
    # Nobody is killed here, and scoring 23,570 customers at one instant on a busy machine takes its time.
    patient = {**settings, "EBBTIDE_WORKER__SESSION_TIMEOUT_SECONDS": "45"}
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 4, **patient) as deployment:
        deployment.worker("worker")
        sent = deployment.run("send", str(kept), "--until", end)
        assert sent.returncode == 0, sent.stderr
        drain(deployment, until, timeout=600)
        assert len(deployment.published(Topic.SCORES)) > 1_000
        assert_equal_to_replay(deployment, out)
