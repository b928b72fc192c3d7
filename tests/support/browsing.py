"""A headless Chromium, and a site with browser SDKs from npm."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from support.sdk_environments import HOME, unavailable

PACKAGES = {
    "@segment/analytics-next@1.84.3": "@segment/analytics-next/dist/umd",
    "posthog-js@1.449.2": "posthog-js/dist",
}
"""Packages, each with where its scripts lie."""
PAGE = Path(__file__).parent / "page"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Browser:
    """A program that shows pages, to nobody."""

    program: str

    def title_of(self, url: str, directory: Path) -> str:
        """The title of the page once its scripts have come to rest."""
        done = subprocess.run(
            [
                self.program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", f"--user-data-dir={directory / 'browser'}",
                "--virtual-time-budget=10000", "--dump-dom", url,
            ],
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        found = re.search(r"<title>(.*?)</title>", done.stdout)
        assert found is not None, done.stderr[-2_000:]
        return found[1]


def browser() -> Browser:
    """The one of this machine. Skips where there is none; in CI that is a failure."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        unavailable("no Chromium; deploy/system-packages.txt has it")
    return Browser(str(found))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """The address of a site with the page and the SDK."""
    site = _site()
    for page in PAGE.iterdir():
        shutil.copy(page, site)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _site() -> Path:
    """A directory with the scripts of each package in one named after it."""
    home = HOME / "browser"
    site = home / "site"
    if not site.exists():
        npm = shutil.which("npm")
        if npm is None:
            unavailable("no npm; deploy/system-packages.txt has it")
        home.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [str(npm), "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(home), *PACKAGES],
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            unavailable(f"npm cannot install {' '.join(PACKAGES)}: {done.stderr[-500:]}")
        made = home / "site.new"
        shutil.rmtree(made, ignore_errors=True)
        for scripts in PACKAGES.values():
            shutil.copytree(home / "node_modules" / scripts, made / scripts.split("/dist")[0].split("/")[-1])
        made.rename(site)
    return site
