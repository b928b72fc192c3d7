"""The files of `deploy/`, and the programs that judge them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ebbtide.streams.metrics import exposed_names

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"

ADDED_LABELS = {"le", "job", "instance"}
"""Labels that the bucket, or Prometheus, brings."""

_METRIC = re.compile(r"\b(ebbtide_\w+)(?:\{([^}]*)\})?")
_BY = re.compile(r"\b(?:by|without) \(([^)]*)\)")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


def find_program(name: str) -> str:
    """Path of a program. Skips where it is absent; in CI (environment variable CI) that is a failure."""
    beside_python = str(Path(sys.executable).parent)
    program = shutil.which(name, path=os.pathsep.join([beside_python, os.environ.get("PATH", "")]))
    if program is None:
        reason = f"{name} is not installed: see deploy/system-packages.txt and the dependency group `dev`"
        if os.environ.get("CI"):
            pytest.fail(f"CI must check the deployment files: {reason}", pytrace=False)
        pytest.skip(reason)
    return program


def run(*command: str, cwd: Path = ROOT) -> str:
    """Standard output of a program that must succeed within a minute."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def assert_metrics_exist(expression: str) -> int:
    """Every `ebbtide_` metric of a query is declared, with the labels that the query uses. Returns how many."""
    known = exposed_names()
    used = _METRIC.findall(expression)
    for name, matchers in used:
        assert name in known, f"{name} is not declared in metrics.py: {expression}"
        asked = set(_MATCHER.findall(re.sub(r'"[^"]*"', "", matchers)))
        assert asked <= {*known[name].labels, *ADDED_LABELS}, expression
    if used:
        grouped = {label.strip() for labels in _BY.findall(expression) for label in labels.split(",")}
        assert grouped <= ADDED_LABELS.union(*(known[name].labels for name, _ in used)), expression
    return len(used)
