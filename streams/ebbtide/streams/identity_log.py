"""The log of identity, topic `identity-links`: read into the graphs of its tenants, and decisions by hand appended.

A graph read here counts every link that lies in the log. The worker's may be behind it: it holds a link of the past
until event time has passed it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from aiokafka.errors import KafkaError
from pydantic import ValidationError

from ebbtide.models.identity.evidence import later
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.identifiers import identifier_key, identifier_of, is_person
from ebbtide.models.identity.intake import decision, take_link
from ebbtide.models.identity.members import Members
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import Identifier
from ebbtide.schemas.identity import IdentityLink, IdentityOperation, OperationKind
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import TICK_KEY, Evidence, evidence
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.sender import started_producer
from ebbtide.streams.settings import Settings
from ebbtide.streams.topic_reader import read_topic
from ebbtide.streams.transport import Output

TOPIC = Topic.IDENTITY_LINKS.topic_name


@dataclass
class TenantLog:
    """What the log holds about one tenant: the graph of people and of accounts, and who was seen in which account.

    ``ignored`` are decisions that cannot be, such as of a person with an account; the worker ignores them too.
    """

    graph: IdentityGraph
    members: Members = field(default_factory=Members)
    ignored: list[IdentityOperation] = field(default_factory=list)

    def add(self, record: Evidence) -> None:
        """Take in a record of this tenant; owners are as of the next ``graph.settle``."""
        if isinstance(record, IdentityOperation):
            try:
                self.graph.decide(decision(record))
            except ValueError:
                self.ignored.append(record)
        else:
            take_link(self.graph, self.members, record)


def read_log(settings: Settings, tenant: str | None = None) -> dict[str, TenantLog]:
    """The log to the end that it has now, by tenant and settled; of one tenant alone if it is named.

    Raises ``EbbtideError`` where the broker cannot be reached, the topic is missing, or a record is none.
    """
    logs: dict[str, TenantLog] = {}
    for record in _records(settings):
        if tenant is None or record.tenant == tenant:
            log = logs.get(record.tenant)
            if log is None:
                log = logs[record.tenant] = _empty(record.tenant, settings.identity)
            log.add(record)
    for log in logs.values():
        log.graph.settle(1)
    return logs


def read_tenant(settings: Settings, tenant: str) -> TenantLog:
    """As ``read_log``, of one tenant; empty if the log does not know it."""
    return read_log(settings, tenant).get(tenant) or _empty(tenant, settings.identity)


def last_decision(settings: Settings, tenant: str, a: Identifier, b: Identifier) -> IdentityOperation | None:
    """What was decided last about a pair; None if never anything."""
    last = None
    target = {identifier_key(a), identifier_key(b)}
    for record in _records(settings):
        if isinstance(record, IdentityOperation) and record.tenant == tenant and record.other is not None:
            about = {identifier_key(record.identifier), identifier_key(record.other)}
            if about == target and (last is None or later(decision(record), decision(last))):
                last = record
    return last


def new_operation(
    kind: OperationKind,
    identifier: Identifier,
    other: Identifier | None = None,
    *,
    tenant: str,
    actor: str,
    reason: str,
    now: datetime,
) -> IdentityOperation:
    """A decision to append. Raises ``ValueError`` where nobody can decide that, or the record would not be valid."""
    names = [one for one in (identifier, other) if one is not None]
    if len({is_person(one.type) for one in names}) > 1:
        person, account = sorted(map(identifier_key, names), key=lambda key: not is_person(identifier_of(key).type))
        raise ValueError(f"{person} names a person and {account} an account: the two are never joined or parted")
    if identifier == other:
        raise ValueError(f"{identifier_key(identifier)} is named twice: name two identifiers")
    at = now.astimezone(UTC).replace(microsecond=now.microsecond // 1000 * 1000)
    made = IdentityOperation(tenant, str(uuid4()), kind, identifier, at, actor, reason, other)
    # The constructor does not check, and a record that does not parse would stop every worker that reads it.
    made = IdentityOperation.from_json(made.to_json())
    _ = decision(made).target
    return made


def after_withdrawn(settings: Settings, operation: IdentityOperation) -> IdentityOperation:
    """An ``unlink``, with a time later than that of the decision it withdraws, whatever the clocks say.

    Raises ``EbbtideError`` where there is nothing to withdraw.
    """
    if operation.other is None:
        raise ValueError(f"{operation.kind} is about one identifier and withdraws nothing")
    last = last_decision(settings, operation.tenant, operation.identifier, operation.other)
    both = f"{identifier_key(operation.identifier)} and {identifier_key(operation.other)} of tenant {operation.tenant}"
    fault = None
    if last is None:
        fault = f"nothing was decided by hand about {both}"
    elif last.kind is OperationKind.UNLINK:
        at = f"{last.decided_at:%Y-%m-%d %H:%M} UTC"
        fault = f"what was decided about {both} was withdrawn already, by {last.actor} at {at}"
    if last is None or fault is not None:
        raise EbbtideError(
            f"{fault}. `unlink` only withdraws a decision by hand; to part two that events link, use "
            "`ebbtide identity cannot-link`"
        )
    return replace(operation, decided_at=max(operation.decided_at, last.decided_at + timedelta(milliseconds=1)))


def append(settings: Settings, operation: IdentityOperation) -> None:
    """Send a decision to its tenant's partition. Returns once all in-sync replicas have it."""
    asyncio.run(_append(settings, operation))


async def _append(settings: Settings, operation: IdentityOperation) -> None:
    producer = await started_producer(settings)
    try:
        # Keyed as the worker keys a tenant's links: one partition has all of them, in one order.
        await producer.send_all([Output(TOPIC, operation.tenant.encode(), operation.to_json())])
    except KafkaError as error:
        raise EbbtideError(
            f"{settings.broker.bootstrap} did not take the decision for {TOPIC}: {error}; "
            "see `ebbtide topics check`, then decide again (twice is as good as once)"
        ) from None
    finally:
        await producer.stop()


def _records(settings: Settings) -> Iterator[Evidence]:
    for record in read_topic(settings, TOPIC):
        if record.key == TICK_KEY:
            continue
        try:
            found = evidence(record)
        except ValidationError as error:
            where = f"{TOPIC} partition {record.partition} offset {record.offset}"
            raise EbbtideError(f"{where}: neither a link nor a decision: {error.errors()[0]['msg']}") from None
        if isinstance(found, IdentityLink | IdentityOperation):
            yield found


def _empty(tenant: str, policy: IdentityPolicy) -> TenantLog:
    return TenantLog(IdentityGraph(tenant, policy))
