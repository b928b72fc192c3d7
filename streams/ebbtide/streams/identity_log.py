"""The log of identity, topic `identity-links`: read into the graphs of its tenants; decisions and switches appended.

A graph read here counts every link that lies in the log. The worker's may be behind it: it holds a link of the past
until event time has passed it. What a tenant began under the worker states in `identity-audit`; the switches to other
settings since then lie in the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from pydantic import ValidationError

from ebbtide.models.identity.evidence import later
from ebbtide.models.identity.generation import Generation, first, following, policy_of, rules_of
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.identifiers import is_person
from ebbtide.models.identity.intake import decision, take_link, take_name
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.names import AccountNames
from ebbtide.models.identity.shard import epoch_of
from ebbtide.schemas.events import Identifier
from ebbtide.schemas.identity import (
    AccountName,
    AuditKind,
    IdentityAudit,
    IdentityOperation,
    IdentityRebuild,
    IdentityRules,
    OperationKind,
)
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import TICK_KEY, Evidence, evidence
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.sender import send_one
from ebbtide.streams.settings import Settings
from ebbtide.streams.topic_reader import Progress, read_topic, unseen
from ebbtide.streams.transport import Output

TOPIC = Topic.IDENTITY_LINKS.topic_name
AUDIT_TOPIC = Topic.IDENTITY_AUDIT.topic_name
_STATED = f'"kind":"{AuditKind.GENERATION}"'.encode()


class TenantLog:
    """What the log holds about one tenant: the graph of people and of accounts, who was in which account, names.

    ``generation`` is the one that the log comes to, from that which the worker ``stated``; if it has stated none, from
    the settings. ``ignored`` are decisions and switches that cannot be; the worker ignores them too.
    """

    def __init__(self, tenant: str, begun: IdentityRules, newest: IdentityRules | None = None, *, stated: bool) -> None:
        self.generation: Generation = first(begun)
        self.stated = stated
        # The newest known rules are those of the end, but for a switch that no worker has read yet.
        self._rules = newest or begun
        self.graph = IdentityGraph(tenant, policy_of(self._rules))
        self.members = Members()
        self.names = AccountNames()
        self.ignored: list[Evidence] = []

    def add(self, record: Evidence, epoch: int) -> None:
        """Take in a record of this tenant; owners are as of the next ``settle``."""
        try:
            if isinstance(record, IdentityRebuild):
                self.generation = following(self.generation, record, epoch)
            elif isinstance(record, IdentityOperation):
                self.graph.decide(decision(record))
            elif isinstance(record, AccountName):
                take_name(self.names, record)
            else:
                take_link(self.graph, self.members, record)
        except ValueError:
            self.ignored.append(record)

    def settle(self) -> None:
        """Bring the graph to what was taken in, under the rules of the generation."""
        if self._rules != self.generation.rules:
            self._rules = self.generation.rules
            self.graph = self.graph.rebuilt(policy_of(self._rules))
        self.graph.settle(1)


def read_log(settings: Settings, tenant: str | None = None, *, progress: Progress = unseen) -> dict[str, TenantLog]:
    """The log to the end that it has now, by tenant and settled; of one tenant alone if it is named.

    Raises ``EbbtideError`` where the broker cannot be reached, a topic is missing, or a record is none.
    """
    stated = _stated(settings, tenant, progress)
    logs: dict[str, TenantLog] = {}
    for epoch, record in _records(settings, tenant, progress):
        if tenant is None or record.tenant == tenant:
            log = logs.get(record.tenant)
            if log is None:
                log = logs[record.tenant] = _empty(settings, record.tenant, stated.get(record.tenant, {}))
            log.add(record, epoch)
    for log in logs.values():
        log.settle()
    return logs


def read_tenant(settings: Settings, tenant: str, *, progress: Progress = unseen) -> TenantLog:
    """As ``read_log``, of one tenant; empty if the log does not know it."""
    return read_log(settings, tenant, progress=progress).get(tenant) or _empty(settings, tenant, {})


def last_decision(settings: Settings, tenant: str, a: Identifier, b: Identifier) -> IdentityOperation | None:
    """What was decided last about a pair; None if never anything."""
    last = None
    target = {a.key, b.key}
    for _, record in _records(settings, tenant):
        if isinstance(record, IdentityOperation) and record.tenant == tenant and record.other is not None:
            about = {record.identifier.key, record.other.key}
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
        person, account = (one.key for one in sorted(names, key=lambda one: not is_person(one.type)))
        raise ValueError(f"{person} names a person and {account} an account: the two are never joined or parted")
    if identifier == other:
        raise ValueError(f"{identifier.key} is named twice: name two identifiers")
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
    both = f"{operation.identifier.key} and {operation.other.key} of tenant {operation.tenant}"
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


def switch(settings: Settings, log: TenantLog, rules: IdentityRules, *, actor: str, reason: str) -> IdentityRebuild:
    """Append the switch of a tenant from the generation of its log to these rules.

    Raises ``EbbtideError`` where the broker cannot be reached, or somebody else made that generation first.
    """
    tenant, number, now = log.graph.tenant, log.generation.number + 1, datetime.now(UTC)
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    made = IdentityRebuild(tenant, str(uuid4()), number, rules, at, actor, reason)
    # As in ``new_operation``: a record that does not parse would stop every worker.
    append(settings, IdentityRebuild.from_json(made.to_json()))
    winner = _switched_by(settings, tenant, number)
    if winner.operation_id != made.operation_id:
        raise EbbtideError(
            f"{winner.actor} made generation {number} first, at {winner.decided_at:%Y-%m-%d %H:%M} UTC, so this switch "
            "is refused; look at the report again"
        )
    return made


def _switched_by(settings: Settings, tenant: str, number: int) -> IdentityRebuild:
    """The switch in the log that made a generation: the first of those that wanted to."""
    reached = first(rules_of(settings.identity))
    for epoch, record in _records(settings, tenant):
        if isinstance(record, IdentityRebuild) and record.tenant == tenant:
            with suppress(ValueError):
                reached = following(reached, record, epoch)
                if reached.number == number:
                    return record
    raise EbbtideError(f"the switch of tenant {tenant} to generation {number} is not in {TOPIC}; try again")


def append(settings: Settings, record: IdentityOperation | IdentityRebuild) -> None:
    """Send a decision or a switch to its tenant's partition. Returns once all in-sync replicas have it."""
    # Keyed as the worker keys a tenant's links: one partition has all of them, in one order.
    output = Output(TOPIC, record.tenant.encode(), record.to_json())
    send_one(settings, output, what="the decision", then="decide again (twice is as good as once)")


