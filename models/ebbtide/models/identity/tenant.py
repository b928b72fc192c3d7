"""Identity of one tenant: its graph, its members and its names, and what of them is told to whom (identity §2).

A settling tells everybody whose owner or accounts it may have changed, with the person as a whole: the ends of what was
taken in, those who moved, all who share or shared an owner with them, and the people of their groups. The ends are told
also where the link was known: after a crash between two values of the table the graph may know a link, and its outcome,
before the log comes to it. And they are told also where nothing came of it: a worker that was lost may have told
otherwise, and what it read is read again together with what undid it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from operator import attrgetter

from ebbtide.models.identity.causes import Cause, Causes, Told
from ebbtide.models.identity.changes import OwnerChange
from ebbtide.models.identity.generation import Generation, first, following, generation_value, policy_of
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.identifiers import canonical_id, identifier_of, is_person
from ebbtide.models.identity.intake import decision, take_link, take_name
from ebbtide.models.identity.members import Groups, Members
from ebbtide.models.identity.names import AccountNames
from ebbtide.models.identity.watch import News, Watch, audit_row
from ebbtide.models.outputs import Output
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.events import Identifier, IdentifierType, path_segment
from ebbtide.schemas.identity import (
    AccountName,
    AccountOf,
    AuditKind,
    FindingKind,
    IdentityAssignment,
    IdentityAudit,
    IdentityLink,
    IdentityOperation,
    IdentityRebuild,
    IdentityRules,
)
from ebbtide.schemas.topics import Topic

_new, _new_tuple = object.__new__, tuple.__new__
_ASSIGNMENTS = Topic.IDENTITY_ASSIGNMENTS
_key_of_identifier = attrgetter("identifier.key")
_GROUP = f"{IdentifierType.GROUP_ID}/"
_DOMAIN = f"{IdentifierType.DOMAIN}/"
Records = Iterable[tuple[bytes, bytes]]


class TenantIdentity:
    """What is known about one tenant's people and accounts, and who was told.

    ``generation`` is the stored one; a tenant without begins its first under ``rules``. ``told`` are the identifiers
    that somebody heard of: of another that is its own owner, in its own accounts, nothing needs to be said.
    """

    def __init__(
        self,
        tenant: str,
        rules: IdentityRules,
        generation: Generation | None = None,
        graph: Records = (),
        members: Records = (),
        names: Records = (),
        told: Iterable[str] = (),
        found: Iterable[bytes] = (),
    ) -> None:
        self.tenant = tenant
        self.generation = generation or first(rules)
        self._unstored = generation is None
        self._unstated = [] if generation else [self._statement()]
        self.graph = IdentityGraph.restore(tenant, policy_of(self.generation.rules), graph)
        self._members = Members()
        for key, value in members:
            self._members.restore(key, value)
        self._names = AccountNames()
        for key, value in names:
            self._names.restore(key, value)
        self.watch = Watch(found)
        self._told = set(told)
        self._untold: list[str] = []
        self._linked: dict[str, None] = {}
        self._touched: dict[str, None] = {}
        self._named: dict[str, None] = {}
        self._records: list[Told] = []
        self._switch: str | None = None
        self._audit: list[Output] = []
        self._at_once = self._decided = False

    def link(self, link: IdentityLink, *, at_once: bool) -> bool:
        """Take in a link. Returns whether it says anything: of one with itself, or of other kinds, nothing follows.

        ``at_once`` tells that its outcome holds at once.
        """
        if not take_link(self.graph, self._members, link):
            return False
        keys = one, other = link.subject.key, link.other.key
        linked = is_person(link.subject.type) == is_person(link.other.type)
        noted = self._linked if linked else self._touched
        noted[one] = noted[other] = None
        self._records.append(Told(Cause(to_ms(link.occurred_at), link.event_id, by_hand=False), keys, evidence=linked))
        self._at_once = self._at_once or at_once
        return True

    def name(self, record: AccountName) -> bool:
        """Take in an account's name. Returns whether it says anything. Nobody's owner follows from a name."""
        if not take_name(self._names, record):
            return False
        self._named[record.account.key] = None
        cause = Cause(to_ms(record.occurred_at), record.event_id, by_hand=False)
        self._records.append(Told(cause, (record.account.key,), evidence=False))
        return True

    def decide(self, operation: IdentityOperation, epoch: int) -> bool:
        """Take in what was decided by hand; it holds at once. Returns whether it can be: the audit says why not."""
        names = [one.key for one in (operation.identifier, operation.other) if one is not None]
        kind, reason = AuditKind.DECIDED, f"{operation.kind}: {operation.reason}"
        try:
            made = decision(operation)
            self.graph.decide(made)
        except ValueError as error:
            kind, reason = AuditKind.REFUSED, f"{operation.kind}: {error}"
        else:
            self._linked.update(dict.fromkeys(names))
            self._at_once = self._decided = True
            cause = Cause(to_ms(operation.decided_at), operation.operation_id, by_hand=True)
            self._records.append(Told(cause, tuple(names), evidence=False, target=made.target))
        self._tell_audit(epoch, kind, *names, cause=operation.operation_id, reason=reason, actor=operation.actor)
        return kind is AuditKind.DECIDED

    def rebuild(self, record: IdentityRebuild, epoch: int) -> bool:
        """Go over to the next generation; it holds at once. Returns whether it can be: the audit says why not.

        All that was taken in before must be settled. A switch that comes again after a crash changes nothing.
        """
        if epoch <= self.generation.epoch:
            return True
        try:
            generation = following(self.generation, record, epoch)
        except ValueError as error:
            reason = f"rebuild: {error}"
            row = IdentityAudit(self.tenant, epoch, AuditKind.REFUSED, None, reason=reason, actor=record.actor)
            self._put_audit(replace(row, generation=record.generation, cause=record.operation_id))
            return False
        self.generation, self._unstored = generation, True
        known = self.graph
        self.graph = known.rebuilt(policy_of(generation.rules))
        known.dissolve()
        self._at_once, self._switch = True, record.operation_id
        row = replace(self._statement(), reason=record.reason, actor=record.actor, cause=record.operation_id)
        self._put_audit(row)
        return True

    def dissolve(self) -> None:
        """Forget the graph, see there; this tenant is of no more use."""
        self.graph.dissolve()

    def take_statement(self) -> list[Output]:
        """The audit row of the first generation, once: so that those who read the log know what it began under."""
        unstated, self._unstated = self._unstated, []
        return [Output(Topic.IDENTITY_AUDIT, self.tenant, row) for row in unstated]

    def settle(self, epoch: int, barrier_ms: int, arrived_ms: int, *, on_time: bool = False) -> list[Output]:
        """Bring owners up to date, and tell: assignments by identifier, then the audit. Nothing if nothing happened.

        What was taken in holds from ``barrier_ms`` on, unless any of it holds at once. ``on_time``: time passes there.
        """
        # After a crash the graph may have epochs of records that are read again now.
        changes = self.graph.settle(max(epoch, self.graph.last_epoch))
        effective_ms = 0 if self._at_once else barrier_ms
        told = [
            assignment
            for anchor, surely in self._affected(changes).items()
            for assignment in self._assignments(anchor, epoch, effective_ms, arrived_ms, surely=surely)
        ]
        told.sort(key=_key_of_identifier)
        path = path_segment(self.tenant)
        outputs = [
            # What ``Output(...)`` does, without its Python constructor.
            _new_tuple(Output, (_ASSIGNMENTS, f"{path}/{one.identifier.key}", one, None, None))
            for one in told
        ]
        self._audit_settled(epoch, changes, barrier_ms // DAY_MS, judge=on_time or self._decided)
        outputs += self._audit
        self._linked, self._touched, self._named, self._audit = {}, {}, {}, []
        self._at_once = self._decided = False
        self._records, self._switch = [], None
        return outputs

    def take_writes(self) -> Iterator[tuple[bytes, bytes, bytes | None]]:
        """What to store since the last time: kind of the record, key, value; None deletes.

        Who was told goes first: a crash must not leave a graph that takes for untold whom it told, nor a generation
        whose switch, read again, tells nobody. Then the generation: no graph must be left without. Findings go
        last: one without its cause would be told to be gone.
        """
        untold, self._untold = self._untold, []
        for key in untold:
            yield b"t", key.encode(), b""
        unstored, self._unstored = self._unstored, False
        if unstored:
            yield b"p", b"", generation_value(self.generation)
        for person, value in self._members.take_writes():
            yield b"m", person, value
        for account, value in self._names.take_writes():
            yield b"a", account, value
        for record, value in self.graph.take_writes():
            yield b"g", record, value
        for found, told in self.watch.take_writes():
            yield b"f", found, told

    def _affected(self, changes: list[OwnerChange]) -> dict[str, bool]:
        """Anchors of all who may have to be told; and whether surely, since somebody may have heard otherwise.

        A membership only grows: where it is all that came, who was told of no other owner knows it already.
        """
        graph = self.graph
        # Who was left behind has other accounts now; who was joined too.
        moved = (key for change in changes for key in (change.identifier, change.previous))
        sure = dict.fromkeys(graph.anchor(key) for key in moved)
        for key in self._linked:
            sure.update(dict.fromkeys(graph.rivals(key)))
        for account in [anchor for anchor in sure if not is_person(identifier_of(anchor).type)]:
            for key in graph.members(account):
                if key.startswith(_GROUP):
                    sure.update(dict.fromkeys(map(graph.anchor, self._members.people(key.removeprefix(_GROUP)))))
                elif key.startswith(_DOMAIN):
                    sure.update(dict.fromkeys(map(graph.anchor, self._members.addresses(key))))
        return {**dict.fromkeys(map(graph.anchor, self._touched), False), **dict.fromkeys(sure, True)}

    def _assignments(
        self, owner: str, epoch: int, effective_ms: int, arrived_ms: int, *, surely: bool
    ) -> Iterator[IdentityAssignment]:
        """What the members of an owner are told: unless ``surely``, not those who heard nothing and can work it out."""
        cluster = self.graph.members(owner)
        anchor = identifier_of(owner)
        accounts = self._accounts(self._members.groups(cluster))
        by_domain = self._by_domain(cluster)
        owner_id = canonical_id(self.tenant, anchor)
        for key in cluster:
            named = identifier_of(key)
            if key not in self._told:
                own = named == anchor and by_domain is None and accounts == _own(self._members.groups((key,)))
                if own and not surely:
                    continue
                self._told.add(key)
                self._untold.append(key)
            # What ``IdentityAssignment(...)`` does, without a call of Python that takes nine names.
            told = _new(IdentityAssignment)
            told.tenant = self.tenant
            told.identifier = named
            told.anchor = anchor
            told.owner_id = owner_id
            told.epoch = epoch
            told.effective_ms = effective_ms
            told.arrived_ms = arrived_ms
            told.accounts = accounts
            told.by_domain = by_domain
            yield told

    def _by_domain(self, cluster: list[str]) -> Identifier | None:
        """The only account that has a domain of the cluster's e-mails. A domain that is nobody's or shared has none."""
        domains = self._members.domains(cluster)
        anchors = {self.graph.anchor(domain) for domain in domains} - domains
        return identifier_of(anchors.pop()) if len(anchors) == 1 else None

    def _accounts(self, groups: Groups) -> list[AccountOf]:
        return [
            AccountOf(group, identifier_of(self.graph.anchor(_GROUP + group)), membership.spans)
            for group, membership in groups.items()
        ]

    def _audit_settled(self, epoch: int, changes: list[OwnerChange], day: int, *, judge: bool) -> None:
        """Tell what the settling changed, and what is found since then or no longer, each with its cause."""
        touched = {**self._linked, **self._touched, **self._named}
        news = self.watch.look(self.graph, self._members, self._names, touched, changes, day, judge=judge)
        if changes or news or any(self.graph.audit):
            causes = Causes(self.graph, self._records)
            self._audit_changes(epoch, changes, causes)
            self._audit_findings(epoch, news, causes)

    def _audit_changes(self, epoch: int, changes: list[OwnerChange], causes: Causes) -> None:
        for change in changes:
            self._tell_audit(
                epoch,
                AuditKind.OWNER,
                change.identifier,
                cause=self._switch or causes.of_owner(change.identifier, change.previous),
                previous=identifier_of(change.previous),
                current=identifier_of(change.anchor),
            )
        for refusal in self.graph.audit.refusals:
            kind = AuditKind.ACCEPTED if refusal.reason is None else AuditKind.REFUSED
            cause = self._switch or causes.of_link(*refusal.pair)
            self._tell_audit(epoch, kind, *refusal.pair, cause=cause, reason=refusal.reason or refusal.previous)
        for barred in self.graph.audit.barred:
            kind = AuditKind.ADMITTED if barred.reason is None else AuditKind.BARRED
            cause = self._switch or causes.of_value(barred.identifier)
            self._tell_audit(epoch, kind, barred.identifier, cause=cause, reason=barred.reason or barred.previous)

    def _audit_findings(self, epoch: int, news: list[News], causes: Causes) -> None:
        for key, finding in news:
            about = [one for one in key[1:3] if one]
            # A rename follows from days of many people, and mostly it is time alone that brings it to light.
            found = causes.by_hand if key[0] is FindingKind.SUSPECTED_RENAME else causes.of_finding
            self._put_audit(audit_row(self.tenant, epoch, key, finding, cause=self._switch or found(*about)))

    def _tell_audit(
        self,
        epoch: int,
        kind: AuditKind,
        key: str,
        other: str | None = None,
        *,
        cause: str | None,
        previous: Identifier | None = None,
        current: Identifier | None = None,
        reason: str | None = None,
        actor: str | None = None,
    ) -> None:
        named = None if other is None else identifier_of(other)
        row = IdentityAudit(
            self.tenant, epoch, kind, identifier_of(key), named, previous, current, reason, actor, cause=cause
        )
        self._put_audit(row)

    def _statement(self) -> IdentityAudit:
        number, epoch, rules = self.generation
        return IdentityAudit(self.tenant, epoch, AuditKind.GENERATION, None, generation=number, rules=rules)

    def _put_audit(self, row: IdentityAudit) -> None:
        self._audit.append(Output(Topic.IDENTITY_AUDIT, self.tenant, row))


def _own(groups: Groups) -> list[AccountOf]:
    """Accounts as somebody knows them who has heard of no owner."""
    return [AccountOf(group, identifier_of(_GROUP + group), membership.spans) for group, membership in groups.items()]
