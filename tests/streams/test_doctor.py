"""`ebbtide doctor`: what it finds, what it advises, and when it fails."""

import json
import shutil
import socket
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from ebbtide.streams import doctor
from ebbtide.streams.brokers.broker import BrokerUnavailableError
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.cli.doctor import command
from ebbtide.streams.doctor import Check, Status, examine, worst


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the machine, no broker that happens to run at the default port."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "accepts", lambda port: False)


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port that nobody listens on, and nobody can take meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def found(name: str, path: Path | None = None) -> Check:
    """The one check of that name."""
    (check,) = [check for check in examine(path) if check.name == name]
    return check


def test_everything_is_looked_at_and_nothing_fails_here() -> None:
    checks = examine()
    names = ["settings", "python", "packages", "java", "kafka jars", "tansu", "store", "data dir", "disk"]
    services = ["admin port", "collector", "broker", "clickhouse", "endpoints"]
    assert [check.name for check in checks] == [*names, *services]
    assert worst(checks) is not Status.FAIL, checks
    assert all(check.advice for check in checks if check.status is not Status.OK)


def test_wrong_settings_fail_and_the_rest_is_still_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBBTIDE_BROKER__PARTITIONS", "many")
    monkeypatch.setenv("EBBTIDE_BROKR__URL", "kafka://there:9092")
    check = found("settings")
    assert check.status is Status.FAIL
    assert "broker.partitions" in check.found
    assert "EBBTIDE_BROKR__URL" in check.found
    assert len(examine()) > 5
    assert found("endpoints").status is Status.WARN


def test_endpoints_that_cannot_be_read_are_not_called_none(tmp_path: Path) -> None:
    """What is wrong with them stands under settings, and nothing else is said of them."""
    file = tmp_path / "ebbtide.yml"
    file.write_text("deliver: {endpoints: {crm: {url: 'ftp://there'}}}")
    assert "deliver.endpoints.crm" in found("settings", file).found
    check = found("endpoints", file)
    assert (check.status, check.found) == (Status.WARN, "not looked at, because the settings are wrong")


def test_another_version_of_a_pinned_package_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda name: "0.0.1")
    monkeypatch.setattr(doctor, "requires", lambda name: ["aiokafka==0.14.0", "click<8.4,>=8.1", "x==1; extra == 'y'"])
    check = found("packages")
    assert check.status is Status.FAIL
    assert "aiokafka 0.0.1" in check.found
    assert check.advice == "pip install aiokafka==0.14.0"


def test_without_any_embedded_broker_it_warns_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise BrokerUnavailableError("not here: install it")

    for name in ("find_java", "find_tansu", "find_maven"):
        monkeypatch.setattr(doctor, name, missing)
    monkeypatch.setattr(doctor, "jar_dir", lambda: Path("/nowhere"))
    checks = [found(name) for name in ("java", "kafka jars", "tansu")]
    assert {check.status for check in checks} == {Status.WARN}
    assert all("install it" in check.advice for check in checks)


def test_a_data_directory_that_cannot_be_made_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EBBTIDE_WORKER__DATA_DIR", str(tmp_path / "file" / "worker"))
    check = found("data dir")
    assert check.status is Status.FAIL
    assert "EBBTIDE_WORKER__DATA_DIR" in check.advice


@pytest.mark.parametrize(("free", "status"), [(1 << 20, Status.FAIL), (1 << 30, Status.WARN), (1 << 40, Status.OK)])
def test_disk_space_is_judged(monkeypatch: pytest.MonkeyPatch, free: int, status: Status) -> None:
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert found("disk").status is status


def test_a_port_in_use_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "accepts", lambda port: port == 8090)
    assert found("admin port").status is Status.WARN


def test_a_named_broker_or_database_that_is_away_fails(monkeypatch: pytest.MonkeyPatch, deaf: int) -> None:
    monkeypatch.setenv("EBBTIDE_BROKER__URL", f"kafka://127.0.0.1:{deaf}")
    monkeypatch.setenv("EBBTIDE_CLICKHOUSE__PORT", str(deaf))
    for name in ("broker", "clickhouse"):
        check = found(name)
        assert check.status is Status.FAIL
        assert f"127.0.0.1:{deaf}" in check.found
        assert "EBBTIDE_" in check.advice


def test_a_broker_address_that_is_none_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBBTIDE_BROKER__URL", "kafka://nonsense")
    assert "not host:port" in found("broker").found


@pytest.mark.kafka
def test_a_broker_without_topics_is_told_what_to_run(kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBBTIDE_BROKER__URL", f"kafka://{kafka.bootstrap}")
    assert found("broker").status is Status.OK
    topics = found("topics")
    assert topics.status is not Status.WARN or topics.advice == "ebbtide topics create"


def test_the_exit_code_says_whether_something_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner().invoke
    assert run(command).exit_code == 0
    good = json.loads(run(command, ["--json"]).stdout)
    assert good["status"] in {"ok", "warn"}
    assert {"name", "status", "found", "advice"} == set(good["checks"][0])
    monkeypatch.setenv("EBBTIDE_NONSENSE", "1")
    bad = run(command)
    assert bad.exit_code == 1
    assert "fail" in bad.stdout
    assert "→ correct the names" in bad.stdout
    assert json.loads(run(command, ["--json"]).stdout)["status"] == "fail"


def test_an_embedded_history_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EBBTIDE_CLICKHOUSE__EMBEDDED", str(tmp_path / "history"))
    if find_spec("chdb") is None:
        assert found("clickhouse").status is Status.FAIL
        return
    assert found("history dir").status is Status.OK


def test_personal_data_that_are_kept_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBBTIDE_CLICKHOUSE__PERSONAL_DATA", "keep")
    check = found("personal data")
    assert check.status is Status.WARN
    assert "EBBTIDE_CLICKHOUSE__PERSONAL_DATA" in check.advice