def _records(settings: Settings, tenant: str | None, progress: Progress = unseen) -> Iterator[tuple[int, Evidence]]:
    """Links, names, decisions and switches, each with its epoch; of a tenant's partition alone if one is named."""
    for record in read_topic(settings, TOPIC, _keys(tenant), progress=progress):
        if record.key == TICK_KEY:
            continue
        try:
            found = evidence(record)
        except ValidationError as error:
            where = f"{TOPIC} partition {record.partition} offset {record.offset}"
            raise EbbtideError(f"{where}: neither a link, a name nor a decision: {error.errors()[0]['msg']}") from None
        if isinstance(found, Evidence):
            yield epoch_of(record.offset), found


def _keys(tenant: str | None) -> list[bytes] | None:
    return None if tenant is None else [tenant.encode()]


def _stated(settings: Settings, tenant: str | None, progress: Progress) -> dict[str, dict[int, IdentityRules]]:
    """What the worker says it clusters tenants under: rules by generation. Of a repeat the last holds."""
    stated: dict[str, dict[int, IdentityRules]] = {}
    for record in read_topic(settings, AUDIT_TOPIC, _keys(tenant), progress=progress):
        # Hardly a row is one: to look for the word costs a hundredth of parsing it.
        if record.value is None or _STATED not in record.value:
            continue
        row = IdentityAudit.from_json(record.value)
        if row.generation is not None and row.rules is not None and tenant in {None, row.tenant}:
            stated.setdefault(row.tenant, {})[row.generation] = row.rules
    return stated


def _empty(settings: Settings, tenant: str, stated: Mapping[int, IdentityRules]) -> TenantLog:
    begun = stated.get(1)
    newest = stated[max(stated)] if stated else None
    return TenantLog(tenant, begun or rules_of(settings.identity), newest, stated=begun is not None)
