"""How many identifiers are connected with one another, joined or refused (identity §6)."""

from __future__ import annotations

from collections.abc import Iterable

from ebbtide.models.identity.clusters import Cluster, Contest, Node
from ebbtide.models.identity.finding import Finding
from ebbtide.models.identity.limits import Limits
from ebbtide.schemas.identity import FindingKind

Component = Cluster | Contest


def component(node: Node) -> Component | None:
    """The connected component of a node; None if it is alone."""
    home = node.cluster
    return None if home is None else home.contest or home


def size_of(part: Component | None) -> int:
    """Identifiers of a component."""
    if part is None:
        return 1
    return len(part.members) if isinstance(part, Cluster) else sum(len(home.members) for home in part.clusters)


def a_member(part: Component) -> Node:
    """One of its identifiers."""
    home = part if isinstance(part, Cluster) else next(iter(part.clusters))
    return home.members[0]


def components(nodes: Iterable[Node]) -> dict[Component, int]:
    """Components of the nodes with their sizes, those of one identifier left out."""
    parts = dict.fromkeys(part for node in nodes if (part := component(node)) is not None)
    return {part: size_of(part) for part in parts}


def too_large(part: Component, size: int, limits: Limits) -> Finding | None:
    """What is to say of a component's size. It is named by its first anchor: the strongest type, the smaller key."""
    if size <= min(limits.soft_size, limits.hard_size):
        return None
    kind, most = FindingKind.LARGE_COMPONENT, limits.soft_size
    if size > limits.hard_size:
        kind, most = FindingKind.OVERSIZED_COMPONENT, limits.hard_size
    homes = (part,) if isinstance(part, Cluster) else part.clusters
    first = min((home.anchor for home in homes), key=lambda anchor: (limits.rank[anchor.kind], anchor.key))
    return Finding(kind, first.key, count=size, total=most)
