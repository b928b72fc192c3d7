"""The identity graph of one tenant on one core, against what any program must do with the same links.

    ebbtide bench identity

Known links against a lookup of the pair in a dict; new links, each settled by itself, against a bare union-find; the
restore from stored records against decoding them; the rebuild from the log, a file of the topic's records on disk,
against reading and parsing that log; the switch of that tenant to another limit, and its restore, in an event loop and
beside it as in the worker, by the longest gap of that loop's heartbeat. Besides: one link into a component of 300, and
memory.
Persons have a user id, an e-mail and four anonymous ids; every hundredth shares one with the next, which is refused. In
the log each is also in an account of twenty. Links come in random order. Both sides run one after the other on the same
core, the collector off, as in a replay.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.identity.evidence import Weight
from ebbtide.models.identity.generation import rules_of
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.identifiers import identifier_of
from ebbtide.models.identity.shard import IdentityShard
from ebbtide.models.identity.stored import decode
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.identity import EvidenceClass, IdentityLink, IdentityOperation, IdentityRebuild, MembershipKind
from ebbtide.streams.codec import Evidence, evidence
from ebbtide.streams.garbage import rarely_collect
from ebbtide.streams.identity_log import TOPIC, TenantLog
from ebbtide.streams.transport.aside import Aside
from ebbtide.streams.transport.counters import Counters

IDENTIFIERS = 1_000_000
PER_PERSON = 6
PER_ACCOUNT = 20
COMPONENT = 300
_BEAT_SECONDS = 0.02

Row = tuple[str, str, Weight, str]


def run(*, identifiers: int = IDENTIFIERS, seed: int = 1) -> dict[str, Any]:
    """Links, then a restore and a rebuild of ``identifiers``, each in a process of its own; minutes for a million."""
    return {
        "links": _apart("links", identifiers // 5, seed),
        "restore": _apart("restore", identifiers, seed),
        "rebuild": _apart("rebuild", identifiers, seed),
        "switch": _apart("switch", identifiers, seed),
        "load_average": os.getloadavg()[0],
    }


def render(result: dict[str, Any]) -> str:
    """The result as a table."""
    links, restore, rebuild, switch = (result[name] for name in ("links", "restore", "rebuild", "switch"))
    lines = [f"{'work':<34} {'rate/s':>11} {'baseline/s':>11} {'ratio':>6}  baseline"]
    for name, side, baseline in (
        ("known links", links["known"], "a pair in a dict"),
        ("new links, a settle after each", links["new"], "union-find"),
        ("records restored", restore["records"], "decode them"),
        ("records rebuilt from the log", rebuild["records"], "read and parse the log"),
    ):
        lines.append(f"{name:<34} {side['rate']:>11,.0f} {side['baseline']:>11,.0f} {side['ratio']:>6.3f}  {baseline}")
    lines += [
        f"one link into a component of {COMPONENT}: {links['leaf_ms']:.3f} ms, "
        f"where it is clustered anew {links['anew_ms']:.2f} ms",
        f"{restore['identifiers']:,} identifiers restored in {restore['seconds']:.1f} s; "
        f"memory: {restore['bytes']:,.0f} bytes each",
        f"{rebuild['identifiers']:,} identifiers rebuilt from a log of {rebuild['log_bytes'] / 1e6:,.0f} MB in "
        f"{rebuild['seconds']:.1f} s; reading that log alone takes {rebuild['read_seconds']:.1f} s: "
        f"{rebuild['seconds'] / rebuild['read_seconds']:.1f} times as long",
        f"{switch['identifiers']:,} identifiers switched to another limit in {switch['seconds']:.1f} s beside an event "
        f"loop, {switch['seconds'] / rebuild['read_seconds']:.1f} times as long as reading the log; the loop stood "
        f"{switch['stall_seconds']:.2f} s at most",
        f"the same in the loop: {switch['inline_seconds']:.1f} s, and it stood {switch['inline_stall_seconds']:.2f} s; "
        f"restored beside it: {switch['restore_seconds']:.1f} s, and it stood {switch['restore_stall_seconds']:.2f} s",
        f"load average {result['load_average']:.1f}",
    ]
    return "\n".join(lines)


def measure_links(identifiers: int, seed: int) -> dict[str, Any]:
    """New links, the same links again, and both ways of a link into a component of 300."""
    rows = list(_rows(identifiers, seed))
    graph = IdentityGraph("bench", IdentityPolicy())

    def grow() -> None:
        for epoch, row in enumerate(rows):
            graph.link(*row)
            graph.settle(epoch)

    def repeat() -> None:
        for row in rows:
            graph.link(*row)

    pairs: dict[tuple[str, str], tuple[Weight, str]] = {}

    def look_up() -> None:
        for a, b, weight, event_id in rows:
            known = pairs.get((a, b))
            if known is None or weight < known[0]:
                pairs[a, b] = (weight, event_id)

    new, bare = _seconds(grow), _seconds(lambda: _union_find(rows))
    look_up()
    known, looked_up = _seconds(repeat), _seconds(look_up)
    leaf, anew = _component()
    return {
        "new": _compared(len(rows), new, bare),
        "known": _compared(len(rows), known, looked_up),
        "leaf_ms": leaf * 1000,
        "anew_ms": anew * 1000,
    }


def measure_restore(identifiers: int, seed: int) -> dict[str, Any]:
    """A restore from stored records, and how much memory it takes."""
    graph = IdentityGraph("bench", IdentityPolicy())
    for row in _rows(identifiers, seed):
        graph.link(*row)
    graph.settle(1)
    stored = list(graph.take_writes())
    del graph
    gc.collect()
    bare = _seconds(lambda: [None for key, value in stored if decode(key, value) is None])
    restored: list[IdentityGraph] = []
    seconds = _seconds(lambda: restored.append(IdentityGraph.restore("bench", IdentityPolicy(), stored)))
    count = len(restored[0].nodes)
    return {
        "records": _compared(len(stored), seconds, bare),
        "identifiers": count,
        "seconds": seconds,
        "bytes": _apart("memory", identifiers // 8, seed)["bytes"],
    }


def measure_rebuild(identifiers: int, seed: int) -> dict[str, Any]:
    """A log as it lies on the topic, read as the worker reads it; then its graph and its members, owners settled."""
    with tempfile.TemporaryDirectory(prefix="ebbtide-bench-") as directory:
        path = Path(directory) / f"{TOPIC}.ndjson"
        count = 0
        with path.open("wb") as log:
            for link in _log(identifiers, seed):
                log.write(link.to_json() + b"\n")
                count += 1
        rebuilt: list[TenantLog] = []

        def read() -> None:
            for _ in _records(path):
                pass

        def rebuild() -> None:
            tenant = TenantLog("bench", rules_of(IdentityPolicy()), stated=True)
            for epoch, record in enumerate(_records(path), start=1):
                tenant.add(record, epoch)
            tenant.settle()
            rebuilt.append(tenant)

        bare, seconds = _seconds(read), _seconds(rebuild)
        return {
            "records": _compared(count, seconds, bare),
            "identifiers": len(rebuilt[0].graph.nodes),
            "log_bytes": path.stat().st_size,
            "read_seconds": bare,
            "seconds": seconds,
        }


def measure_switch(identifiers: int, seed: int) -> dict[str, Any]:
    """A shard that is switched to two user ids a person and back, and one restored from its table: how long it takes,
    and the longest gap of a heartbeat in an event loop; in that loop, and in a thread beside it as in the worker.
    """
    rarely_collect()
    narrow = IdentityPolicy()
    wide = IdentityPolicy(limits={**narrow.limits, IdentifierType.USER_ID: 2})
    shard = IdentityShard(0, frozenset(), narrow, ())
    for offset, link in enumerate(_log(identifiers, seed)):
        shard.apply(offset, link, now_ms=0)
    table = shard.flush().writes

    def switch(number: int, policy: IdentityPolicy) -> None:
        at = from_ms(0)
        record = IdentityRebuild("bench", f"switch {number}", number, rules_of(policy), at, "bench", "bench")
        shard.apply(shard.applied + 1, record, now_ms=None)
        shard.flush()

    def restore() -> None:
        stored = ((key, value) for key, value in table.items() if value is not None)
        IdentityShard(0, frozenset(), narrow, stored).dissolve()

    inline, inline_stall = asyncio.run(_stall(switch, 2, wide, beside=False))
    seconds, stall = asyncio.run(_stall(switch, 3, narrow, beside=True))
    restored, restore_stall = asyncio.run(_stall(restore, beside=True))
    return {
        "identifiers": sum(len(graph.nodes) for graph in shard.graphs.values()),
        "seconds": seconds,
        "stall_seconds": stall,
        "inline_seconds": inline,
        "inline_stall_seconds": inline_stall,
        "restore_seconds": restored,
        "restore_stall_seconds": restore_stall,
    }


async def _stall(work: Callable[..., None], *arguments: Any, beside: bool) -> tuple[float, float]:
    """Seconds of the work, and the longest gap between two heartbeats of this loop meanwhile."""
    beats = [perf_counter()]

    async def beat() -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            beats.append(perf_counter())

    heart = asyncio.create_task(beat())
    await asyncio.sleep(5 * _BEAT_SECONDS)
    began = perf_counter()
    if beside:
        await Aside(Counters()).run(work, *arguments)
    else:
        work(*arguments)
    seconds = perf_counter() - began
    await asyncio.sleep(_BEAT_SECONDS)
    heart.cancel()
    return seconds, max(later - earlier for earlier, later in pairwise(beats)) - _BEAT_SECONDS


@dataclass(slots=True)
class _Record:
    """What the worker's reader looks at of a record; one object for all, so that it is the reader that is measured."""

    value: bytes
    topic: str = TOPIC
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    key: bytes = b"bench"
    headers: tuple[tuple[str, bytes | None], ...] = ()


