"""Record batches in and out of Kafka, with Faust for groups, assignment and table recovery. The only place that
touches Faust's insides.

    config = TransportConfig(app_id="profiles", bootstrap="localhost:9092", data_dir=Path("data/0"), partitions=8)
    app = build_app(config)
    stage = app.stage("profiles", ["events", "identity-assignments"], app.state_table("profiles"))

    @stage.on_assigned
    def rebuild(partitions: frozenset[int]) -> None:
        for partition in partitions:
            shards[partition] = Shard(stage.table.items(partition))

    @stage.on_revoked
    def drop(partitions: frozenset[int]) -> None:
        for partition in partitions:
            shards.pop(partition, None)

    @stage.agent
    async def profiles(stream):
        async for batches in stage.batches(stream, linger=0.2):
            outputs, writes = [], {}
            for batch in batches:
                # the pure core; it skips offsets that the state has seen
                outputs += shards[batch.partition].fold(batch)
            for partition in {batch.partition for batch in batches}:
                writes[partition] = shards[partition].changed()  # key -> bytes, or None to delete
            await stage.flush(batches, outputs, writes)

    run_worker(app)

What holds:
- A batch has the records of one partition in offset order. `stage.batches` gives what is ready; of a topic and
  partition that may be several batches, one after the other. Nothing is lost and nothing reordered within a
  partition; records come again after a crash or a rebalance, so state keeps the last offset it has seen of each input
  partition.
  It does so in every value: the writes of a flush are one Kafka batch, all or nothing, only up to `batch_bytes`.
- `flush` sends the outputs, then the changelog, then writes the local store, then acknowledges. It returns when all
  is durable. An exception from it, or any other that leaves the agent, ends the worker and acknowledges nothing.
- What is committed is the end of the acknowledged prefix. A batch that is not flushed blocks the commit, a
  rebalance (until the worker ends itself), and, with `in_flight_batches` others and `max_poll_records` records, the
  partition.
- All stages share one loop: what takes more than a few milliseconds goes in steps, with a `Breath` between them.
- What takes seconds is awaited with `stage.aside(function)`, in a thread: the loop turns, and a rebalance waits.
- `on_assigned` comes before any batch of those partitions, once for each. A shard of a partition that stayed, and whose
  changelog nobody else wrote meanwhile, is not rebuilt.
- `app.health` and `app.counters` tell the state; `Watchdog` ends a worker that has lag and does not move.
- What is sent outside of a flush (ticks) goes through `app.batch_producer.send_all`, and may not change state.
- Tests that run an app in their own process set `exit_grace=None`, or a crash ends that process.
- Input topics exist already; those of a stage have equal partition counts. Changelog topics are created.
"""

from .app import App, build_app
from .breath import Breath
from .config import Credentials, TransportConfig
from .counters import Counters
from .health import Health, PartitionHealth
from .lease import FencedError
from .producer import BatchProducer
from .records import ConsumerRecord, Output, RecordBatch, TopicPartition
from .stage import Stage, Writes, ready_batches
from .table import StateTable
from .watchdog import Observation, Verdict, Watch, Watchdog, judge
from .worker import run_worker

__all__ = [
    "App",
    "BatchProducer",
    "Breath",
    "ConsumerRecord",
    "Counters",
    "Credentials",
    "FencedError",
    "Health",
    "Observation",
    "Output",
    "PartitionHealth",
    "RecordBatch",
    "Stage",
    "StateTable",
    "TopicPartition",
    "TransportConfig",
    "Verdict",
    "Watch",
    "Watchdog",
    "Writes",
    "build_app",
    "judge",
    "ready_batches",
    "run_worker",
]
