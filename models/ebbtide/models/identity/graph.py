"""The identity graph of one tenant: links and decisions in, owners out (identity §1).

Owners are a function of the set of links, the set of operations and the policy: never of their order, of batches, of
duplicates, or of the process. Links and operations are only noted when they come; ``settle`` clusters what they touch,
once, however many there were, and queries answer as of then.

A value that more user ids (for domains: group ids) than ``max_owners`` are linked to is *shared*; blocked ids do not
count, links by hand and links that are refused do, severed ones do not. Shared and blocked identifiers link nobody,
be it by evidence or by hand, and each is a cluster of its own. What an ``unbind`` severed is refused as ``unbound``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Self

from ebbtide.models.identity.changes import Audit, BarredChange, OwnerChange, RefusalChange
from ebbtide.models.identity.clusters import Node
from ebbtide.models.identity.components import Components
from ebbtide.models.identity.evidence import (
    BOUND,
    UNSEEN,
    Link,
    Operation,
    Pair,
    Voice,
    Weight,
    better,
    effective,
    later,
    newest_bind,
    pair,
    renews,
)
from ebbtide.models.identity.identifiers import PERSON_TYPES, canonical_id, identifier_of
from ebbtide.models.identity.limits import Limits, kind_of
from ebbtide.models.identity.stored import Owned, decode, link_record, operation_record, owned_record
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.identity import OperationKind


class IdentityGraph:
    """Links, decisions and owners of one tenant. ``nodes``, ``refused`` and ``decisions`` are for reading."""

    def __init__(self, tenant: str, policy: IdentityPolicy) -> None:
        self.tenant = tenant
        self.limits = Limits(policy)
        self.decisions: dict[tuple[str, ...], Operation] = {}
        self.last_epoch = 0
        self.audit = Audit([], [])
        self._components = Components(self.limits, self.decisions)
        self.nodes = self._components.nodes
        self.refused = self._components.refused
        self._unwritten_links: dict[Pair, Link] = {}
        self._unwritten_decisions: dict[tuple[str, ...], Operation] = {}
        self._unwritten_nodes: dict[str, Node] = {}

    def link(self, a: str, b: str, weight: Weight, event_id: str) -> bool:
        """Note evidence that ``a`` and ``b`` belong together. Returns whether it says more than what was known.

        It does if it is better, or if it binds the two (class ``BOUND``) later than all before.

        Raises ``ValueError`` if a key is none, the two are the same, or one is a person's and one an account's.
        """
        node = self.nodes.get(a)
        known = None if node is None else node.links.get(b)
        if known is None:
            self._check(a, b)
            known = Link(*pair(a, b), weight[0], weight[1], event_id)
            self._components.adopt(known)
        elif better(weight, event_id, known):
            bound = (weight[1], event_id) if renews(weight, event_id, known) else newest_bind(known)
            known.evidence, known.at_ms, known.event_id = weight[0], weight[1], event_id
            known.bound = None if bound == newest_bind(Link(a, b, *weight, event_id)) else bound
            self._components.reweigh(known)
        elif weight[0] == BOUND and renews(weight, event_id, known):
            known.bound = (weight[1], event_id)
            self._components.renew(known)
        else:
            return False
        self._unwritten_links[known.a, known.b] = known
        return True

    def decide(self, operation: Operation) -> bool:
        """Note a decision by hand. Returns whether it is the latest about its target.

        Raises ``ValueError`` as ``link`` does, and if the operation names the wrong number of identifiers.
        """
        target = operation.target
        known = self.decisions.get(target)
        if known is not None and not later(operation, known):
            return False
        self._check(*operation.keys)
        self.decisions[target] = self._unwritten_decisions[target] = operation
        nodes = [self._components.node(key) for key in operation.keys]
        if operation.kind is OperationKind.UNBIND:
            self._components.unbind(nodes[0], operation.at_ms)
        elif len(nodes) == 1:
            self._components.block(nodes[0], blocked=operation.kind is OperationKind.BLOCK)
        else:
            self._relate(nodes[0], nodes[1], known, operation)
        return True

    def settle(self, epoch: int) -> list[OwnerChange]:
        """Cluster what was touched, and tell whose owner is another since the last time, sorted by identifier.

        Leaves in ``audit`` which links are newly refused or no longer, and which identifiers newly link nobody or
        somebody. Raises ``ValueError`` if the epoch is smaller than one that was given out.
        """
        if epoch < self.last_epoch:
            raise ValueError(f"epoch {epoch} lies before {self.last_epoch}, which identifiers of {self.tenant} have")
        parts = self._components
        parts.recluster()
        changes = []
        for key in sorted(parts.moved):
            node = parts.moved[key]
            anchor = node.anchor
            if anchor != node.owner:
                changes.append(OwnerChange(key, node.owner, anchor, epoch))
                node.owner, node.epoch = anchor, epoch
                self._unwritten_nodes[key] = node
        if changes:
            self.last_epoch = epoch
        parts.moved.clear()
        self.audit = self._take_audit()
        return changes

    def anchor(self, key: str) -> str:
        """Key of the identifier that names the owner; an unknown identifier names itself."""
        node = self.nodes.get(key)
        if node is None:
            return key
        cluster = node.cluster
        # As ``Node.anchor``, which would be a call more.
        return key if cluster is None else cluster.anchor.key

    def owner_id(self, key: str) -> str:
        """Canonical id of the owner, as ``identifiers.canonical_id``."""
        return canonical_id(self.tenant, identifier_of(self.anchor(key)))

    def epoch(self, key: str) -> int:
        """Since which epoch the identifier has its owner; 0 if it never had another."""
        node = self.nodes.get(key)
        return 0 if node is None else node.epoch

    def rivals(self, key: str) -> list[str]:
        """Anchors of the owners between which links of the identifier's component are contested; its own at least."""
        node = self.nodes.get(key)
        if node is None or node.cluster is None or node.cluster.contest is None:
            return [self.anchor(key)]
        return sorted(home.anchor.key for home in node.cluster.contest.clusters)

    def voice(self, link: Link) -> Voice:
        """Class, time and source of what makes a link count; of a severed one, of what did."""
        return effective(link, self.decisions.get((link.a, link.b)), self.unbound_ms(link))

    def unbound_ms(self, link: Link) -> int | None:
        """When an end of the link was unbound last; None if neither was."""
        return self._components.unbound_ms(link)

    def severed(self, link: Link) -> bool:
        """Whether an ``unbind`` ended the link. It joins nobody and is no evidence."""
        return (link.a, link.b) in self._components.severed

    def members(self, key: str) -> list[str]:
        """All identifiers of the owner, sorted."""
        node = self.nodes.get(key)
        return [key] if node is None or node.cluster is None else sorted(one.key for one in node.cluster.members)

    def take_writes(self) -> Iterator[tuple[bytes, bytes]]:
        """What to store since the last time: links and decisions first, then identifiers (see ``stored``)."""
        links, self._unwritten_links = self._unwritten_links, {}
        decisions, self._unwritten_decisions = self._unwritten_decisions, {}
        nodes, self._unwritten_nodes = self._unwritten_nodes, {}
        yield from map(link_record, links.values())
        yield from map(operation_record, decisions.values())
        for node in nodes.values():
            yield owned_record(Owned(node.key, node.owner, node.epoch))

    @classmethod
    def restore(cls, tenant: str, policy: IdentityPolicy, items: Iterable[tuple[bytes, bytes]]) -> Self:
        """A graph from its stored records, in any order. Raises ``ValueError`` on records it does not know.

        Owners follow from links and decisions alone. Identifiers whose record says otherwise, or is missing (a crash
        between two records; another policy), come out of the next ``settle``.
        """
        graph = cls(tenant, policy)
        for key, value in items:
            record = decode(key, value)
            if type(record) is Link:
                graph._restore_link(record)
            elif type(record) is Owned:
                graph._restore_owner(record)
            else:
                graph.decide(record)  # type: ignore[arg-type]
        graph._rest()
        return graph

    def rebuilt(self, policy: IdentityPolicy) -> Self:
        """The same links, decisions and told owners under another policy; ``settle`` tells who moves, and the audit.

        What waits here to be stored waits there.
        """
        other = type(self)(self.tenant, policy)
        for key, node in self.nodes.items():
            for link in node.links.values():
                if link.a == key and link.evidence != UNSEEN:
                    other._restore_link(Link(link.a, link.b, link.evidence, link.at_ms, link.event_id, link.bound))
            other._restore_owner(Owned(key, node.owner, node.epoch))
        for operation in self.decisions.values():
            other.decide(operation)
        other._rest()
        other._unwritten_links = {(a, b): other.nodes[a].links[b] for a, b in self._unwritten_links}
        other._unwritten_decisions = dict(self._unwritten_decisions)
        other._unwritten_nodes = {key: other.nodes[key] for key in self._unwritten_nodes}
        other._components.refused_before = {pair: self.refused.get(pair) for pair in {*self.refused, *other.refused}}
        other._components.barred_before = {key: node.barred for key, node in self.nodes.items()}
        return other

    def dissolve(self) -> None:
        """Forget everything. Identifiers and clusters hold each other, and nobody collects the garbage of a worker.

        One by one: to free a great graph at once would hold the interpreter's lock for seconds.
        """
        while self.nodes:
            _, node = self.nodes.popitem()
            if node.cluster is not None:
                node.cluster.contest = None
                node.cluster = None

    def _restore_link(self, record: Link) -> None:
        node = self.nodes.get(record.a)
        if node is not None and record.b in node.links:  # Known from a decision.
            self.link(record.a, record.b, Weight(record.evidence, record.at_ms), record.event_id)
            if record.bound is not None:
                self.link(record.a, record.b, Weight(BOUND, record.bound[0]), record.bound[1])
        else:
            self._components.adopt(record)

    def _restore_owner(self, record: Owned) -> None:
        node = self._components.moved[record.identifier] = self._components.node(record.identifier)
        node.owner, node.epoch = record.anchor, record.epoch
        self.last_epoch = max(self.last_epoch, record.epoch)

    def _rest(self) -> None:
        """After a restore: nothing is to be written or audited; who is not where the records say will move."""
        parts = self._components
        parts.recluster()
        parts.moved = {key: node for key, node in parts.moved.items() if node.anchor != node.owner}
        self._take_audit()
        self._unwritten_links.clear()
        self._unwritten_decisions.clear()

    def _relate(self, one: Node, other: Node, known: Operation | None, operation: Operation) -> None:
        """Bring the link and the prohibition of a pair to what was decided last."""
        parts = self._components
        link = one.links.get(other.key)
        if operation.kind is OperationKind.MUST_LINK:
            if link is None:
                parts.connect(one.key, other.key)
            else:
                parts.redecide(link)
        elif link is not None:
            if link.evidence == UNSEEN:
                parts.disconnect(link)
            else:
                parts.redecide(link)
        apart = operation.kind is OperationKind.CANNOT_LINK
        if apart or (known is not None and known.kind is OperationKind.CANNOT_LINK):
            parts.keep_apart(one, other, apart=apart)

    def _take_audit(self) -> Audit:
        parts = self._components
        refusals, parts.refused_before = parts.refused_before, {}
        barred, parts.barred_before = parts.barred_before, {}
        return Audit(
            sorted(
                RefusalChange(pair, before, self.refused.get(pair))
                for pair, before in refusals.items()
                if before != self.refused.get(pair)
            ),
            sorted(
                BarredChange(key, before, self.nodes[key].barred)
                for key, before in barred.items()
                if before != self.nodes[key].barred
            ),
        )

    def _check(self, *keys: str) -> None:
        people = {kind_of(key) in PERSON_TYPES for key in keys}
        if len(people) > 1:
            raise ValueError(f"{' and '.join(keys)}: people and accounts are two graphs and are never joined")
        if len(keys) > 1 and keys[0] == keys[1]:
            raise ValueError(f"{keys[0]} cannot be linked to itself")
