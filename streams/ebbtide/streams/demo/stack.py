"""Broker, topics and services on this machine, started in order and stopped in the opposite one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ebbtide.streams.brokers.broker import Broker, BrokerError
from ebbtide.streams.brokers.choose import BrokerChoice, choose_broker
from ebbtide.streams.demo.service import ServiceProcess
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import BrokerSettings, ClickHouseSettings, Settings
from ebbtide.streams.sinks.clickhouse.embedded import installed as chdb_installed

Say = Callable[[str], None]


class BrokerEndedError(EbbtideError):
    """The embedded broker ended by itself; the message has the end of its log."""


class Stack:
    """What `demo` and `up` run. ``home`` has the worker's state and log; with ``discard`` it goes at the end."""

    def __init__(self, home: Path, *, discard: bool, say: Say) -> None:
        self.home = home
        self.choice: BrokerChoice | None = None
        self._worker: ServiceProcess | None = None
        self._services: list[ServiceProcess] = []
        self._discard = discard
        self._say = say

    @property
    def broker(self) -> Broker:
        """The embedded broker; there is one after `start_broker`."""
        if self.choice is None:
            raise BrokerError("no embedded broker was started")
        return self.choice.broker

    @property
    def worker(self) -> ServiceProcess:
        """The worker; there is one after `start_worker`."""
        if self._worker is None:
            raise EbbtideError("no worker was started")
        return self._worker

    def start_broker(self, port: int | None = None, *, durable: bool = False) -> str:
        """The best embedded broker of this machine, if ``durable`` one that keeps its data; return its URL. Its data
        stay unless they are to be discarded."""
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            self.choice = choose_broker(None if self._discard else self.home / "broker", port=port, durable=durable)
            if self.choice.warning:
                self._say(f"warning: {self.choice.reason}. {self.choice.warning}")
            self._say(f"starting {self.name}")
            self.choice.broker.start()
        except BrokerError as error:
            raise EbbtideError(str(error)) from error
        return f"kafka://{self.choice.broker.bootstrap}"

    @property
    def limited(self) -> bool:
        """The broker is not Apache Kafka and lacks what its warning says."""
        return self.choice is not None and self.choice.limited

    @property
    def name(self) -> str:
        """The broker in two or three words."""
        reason = "" if self.choice is None else self.choice.reason
        return reason.split(" on ", 1)[0].split(",", 1)[0]

    def create_topics(self, settings: Settings) -> None:
        """Create what is missing."""
        from ebbtide.streams.topics import create_topics  # noqa: PLC0415  (kafka and Faust are slow to import)

        create_topics(settings)

    def start_worker(
        self,
        settings: Mapping[str, str],
        *,
        admin_port: int | None = None,
        inherit: bool = False,
        arguments: tuple[str, ...] = (),
    ) -> ServiceProcess:
        """Start the worker with these settings and wait until it works."""
        self._say("starting the worker")
        scratch = self.home if self._discard else None
        self._worker = ServiceProcess(
            "worker", self.home, settings, admin_port=admin_port, inherit=inherit, arguments=arguments, scratch=scratch
        )
        self._worker.wait_until_ready()
        return self._worker

    def start_service(
        self,
        command: str,
        settings: Mapping[str, str],
        *,
        inherit: bool = True,
        arguments: tuple[str, ...] = (),
    ) -> ServiceProcess:
        """Start a service beside the worker; ``inherit`` hands on our own settings. It is not waited for."""
        self._say(f"starting `ebbtide {command}`")
        scratch = self.home if self._discard else None
        service = ServiceProcess(command, self.home, settings, inherit=inherit, arguments=arguments, scratch=scratch)
        self._services.append(service)
        return service

    def start_sink(
        self,
        settings: Mapping[str, str],
        house: ClickHouseSettings,
        *,
        inherit: bool = False,
        arguments: tuple[str, ...] = (),
    ) -> str | None:
        """Start the history's sink: into the server that the settings name, else into a directory of ours if chDB is
        there. Where the history is, in words; None where there is none, which is said on screen. It is not waited for.
        """
        where, values = house.server, dict(settings)
        if house.embedded is not None:
            where = f"chDB in {house.embedded}"
        elif not house.names_server:
            if not chdb_installed():
                self._say("warning: no history is written: chDB is not installed (pip install 'ebbtide[embedded]')")
                return None
            directory = self.home / "history"
            values["CLICKHOUSE__EMBEDDED"] = str(directory)
            where = f"chDB in {directory}, as no ClickHouse server is named"
        self._say(f"the history: {where}")
        self.start_service("sink", values, inherit=inherit, arguments=("clickhouse", *arguments))
        return where

    def check(self) -> None:
        """Raise when a part ended by itself; the broker first, as its end ends the worker."""
        if self.choice is not None and not self.choice.broker.alive:
            raise BrokerEndedError(
                f"the broker ended by itself. Its log ends with:\n{_tail(self.choice.broker)}".rstrip()
            )
        for service in (*([] if self._worker is None else [self._worker]), *self._services):
            service.check()

    def stop(self) -> None:
        """Stop what runs; remove what is to be discarded. May be called at any time, also twice."""
        for service in reversed(self._services):
            if self._discard or (self.choice is not None and not self.choice.broker.alive):
                service.kill()  # what it holds is in Kafka, or is not wanted
            else:
                service.stop()
        if self._worker is not None:
            if self.choice is None or self.choice.broker.alive:
                self._worker.stop()
            else:
                self._worker.kill()
        if self.choice is not None:
            self.choice.broker.stop()
        if self._discard:
            shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def settings_for(url: str, settings: Settings | None = None, **others: object) -> Settings:
    """Settings that name this broker, ``others`` of the broker's too, the rest as given or as declared; the environment
    has no say."""
    base = Settings.model_construct() if settings is None else settings
    broker: BrokerSettings = base.broker.model_copy(update={"url": url, **others})
    return base.model_copy(update={"broker": broker})


def _tail(broker: Broker) -> str:
    tail = getattr(broker, "log_tail", None)
    return str(tail()) if callable(tail) else ""
