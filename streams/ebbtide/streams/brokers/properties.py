"""Settings of a single Kafka node that is broker and controller at once."""

from pathlib import Path

from ebbtide.streams.brokers.ports import HOST

NODE_ID = 1


def server_properties(*, port: int, controller_port: int, data: Path, partitions_default: int) -> str:
    """The text of server.properties: loopback only, no topic by accident, quick to start and to join."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
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
    return "".join(f"{name}={value}\n" for name, value in settings.items())
