"""Taking fetched records out of aiokafka, with the positions they lie between. Runs in the consumer's thread."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError

from .records import ConsumerRecord, TopicPartition

__all__ = ["Fetched", "poll", "wake"]

Wanted = Callable[[], Collection[TopicPartition]]


class Fetched(NamedTuple):
    """`records` are all that the broker has in `[start, end)`; they may be none (control records only)."""

    records: Sequence[ConsumerRecord]
    start: int
    end: int
    high_watermark: int | None

    def slices(self, limit: int) -> Iterator["Fetched"]:
        """The same in pieces of at most so many records."""
        start = self.start
        for first in range(0, len(self.records) - limit, limit):
            records = self.records[first : first + limit]
            end = records[-1].offset + 1
            yield Fetched(records, start, end, self.high_watermark)
            start = end
        rest = len(self.records) - (len(self.records) - 1) % limit - 1 if self.records else 0
        yield Fetched(self.records[rest:], start, self.end, self.high_watermark)


async def poll(consumer: Any, wanted: Wanted, timeout: float) -> dict[TopicPartition, Fetched]:
    """All fetched records of each wanted partition; waits until there are some, or nothing is wanted, or `timeout` is
    over.

    aiokafka's `fetched_records` gives records without the positions around them, so compaction and loss look alike
    from outside; and its limit leaves the rest of a fetch behind, which stops the fetching of that partition and,
    for a while, of the others.
    """
    fetcher, loop = consumer._fetcher, asyncio.get_running_loop()
    subscriptions = fetcher._subscriptions
    deadline = loop.time() + timeout
    with subscriptions.fetch_context():  # counts as a poll for max.poll.interval
        while True:
            if consumer._closed or fetcher._closed:
                raise ConsumerStoppedError()
            if subscriptions.reassignment_in_progress:
                await subscriptions.wait_for_assignment()
            # Asked anew after each wait: partitions are paused and resumed from the main thread meanwhile.
            tps = wanted()
            fetched = _take(fetcher, tps) if tps else {}
            remaining = deadline - loop.time()
            if fetched or not tps or remaining <= 0:
                return fetched
            waiter = fetcher._create_fetch_waiter()
            done, _ = await asyncio.wait([waiter], timeout=remaining)
            if done:
                waiter.result()  # raises critical errors of the coordinator
            else:
                waiter.cancel()


def _take(fetcher: Any, tps: Collection[TopicPartition]) -> dict[TopicPartition, Fetched]:
    fetched: dict[TopicPartition, Fetched] = {}
    for key in list(fetcher._records):
        tp = TopicPartition(*key)
        if tp not in tps:
            if not fetcher._subscriptions.is_assigned(key):
                del fetcher._records[key]
            continue
        result = fetcher._records[key]
        if type(result) is not FetchResult:
            if fetched:
                break  # hand over what there is; the error comes with the next poll
            del fetcher._records[key]
            fetcher._notify(fetcher._wait_consume_future)
            result.check_raise()
            continue
        state = result._assignment.state_value(key)
        start = state._position
        records = result.getall()
        del fetcher._records[key]
        fetcher._notify(fetcher._wait_consume_future)
        end = state._position
        # Equal when a seek overtook the fetch: aiokafka then returns nothing and does not move.
        if start is not None and end is not None and end > start:
            fetched[tp] = Fetched(records, start, end, state.highwater)
    return fetched


def wake(consumer: Any) -> None:
    """Let a waiting `poll` ask again what is wanted."""
    fetcher = consumer._fetcher
    for waiter in list(fetcher._fetch_waiters):
        fetcher._notify(waiter)
