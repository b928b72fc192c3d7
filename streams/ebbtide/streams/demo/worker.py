"""`ebbtide worker`, or another service, as a child process that does not outlive us."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from ebbtide.streams.brokers.ports import HOST, free_ports
from ebbtide.streams.brokers.process import LeashedProcess
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import PREFIX

READY_S = 90.0
STOP_S = 10.0
POLL_S = 0.1
TAIL_LINES = 15


class WorkerEndedError(EbbtideError):
    """The worker, or another service, ended by itself; the message has the end of its log."""


class ServiceProcess:
    """A service by its command. ``settings`` are environment variables without their prefix (`BROKER__URL`).

    ``inherit`` hands on our own `EBBTIDE_…` variables too. With ``scratch`` that directory goes when we are killed.
    """

    def __init__(
        self,
        command: str,
        home: Path,
        settings: Mapping[str, str],
        *,
        admin_port: int | None = None,
        inherit: bool = False,
        arguments: tuple[str, ...] = (),
        scratch: Path | None = None,
    ) -> None:
        self.admin_port = free_ports(1)[0] if admin_port is None else admin_port
        self._command = command
        self.log = home / f"{command}.log"
        self._place = "" if scratch else f", {self.log},"  # a log that goes with the demo is not worth a look
        env = {name: value for name, value in os.environ.items() if inherit or not name.startswith(PREFIX)}
        env |= {PREFIX + name: value for name, value in settings.items()}
        env[PREFIX + "ADMIN__PORT"] = str(self.admin_port)
        home.mkdir(parents=True, exist_ok=True)
        self._process = LeashedProcess(
            [sys.executable, "-m", "ebbtide.streams.cli", command, *arguments],
            log=self.log,
            cwd=Path.cwd(),
            grace_s=0.0 if scratch else STOP_S,
            scratch=scratch,
            env=env,
        )

    @property
    def admin_url(self) -> str:
        """Where `/metrics` and `/readyz` are."""
        return f"http://{HOST}:{self.admin_port}"

    def check(self) -> None:
        """Raise ``WorkerEndedError`` when it does not run any more."""
        code = self._process.exit_code
        if code is not None:
            tail = self._process.log_tail(TAIL_LINES)
            killed_by = code - 128 if code > 128 else -code
            how = f"was killed by signal {killed_by}" if killed_by > 0 else f"ended by itself with exit code {code}"
            raise WorkerEndedError(f"the {self._command} {how}. Its log{self._place} ends with:\n{tail}")

    def wait_until_ready(self) -> None:
        """Return when it has its partitions and its tables."""
        deadline = time.monotonic() + READY_S
        while not self._ready():
            self.check()
            if time.monotonic() > deadline:
                tail = self._process.log_tail(TAIL_LINES)
                raise EbbtideError(
                    f"the {self._command} was not ready within {READY_S:.0f} s. Its log ends with:\n{tail}"
                )
            time.sleep(POLL_S)

    def stop(self) -> None:
        """SIGTERM, bounded patience, then kill."""
        self._process.stop(timeout=STOP_S)

    def kill(self) -> None:
        """At once: without its broker it cannot save anything, and would wait for it."""
        self._process.kill()

    def _ready(self) -> bool:
        try:
            with urlopen(f"{self.admin_url}/readyz", timeout=2.0) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


class WorkerProcess(ServiceProcess):
    """One worker with all agents."""

    def __init__(
        self,
        home: Path,
        settings: Mapping[str, str],
        *,
        admin_port: int | None = None,
        inherit: bool = False,
        arguments: tuple[str, ...] = (),
        scratch: Path | None = None,
    ) -> None:
        super().__init__(
            "worker",
            home,
            settings,
            admin_port=admin_port,
            inherit=inherit,
            arguments=("--loglevel", "info", *arguments),
            scratch=scratch,
        )
