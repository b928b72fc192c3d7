"""`ebbtide model`: versions in a list, one on a page, two side by side; and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.populations import POPULATIONS
from ebbtide.models.churn.shadows import Shadows
from ebbtide.schemas.learning import Model, ModelEvent, ModelEventKind, ModelRole
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.cli import model as cli
from ebbtide.streams.codec import TICK_KEY
from ebbtide.streams.settings import Settings
from ebbtide.streams.transport import Output
from ebbtide.streams.transport.partitioner import partition_of
from support.brokers import create_topics
from support.identity_topics import send
from support.vectors import without_contract

PARTITIONS = 3
RECENCY = NAMES.index("recency")
FEATURES = sum(len(each.features) for each in POPULATIONS)


def history(tenant: str = "default") -> list[Model]:
    """Three weeks of labels: who was away for four days or longer leaves."""
    learner, models = Learner(), []
    for week in range(3):
        for number in range(800):
            vector = without_contract(1.0)
            vector[RECENCY] = float(number % 8)
            learner.learn(vector, number % 8 >= 4, 0.8 if number % 8 >= 4 else 0.03)
        models.append(learner.to_model(datetime(2025, 4, 7, tzinfo=UTC) + timedelta(weeks=week), tenant))
    return models


@pytest.fixture(scope="module")
def models() -> list[Model]:
    return history()


@pytest.fixture
def directory(tmp_path: Path, models: list[Model]) -> Path:
    return written(tmp_path, *models)


def key(model: Model) -> bytes:
    return f"{model.tenant}/{model.model_version}".encode()


def written(directory: Path, *models: Model) -> Path:
    (directory / "models.ndjson").write_bytes(b"".join(one.to_json() + b"\n" for one in models))
    return directory


def run(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.command, [*arguments, "--dir", str(directory)])


def lines(directory: Path, *arguments: str) -> list[str]:
    """The page, with one space between words."""
    done = run(directory, *arguments)
    assert done.exit_code == 0, done.exception
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "\x1b" not in done.stdout
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


def test_versions_the_newest_last(directory: Path, models: list[Model]) -> None:
    head, *found = lines(directory, "list")[:4]
    assert head == "version role through examples AUC active Brier calib. explained weight"
    assert [line.split()[:4] for line in found] == [
        ["champion-800", "champion", "2025-04-07", "800"],
        ["champion-1600", "champion", "2025-04-14", "1,600"],
        ["champion-2400", "champion", "2025-04-21", "2,400"],
    ]
    told = json.loads(run(directory, "list", "--json").stdout)
    assert [one["model_version"] for one in told] == [one.model_version for one in models]
    assert told[0]["metrics"]["prequential_auc"] == 1.0


def test_a_challenger_stands_beside_and_one_that_was_taken_back_is_the_newest(tmp_path: Path) -> None:
    *_, old, new = history()
    back = old.model_copy(update={"in_force_from": new.trained_through})
    challenger = new.model_copy(update={"model_version": "champion.2-123456", "role": ModelRole.CHALLENGER})
    directory = written(tmp_path, old, new, back, challenger)
    assert [line.split()[:2] for line in lines(directory, "list")[1:4]] == [
        [new.model_version, "champion"],
        [old.model_version, "champion"],
        ["champion.2-123456", "challenger"],
    ]
    # Without a version that in force.
    assert lines(directory, "show")[0].startswith(f"{old.model_version} ")


def event(sequence: int, kind: ModelEventKind, **fields: Any) -> ModelEvent:
    return ModelEvent(
        **{
            "tenant": "default",
            "event_id": f"e-{sequence}",
            "sequence": sequence,
            "occurred_at": datetime(2025, 4, sequence, tzinfo=UTC),
            "kind": kind,
            "model_version": "champion-800",
            "by": "guard",
            "reason": "mean squared error 0.103 before, 0.215 over the last 200 outcomes",
            **fields,
        }
    )


def test_what_happened_to_models_is_told_once_in_order(tmp_path: Path) -> None:
    told = [
        event(1, ModelEventKind.LOSS_DRIFT),
        event(2, ModelEventKind.CHALLENGER_STARTED, other_version="champion.2-800"),
        event(2, ModelEventKind.CHALLENGER_STARTED, other_version="champion.2-800"),
        event(3, ModelEventKind.ROLLED_BACK, by="\x1b[31mada", reason="wrong export"),
        event(4, ModelEventKind.INPUT_SHIFT, tenant="other"),
    ]
    (tmp_path / "model-events.ndjson").write_bytes(b"".join(one.to_json() + b"\n" for one in told))
    head, *found = lines(tmp_path, "events")
    assert head == "when what model by why"
    assert found[0].startswith("2025-04-01 loss drift champion-800 guard mean squared error 0.103 before,")
    rest = [line for line in found if line.startswith("2025")][1:]
    assert rest[0].startswith("2025-04-02 challenger started champion.2-800 guard")
    assert rest[1].endswith("ada wrong export")
    assert len(rest) == 2
    assert [one["sequence"] for one in json.loads(run(tmp_path, "events", "--json").stdout)] == [1, 2, 3]
    assert lines(tmp_path, "events", "--tenant", "new") == [
        "Nothing has happened to the models yet but that they learned."
    ]


def test_one_on_a_page(directory: Path, models: list[Model]) -> None:
    found = lines(directory, "show", "champion-1600")
    assert found[0] == "champion-1600 · tenant default · champion"
    assert "learned from 1,600 examples, trained through 2025-04-14" in found
    assert "answers its 10 check vectors" in found
    assert "under a contract: weight 0 % beside the rule · calibration 1.000 · logit + 0.000" in found
    assert "QUALITY, on 1,600 labels as they came, 1,000 of active customers" in found
    assert "AUC 1.0000 0.5000" in found
    assert "AUC, active customers 1.0000 0.5000" in found
    assert "explained 82 % 0 %" in found
    assert "danger 800 100 % 100-100 % 100 % 99-100 %" in found
    assert "normal 0 – – – –" in found
    assert "excellent 800 0 % 0-0 % 0 % 0-1 %" in found
    strongest = next(line for line in found if line.startswith("recency "))
    assert found.index(strongest) == found.index("feature span from to form") + 1
    assert lines(directory, "show")[0].startswith("champion-2400 ")
    told = json.loads(run(directory, "show", "--json").stdout)
    assert told["features"][0]["feature"] == "recency"
    assert len(told["features"]) == FEATURES


def test_challengers_in_shadow_stand_on_the_page_where_they_have_learned(tmp_path: Path, models: list[Model]) -> None:
    shadows = Shadows()
    for number in range(20):
        shadows.learn([float(number)] * len(NAMES), number % 2 == 0, 0.5)
    model = models[-1].model_copy(update={"metrics": models[-1].metrics | shadows.report()})
    found = lines(written(tmp_path, model), "show")
    place = found.index("in shadow examples log loss champion's")
    assert found[place - 1].startswith("CHALLENGERS IN SHADOW")
    assert [line.rsplit(" ", 3)[0] for line in found[place + 1 : place + 4]] == [
        "hoeffding adaptive tree",
        "adaptive random forest",
        "mondrian forest",
    ]
    assert found[place + 1].split()[-3] == "20"
    assert found[place + 1].endswith(" 0.6931")
    assert "CHALLENGERS" not in " ".join(lines(written(tmp_path, *models), "show"))


def test_two_side_by_side(directory: Path) -> None:
    found = lines(directory, "diff", "champion-800")
    assert found[0] == "champion-800 champion-2400"
    assert "examples 800 2,400" in found
    assert "AUC 1.0000 1.0000" in found
    assert "AUC, active customers 1.0000 1.0000" in found
    assert "explained 82 % 82 %" in found
    first = found[found.index("feature at before after odds of churn") + 1].split()
    assert first[0] == "recency"
    assert first[-2] == "×"
    told = json.loads(run(directory, "diff", "champion-800", "champion-1600", "--json").stdout)
    assert told["after"]["model_version"] == "champion-1600"
    assert told["features"][0]["moved"] == pytest.approx(told["features"][0]["after"] - told["features"][0]["before"])


def test_attributes_stand_among_the_features(tmp_path: Path) -> None:
    """In the vendor's words, which no terminal obeys."""
    learner = Learner()
    models = []
    for week in range(2):
        for number in range(800):
            leaves = number % 2 == 0
            attributes = {"term\x1b[2J": "month\x1b[31m" if leaves else "year", "size": 3.0 if number % 3 else 900.0}
            learner.learn(without_contract(1.0), leaves, 0.5, attributes if week else {})
        models.append(learner.to_model(datetime(2025, 4, 7, tzinfo=UTC) + timedelta(weeks=week), "default"))
    directory = written(tmp_path, *models)
    found = lines(directory, "show")
    strongest = found[found.index("feature span from to form") + 1].split()
    assert strongest[0] == r"attributes.term\x1b[2J"
    assert strongest[2:4] == ["year", r"month\x1b[31m"]
    differs = lines(directory, "diff", "champion-800")
    first = differs[differs.index("feature at before after odds of churn") + 1].split()
    assert first[0] == r"attributes.term\x1b[2J"
    assert first[2:4] == ["+", "0.00"]
    told = json.loads(run(directory, "show", "--json").stdout)
    assert told["features"][0]["values"] == ["year", "month\x1b[31m"]
    assert len(told["features"]) == FEATURES + 2


