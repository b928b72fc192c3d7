"""Connected components of one tenant's usable links, kept clustered as links come and go (identity §1).

Changes are only noted when they come; ``recluster`` takes them together. A component in which no limit can bind is
one cluster, whatever the order of its links: a link to another such component is a merge, a new leaf costs the same
however great the component is. Where something is refused the component is a contest and is clustered anew, unless
the link is new and stands last in the order, behind what was decided already.

Links that an ``unbind`` ends are *severed*: kept beside the others, but they join nobody and count for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ebbtide.models.identity.clusters import Cluster, Contest, Node, Place, cluster, merge, place, refusal
from ebbtide.models.identity.evidence import UNSEEN, Link, Operation, Pair, ended, pair
from ebbtide.models.identity.limits import Limits, kind_of
from ebbtide.schemas.identity import EvidenceClass

UNBOUND = "unbound"
"""Why a severed link is refused."""


class Components:
    """Identifiers, their links and clusters. ``moved`` collects the identifiers whose cluster may be another.

    ``severed`` are the links that join nobody since an end was unbound; ``refused`` has them once reclustered.
    """

    def __init__(self, limits: Limits, decisions: Mapping[tuple[str, ...], Operation]) -> None:
        self.nodes: dict[str, Node] = {}
        self.refused: dict[Pair, str] = {}
        self.moved: dict[str, Node] = {}
        self.refused_before: dict[Pair, str | None] = {}
        self.barred_before: dict[str, str | None] = {}
        self.severed: set[Pair] = set()
        self._unbound: dict[str, int] = {}
        self._judged: dict[Pair, None] = {}
        self._limits = limits
        self._decisions = decisions
        self._apart: dict[str, set[str]] = {}
        self._fresh: list[tuple[Link, bool]] = []
        self._turned: dict[str, Node] = {}
        self._torn: list[Node] = []
        self._stale: dict[Cluster | Contest, None] = {}

    def node(self, key: str) -> Node:
        """The identifier's node, made if there is none. Raises ``ValueError`` if the key is none."""
        node = self.nodes.get(key)
        if node is None:
            node = self.nodes[key] = Node(key, kind_of(key), blocked=self._limits.blocks(key))
        return node

    def connect(self, a: str, b: str) -> Link:
        """A new link between ``a`` < ``b``, of an evidence that anything beats."""
        link = Link(a, b, UNSEEN, 0, "")
        self.adopt(link)
        return link

    def adopt(self, link: Link) -> None:
        """Take in a link between two that had none."""
        one, other = self.node(link.a), self.node(link.b)
        # The keys of the nodes: one string per identifier, however many links it has.
        link.a, link.b = one.key, other.key
        one.links[other.key] = other.links[one.key] = link
        self._count_owners(one, other, 1)
        self._fresh.append((link, True))
        if self._unbound:
            self._judge(link)

    def disconnect(self, link: Link) -> None:
        """Take a link away that nothing speaks for any more."""
        self._mend(link, severed=False)
        one, other = self.nodes[link.a], self.nodes[link.b]
        del one.links[link.b], other.links[link.a]
        self._count_owners(one, other, -1)
        self._torn += (one, other)

    def reweigh(self, link: Link) -> None:
        """The link's evidence is better than it was."""
        self._fresh.append((link, False))
        if self._unbound:
            self._judge(link)

    def renew(self, link: Link) -> None:
        """The two were bound anew: that says something only where an end was unbound before."""
        if self.unbound_ms(link) is not None:
            self.redecide(link)

    def redecide(self, link: Link) -> None:
        """Something else speaks for the link, as a decision by hand: its component is clustered anew."""
        self._torn += (self.nodes[link.a], self.nodes[link.b])
        self._judge(link)

    def unbind(self, node: Node, at_ms: int) -> None:
        """Part an identifier from all to whom what was said up to a time links it. The latest time holds."""
        self._unbound[node.key] = at_ms
        self._torn.append(node)
        for link in node.links.values():
            self._judge(link)

    def unbound_ms(self, link: Link) -> int | None:
        """When an end of the link was unbound last; None if neither was."""
        return max((self._unbound[key] for key in (link.a, link.b) if key in self._unbound), default=None)

    def block(self, node: Node, *, blocked: bool) -> None:
        """Make an identifier link nobody, or lift that."""
        if node.blocked == blocked:
            return
        node.blocked = blocked
        self._turned[node.key] = node
        for key in node.links:
            value = self.nodes[key]
            if node.kind == self._limits.owner_kind[value.kind] and pair(node.key, key) not in self.severed:
                self._count_owner(value, -1 if blocked else 1)

    def keep_apart(self, one: Node, other: Node, *, apart: bool) -> None:
        """Keep two identifiers out of one cluster, or lift that."""
        for node, kept_from in ((one, other), (other, one)):
            keys = self._apart.setdefault(node.key, set())
            if apart:
                keys.add(kept_from.key)
            else:
                keys.discard(kept_from.key)
            if not keys:
                del self._apart[node.key]
        self._torn += (one, other)

    def recluster(self) -> None:
        """Bring the clusters to what links, decisions and limits say."""
        turned, self._turned = self._turned, {}
        for node in turned.values():
            self._turn(node)
        judged, self._judged = self._judged, {}
        for ends in judged:
            if self.refused.get(ends) == UNBOUND:
                self._refuse(ends, None)
        torn, self._torn = self._torn, []
        self._spoil(torn)
        fresh, self._fresh = self._fresh, []
        for link, new in fresh:
            self._join(link, new=new)
        stale, self._stale = self._stale, {}
        if stale:
            self._rebuild(stale)
        for ends in judged:
            if ends in self.severed:
                self._refuse(ends, UNBOUND)

    def _judge(self, link: Link) -> None:
        """Whether an ``unbind`` ends the link, as of what is known now."""
        unbound_ms = self.unbound_ms(link)
        if unbound_ms is not None:
            self._mend(link, severed=ended(link, self._decisions.get((link.a, link.b)), unbound_ms))

    def _mend(self, link: Link, *, severed: bool) -> None:
        """Sever a link, or let it count again."""
        ends = (link.a, link.b)
        if severed == (ends in self.severed):
            return
        one, other = self.nodes[link.a], self.nodes[link.b]
        (self.severed.add if severed else self.severed.discard)(ends)
        self._judged[ends] = None
        self._count_owners(one, other, -1 if severed else 1)
        self._torn += (one, other)

    def _turn(self, node: Node) -> None:
        barred = standing(node, self._limits)
        if barred != node.barred:
            self.barred_before.setdefault(node.key, node.barred)
            node.barred = barred
            self._spoil(reach(node, self.nodes))

    def _spoil(self, nodes: Iterable[Node]) -> None:
        """Have the components of the nodes clustered anew."""
        for node in nodes:
            home = node.cluster or Cluster(node)
            self._stale[home.contest or home] = None

    def _count_owners(self, one: Node, other: Node, change: int) -> None:
        """Keep count of the user ids (group ids) that touch the ends of a link."""
        owner_kind = self._limits.owner_kind[one.kind]
        if one.kind == owner_kind and not one.blocked:
            self._count_owner(other, change)
        if other.kind == owner_kind and not other.blocked:
            self._count_owner(one, change)

    def _count_owner(self, value: Node, change: int) -> None:
        value.owners += change
        if standing(value, self._limits) != value.barred:
            self._turned[value.key] = value

    def _join(self, link: Link, *, new: bool) -> None:
        one, other = self.nodes[link.a], self.nodes[link.b]
        if one.barred or other.barred or one.links.get(link.b) is not link:
            return
        if self.severed and (link.a, link.b) in self.severed:
            return
        ours, theirs = one.cluster or Cluster(one), other.cluster or Cluster(other)
        mine, yours = ours.contest or ours, theirs.contest or theirs
        if mine is ours and yours is theirs and mine not in self._stale and yours not in self._stale:
            if ours is theirs:
                return
            if refusal(ours, theirs, self._limits, self._apart) is None:
                self._merge(ours, theirs)
                return
        elif new and mine not in self._stale and yours not in self._stale and self._append(link, ours, theirs):
            return
        self._spoil((one, other))

    def _merge(self, ours: Cluster, theirs: Cluster) -> None:
        for node in merge(ours, theirs, self._limits):
            self.moved[node.key] = node

    def _append(self, link: Link, ours: Cluster, theirs: Cluster) -> bool:
        """Take a new link into a contest if it stands behind all others there: what they decided is not touched."""
        contest = ours.contest or theirs.contest
        assert contest is not None
        for home in (ours, theirs):
            if home.contest is not contest and (home.contest is not None or len(home.members) > 1):
                return False
        unbound_ms = self.unbound_ms(link) if self._unbound else None
        spot = place(link, self._decisions.get((link.a, link.b)), unbound_ms)
        if spot <= contest.last:
            return False
        contest.last = spot
        for home in (ours, theirs):
            home.contest = contest
            contest.clusters[home] = None
        if ours is not theirs:
            decided = spot[0] == EvidenceClass.DECIDED
            reason = refusal(ours, theirs, self._limits, self._apart, decided=decided)
            if reason is None:
                self._merge(ours, theirs)
                survivor = self.nodes[link.a].cluster
                del contest.clusters[theirs if survivor is ours else ours]
            else:
                contest.refused[link.a, link.b] = reason
                self._refuse((link.a, link.b), reason)
        return True

    def _rebuild(self, stale: Iterable[Cluster | Contest]) -> None:
        seeds: dict[str, Node] = {}
        for part in stale:
            if isinstance(part, Contest):
                for refused in part.refused:
                    self._refuse(refused, None)
            for home in part.clusters if isinstance(part, Contest) else (part,):
                seeds.update((node.key, node) for node in home.members)
                home.contest = None  # Clusters and their contest hold each other; nothing here waits for a collector.
        for node in seeds.values():
            node.cluster = None
        self.moved.update(seeds)
        for node in seeds.values():
            if node.barred or node.cluster is not None:
                continue
            found, placed = self._component(node)
            if placed:
                contest = cluster(found, placed, self._limits, self._apart)
                for refused, reason in contest.refused.items():
                    self._refuse(refused, reason)

    def _component(self, start: Node) -> tuple[dict[str, Node], list[tuple[Place, Link]]]:
        """What is connected with a node by usable links, and those links."""
        found = {start.key: start}
        queue, placed, severed, unbound = [start], [], self.severed, self._unbound
        for node in queue:
            for key, link in node.links.items():
                other = self.nodes[key]
                if other.barred or (severed and (link.a, link.b) in severed):
                    continue
                if link.a == node.key:
                    unbound_ms = self.unbound_ms(link) if unbound else None
                    placed.append((place(link, self._decisions.get((link.a, link.b)), unbound_ms), link))
                if key not in found:
                    found[key] = other
                    queue.append(other)
        return found, placed

    def _refuse(self, pair: Pair, reason: str | None) -> None:
        self.refused_before.setdefault(pair, self.refused.get(pair))
        if reason is None:
            del self.refused[pair]
        else:
            self.refused[pair] = reason


def standing(node: Node, limits: Limits) -> str | None:
    """Why an identifier links nobody: ``blocked``, ``shared``, or None if it does."""
    if node.blocked:
        return "blocked"
    most = limits.max_owners.get(node.kind)
    return "shared" if most is not None and node.owners > most else None


def reach(node: Node, nodes: Mapping[str, Node]) -> Iterator[Node]:
    """Who must be clustered anew when an identifier begins or ceases to link: itself and all whom it links."""
    yield node
    for key in node.links:
        yield nodes[key]
