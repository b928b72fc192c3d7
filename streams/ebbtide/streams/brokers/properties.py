"""Settings of a single Kafka node that is broker and controller at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ebbtide.streams.brokers.ports import HOST

NODE_ID = 1


@dataclass(frozen=True, slots=True)
class Listener:
    """A further address of a broker, with a protocol of its own; ``settings`` go below `listener.name.<name>.`."""

    name: str
    protocol: str
    port: int
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def address(self) -> str:
        """As `listeners` names it."""
        return f"{self.name}://{HOST}:{self.port}"


def server_properties(
    *, port: int, controller_port: int, data: Path, partitions_default: int, further: Sequence[Listener] = ()
) -> str:
    """The text of server.properties: loopback only, no topic by accident, quick to start and to join."""
    addresses = [f"PLAINTEXT://{HOST}:{port}", *(listener.address for listener in further)]
    protocols = ["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"]
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@{HOST}:{controller_port}",
        "listeners": ",".join([*addresses, f"CONTROLLER://{HOST}:{controller_port}"]),
        "advertised.listeners": ",".join(addresses),
        "listener.security.protocol.map": ",".join(
            [*protocols, *(f"{listener.name}:{listener.protocol}" for listener in further)]
        ),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": data,
        # A misspelt topic is an error, never a new topic with a partition count nobody chose.
        "auto.create.topics.enable": "false",
        "num.partitions": partitions_default,
        "default.replication.factor": 1,
        "offsets.topic.replication.factor": 1,
        # 50 by default; each costs files and time at the first join.
        "offsets.topic.num.partitions": 2,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 2,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        # 3 s by default, to wait for more members: one developer has few.
        "group.initial.rebalance.delay.ms": 0,
        # After a kill -9 the controller lets the broker back in when the session of its former life has ended: with the
        # default of 9 s a restart took 11 s.
        "broker.session.timeout.ms": 3_000,
        "broker.heartbeat.interval.ms": 500,
        # 128 MB by default, a quarter of our heap.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    }
    for listener in further:
        of = f"listener.name.{listener.name.lower()}"
        settings |= {f"{of}.{name}": value for name, value in listener.settings.items()}
    return "".join(f"{name}={value}\n" for name, value in settings.items())
