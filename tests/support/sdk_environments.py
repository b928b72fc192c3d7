"""Environments of the SDKs that send to the collector: each its own, as their pins conflict; made once, by pip."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from venv import EnvBuilder

import pytest

HOME = Path(__file__).parents[2] / ".make" / "sdks"
STORIES = Path(__file__).parent / "sdks"
PACKAGES = {
    "segment_analytics_python": "segment-analytics-python==2.4.0",
    "analytics_python": "analytics-python==1.4.0",
    "rudder_sdk_python": "rudder-sdk-python==2.1.9",
    "posthog_sdk": "posthog==7.91.1",
    "sensors_analytics_sdk": "SensorsAnalyticsSDK==1.11.0",
}
"""What a story needs, by the name of its file."""


def python_with(story: str) -> Path:
    """The Python that has the SDK of a story. Skips where it cannot be had; in CI that is a failure."""
    package = PACKAGES[story]
    home = HOME / package.replace("==", "-")
    program, stamp = home / "bin" / "python", home / "installed"
    if not stamp.exists():
        EnvBuilder(clear=True, with_pip=False, symlinks=True).create(home)
        pip = [sys.executable, "-m", "pip", "--python", str(program), "install", "--quiet", package]
        done = subprocess.run(pip, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode != 0:
            unavailable(f"pip cannot install {package}: {done.stderr[-500:]}")
        stamp.touch()
    return program


def unavailable(why: str) -> None:
    """Skip; in CI fail, so that no hole is green."""
    if os.environ.get("CI"):
        pytest.fail(why, pytrace=False)
    pytest.skip(why)
