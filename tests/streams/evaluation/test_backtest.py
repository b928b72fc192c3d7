"""`ebbtide backtest` on a small simulated book, and what it refuses."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from ebbtide.streams import backtest as module
from ebbtide.streams.cli.backtest import command
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import write

A = "label:\n  horizon_days: 30\n"
QUIET = A + "cadence:\n  asleep_gaps: 5.0\n"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("book")
    config = BookConfig(customers=25, seed=3, days=110, intensity=0.5, churn_scale=4.0)
    write(config, directory / "log.ndjson", directory / "truth.ndjson")
    for name, text in (("a", A), ("again", A), ("quiet", QUIET)):
        (directory / f"{name}.yaml").write_text(text)
    return directory


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def compare(book: Path, first: str, second: str, *options: object) -> Result:
    policies = ("--policy", book / f"{first}.yaml", "--policy", book / f"{second}.yaml")
    return run(book / "log.ndjson", *policies, *options)


def test_a_policy_and_itself(book: Path) -> None:
    done = compare(book, "a", "again", "--truth", book / "truth.ndjson", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["settings"] == []
    assert told["a"]["replay"]["digest"] == told["b"]["replay"]["digest"]
    difference = told["difference"]
    assert difference["told"]["both"] == difference["told"]["a"] == difference["told"]["b"] > 50
    assert {row["difference"] for row in difference["measures"].values()} <= {0.0, None}


def test_a_quieter_policy(book: Path, tmp_path: Path) -> None:
    """Without a truth both are judged by what the labels of the first say."""
    done = compare(book, "a", "quiet", "--out", tmp_path / "kept")
    assert done.exit_code == 0, done.output
    for expected in ("cadence.asleep_gaps", "What that does", "risk alerts that came true", "only A", "asleep"):
        assert expected in done.stdout
    kept = json.loads((tmp_path / "kept" / "difference.json").read_text())
    assert kept["settings"] == [{"name": "cadence.asleep_gaps", "a": 2.0, "b": 5.0}]
    assert kept["difference"]["types"]["asleep"]["only_a"] > kept["difference"]["types"]["asleep"]["only_b"]
    rates = kept["difference"]["measures"]["risk_alerts_per_account_year"]
    assert rates["low_95"] <= rates["difference"] < 0.0
    assert kept["horizon_days"] == 30
    assert kept["a"]["alerts"]["churn"]["known_by"] == kept["b"]["alerts"]["churn"]["known_by"] == "training examples"
    assert kept["a"]["alerts"]["churn"]["churners"] == kept["b"]["alerts"]["churn"]["churners"]
    assert (tmp_path / "kept" / "b" / "alerts.ndjson").stat().st_size > 0


def test_one_core_replays_one_after_the_other(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_cores", lambda: 1)
    counted: list[int] = []
    settings = [book / "a.yaml", book / "a.yaml"]
    found = module.backtest(
        [str(book / "log.ndjson")],
        settings,
        events=book / "log.ndjson",
        horizon_days=20,
        tolerance=timedelta(days=7),
        progress=counted.append,
    )
    assert sum(counted) == 2 * found["a"]["replay"]["read"]
    assert found["a"]["alerts"]["churn"]["known_by"] == "events"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cadence:\n  asleep_gap: 3\n", "cadence.asleep_gap: Extra inputs are not permitted"),
        ("cadence:\n  asleep_gaps: many\nlabel:\n  horizon_days: 0\n", "label.horizon_days"),
        ("cadence: [", "is no YAML"),
        ("- 1\n", "must hold names with values, not a list"),
    ],
)
def test_a_bad_policy_is_named_with_every_fault(book: Path, tmp_path: Path, text: str, says: str) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(text)
    done = run(book / "log.ndjson", "--policy", book / "a.yaml", "--policy", bad)
    assert done.exit_code == 1
    assert str(done.exception).startswith(f"policy B, {bad}: ")
    assert says in str(done.exception)


def test_bad_usage(book: Path) -> None:
    log, policy = book / "log.ndjson", ("--policy", book / "a.yaml")
    for arguments, says in (
        ([log, *policy], "give it twice, once for each policy; it was given 1 time"),
        ([log, *policy, *policy, *policy], "it was given 3 times"),
        ([log], "it was given 0 times"),
        ([*policy, *policy], "Missing argument 'FILES...'"),
        ([log, *policy, "--policy", "nowhere.yaml"], "'nowhere.yaml' does not exist"),
        ([log, *policy, *policy, "--tolerance", -1], "is not in the range x>=0"),
        ([log, *policy, *policy, "--truth", log, "--events", log], "not both"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2
        assert says in " ".join(done.output.replace("│", " ").split())


def test_standard_input_cannot_be_read_twice(book: Path) -> None:
    done = run("-", "--policy", book / "a.yaml", "--policy", book / "a.yaml")
    assert done.exit_code == 1
    assert "can be read once: give a file" in str(done.exception)


def test_a_replay_that_fails_says_under_which_policy(book: Path) -> None:
    done = run(book / "nowhere.ndjson", "--policy", book / "a.yaml", "--policy", book / "a.yaml")
    assert done.exit_code == 1
    assert str(done.exception).startswith("policy ")
    assert "cannot read" in str(done.exception)


def test_a_replay_that_dies_says_so() -> None:
    dead, living = SimpleNamespace(exitcode=-9), SimpleNamespace(exitcode=None)
    module._check_alive({"a": living})
    with pytest.raises(EbbtideError, match=r"policy B: the replay ended with exit code -9; was memory short\?"):
        module._check_alive({"a": living, "b": dead})


def test_an_out_that_is_no_directory(book: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = compare(book, "a", "a", "--out", tmp_path / "file" / "below")
    assert done.exit_code == 1
    assert "cannot write to" in str(done.exception)