def test_what_is_not_there_is_told_in_one_line(tmp_path: Path, models: list[Model]) -> None:
    assert "has no models.ndjson" in str(run(tmp_path, "list").exception)
    written(tmp_path, *models)
    assert "there is no model champion-7; the newest are champion-800, " in str(
        run(tmp_path, "show", "champion-7").exception
    )
    assert "no model of tenant x yet" in str(run(tmp_path, "list", "--tenant", "x").exception)
    written(tmp_path, models[0].model_copy(update={"intercept": 9.0}))
    assert "workers refuse this model" in str(run(tmp_path, "show").exception)
    (tmp_path / "models.ndjson").write_text("{}\n")
    assert "models.ndjson line 1 is no Model of this version" in str(run(tmp_path, "list").exception)


@pytest.mark.kafka
def test_versions_are_read_from_the_topic(
    kafka: KafkaBroker, models: list[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = Topic.MODELS.topic_name
    create_topics(kafka.bootstrap, {topic: PARTITIONS})
    home = partition_of(b"default", PARTITIONS)
    monkeypatch.setenv("EBBTIDE_BROKER__URL", f"kafka://{kafka.bootstrap}")
    settings = Settings()
    send(
        settings,
        # A worker that takes over tells one again.
        *(Output(topic, key(one), one.to_json(), home) for one in [models[1], *models]),
        Output(topic, TICK_KEY, b"{}", home),
        # Kept no more; and one of a tenant whose name begins alike.
        Output(topic, key(models[0]), None, home),
        Output(topic, b"default/x/champion-1", models[0].model_copy(update={"tenant": "default/x"}).to_json(), home),
    )
    done = CliRunner().invoke(cli.command, ["list", "--json"])
    assert done.exit_code == 0, done.exception
    assert [one["examples"] for one in json.loads(done.stdout)] == [1_600, 2_400]
