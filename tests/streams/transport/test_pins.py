"""The transport stands on the insides of three packages. When one of them changes, look at each of these before
raising a pin.
"""

import inspect
from importlib.metadata import version
from typing import Any

import faust
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState, TopicPartitionState
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.producer.sender import SendProduceReqHandler
from faust.app.base import App
from faust.stores.base import Store
from faust.streams import Stream
from faust.tables.base import Collection
from faust.tables.recovery import Recovery
from faust.transport import conductor, consumer
from faust.transport.drivers import TRANSPORTS, aiokafka
from mode.utils.queues import FlowControlEvent, FlowControlQueue


@pytest.mark.parametrize(
    ("package", "pinned"), [("faust-streaming", "0.15.3"), ("mode-streaming", "0.7.1"), ("aiokafka", "0.14.0")]
)
def test_versions(package: str, pinned: str) -> None:
    assert version(package) == pinned


def source(of: Any) -> str:
    return inspect.getsource(getattr(of, "fun", of))  # mode wraps background tasks


def test_the_end_of_a_recovery_has_the_steps_that_the_hook_relies_on() -> None:
    # Signal, then resume partitions, seek, clear queues and let flow go, and only then end the rebalance.
    for steps in (source(Recovery.on_recovery_completed), source(Recovery._resume_streams)):
        places = [
            steps.index(step)
            for step in (
                "on_rebalance_complete.send()",
                "consumer.resume_partitions(",
                "consumer.perform_seek()",
                "flow_control.resume()",
                "consumer.resume_flow()",
                "on_rebalance_end()",
            )
        ]
        assert places == sorted(places)


def test_recovery_takes_offsets_from_where_the_consumer_writes_them() -> None:
    assert "highwater - offsets[tp]" in source(Recovery.active_remaining)
    assert "table.persisted_offset(tp)" in source(Recovery._add)
    assert "_maybe_signal_recovery_end()" in source(Recovery._slurp_changelogs)
    assert "offset > seen_offset" in source(Recovery._slurp_changelogs)
    assert "self.data.persisted_offset(tp)" in source(Collection.persisted_offset)
    assert inspect.isabstract(Store)


def test_a_rebalance_waits_for_the_consumer_before_it_gives_partitions_away() -> None:
    steps = source(App._on_partitions_revoked)
    order = ("stop_flow", "flow_control.clear", "_consumer_wait_empty", "on_partitions_revoked.send")
    places = [steps.index(step) for step in order]
    assert places == sorted(places)
    assert "consumer.wait_empty()" in source(App._consumer_wait_empty)
    assert "self.rebalancing = True" in source(App.on_rebalance_start)
    assert "on_rebalance_start()" in source(aiokafka.ConsumerRebalanceListener.on_partitions_revoked)


def test_streams_acknowledge_only_topics_that_ask_for_it() -> None:
    assert "if channel.acks:" in source(conductor.Conductor._update_indices)
    assert "acks_enabled_for" in source(consumer.Consumer.ack)
    assert "self._tp_index" in source(conductor.Conductor.on_partitions_assigned)
    assert "on_merge" in source(Stream._py_aiter)
    assert "for processor in processors" in source(Stream._py_aiter)


def test_queues_are_as_they_are_used() -> None:
    assert "self._queue.clear()" in source(FlowControlQueue.clear)
    assert "self.clear()" in source(FlowControlEvent.resume)
    assert hasattr(FlowControlQueue, "force_put_nowait")


def test_the_commit_loop_calls_what_is_overridden() -> None:
    assert "self.force_commit(" in source(consumer.Consumer.commit)
    assert "consumer._drain_messages(self)" in source(consumer.Fetcher._fetcher)
    assert "await self.commit()" in source(consumer.Consumer._commit_handler)
    assert hasattr(aiokafka.AIOKafkaConsumerThread, "_create_worker_consumer")
    assert TRANSPORTS.aliases


def test_fetched_records_are_where_they_are_taken_from() -> None:
    for name in ("_records", "_fetch_waiters", "_wait_consume_future", "_prefetch_backoff", "_subscriptions"):
        assert f"self.{name} = " in source(Fetcher.__init__)
    assert "self._fetch_max_wait_ms" in source(aiokafka.aiokafka.AIOKafkaConsumer.start)
    assert list(inspect.signature(FetchResult.getall).parameters) == ["self", "max_records"]
    assert "self._assignment" in source(FetchResult.__init__)
    assert "position != self._partition_records.next_fetch_offset" in source(FetchResult.check_assignment)
    assert "self._position = " in source(TopicPartitionState.__init__)
    assert hasattr(SubscriptionState, "fetch_context")
    assert "DEFAULT_GENERATION_ID" in source(GroupCoordinator.reset_generation)


def test_idempotent_batches_are_retried_for_ever_and_in_order() -> None:
    assert "self._sender._txn_manager is None and batch.expired()" in source(SendProduceReqHandler._can_retry)
    assert "wait_drain" in source(MessageAccumulator.add_batch)
    assert "DuplicateSequenceNumber" in source(SendProduceReqHandler.handle_response)


def test_produce_requests_and_heartbeats_go_where_they_are_held_back() -> None:
    assert "await self._client.send(node_id, request)" in source(SendProduceReqHandler.do)
    assert "await self._do_heartbeat()" in source(GroupCoordinator._heartbeat_routine)
    assert "self._session_timeout_ms = " in source(GroupCoordinator.__init__)
    # Nothing is waited for between a connection that is ready and the bytes that go to it.
    assert source(AIOKafkaClient.send).count("await ") == 2
    assert not inspect.iscoroutinefunction(AIOKafkaConnection.send)


def test_tables_name_their_changelog() -> None:
    assert "self._changelog_topic_name()" in source(faust.Table._new_changelog_topic)
