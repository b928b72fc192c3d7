"""`ebbtide` as a user runs it: a process in a directory of its own, whose offspring and leftovers can be found."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from support.brokers import eventually

PATIENCE_S = 60.0
_PROC = Path("/proc")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Program:
    """One run. Everything it starts inherits its TMPDIR, which is how `offspring` knows its own."""

    def __init__(self, arguments: list[str], directory: Path, *, terminal: bool = False, **env: str) -> None:
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EBBTIDE_")}
        environment = kept | {"TMPDIR": str(self.temporary), "TERM": "xterm-256color", "PYTHONUNBUFFERED": "1", **env}
        self._ours, theirs = pty.openpty() if terminal else os.pipe()
        if terminal:
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ebbtide.streams.cli", *arguments],
            cwd=directory,
            env=environment,
            stdin=theirs if terminal else subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._said = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # a terminal whose last writer has gone
            while piece := os.read(self._ours, 65_536):
                self._said += piece

    @property
    def text(self) -> str:
        """What it has said so far, without colours and cursor movements."""
        return _ESCAPES.sub("", self._said.decode(errors="replace"))

    @property
    def raw(self) -> bytes:
        """What it has said so far, as it came."""
        return bytes(self._said)

    def says(self, wanted: str) -> None:
        """Wait until it has said ``wanted``."""

        def heard() -> bool:
            if wanted in self.text:
                return True
            if self._process.poll() is not None and not self._reader.is_alive():
                pytest.fail(f"it ended with {self._process.returncode} before it said {wanted!r}:\n{self.text}")
            return False

        eventually(heard, f"{wanted!r}; it said:\n{self.text}", timeout=PATIENCE_S)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it alone."""
        self._process.send_signal(number)

    def ends(self) -> int:
        """Wait for its end and for all that it said; the exit code."""
        try:
            code = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it did not end; it said:\n{self.text}")
        self._reader.join(10.0)
        return code

    def offspring(self, word: str = "") -> list[int]:
        """Pids of what it started, and what that started, with ``word`` in the command line; not itself."""
        mark = f"TMPDIR={self.temporary}".encode()
        found = []
        for entry in _PROC.iterdir():
            if entry.name.isdigit() and int(entry.name) != self._process.pid:
                with contextlib.suppress(OSError):
                    if mark in (entry / "environ").read_bytes().split(b"\0"):
                        command = (entry / "cmdline").read_bytes()
                        # A leash has its command's words in its own line.
                        if command and (not word or (word.encode() in command and b"leash.py" not in command)):
                            found.append(int(entry.name))
        return found

    def left_nothing(self, *, within: float = 0.0) -> None:
        """Assert that no process and no temporary file of it is left, at once or after ``within`` seconds."""
        deadline = time.monotonic() + within
        while (left := [*map(str, self.offspring()), *map(str, self.temporary.iterdir())]) and (
            time.monotonic() < deadline
        ):
            time.sleep(0.05)
        assert not left, left

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(10.0)
        os.close(self._ours)
