"""Counts of messages over the partitions of a topology: what `profiles` told against what `customers` hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from random import Random
from typing import NamedTuple

from ebbtide.models.customer.partition_state import Count
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.pipeline import RAW
from ebbtide.schemas.events import Event
from ebbtide.schemas.profile_state import Tick
from support.histories import POLICY
from support.raw import messages, punctuation
from support.topology import EVENTS, STATES, Topology


class Sum(NamedTuple):
    """Of one source: all totals that it told at an instant, and what all customers hold."""

    told: frozenset[int]
    held: int


def every_count(topology: Topology) -> dict[tuple[str, int], Sum]:
    """By source and instant, as customers without any trouble count what was told."""
    sources = frozenset(f"profiles/{n}" for n in range(len(topology.profiles)))
    found: dict[tuple[str, int], list[Count]] = defaultdict(list)
    for n in range(len(topology.customers)):
        shard, known = CustomerShard(n, sources, POLICY, ()), dict[tuple[str, int], Count]()
        for offset, record in enumerate(topology.bus.logs[STATES, n]):
            shard.apply(STATES, offset, record, now_ms=None)
            if isinstance(record, Tick):
                known |= {(source, count.at_ms): count for source, count in shard.counts.items()}
        for key, count in known.items():
            found[key].append(count)
    return {key: _sum(counts) for key, counts in found.items()}


def last_counts(topology: Topology) -> dict[str, Sum]:
    """By source, as the customers of the topology counted last."""
    shards: Iterable[Mapping[str, Count]] = [stage.shard.counts for stage in topology.customers]
    return {source: _sum([counts[source] for counts in shards]) for source in set().union(*shards)}


def _sum(counts: list[Count]) -> Sum:
    assert len({count.at_ms for count in counts}) == 1
    return Sum(frozenset(count.told for count in counts), sum(count.held for count in counts))


def calm(topology: Topology, until: datetime) -> None:
    """Let time go on to ``until`` with nothing in the way."""
    log = topology.bus.logs[RAW, 0]
    log.extend(messages([punctuation(until)], len(log)))
    topology.run(Random(0))


def distinct(topology: Topology) -> dict[str, int]:
    """Accepted messages by source."""
    return {
        f"profiles/{n}": len({record.event_id for record in topology.bus.logs[EVENTS, n] if isinstance(record, Event)})
        for n in range(len(topology.profiles))
    }
