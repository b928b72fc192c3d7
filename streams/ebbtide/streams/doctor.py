"""What is wrong on this machine, and what to do about it."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from ebbtide.streams.brokers.broker import BrokerUnavailableError
from ebbtide.streams.brokers.jars import find_maven, jar_dir, kafka_version
from ebbtide.streams.brokers.java import find_java
from ebbtide.streams.brokers.ports import HOST, accepts
from ebbtide.streams.brokers.tansu import find_tansu
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.reach import CONNECT_S, unreachable
from ebbtide.streams.settings import Settings, SettingsError, load_settings

MIN_PYTHON = (3, 11)
DISK_FAIL_BYTES, DISK_WARN_BYTES = 256 << 20, 2 << 30
DEFAULT_PORT = 9092
_EXACT = re.compile(r"^([A-Za-z0-9._-]+)==([^;\s]+)$")


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was found, and what to do when that is not right."""

    name: str
    status: Status
    found: str
    advice: str = ""


def examine(path: Path | None = None) -> list[Check]:
    """Look at everything. ``path`` is a settings file; nothing is changed anywhere."""
    try:
        settings, right = load_settings(path), True
        checks = [Check("settings", Status.OK, "right")]
    except SettingsError as error:
        settings, right = Settings.model_construct(), False
        checks = [Check("settings", Status.FAIL, str(error), "correct the names and values; the rest uses defaults")]
    looks: list[Callable[[], Iterator[Check]]] = [
        _python,
        _packages,
        _embedded_brokers,
        lambda: _store(settings),
        lambda: _data_dir(settings.worker.data_dir),
        lambda: _ports(settings),
        lambda: _broker(settings),
        lambda: _clickhouse(settings),
        lambda: _endpoints(settings, right=right),
    ]
    return [*checks, *(check for look in looks for check in look())]


def worst(checks: list[Check]) -> Status:
    """The gravest status of all."""
    return max((check.status for check in checks), key=list(Status).index, default=Status.OK)


def _python() -> Iterator[Check]:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= MIN_PYTHON:
        yield Check("python", Status.OK, found)
    else:
        yield Check("python", Status.FAIL, found, "install Python 3.11 or newer and make the environment anew")


def _packages() -> Iterator[Check]:
    """The exact pins: the transport relies on the insides of these versions."""
    try:
        pins = [match.groups() for line in requires("ebbtide") or [] if (match := _EXACT.match(line))]
    except PackageNotFoundError:
        yield Check("packages", Status.FAIL, "ebbtide is not installed", "pip install -e . (or `make setup`)")
        return
    found, wrong = [], []
    for name, wanted in pins:
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = "missing"
        found.append(f"{name} {installed}")
        if installed != wanted:
            wrong.append(f"{name}=={wanted}")
    if wrong:
        yield Check("packages", Status.FAIL, ", ".join(found), f"pip install {' '.join(wrong)}")
    else:
        yield Check("packages", Status.OK, ", ".join(found))


def _embedded_brokers() -> Iterator[Check]:
    problem: BrokerUnavailableError | None = None
    try:
        java = find_java()
        yield Check("java", Status.OK, f"{java.version}, {java.program}")
    except BrokerUnavailableError as error:
        problem = error
        yield Check("java", Status.WARN, "none that will do", str(error))
    try:
        if jar_dir().is_dir():
            yield Check("kafka jars", Status.OK, f"{kafka_version()}, {jar_dir()}")
        else:
            yield Check(
                "kafka jars", Status.OK, f"{kafka_version()}, to be fetched by {find_maven()} at the first start"
            )
    except BrokerUnavailableError as error:
        problem = error
        yield Check("kafka jars", Status.WARN, "not in the cache", str(error))
    try:
        yield Check("tansu", Status.OK, f"{find_tansu()}")
    except BrokerUnavailableError as error:
        if problem is None:
            yield Check("tansu", Status.OK, "not here, and not needed beside Apache Kafka")
        else:
            advice = f"{error}. Without any embedded broker `demo` and `up` need Java and Maven, or a broker of yours"
            yield Check("tansu", Status.WARN, "not here either", advice)


def _store(settings: Settings) -> Iterator[Check]:
    if settings.worker.store != "rocksdb":
        yield Check("store", Status.WARN, "memory", "every restart reads all tables from Kafka; rocksdb does not")
        return
    try:
        from rocksdict import Rdict  # noqa: PLC0415  (a native library: whether it loads is the question)

        with tempfile.TemporaryDirectory(prefix="ebbtide-doctor-") as scratch:
            table = Rdict(scratch)
            table[b"key"] = b"value"
            right = table[b"key"] == b"value"
            table.close()
        if not right:
            raise OSError("it gave back another value than was put in")
        yield Check("store", Status.OK, f"rocksdict {version('rocksdict')} writes and reads")
    except Exception as error:  # whatever a native library does, the user must hear of it
        advice = "pip install --force-reinstall rocksdict, or EBBTIDE_WORKER__STORE=memory"
        yield Check("store", Status.FAIL, f"rocksdict does not work: {error!r}", advice)