def _records(path: Path) -> Iterator[Evidence]:
    record = _Record(b"")
    with path.open("rb") as log:
        for line in log:
            record.value = line
            found = evidence(record)
            assert isinstance(found, IdentityLink | IdentityOperation)
            yield found


def _log(identifiers: int, seed: int) -> Iterator[IdentityLink]:
    """The links of the persons, and after a person's e-mail that it is in an account."""
    for a, b, weight, event_id in _rows(identifiers, seed):
        subject, at = identifier_of(a), from_ms(weight.at_ms)
        yield IdentityLink("bench", subject, identifier_of(b), EvidenceClass(weight.evidence), at, event_id)
        if b.startswith("email/"):
            account = identifier_of(f"group_id/{int(subject.value) // PER_ACCOUNT:06d}")
            yield IdentityLink(
                "bench", subject, account, EvidenceClass.SEEN_TOGETHER, at, event_id, MembershipKind.SEEN
            )


def measure_memory(identifiers: int, seed: int) -> dict[str, Any]:
    """Growth of the resident memory by a graph and its keys, fed link by link so that nothing else stays."""
    graph = IdentityGraph("bench", IdentityPolicy())
    before = _resident()
    for row in _rows(identifiers, seed, shuffled=False):
        graph.link(*row)
    graph.settle(1)
    for _ in graph.take_writes():
        pass
    return {"bytes": (_resident() - before) / len(graph.nodes)}


