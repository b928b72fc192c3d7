"""wrk, the HTTP load generator, in an even pace."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import orjson

from ebbtide.streams.errors import EbbtideError

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 64
_FIGURES = re.compile(r"^FIGURES (\{.*\})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Figures:
    """What wrk saw. Times are of one answer each, from the sending of its request; ``broken`` are those without one."""

    requests: int
    seconds: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    not_200: int
    broken: int

    @property
    def answered(self) -> int:
        """Requests answered with 200."""
        return self.requests - self.not_200


def find_wrk() -> str:
    """The program. Raises ``EbbtideError`` where there is none."""
    found = shutil.which("wrk")
    if found is None:
        raise EbbtideError("this bench needs wrk (Debian: apt-get install wrk)")
    return found


def load(url: str, *, seconds: int, rate: float, events: int, prefix: str) -> Figures:
    """Send ``rate`` batches a second of so many events; their message ids begin with ``prefix``."""
    command = [find_wrk(), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT), url]
    done = subprocess.run(
        [*command, "--", str(rate), str(events), prefix],
        capture_output=True, text=True, timeout=seconds + 60, check=False,
    )  # fmt: skip
    found = _FIGURES.search(done.stdout)
    if done.returncode != 0 or found is None:
        raise EbbtideError(f"wrk failed: {(done.stderr or done.stdout)[-500:]}")
    return Figures(**orjson.loads(found[1]))