def _data_dir(data_dir: Path, name: str = "data dir", setting: str = "EBBTIDE_WORKER__DATA_DIR") -> Iterator[Check]:
    existing = next(path for path in (data_dir.resolve(), *data_dir.resolve().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
        yield Check(name, Status.OK, f"{data_dir} can be written")
    except OSError as error:
        advice = f"give this user the right to write there, or set {setting}"
        yield Check(name, Status.FAIL, f"{existing}: {error.strerror}", advice)
    free = shutil.disk_usage(existing).free
    found = f"{free / 2**30:,.1f} GiB free at {existing}"
    if free < DISK_FAIL_BYTES:
        yield Check("disk", Status.FAIL, found, "free some space: RocksDB and Kafka stop on a full disk")
    elif free < DISK_WARN_BYTES:
        yield Check("disk", Status.WARN, found, "enough for a demo, not for long")
    else:
        yield Check("disk", Status.OK, found)


def _ports(settings: Settings) -> Iterator[Check]:
    port = settings.admin.port
    if port and accepts(port):
        advice = "a worker that runs already has it; for another one set EBBTIDE_ADMIN__PORT"
        yield Check("admin port", Status.WARN, f"{port} is in use", advice)
    else:
        yield Check("admin port", Status.OK, f"{port} is free" if port else "any free one")
    yield from _collector(settings)


def _collector(settings: Settings) -> Iterator[Check]:
    collector = settings.collector
    writing, secret = (sum(map(len, keys.values())) for keys in (collector.write_keys, collector.secret_keys))
    who = f"{writing} write keys, {secret} secret ones"
    if not (collector.write_keys or collector.secret_keys):
        who = "no keys: whoever is on this machine may send everything"
    if collector.port and accepts(collector.port):
        advice = "a collector that runs already has it; for another one set EBBTIDE_COLLECTOR__PORT"
        yield Check("collector", Status.WARN, f"port {collector.port} is in use; {who}", advice)
    else:
        port = f"port {collector.port} is free" if collector.port else "any free port"
        yield Check("collector", Status.OK, f"{port}; {who}")


def _broker(settings: Settings) -> Iterator[Check]:
    named = "url" in settings.broker.model_fields_set
    if not named and not accepts(DEFAULT_PORT):
        yield Check("broker", Status.OK, f"none named, none at {HOST}:{DEFAULT_PORT}: `up` and `demo` bring their own")
        return
    servers = settings.broker.bootstrap.split(",")
    faults = [fault for server in servers if (fault := unreachable(server))]
    if len(faults) == len(servers):
        advice = "start it, or correct EBBTIDE_BROKER__URL"
        yield Check("broker", Status.FAIL if named else Status.WARN, "; ".join(faults), advice)
        return
    from ebbtide.streams.topics import check_topics  # noqa: PLC0415  (kafka and Faust are slow to import)

    try:
        states = check_topics(settings)
    except EbbtideError as error:
        yield Check("broker", Status.FAIL if named else Status.WARN, str(error), "see that it is a Kafka, and its log")
        return
    yield Check("broker", Status.OK, f"Kafka answers at {settings.broker.bootstrap}")
    missing = [state.name for state in states if state.partitions is None]
    wrong = [f"{s.name}: {', '.join(s.faults)}" for s in states if s.partitions is not None and s.faults]
    if wrong:
        advice = (
            "change them on the broker; partitions of topics with data must stay, so set EBBTIDE_BROKER__PARTITIONS"
        )
        yield Check("topics", Status.FAIL, "; ".join(wrong), advice)
    elif missing:
        yield Check("topics", Status.WARN, f"{len(missing)} are missing", "ebbtide topics create")
    else:
        yield Check("topics", Status.OK, f"all {len(states)} as declared")


def _clickhouse(settings: Settings) -> Iterator[Check]:
    house = settings.clickhouse
    if house.embedded is not None:
        yield from _embedded_history(house.embedded)
    elif not house.names_server:
        if find_spec("chdb") is None:
            found = "no server named, and no chDB here: `up` and `demo` write no history"
            yield Check(
                "clickhouse", Status.WARN, found, "pip install 'ebbtide[embedded]', or EBBTIDE_CLICKHOUSE__HOST"
            )
        else:
            yield Check("clickhouse", Status.OK, "no server named: `up` and `demo` bring a history of their own (chDB)")
    elif fault := unreachable(house.server):
        yield Check("clickhouse", Status.FAIL, fault, "start it, or correct EBBTIDE_CLICKHOUSE__HOST and __PORT")
    else:
        yield from _history(settings, house.server)
    if house.personal_data == "keep":
        advice = "hash or drop them: EBBTIDE_CLICKHOUSE__PERSONAL_DATA"
        yield Check("personal data", Status.WARN, "the history gets e-mail addresses and phone numbers", advice)


def _embedded_history(directory: Path) -> Iterator[Check]:
    from ebbtide.streams.sinks.clickhouse.asked import owner_answers  # noqa: PLC0415  (aiohttp is slow to import)

    if find_spec("chdb") is None:
        yield Check("clickhouse", Status.FAIL, "an embedded history, and no chDB", "pip install 'ebbtide[embedded]'")
    elif owner_answers(directory):
        yield Check("clickhouse", Status.OK, f"chDB, {directory}, a sink has it and answers")
    else:
        yield from _data_dir(directory, "history dir", "EBBTIDE_CLICKHOUSE__EMBEDDED")


def _history(settings: Settings, server: str) -> Iterator[Check]:
    from ebbtide.streams.sinks.clickhouse.choose import server_settings  # noqa: PLC0415
    from ebbtide.streams.sinks.clickhouse.migrate import migrations  # noqa: PLC0415
    from ebbtide.streams.sinks.clickhouse.writer import ClickHouseWriter  # noqa: PLC0415
    from ebbtide.streams.sinks.writer import RefusedError, WriterUnavailableError  # noqa: PLC0415

    reached = replace(server_settings(settings), connect_timeout_s=CONNECT_S, answer_timeout_s=CONNECT_S)
    database = ClickHouseWriter(replace(reached, database="default"))
    try:
        ((found,),) = database.execute("SELECT version()")
        yield Check("clickhouse", Status.OK, f"{found} at {server}")
        ledger = f"SELECT max(number) FROM `{reached.database}`.schema_migrations"
        ((newest,),) = database.execute(ledger)
        known = len(migrations())
        if newest == known:
            yield Check("history", Status.OK, f"database {reached.database}, all {known} migrations")
        elif isinstance(newest, int) and newest > known:
            advice = "run the version that wrote it, or a newer one"
            yield Check("history", Status.FAIL, f"{reached.database} is of a newer version ({newest:04})", advice)
        else:
            yield Check(
                "history", Status.OK, f"{newest} of {known} migrations; the sink applies the rest when it starts"
            )
    except RefusedError as error:
        if error.code in _NO_HISTORY:
            yield Check("history", Status.OK, f"no database {reached.database} yet: the sink makes it")
        else:
            yield Check("clickhouse", Status.FAIL, str(error), "see user and password")
    except WriterUnavailableError as error:
        yield Check("clickhouse", Status.FAIL, str(error), "see that the port is the native protocol's")
    finally:
        database.close()


_NO_HISTORY = frozenset({60, 81})
"""ClickHouse's UNKNOWN_TABLE and UNKNOWN_DATABASE."""


def _endpoints(settings: Settings, *, right: bool) -> Iterator[Check]:
    """Whether secrets can be read, hosts be connected to, and none answered 410 Gone. Nothing is sent: `ebbtide
    deliveries test` does that."""
    if not right:
        advice = "correct the settings, then look again"
        yield Check("endpoints", Status.WARN, "not looked at, because the settings are wrong", advice)
        return
    if not settings.deliver.endpoints:
        yield Check("endpoints", Status.OK, "none are set: nothing is delivered")
        return
    from ebbtide.streams.deliver.look import fault_of  # noqa: PLC0415  (slow imports)
    from ebbtide.streams.deliver.standing import disabled_now  # noqa: PLC0415

    try:
        gone = {state.endpoint: state for state in disabled_now(settings)}
    except EbbtideError:  # the check of the broker says why
        gone = {}
    for name, endpoint in sorted(settings.deliver.endpoints.items()):
        host, fault = fault_of(name, endpoint)
        if fault is not None:
            advice = f"correct deliver.endpoints.{name}; then ebbtide deliveries test {name}"
            yield Check(f"endpoint {name}", Status.FAIL, fault, advice)
        elif name in gone:
            found = f"answered 410 Gone at {gone[name].decided_at:%Y-%m-%d %H:%M:%S} UTC and is not asked any more"
            advice = f"correct its url; or ebbtide deliveries test {name}, then ebbtide deliveries enable {name}"
            yield Check(f"endpoint {name}", Status.FAIL, found, advice)
        else:
            yield Check(f"endpoint {name}", Status.OK, f"{endpoint.format} at {host}")
