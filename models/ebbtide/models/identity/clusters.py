"""Clusters of one connected component: links by weight, joined unless something forbids it (identity §1).

A refused link stays refused while its component stays as it is, since clusters only grow while links are taken in
order. So the ends of a refused link are always in two clusters, and links inside a cluster are never refused. Links
that an ``unbind`` severed are not among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ebbtide.models.identity.evidence import Link, Operation, Pair, effective, pair_hash
from ebbtide.models.identity.limits import Limits, exceeded
from ebbtide.schemas.identity import EvidenceClass

Apart = Mapping[str, set[str]]
"""For an identifier those that must not be in its cluster, by ``cannot_link``; in both directions."""


class Node:
    """One identifier: its links by the key of the other end, its cluster, and the owner that was told last.

    ``cluster`` is None for an identifier that is alone. ``barred`` says why it links nobody: ``shared``, ``blocked``
    or None. ``owners`` counts the user ids (group ids) linked to it that are not blocked. ``epoch`` is 0 until its
    owner has changed once.
    """

    __slots__ = ("barred", "blocked", "cluster", "epoch", "key", "kind", "links", "owner", "owners")

    def __init__(self, key: str, kind: str, *, blocked: bool) -> None:
        self.key = key
        self.kind = kind
        self.links: dict[str, Link] = {}
        self.cluster: Cluster | None = None
        self.blocked = blocked
        self.barred: str | None = "blocked" if blocked else None
        self.owners = 0
        self.owner = key
        self.epoch = 0

    @property
    def anchor(self) -> str:
        """Key of the identifier that names the owner."""
        return self.key if self.cluster is None else self.cluster.anchor.key


class Cluster:
    """Identifiers of one owner. Alone in its component unless ``contest`` says what else is there."""

    __slots__ = ("anchor", "contest", "counts", "members")

    def __init__(self, node: Node) -> None:
        self.members = [node]
        self.counts = {node.kind: 1}
        self.anchor = node
        self.contest: Contest | None = None
        node.cluster = self


class Contest:
    """A component of several clusters: some of its links are refused. ``last`` is the place of its weakest link."""

    __slots__ = ("clusters", "last", "refused")

    def __init__(self, last: Place) -> None:
        self.clusters: dict[Cluster, None] = {}
        self.refused: dict[Pair, str] = {}
        self.last = last


Place = tuple[int, int, bytes, str, str]
"""Place of a link in the order: class, event time, hash of the pair, and the pair against hashes that collide."""


def place(link: Link, decided: Operation | None, unbound_ms: int | None = None) -> Place:
    """Where the link stands in the order; ``unbound_ms`` as in ``effective``."""
    evidence, at_ms, _ = effective(link, decided, unbound_ms)
    return (evidence, at_ms, pair_hash(link.a, link.b), link.a, link.b)


def in_order(placed: Iterable[tuple[Place, Link]]) -> list[tuple[Place, Link]]:
    """Links, the strongest and earliest first."""
    return sorted(placed, key=lambda entry: entry[0])


def refusal(ours: Cluster, theirs: Cluster, limits: Limits, apart: Apart, *, decided: bool = False) -> str | None:
    """Why two clusters must not become one: ``limit:<type>``, ``cannot_link``, ``size``; None if they may.

    What is decided by hand (class 0) no limit of a type refuses, unless the policy says so: two group ids of an account
    that was renamed are one account when somebody says it. Such links come first in the order, so that the argument
    above holds, and evidence adds no further value of a type that is over its limit.
    """
    kind = None if decided and not limits.decided else exceeded(ours.counts, theirs.counts, limits)
    if kind is not None:
        return f"limit:{kind}"
    if apart and held_apart(ours, theirs, apart):
        return "cannot_link"
    return "size" if len(ours.members) + len(theirs.members) > limits.hard_size else None


def held_apart(ours: Cluster, theirs: Cluster, apart: Apart) -> bool:
    """Whether a ``cannot_link`` stands between two clusters."""
    few, many = (ours, theirs) if len(ours.members) <= len(theirs.members) else (theirs, ours)
    kept_from = {key for node in few.members for key in apart.get(node.key, ())}
    return bool(kept_from) and any(node.key in kept_from for node in many.members)


def merge(ours: Cluster, theirs: Cluster, limits: Limits) -> list[Node]:
    """Make two clusters one, whichever is greater, and return the nodes that have another anchor now."""
    great, small = (ours, theirs) if len(ours.members) >= len(theirs.members) else (theirs, ours)
    if precedes(small.anchor, great.anchor, limits):
        moved, great.anchor = list(great.members), small.anchor
    else:
        moved = small.members
    for node in small.members:
        node.cluster = great
    great.members += small.members
    for kind, count in small.counts.items():
        great.counts[kind] = great.counts.get(kind, 0) + count
    return moved


def precedes(one: Node, other: Node, limits: Limits) -> bool:
    """Whether the one rather than the other is an anchor. Most pairs differ in their types: no hash is needed."""
    if one.kind != other.kind:
        return limits.rank[one.kind] < limits.rank[other.kind]
    return limits.precedence(one.key) < limits.precedence(other.key)


def cluster(nodes: Mapping[str, Node], placed: list[tuple[Place, Link]], limits: Limits, apart: Apart) -> Contest:
    """Cluster a connected component anew: ``nodes`` are its identifiers, ``placed`` its usable links.

    Sets the nodes' clusters. Without anything to refuse the answer has one cluster and no refused links.
    """
    for node in nodes.values():
        Cluster(node)
    ordered = in_order(placed)
    contest = Contest(ordered[-1][0])
    for spot, link in ordered:
        ours, theirs = nodes[link.a].cluster, nodes[link.b].cluster
        assert ours is not None
        assert theirs is not None
        if ours is theirs:
            continue
        reason = refusal(ours, theirs, limits, apart, decided=spot[0] == EvidenceClass.DECIDED)
        if reason is None:
            merge(ours, theirs, limits)
        else:
            contest.refused[link.a, link.b] = reason
    contest.clusters = dict.fromkeys(node.cluster for node in nodes.values() if node.cluster is not None)
    if len(contest.clusters) > 1:
        for found in contest.clusters:
            found.contest = contest
    return contest
