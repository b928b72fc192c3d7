"""The Faust app, set up the one way that was measured to be safe."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import faust
from faust.exceptions import PartitionsMismatch
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from mode import CrashingSupervisor

from .aside import Aside
from .config import Credentials, TransportConfig
from .counters import Counters
from .driver import SCHEME
from .exit import die
from .health import Health
from .lease import FencedError
from .monitor import SlimMonitor
from .producer import BatchProducer
from .readback import read_back
from .records import ConsumerRecord, TopicPartition
from .stage import Stage
from .stream import BatchStream, BatchTopic
from .table import StateTable
from .watchdog import Watchdog

__all__ = ["App", "build_app"]


def build_app(config: TransportConfig) -> "App":
    """An app for this worker; declare stages on it, then run it (`run_worker`, or `start()` and `stop()` in a loop
    of yours).
    """
    config.data_dir.mkdir(parents=True, exist_ok=True)
    return App(config)


class App(faust.App):  # type: ignore[misc]
    """Faust's app with record batches, a batch producer, health and a watchdog."""

    def __init__(self, config: TransportConfig) -> None:
        self.config = config
        self.stages: list[Stage] = []
        #: The topic that is to be read again before a topic, see `stage`.
        self.read_first: dict[str, str] = {}
        self._revoking = False
        super().__init__(config.app_id, **_settings(config))
        self._client = {"bootstrap_servers": config.bootstrap.split(","), **_authentication(config.credentials)}
        self.batch_producer = BatchProducer(
            self._client,
            counters=self.counters,
            idempotent=config.idempotent,
            batch_bytes=config.batch_bytes,
            compression=config.compression,
            delivery_timeout=config.delivery_timeout,
            fence=self.hold,
        )
        self.aside = Aside(self.counters)
        self.health = Health(self)
        self.watchdog = Watchdog(self.health, limit=config.stall_seconds)
        self.on_rebalance_complete.connect(self._recovered)

    @property
    def counters(self) -> Counters:
        counters: Counters = self.transport.counters
        return counters

    def state_table(self, name: str) -> StateTable:
        """Declare a table; its changelog topic is `<app id>-<name>-changelog`, created if missing, compacted."""
        table: StateTable = self.tables.add(
            StateTable(self, name, partitions=self.config.partitions, beacon=self.tables.beacon)
        )
        return table

    def stage(
        self, name: str, inputs: Sequence[str], table: StateTable | None = None, *, echoes: bool = False
    ) -> Stage:
        """Declare a stage: topics with equal partition counts, and the table that it alone writes.

        With ``echoes`` the inputs after the first hold answers to what the stage itself sent. Whoever takes over a
        partition then reads the first input to where it ended at that moment, and flushes, before it reads the others:
        an answer to what the worker before said must not be heard before it is said again.
        """
        stage = Stage(self, name, inputs, table)
        self.stages.append(stage)
        if echoes:
            self.read_first.update(dict.fromkeys(inputs[1:], inputs[0]))
        return stage

    async def hold(self, *, anew: bool = False) -> None:
        """Return when this worker certainly still has its partitions; ask the group, with `anew` in any case. Ends the
        process if not.
        """
        try:
            await self.consumer.hold(anew=anew)
        except FencedError as error:
            if self.config.exit_grace is not None:
                # Others have its partitions. What it has in hand is theirs to do, so there is nothing to end in order.
                die(f"{error}, with records still to write")
            raise

    async def read_back(self, tp: TopicPartition, start: int, end: int) -> list[ConsumerRecord]:
        """The records in `[start, end)` of a partition, whoever has it."""
        return await read_back(self._client, tp, start, end, timeout=self.config.delivery_timeout)

    async def _recovered(self, *args: Any, **kwargs: Any) -> None:
        """Tables are recovered; partitions are about to be resumed and sought to their committed offsets.

        Faust lets records flow here already, and later clears the queues they went to (#596). So stop flow:
        recovery resumes it at its end.
        """
        self.flow_control.suspend()
        self.consumer.stop_flow()
        assignment = self.consumer.assignment()
        for stage in self.stages:
            await self._check_partitions(stage)
            await stage.assign(frozenset(tp.partition for tp in assignment if tp.topic in stage.inputs))
        if self.overtaken:
            # Flow must not be resumed for an assignment that has ended. Faust cancels this recovery when it begins
            # that of the next one.
            await asyncio.Event().wait()

    def on_rebalance_start(self) -> None:
        self._revoking = True
        super().on_rebalance_start()

    def on_reassigned(self) -> None:
        """The group has given partitions out; their tables are not recovered yet."""
        self._revoking = False

    @property
    def overtaken(self) -> bool:
        """The assignment whose recovery runs has ended, or the app is about to: nothing more is built for it.

        Never without tables: then nothing takes long, and Faust does not cancel.
        """
        if not self.tables:
            return False
        recovered = self.tables.recovery._generation_id
        return bool(self._revoking or self.should_stop or recovered != self.consumer_generation_id)

    async def _check_partitions(self, stage: Stage) -> None:
        # Asked of the brokers: the consumer knows all topics only if it leads its group.
        names = [*stage.inputs, *([stage.table.changelog_topic_name] if stage.table is not None else [])]
        counts = {name: await self.batch_producer.partitions_of(name) for name in names}
        if len(set(counts.values())) > 1:
            raise PartitionsMismatch(f"stage {stage.name!r} needs equal partition counts, not {counts}")

    async def on_start(self) -> None:
        await super().on_start()
        await self.batch_producer.start()
        self.watchdog.start()

    async def on_stop(self) -> None:
        self.watchdog.stop()
        await super().on_stop()
        await self.batch_producer.stop()

    def _crash(self, reason: BaseException) -> None:
        if not self.crashed and self.config.exit_grace is not None:
            # An orderly shutdown after a crash can hang; a worker that is neither working nor gone is the worst.
            timer = threading.Timer(self.config.exit_grace, die, [f"still here after crash: {reason!r}"])
            timer.daemon = True
            timer.start()
        super()._crash(reason)


