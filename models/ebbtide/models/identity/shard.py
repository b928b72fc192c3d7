"""One partition of ``identity-links``: folds links, names and decisions, tells owners and time (identity §2).

A link counts when time has passed it. The profile partitions are read at different speeds, so a link of a fast one may
come days before those that a slow one still has to say about the days between; it is *held* until all have passed its
time. The *barrier* is how far that is: the last midnight, or observation instant, that every profile partition passed.
It moves from instant to instant, and at each the links of before it count together. So the owners as of an instant of
the grid follow from the evidence of before it alone, however fast partitions are read and however links are batched.

Three kinds of records do not wait: links that come late, of before the barrier; links that are at most two days old by
the wall clock, since whoever looks at it now wants to see it now; and what was decided by hand. Names of accounts are
held as links are: what is found with them depends no more on who was read first.

A known tenant stays in the generation that the table has, whatever the settings say; a switch is a record. It is
settled by itself, in its own epoch: an owner that one moves and the next moves back is told both, in whatever batches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from ebbtide.models.clock.watermark import ClockState, from_ms
from ebbtide.models.identity.generation import rules_of, stored_generation
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.held import Dated, HeldLinks
from ebbtide.models.identity.tenant import TenantIdentity
from ebbtide.models.identity.watch import Watch
from ebbtide.models.outputs import EVERY_PARTITION, Flush, Output
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.identity import AccountName, IdentityLink, IdentityOperation, IdentityRebuild
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic

META_KEY = b"@partition"
Record = IdentityLink | AccountName | IdentityOperation | IdentityRebuild | Tick
LIVE_MS = 2 * DAY_MS
NEVER = 2**31
"""A day that no time reaches."""


class PartitionState(msgspec.Struct):
    """What the partition itself must remember: how far it read, what it heard of time, and up to when links count."""

    applied: int = -1
    clock: ClockState = msgspec.field(default_factory=ClockState)
    barrier_ms: int = 0


def epoch_of(offset: int) -> int:
    """Epoch of what is decided after the record of an offset; 0 is before all."""
    return offset + 1


class IdentityShard:
    """Identities of one partition's tenants. ``stored`` are the table's values; nothing is written but by ``flush``.

    ``policy`` is for tenants that are met first; ``pending`` counts those whose generation is clustered under another.
    Of an identifier's assignments that of the greatest ``(epoch, effective_ms)`` holds: time may pass several instants
    with one record. ``ignored`` counts links and names from which nothing follows, and decisions and switches that
    cannot be.
    """

    def __init__(
        self, partition: int, sources: frozenset[str], policy: IdentityPolicy, stored: Iterable[tuple[bytes, bytes]]
    ) -> None:
        self.partition = partition
        self.ignored = 0
        self._rules = rules_of(policy)
        self._held = HeldLinks()
        self._tenants: dict[str, TenantIdentity] = {}
        self._unsettled: set[str] = set()
        self._outputs: list[Output] = []
        self._moved = False
        self._caused_ms = 0
        self._meta = PartitionState()
        self._restore(dict(stored))
        self.pending = self._count_pending()
        self._clock = self._meta.clock.clock(sources)

    @property
    def applied(self) -> int:
        """Last applied offset of the input partition."""
        return self._meta.applied

    @property
    def time_ms(self) -> int | None:
        """Event time that every source passed."""
        return self._clock.time_ms

    @property
    def watches(self) -> list[Watch]:
        """The findings and counts of each tenant."""
        return [tenant.watch for tenant in self._tenants.values()]

    @property
    def graphs(self) -> dict[str, IdentityGraph]:
        """The graph of each tenant, for reading."""
        return {name: tenant.graph for name, tenant in self._tenants.items()}

    def apply(self, offset: int, record: Record, *, now_ms: int | None) -> None:
        """Take in one record. What was applied already changes nothing. ``now_ms`` None: a replay, nothing is live."""
        meta = self._meta
        if offset <= meta.applied:
            return
        if isinstance(record, IdentityRebuild):
            self._settle()
        meta.applied = offset
        if isinstance(record, Tick):
            self._caused_ms = max(self._caused_ms, record.arrived_ms)
            if self._clock.tick(record):
                self._pass_time()
        elif isinstance(record, IdentityOperation):
            self._unsettled.add(record.tenant)
            if not self._tenant(record.tenant).decide(record, epoch_of(offset)):
                self.ignored += 1
        elif isinstance(record, IdentityRebuild):
            self._rebuild(record, epoch_of(offset))
        else:
            at_ms = to_ms(record.occurred_at)
            live = now_ms is not None and at_ms >= now_ms - LIVE_MS
            if live or at_ms < meta.barrier_ms:
                self._count(record, at_once=live)
            else:
                self._held.hold(offset, record, at_ms)

    def flush(self, *, store: bool = True) -> Flush:
        """Everything since the last flush: assignments, audit and time in their order, and the values to ``store``.

        Without ``store`` they wait for a flush that stores.
        """
        self._settle()
        if self._moved:
            self._tell_time(self._clock.time_ms or 0)
        writes = self._take_writes() if store else {}
        flush = Flush(self._outputs, writes)
        self._outputs, self._moved = [], False
        return flush

    def dissolve(self) -> None:
        """Forget all tenants: the partition is another worker's, and this shard of no more use."""
        while self._tenants:
            self._tenants.popitem()[1].dissolve()

    def _take_writes(self) -> dict[bytes, bytes | None]:
        """What to store; how far the partition read goes last, so that a crash before it has the rest done again.

        What a tenant begins under is told when it is stored; a replay, which stores nothing, has the settings alone.
        """
        stated: list[Output] = []
        writes = self._held.take_writes()
        for name, tenant in sorted(self._tenants.items()):
            path = _path(name)
            writes.update({kind + path + key: value for kind, key, value in tenant.take_writes()})
            stated += tenant.take_statement()
        self._outputs = stated + self._outputs
        self._meta.clock = ClockState.of(self._clock)
        writes[META_KEY] = msgspec.msgpack.encode(self._meta)
        return writes

    def _count(self, record: Dated, *, at_once: bool) -> None:
        self._unsettled.add(record.tenant)
        tenant = self._tenant(record.tenant)
        counts = tenant.name(record) if isinstance(record, AccountName) else tenant.link(record, at_once=at_once)
        self.ignored += not counts

    def _rebuild(self, record: IdentityRebuild, epoch: int) -> None:
        self._unsettled.add(record.tenant)
        if not self._tenant(record.tenant).rebuild(record, epoch):
            self.ignored += 1
        self._settle()
        self.pending = self._count_pending()

    def _count_pending(self) -> int:
        return sum(tenant.generation.rules != self._rules for tenant in self._tenants.values())

    def _settle(self, *, on_time: bool = False) -> None:
        """Tell what follows from all that counts. What is not on time came after the barrier and holds past it."""
        epoch = epoch_of(self._meta.applied)
        effective_ms = self._meta.barrier_ms + (not on_time)
        for name in sorted(self._unsettled):
            self._outputs += self._tenants[name].settle(epoch, effective_ms, self._caused_ms, on_time=on_time)
        self._unsettled = set()

    def _pass_time(self) -> None:
        """Time went on. Each passed instant is told where it passed, after all that counts before it."""
        time_ms = self._clock.time_ms or 0
        observed = self._clock.take_observations()
        midnight = time_ms // DAY_MS * DAY_MS
        if not observed and midnight <= self._meta.barrier_ms:
            self._moved = True
            return
        self._settle()
        for ms in self._instants(observed, midnight):
            self._meta.barrier_ms = max(ms, self._meta.barrier_ms)
            for record in self._held.take(self._meta.barrier_ms):
                self._count(record, at_once=False)
            day = self._meta.barrier_ms // DAY_MS
            self._unsettled.update(name for name, tenant in self._tenants.items() if tenant.watch.waits(day))
            self._settle(on_time=True)
            if ms in observed:
                self._tell_time(ms, observe=True)
        self._tell_time(time_ms)
        self._moved = False

    def _instants(self, observed: list[int], midnight: int) -> Iterator[int]:
        """The instants to stop at, ascending; also each midnight with news, where time leaps over several.

        Else it would show in the owners of the days between whether the partitions went day by day or leapt. News are
        held links of the day before, and findings that are due.
        """
        for ms in sorted({*observed, midnight}):
            while (next_day := self._next_news_day() * DAY_MS) < ms:
                yield next_day
            yield ms

    def _next_news_day(self) -> int:
        due = [tenant.watch.due_day for tenant in self._tenants.values() if tenant.watch.due_day is not None]
        if self._held.first_ms is not None:
            due.append(self._held.first_ms // DAY_MS + 1)
        return min(due, default=NEVER)

    def _tell_time(self, ms: int, *, observe: bool = False) -> None:
        source = f"identity/{self.partition}"
        tick = Tick(source=source, watermark=from_ms(ms), observe=observe, arrived_ms=self._caused_ms)
        self._outputs.append(Output(Topic.IDENTITY_ASSIGNMENTS, "@tick", tick, EVERY_PARTITION))

    def _tenant(self, name: str) -> TenantIdentity:
        tenant = self._tenants.get(name)
        if tenant is None:
            tenant = self._tenants[name] = TenantIdentity(name, self._rules)
        return tenant

    def _restore(self, stored: dict[bytes, bytes]) -> None:
        """Take in the table. What a crash left untold is told at once."""
        meta = stored.pop(META_KEY, None)
        if meta is not None:
            self._meta = msgspec.msgpack.decode(meta, type=PartitionState)
        records: dict[bytes, dict[bytes, list[tuple[bytes, bytes]]]] = defaultdict(lambda: defaultdict(list))
        for key, value in stored.items():
            if key[:1] == b"h":
                self._held.restore(key, value, applied=self.applied, barrier_ms=self._meta.barrier_ms)
            elif key[:1] in b"afgmpt":
                path, _, rest = key[1:].partition(b"\0")
                records[path][key[:1]].append((rest, value))
            else:
                raise ValueError(f"identity record {key!r} is unknown; its key must begin with a, f, g, h, m, p or t")
        for path, kinds in records.items():
            name = path.decode().replace("%00", "\0").replace("%25", "%")
            generation = next((stored_generation(value) for _, value in kinds[b"p"]), None)
            told = (key.decode() for key, _ in kinds[b"t"])
            found = (key for key, _ in kinds[b"f"])
            self._tenants[name] = TenantIdentity(
                name, self._rules, generation, kinds[b"g"], kinds[b"m"], kinds[b"a"], told, found
            )
            self._unsettled.add(name)
        self._settle()


def _path(tenant: str) -> bytes:
    """The tenant as the first part of a key: no NUL in its name may end it."""
    return tenant.replace("%", "%25").replace("\0", "%00").encode() + b"\0"
