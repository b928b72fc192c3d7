"""How the tests of the brokers find the processes that a broker has left behind."""

import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """The pids of all living processes that this test has started, directly or not.

    Children inherit a variable from the environment; Linux shows the environment that a process was started with.
    """
    mark = f"EBBTIDE_TEST_MARK={uuid4().hex}".encode()
    name, _, value = mark.decode().partition("=")
    monkeypatch.setenv(name, value)

    def marked() -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    environment = (entry / "environ").read_bytes()
                except OSError:  # gone, or not ours
                    continue
                if mark in environment:
                    found.append(int(entry.name))
        return found

    return marked


def program(path: Path, script: str) -> Path:
    """An executable shell script in place of a real program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