def _settings(config: TransportConfig) -> dict[str, Any]:
    return {
        "broker": [f"{SCHEME}://{server}" for server in config.bootstrap.split(",")],
        "broker_credentials": _credentials(config.credentials),
        "version": config.version,
        "autodiscover": False,
        "datadir": config.data_dir,
        "store": f"{config.store}://",
        "topic_partitions": config.partitions,
        "topic_replication_factor": config.replication_factor,
        # Only changelogs: see BatchTopic.
        "topic_allow_declare": True,
        "topic_disable_leader": True,
        "table_standby_replicas": 0,
        "consumer_auto_offset_reset": "earliest",
        "broker_commit_interval": config.commit_interval,
        "broker_session_timeout": config.session_timeout,
        "broker_heartbeat_interval": config.heartbeat_interval,
        "broker_rebalance_timeout": config.rebalance_timeout,
        "broker_request_timeout": config.request_timeout,
        "stream_wait_empty": True,
        "stream_recovery_delay": 0.0,
        "processing_guarantee": "at_least_once",
        "agent_supervisor": CrashingSupervisor,
        "Monitor": SlimMonitor,
        "Topic": BatchTopic,
        "Stream": BatchStream,
        "web_enabled": False,
    }


def _credentials(credentials: Credentials | None) -> Any:
    if credentials is None:
        return None
    if credentials.username is None:
        return faust.SSLCredentials(credentials.ssl_context)
    return faust.SASLCredentials(
        username=credentials.username,
        password=credentials.password,
        mechanism=credentials.mechanism,
        ssl_context=credentials.ssl_context,
    )


def _authentication(credentials: Credentials | None) -> dict[str, Any]:
    return dict(credentials_to_aiokafka_auth(_credentials(credentials)))
