"""Apache Kafka itself, one KRaft node, without Docker: for development, demos and every test that judges delivery."""

import base64
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ebbtide.streams.brokers.archive import ClassArchive
from ebbtide.streams.brokers.broker import BrokerError, PortInUseError
from ebbtide.streams.brokers.jars import fetch_jars, find_maven, jar_dir, kafka_version
from ebbtide.streams.brokers.java import Java, find_java
from ebbtide.streams.brokers.ports import HOST, free_ports, require_free
from ebbtide.streams.brokers.process import LeashedProcess
from ebbtide.streams.brokers.properties import Listener, server_properties
from ebbtide.streams.brokers.readiness import wait_until_ready

LOG4J = Path(__file__).with_name("log4j2.properties")
STOP_TIMEOUT_S = 30.0  # 0.4 s as a rule, 4 s when the class archive is written
PORT_ATTEMPTS = 3
# The first compiler only: a start is 0.3 s shorter, and a young broker needs less processor time (500,000 records of
# 100 bytes, third round: 0.47 s of it against 0.77 s). A small heap wants the serial collector.
JVM_OPTIONS = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms64m", "-XX:+ExitOnOutOfMemoryError", "-Xlog:disable"]


def require_kafka() -> str:
    """Why this machine can run Apache Kafka; raises BrokerUnavailableError when it cannot."""
    java = find_java()
    if jar_dir().is_dir():
        return f"Apache Kafka {kafka_version()} on Java {java.version}, jars in {jar_dir()}"
    return f"Apache Kafka {kafka_version()} on Java {java.version}, jars to be fetched by {find_maven()}"


class KafkaBroker:
    """One Apache Kafka node on the loopback interface.

    With `data_dir` its data stays there from run to run, without it a temporary directory is used and removed by
    `stop`. `port` None takes a free one, which it keeps over restarts; there may be `further` listeners. The log is
    `server.log` in the data directory, that of the run before `server.log.1`.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        port: int | None = None,
        heap_mb: int = 512,
        partitions_default: int = 1,
        further: Sequence[Listener] = (),
    ) -> None:
        self._given_dir = data_dir
        self._port = port
        self._heap_mb = heap_mb
        self._partitions_default = partitions_default
        self._further = tuple(further)
        self._home: Path | None = data_dir.resolve() if data_dir else None
        self._process: LeashedProcess | None = None
        self._archive: ClassArchive | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        if self._port is None:
            raise BrokerError("this broker has no address yet: call start() first")
        return f"{HOST}:{self._port}"

    @property
    def home(self) -> Path:
        """The directory with data, settings and log of this broker."""
        if self._home is None:
            raise BrokerError("this broker has no directory yet: call start() first")
        return self._home

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.exit_code is None

    def start(self, *, timeout: float = 60.0) -> str:
        """Start, wait until a client is answered, return `bootstrap`.

        `timeout` (seconds) counts from when the jars are there. Raises BrokerUnavailableError without Java or Maven,
        PortInUseError, and BrokerError with the tail of the log for everything else.
        """
        if self.alive:
            raise BrokerError(f"this broker already runs at {self.bootstrap}")
        java = find_java()
        jars = fetch_jars(java)
        deadline = time.monotonic() + timeout
        if self._home is None:
            self._home = Path(tempfile.mkdtemp(prefix="ebbtide-kafka-"))
        self._home.mkdir(parents=True, exist_ok=True)
        _require_unused(self._home / "data")
        self._archive = ClassArchive(jars[0].parent, java)
        for attempt in range(PORT_ATTEMPTS):
            free, controller_port = free_ports(2)
            port = free if self._port is None else self._port
            require_free(port)
            try:
                self._run(java, jars, port=port, controller_port=controller_port, deadline=deadline)
            except PortInUseError:  # a rival was quicker; the controller's port is always a free one
                if attempt + 1 == PORT_ATTEMPTS:
                    raise
            else:
                self._port = port
                break
        return self.bootstrap

    def stop(self) -> None:
        """SIGTERM, bounded wait, then kill -9; a temporary data directory is removed."""
        if self._process is not None:
            self._process.stop(timeout=STOP_TIMEOUT_S)
            clean = self._process.exit_code in {0, 143}
            self._process = None
            if self._archive is not None:
                (self._archive.keep if clean else self._archive.discard)()
        if self._given_dir is None and self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def kill(self) -> None:
        """Kill -9; `start` comes back on the same port with the same data."""
        if self._process is not None:
            self._process.kill()
            self._process = None
        if self._archive is not None:
            self._archive.discard()

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

    def _run(self, java: Java, jars: list[Path], *, port: int, controller_port: int, deadline: float) -> None:
        assert self._archive is not None
        data = self.home / "data"
        settings = self.home / "server.properties"
        settings.write_text(
            server_properties(
                port=port,
                controller_port=controller_port,
                data=data,
                partitions_default=self._partitions_default,
                further=self._further,
            )
        )
        base = [str(java.program), *JVM_OPTIONS, f"-Dlog4j2.configurationFile={LOG4J}"]
        classpath = ["-cp", os.pathsep.join(map(str, jars))]
        if not (data / "meta.properties").exists():
            _format([*base, *self._archive.use(), *classpath], settings, seconds=max(1.0, deadline - time.monotonic()))
        self._process = LeashedProcess(
            [*base, f"-Xmx{self._heap_mb}m", *self._archive.use_or_write(), *classpath, "kafka.Kafka", str(settings)],
            log=self.home / "server.log",
            cwd=self.home,
            # Data that nobody will read again needs no farewell.
            grace_s=10.0 if self._given_dir else 0.0,
            scratch=None if self._given_dir else self.home,
        )
        process = self._process
        try:
            wait_until_ready(port, deadline=deadline, exit_code=lambda: process.exit_code)
        except BrokerError as error:
            self.kill()
            tail = process.log_tail(200)
            if "Address already in use" in tail:
                raise PortInUseError(
                    f"port {port} or {controller_port} on {HOST} was taken while Apache Kafka started: try again"
                ) from error
            raise BrokerError(
                f"Apache Kafka did not start: {error}. Its log, {process.log}, ends with:\n{process.log_tail()}"
            ) from error
        except BaseException:
            self.kill()
            raise


def _require_unused(data: Path) -> None:
    """Kafka locks its data too, but only after we would have replaced the running broker's settings and log."""
    lock = data / ".lock"
    if lock.exists():
        with lock.open("r+b") as handle:
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a POSIX lock, as Java takes it
            except OSError as error:
                raise BrokerError(
                    f"another Apache Kafka uses {data.parent}: stop it, or choose another directory"
                ) from error


def _format(java: list[str], settings: Path, *, seconds: float) -> None:
    """Prepare an empty data directory, as `kafka-storage.sh format` does."""
    # A cluster id is 16 bytes in URL-safe base64; one that began with "-" would be taken for an option.
    cluster = base64.urlsafe_b64encode(b"\x10" + os.urandom(15)).decode().rstrip("=")
    command = [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BrokerError(f"Apache Kafka's data directory was not formatted within {seconds:.0f} s") from error
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-15:])
        raise BrokerError(f"Apache Kafka's data directory, {settings.parent}, could not be formatted:\n{tail}")
