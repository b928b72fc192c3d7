"""Identity of one tenant: its graph and its members, and what of both is told to whom (identity §2).

A settling tells everybody whose owner or accounts it may have changed, with the person as a whole: the ends of what was
taken in, those who moved, all who share or shared an owner with them, and the people of groups that moved. The ends are
told also where the link was known: after a crash between two values of the table the graph may know a link, and its
outcome, before the log comes to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ebbtide.models.identity.changes import OwnerChange
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.identifiers import canonical_id, identifier_key, identifier_of
from ebbtide.models.identity.intake import decision, take_link
from ebbtide.models.identity.members import Groups, Members
from ebbtide.models.identity.watch import Watch, audit_row
from ebbtide.models.outputs import Output
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import Identifier, IdentifierType, subject_key
from ebbtide.schemas.identity import (
    AccountOf,
    AuditKind,
    IdentityAssignment,
    IdentityAudit,
    IdentityLink,
    IdentityOperation,
)
from ebbtide.schemas.topics import DAY_MS, Topic

_GROUP = f"{IdentifierType.GROUP_ID}/"
Records = Iterable[tuple[bytes, bytes]]


class TenantIdentity:
    """What is known about one tenant's people and accounts, and who was told.

    ``told`` are the identifiers that somebody heard of: of another that is its own owner, in its own accounts, nothing
    needs to be said.
    """

    def __init__(
        self,
        tenant: str,
        policy: IdentityPolicy,
        graph: Records,
        members: Records,
        told: set[str],
        found: Iterable[bytes] = (),
    ) -> None:
        self.tenant = tenant
        self.graph = IdentityGraph.restore(tenant, policy, graph)
        self._members = Members()
        for key, value in members:
            self._members.restore(key, value)
        self.watch = Watch(found)
        self._told = told
        self._untold: list[str] = []
        self._touched: dict[str, None] = {}
        self._audit: list[Output] = []
        self._at_once = self._decided = False

    def link(self, link: IdentityLink, *, at_once: bool) -> bool:
        """Take in a link. Returns whether it says anything: of one with itself, or of other kinds, nothing follows.

        ``at_once`` tells that its outcome holds at once.
        """
        if not take_link(self.graph, self._members, link):
            return False
        self._touch(identifier_key(link.subject), identifier_key(link.other), at_once=at_once)
        return True

    def decide(self, operation: IdentityOperation, epoch: int) -> bool:
        """Take in what was decided by hand; it holds at once. Returns whether it can be: the audit says why not."""
        names = [identifier_key(one) for one in (operation.identifier, operation.other) if one is not None]
        kind, reason = AuditKind.DECIDED, f"{operation.kind}: {operation.reason}"
        try:
            self.graph.decide(decision(operation))
        except ValueError as error:
            kind, reason = AuditKind.REFUSED, f"{operation.kind}: {error}"
        else:
            self._touch(*names, at_once=True)
            self._decided = True
        self._tell_audit(epoch, kind, *names, reason=reason, actor=operation.actor)
        return kind is AuditKind.DECIDED

    def settle(self, epoch: int, barrier_ms: int, arrived_ms: int, *, on_time: bool = False) -> list[Output]:
        """Bring owners up to date, and tell: assignments by identifier, then the audit. Nothing if nothing happened.

        What was taken in holds from ``barrier_ms`` on, unless any of it holds at once. ``on_time``: time passes there.
        """
        # After a crash the graph may have epochs of records that are read again now.
        changes = self.graph.settle(max(epoch, self.graph.last_epoch))
        effective_ms = 0 if self._at_once else barrier_ms
        told = [
            assignment
            for cluster in self._affected(changes)
            for assignment in self._assignments(cluster, epoch, effective_ms, arrived_ms)
        ]
        told.sort(key=lambda assignment: identifier_key(assignment.identifier))
        outputs = [
            Output(Topic.IDENTITY_ASSIGNMENTS, subject_key(self.tenant, assignment.identifier), assignment)
            for assignment in told
        ]
        self._audit_changes(epoch, changes)
        self._audit_findings(epoch, changes, barrier_ms // DAY_MS, judge=on_time or self._decided)
        outputs += self._audit
        self._touched, self._audit, self._at_once, self._decided = {}, [], False, False
        return outputs

    def take_writes(self) -> Iterator[tuple[bytes, bytes, bytes | None]]:
        """What to store since the last time: kind of the record, key, value; None deletes.

        Who was told goes first: a crash must not leave a graph that takes for untold whom it told. Findings go last:
        one without its cause would be told to be gone.
        """
        untold, self._untold = self._untold, []
        for key in untold:
            yield b"t", key.encode(), b""
        for person, value in self._members.take_writes():
            yield b"m", person, value
        for record, value in self.graph.take_writes():
            yield b"g", record, value
        for found, told in self.watch.take_writes():
            yield b"f", found, told

    def _touch(self, *keys: str, at_once: bool) -> None:
        self._touched.update(dict.fromkeys(keys))
        self._at_once = self._at_once or at_once

    def _affected(self, changes: list[OwnerChange]) -> Iterable[list[str]]:
        """The clusters, as they are now, of all who may have to be told."""
        keys = dict(self._touched)
        for change in changes:
            # Who was left behind has other accounts now; who was joined too.
            keys.update(dict.fromkeys((change.identifier, change.previous)))
            if change.identifier.startswith(_GROUP):
                keys.update(dict.fromkeys(self._members.people(change.identifier.removeprefix(_GROUP))))
        anchors = {self.graph.anchor(key): None for key in keys}
        return [self.graph.members(anchor) for anchor in anchors]

    def _assignments(
        self, cluster: list[str], epoch: int, effective_ms: int, arrived_ms: int
    ) -> Iterator[IdentityAssignment]:
        anchor = identifier_of(self.graph.anchor(cluster[0]))
        accounts = self._accounts(self._members.groups(cluster))
        owner_id = canonical_id(self.tenant, anchor)
        for key in cluster:
            named = identifier_of(key)
            if key not in self._told:
                # Whoever has no assignment computes this one.
                if named == anchor and accounts == _own(self._members.groups((key,))):
                    continue
                self._told.add(key)
                self._untold.append(key)
            yield IdentityAssignment(
                tenant=self.tenant,
                identifier=named,
                anchor=anchor,
                owner_id=owner_id,
                epoch=epoch,
                effective_ms=effective_ms,
                arrived_ms=arrived_ms,
                accounts=accounts,
            )

    def _accounts(self, groups: Groups) -> list[AccountOf]:
        return [
            AccountOf(group, identifier_of(self.graph.anchor(_GROUP + group)), membership.spans)
            for group, membership in groups.items()
        ]

    def _audit_changes(self, epoch: int, changes: list[OwnerChange]) -> None:
        for change in changes:
            self._tell_audit(
                epoch,
                AuditKind.OWNER,
                change.identifier,
                previous=identifier_of(change.previous),
                current=identifier_of(change.anchor),
            )
        for refusal in self.graph.audit.refusals:
            kind = AuditKind.ACCEPTED if refusal.reason is None else AuditKind.REFUSED
            self._tell_audit(epoch, kind, *refusal.pair, reason=refusal.reason or refusal.previous)
        for barred in self.graph.audit.barred:
            kind = AuditKind.ADMITTED if barred.reason is None else AuditKind.BARRED
            self._tell_audit(epoch, kind, barred.identifier, reason=barred.reason or barred.previous)

    def _audit_findings(self, epoch: int, changes: list[OwnerChange], day: int, *, judge: bool) -> None:
        for key, finding in self.watch.look(self.graph, self._members, self._touched, changes, day, judge=judge):
            row = audit_row(self.tenant, epoch, key, finding)
            self._audit.append(Output(Topic.IDENTITY_AUDIT, self.tenant, row))

    def _tell_audit(
        self,
        epoch: int,
        kind: AuditKind,
        key: str,
        other: str | None = None,
        *,
        previous: Identifier | None = None,
        current: Identifier | None = None,
        reason: str | None = None,
        actor: str | None = None,
    ) -> None:
        named = None if other is None else identifier_of(other)
        row = IdentityAudit(
            self.tenant, epoch, kind, identifier_of(key), named, previous, current, reason=reason, actor=actor
        )
        self._audit.append(Output(Topic.IDENTITY_AUDIT, self.tenant, row))


def _own(groups: Groups) -> list[AccountOf]:
    """Accounts as somebody knows them who has heard of no owner."""
    return [AccountOf(group, identifier_of(_GROUP + group), membership.spans) for group, membership in groups.items()]
