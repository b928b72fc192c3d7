"""`ebbtide score explain`: a score and its change in words, from a replay and from the topic; and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from math import log1p
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.scorer import sigmoid
from ebbtide.schemas.score import Contribution, FeatureDelta, HealthTier, Score, ScoreChange
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.cli import score as cli
from ebbtide.streams.settings import Settings
from ebbtide.streams.transport import Output
from ebbtide.streams.transport.partitioner import partition_of
from support.brokers import create_topics
from support.identity_topics import send

PARTITIONS = 3


def score(version: int, silence: float, customer: str = "c-1", tenant: str = "default") -> Score:
    """A score that silence alone moves; each version is told against the one before."""
    logit = silence - 2.0
    return Score(
        tenant=tenant,
        customer_id=customer,
        version=version,
        occurred_at=datetime(2025, 3, version, tzinfo=UTC),
        p_churn=sigmoid(logit),
        tier=HealthTier.NORMAL,
        model_version="champion-7",
        intercept=-2.0,
        contributions=[
            Contribution(name, log1p(silence), silence if name == "recency_per_cadence" else 0.0) for name in NAMES
        ],
        logit=logit,
        calibration=None,
        change=ScoreChange(from_version=version - 1, contributions=[FeatureDelta("recency_per_cadence", 1.0)])
        if version > 1
        else None,
    )


def blind(version: int) -> Score:
    return score(version, 0.0).model_copy(
        update={
            "p_churn": None,
            "logit": None,
            "tier": None,
            "change": None,
            "contributions": [],
            "cannot_score_reason": "source_blind",
        }
    )


def history() -> list[Score]:
    return [score(1, 1.0), score(1, 5.0, "c-2"), score(1, 9.0, tenant="other"), score(2, 2.0), score(3, 3.0), blind(4)]


def run(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.command, ["explain", *arguments, "--dir", str(directory)])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "scores.ndjson").write_bytes(b"".join(one.to_json() + b"\n" for one in history()))
    return tmp_path


def test_why_and_why_it_changed(directory: Path) -> None:
    done = run(directory, "c-1", "--version", "2")
    assert done.exit_code == 0, done.exception
    assert done.stdout.splitlines() == [
        "c-1",
        "tenant default · version 2 · as of 2025-03-02 · tier normal · model champion-7",
        "",
        "WHY",
        "  50 % likely to churn, starting from 11.9 %: odds × 7.39",
        "  a silence of 2 times its usual gap: raises the risk, odds × 7.39",
        "",
        "WHY IT CHANGED, since version 1",
        "  risk rose from 27 % to 50 %: odds × 2.72",
        "  a silence of 2 times its usual gap (before: 1): raised the risk, odds × 2.72",
    ]
    chinese = run(directory, "c-1", "--version", "2", "--lang", "zh").stdout
    assert "沉默时长为其平时间隔的2倍（之前：1）：风险升高，流失与留存之比×2.72" in chinese
    assert "odds" not in chinese


def test_the_first_has_no_change_and_the_newest_is_told_unless_one_is_named(directory: Path) -> None:
    assert "CHANGED" not in run(directory, "c-1", "--version", "1").stdout
    newest = run(directory, "c-1").stdout
    assert "version 4 · as of 2025-03-04 · no tier" in newest
    assert "cannot be scored: nothing is heard of what delivers its events" in newest


def test_scripts_get_the_record_with_both_languages(directory: Path) -> None:
    told = json.loads(run(directory, "c-1", "--version", "3", "--json").stdout)
    assert (told["version"], told["logit"], len(told["contributions"])) == (3, 1.0, len(NAMES))
    assert told["reasons"]["en"][0] == "73 % likely to churn, starting from 11.9 %: odds × 20.09"
    assert told["change_reasons"]["zh"][0] == "流失概率由50%升至73%：流失与留存之比×2.72"
    assert json.loads(run(directory, "c-2", "--json").stdout)["change_reasons"] is None


def test_a_version_whose_predecessor_is_gone_is_told_without_it(tmp_path: Path) -> None:
    (tmp_path / "scores.ndjson").write_bytes(score(3, 3.0).to_json() + b"\n")
    told = run(tmp_path, "c-1").stdout
    assert "  a silence of 3 times its usual gap: raised the risk, odds × 2.72" in told


def test_what_is_not_there_is_told_in_one_line(directory: Path) -> None:
    assert "there is no score of customer c-9 of tenant default: " in str(run(directory, "c-9").exception)
    # A part of an id stands in lines of others.
    assert "there is no score of customer c- of tenant default: " in str(run(directory, "c-").exception)
    assert "of tenant x: " in str(run(directory, "c-1", "--tenant", "x").exception)
    assert "there is no version 9; the newest are 1, 2, 3, 4" in str(run(directory, "c-1", "--version", "9").exception)


@pytest.mark.kafka
def test_scores_are_read_from_the_topic(kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = Topic.SCORES.topic_name
    create_topics(kafka.bootstrap, {topic: PARTITIONS})
    monkeypatch.setenv("EBBTIDE_BROKER__URL", f"kafka://{kafka.bootstrap}")
    send(
        Settings(),
        *(
            Output(topic, key, one.to_json(), partition_of(key, PARTITIONS))
            for one in history()
            if (key := one.customer_id.encode())
        ),
    )
    done = CliRunner().invoke(cli.command, ["explain", "c-1", "--version", "3", "--json"])
    told = json.loads(done.stdout)
    assert (told["tenant"], told["version"]) == ("default", 3)
    assert "(before: 2)" in told["change_reasons"]["en"][1]
