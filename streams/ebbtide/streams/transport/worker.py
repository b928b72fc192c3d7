"""Running an app as a process."""

from typing import Any

import uvloop

from .app import App

__all__ = ["run_worker"]


def run_worker(app: App, *, loglevel: str = "info") -> Any:
    """Run until SIGTERM or SIGINT; ends the process. A crash ends it with a code other than 0.

    Not `faust worker`: that sets the root logger to DEBUG by default, and opens a web server on all interfaces.
    """
    uvloop.install()
    return app.Worker(loglevel=loglevel, loop=None).execute_from_commandline()
