"""A broker's program as a child process: log file, clean stop, death with its parent."""

import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
TAIL_LINES = 25


class LeashedProcess:
    """One run of `command`, its output in `log`.

    It has a session of its own, so that Ctrl-C in the terminal reaches us first and we stop it in order. When this
    process dies, it gets SIGTERM, `grace_s` seconds later SIGKILL, and `scratch` is removed (see leash.py).
    `env` None hands on our own environment.
    """

    def __init__(
        self,
        command: list[str],
        *,
        log: Path,
        cwd: Path,
        grace_s: float = 0.0,
        scratch: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():
            log.replace(log.with_name(log.name + ".1"))
        leash = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), str(grace_s), str(scratch or "")]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [*leash, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Pid of the leash; it leads the process group of the program and ends after it."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def stop(self, *, timeout: float) -> None:
        """SIGTERM, at most `timeout` seconds of patience, then kill -9."""
        self._send(signal.SIGTERM)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill -9 and wait until the program is gone, with its sockets and file locks."""
        self._send(signal.SIGUSR1)
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:  # the leash itself is stuck or stopped
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def log_tail(self, lines: int = TAIL_LINES) -> str:
        """The last lines of the log, as the message of an error shows them."""
        with contextlib.suppress(OSError), self.log.open(errors="replace") as text:
            return "".join(deque(text, lines)).rstrip()
        return ""

    def _send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)  # does nothing once the process was reaped