def _rows(identifiers: int, seed: int, *, shuffled: bool = True) -> Iterator[Row]:
    """Links of persons of six identifiers."""
    random = Random(seed)
    persons = identifiers // PER_PERSON
    stars = [(person, other) for person in range(persons) for other in range(PER_PERSON - 1)]
    stars += [(person, PER_PERSON - 1) for person in range(0, persons, 100)]
    if shuffled:
        random.shuffle(stars)
    for n, (person, other) in enumerate(stars):
        weight = Weight(EvidenceClass.SEEN_TOGETHER, 1_735_689_600_000 + random.randrange(1 << 34))
        if other == 0:
            name = f"email/person-{person}@example.com"
        elif other == PER_PERSON - 1:
            name = f"anonymous_id/0000-{(person + 1) % persons:08x}-1"
        else:
            name = f"anonymous_id/0000-{person:08x}-{other}"
        yield f"user_id/{person:08d}", name, weight, f"message-{n:012d}"


def _component() -> tuple[float, float]:
    """Seconds of a link to a component that is one cluster, and to one where a link is refused."""
    graph = IdentityGraph("bench", IdentityPolicy())
    for n in range(COMPONENT - 2):
        graph.link("user_id/1", f"anonymous_id/{n}", Weight(EvidenceClass.SEEN_TOGETHER, n), "m")
    graph.settle(1)

    def join(a: str, b: str, at_ms: int) -> float:
        def work() -> None:
            graph.link(a, b, Weight(EvidenceClass.SEEN_TOGETHER, at_ms), "m")
            graph.settle(1)

        return _seconds(work)

    leaf = join("user_id/1", "anonymous_id/new", 1_000)
    join("user_id/2", "anonymous_id/0", 1_001)
    return leaf, join("user_id/2", "anonymous_id/1", 0)


def _union_find(rows: list[Row]) -> None:
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        above = parent.setdefault(key, key)
        while above != key:
            parent[key] = parent[above]
            key, above = above, parent[above]
        return key

    for a, b, _, _ in rows:
        parent[root(b)] = root(a)


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    began = perf_counter()
    work()
    seconds = perf_counter() - began
    gc.enable()
    return seconds


def _compared(count: int, seconds: float, baseline: float) -> dict[str, float]:
    return {"rate": count / seconds, "baseline": count / baseline, "ratio": baseline / seconds}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def _apart(what: str, identifiers: int, seed: int) -> dict[str, Any]:
    """Measure in a process of its own on one core."""
    core = min(os.sched_getaffinity(0))
    program = f"import json; from {__name__} import *; print(json.dumps(measure_{what}({identifiers}, {seed})))"
    finished = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    result: dict[str, Any] = json.loads(finished.stdout)
    return result
