"""The embedded history, asked from another process: its owner answers on a socket in the directory.

Only the owner's user may connect (mode 0600). A statement goes in one request as text, its rows come back as JSON.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import orjson
from aiohttp import web

from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.sinks.writer import Cell, RefusedError, WriterUnavailableError

log = logging.getLogger(__name__)

SOCKET = "owner.sock"
MOST_BYTES = 16 * 1024 * 1024
"""Of a statement."""
CONNECT_S = 2.0
ANSWER_S = 600.0
"""A mutation of a big table takes its time."""
LONGEST_PATH = 100
"""Bytes of a socket's path that every system takes."""

Ask = Callable[[str], Awaitable[list[tuple[Cell, ...]]]]


class Owner:
    """The socket of the process that has the directory. `ask` runs a statement where the engine lives."""

    def __init__(self, directory: Path, ask: Ask) -> None:
        self._path = socket_path(directory)
        self._ask = ask
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. A socket that a killed owner left behind is taken over: the directory is ours already."""
        if len(bytes(self._path)) > LONGEST_PATH:
            log.warning("%s is too long for a socket: nobody can ask for history while this runs", self._path)
            return
        application = web.Application(client_max_size=MOST_BYTES)
        application.router.add_post("/", self._answer)
        runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        self._path.unlink(missing_ok=True)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        await web.UnixSite(runner, str(self._path)).start()
        self._path.chmod(0o600)
        self._runner = runner

    async def stop(self) -> None:
        """Close and remove the socket."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
            self._path.unlink(missing_ok=True)

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            rows = await self._ask(await request.text())
        except RefusedError as error:
            return _json({"code": error.code, "error": str(error)}, 400)
        except WriterUnavailableError as error:
            return _json({"error": str(error)}, 503)
        return _json({"rows": rows}, 200)


class AskedDatabase:
    """A `Database` that another process has."""

    def __init__(self, directory: Path) -> None:
        self._path = socket_path(directory)

    def execute(self, statement: str) -> list[tuple[Cell, ...]]:
        """Let the owner run one statement. Raises WriterUnavailableError, and EbbtideError when the owner is gone."""
        connection = _UnixConnection(self._path)
        try:
            connection.request("POST", "/", statement.encode())
            response = connection.getresponse()
            answer = orjson.loads(response.read())
        except (OSError, HTTPException, orjson.JSONDecodeError) as error:
            raise EbbtideError(f"the owner of {self._path.parent} does not answer any more: {error}") from error
        finally:
            connection.close()
        if response.status == web.HTTPOk.status_code:
            return [tuple(row) for row in answer["rows"]]
        if "code" in answer:
            raise RefusedError(answer["code"], str(answer["error"]).partition(": ")[2])
        raise WriterUnavailableError("engine", str(answer["error"]))

    def close(self) -> None:
        """Nothing is kept open."""


def owner_answers(directory: Path) -> bool:
    """Whether a process has the directory and takes statements."""
    path = socket_path(directory)
    if len(bytes(path)) > LONGEST_PATH:
        return False
    with socket.socket(socket.AF_UNIX) as found:
        found.settimeout(CONNECT_S)
        return found.connect_ex(str(path)) == 0


def socket_path(directory: Path) -> Path:
    """Where the owner listens."""
    return directory.resolve() / SOCKET


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _json(answer: object, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(answer), status=status, content_type="application/json")
