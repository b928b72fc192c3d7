"""The jars of Apache Kafka, fetched once by Maven and kept in the user's cache."""

import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ebbtide.streams.brokers.broker import BrokerError, BrokerUnavailableError
from ebbtide.streams.brokers.java import Java

log = logging.getLogger(__name__)

POM = Path(__file__).with_name("pom.xml")
MAVEN_TIMEOUT_S = 900.0


def kafka_version() -> str:
    """The version of Apache Kafka that pom.xml names."""
    version = ET.parse(POM).findtext("{*}properties/{*}kafka.version")
    if not version:
        raise BrokerError(f"{POM} names no kafka.version: reinstall ebbtide")
    return version


def jar_dir() -> Path:
    """Where the jars of this pom.xml are kept; its digest is in the name, so a changed pom never meets old jars."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    return Path(base) / "ebbtide" / "kafka" / f"{kafka_version()}-{digest}"


def find_maven() -> Path:
    """Maven's program; raises BrokerUnavailableError."""
    program = shutil.which("mvn")
    if program is None:
        raise BrokerUnavailableError(
            "Apache Kafka's jars are not in the cache yet and Maven, which fetches them, is not in PATH: "
            f"install it (Debian: `apt install maven`), or copy the directory {jar_dir()} from a machine that has it"
        )
    return Path(program)


def fetch_jars(java: Java) -> list[Path]:
    """All jars in a fixed order; asks Maven when the cache has none.

    Safe for concurrent starters: one of them at a time runs Maven (whose own repository is not made for more), and
    the directory appears under its name only when it is complete.
    """
    home = jar_dir()
    if not home.is_dir():
        maven = find_maven()
        home.parent.mkdir(parents=True, exist_ok=True)
        with _locked(home.parent / ".lock"):
            if not home.is_dir():
                _run_maven(maven, java, home)
    return sorted(home.glob("*.jar"))


def _run_maven(maven: Path, java: Java, home: Path) -> None:
    log.info("fetching the jars of Apache Kafka %s with Maven, once, into %s", kafka_version(), home)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=home.parent) as scratch:
        fetched = Path(scratch) / "jars"
        command = [str(maven), "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
        command.append(f"-DoutputDirectory={fetched}")
        try:
            done = subprocess.run(
                command,
                cwd=scratch,
                env={"JAVA_HOME": str(java.home), **os.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=MAVEN_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BrokerError(
                f"Maven did not fetch Apache Kafka's jars within {MAVEN_TIMEOUT_S:.0f} s: "
                "check the network and the mirrors in ~/.m2/settings.xml"
            ) from error
        if done.returncode != 0 or not any(fetched.glob("kafka_*.jar")):
            tail = "\n".join(done.stdout.splitlines()[-15:])
            raise BrokerError(
                "Maven could not fetch Apache Kafka's jars: check the network and the mirrors in "
                f"~/.m2/settings.xml, then try again. It said:\n{tail}"
            )
        fetched.rename(home)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # released with the file, also when this process is killed
        yield
