"""Checks of one identifier and of the cluster that it names (identity §6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ebbtide.models.identity.clusters import Cluster, Node
from ebbtide.models.identity.finding import Finding
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.names import AccountNames
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.identity import EvidenceClass, FindingKind

GROUP = IdentifierType.GROUP_ID.value
OF_ONE_ACCOUNT = {
    IdentifierType.CRM_ACCOUNT_ID.value: FindingKind.SHARED_CRM_ACCOUNT,
    IdentifierType.DOMAIN.value: FindingKind.MOVED_DOMAIN,
}
"""Types of which a value should be linked to one account only, with what it means if it is not."""


def about(graph: IdentityGraph, names: AccountNames, key: str) -> Iterator[Finding]:
    """Everything found about one identifier as of the graph's last settling, also one that the graph has no link of."""
    node = graph.nodes.get(key)
    yield from _names_as_ids(graph, names, key, _groups(key, node))
    if node is None:
        return
    if node.owners > 1 and node.kind in OF_ONE_ACCOUNT and not node.blocked:
        yield from _claims(graph, node)
    if node.cluster is not None:
        if node.barred:
            yield Finding(FindingKind.BARRED_BUT_LINKED, key, detail=node.barred)
        if node.cluster.anchor is node:
            yield from violations(graph, node.cluster)


def violations(graph: IdentityGraph, home: Cluster) -> Iterator[Finding]:
    """Contradictions in a cluster: more of a type than may be, more identifiers than may be, members of another."""
    limits, anchor = graph.limits, home.anchor.key
    kinds = Counter(node.kind for node in home.members)
    for kind, count in sorted(kinds.items()):
        most = limits.of_type.get(kind, count)
        if count > most and (limits.decided or not _decided(graph, home, kind)):
            yield Finding(FindingKind.OVER_LIMIT, anchor, detail=kind, count=count, total=most)
    if len(home.members) > limits.hard_size:
        size = len(home.members)
        yield Finding(FindingKind.OVER_LIMIT, anchor, detail="size", count=size, total=limits.hard_size)
    for key in sorted({node.key for node in home.members if node.cluster is not home}):
        yield Finding(FindingKind.SEVERAL_OWNERS, key, anchor)


def _groups(key: str, node: Node | None) -> list[str]:
    """The group ids of the account that an identifier names, sorted; none if it names no account."""
    if node is None or node.cluster is None:
        return [key] if key.startswith(f"{GROUP}/") and not (node is not None and node.blocked) else []
    if node.cluster.anchor is not node or GROUP not in node.cluster.counts:
        return []
    return sorted(member.key for member in node.cluster.members if member.kind == GROUP)


def _names_as_ids(graph: IdentityGraph, names: AccountNames, account: str, groups: list[str]) -> Iterator[Finding]:
    """Group ids that are names: another account's, or such that the account has none but names.

    A group id with spaces is a name, and so is one that equals a name of its account. Beside one that is neither they
    are old names, and that is the id.
    """
    own: list[Finding] = []
    has_id = False
    for group in groups:
        since = _bearers(graph, names, group)
        found = [Finding(FindingKind.NAME_AS_ID, group)] if len(group.split()) > 1 else []
        if account in since:
            found.append(Finding(FindingKind.NAME_AS_ID, group, account, first_day=since.pop(account)))
        has_id = has_id or not found
        own += found
        for other in list(since)[:1]:
            yield Finding(FindingKind.NAME_AS_ID, group, other, first_day=since[other])
    if not has_id:
        yield from own


def _bearers(graph: IdentityGraph, names: AccountNames, group: str) -> dict[str, int]:
    """Anchors of the accounts that bear a name equal to a group id, and since which day, the first to bear it first.

    Nobody is accused by what is blocked.
    """
    since: dict[str, int] = {}
    for at_ms, bearer in names.bearers(group.partition("/")[2]):
        node = graph.nodes.get(bearer)
        if node is None or not node.blocked:
            since.setdefault(graph.anchor(bearer), at_ms // DAY_MS)
    return since


def _claims(graph: IdentityGraph, node: Node) -> Iterator[Finding]:
    """A value that evidence links to group ids of several accounts, since the second of them."""
    accounts: dict[str, int] = {}
    for key, link in node.links.items():
        other = graph.nodes[key]
        if other.kind == GROUP and not other.blocked and not graph.severed(link):
            at_ms = graph.voice(link)[1]
            accounts[other.anchor] = min(at_ms, accounts.get(other.anchor, at_ms))
    if len(accounts) > 1:
        since = sorted(accounts.values())[1] // DAY_MS
        yield Finding(OF_ONE_ACCOUNT[node.kind], node.key, count=len(accounts), first_day=since)


def _decided(graph: IdentityGraph, home: Cluster, kind: str) -> bool:
    """Whether links by hand alone join all of a cluster's values of a type."""
    wanted = [node for node in home.members if node.kind == kind]
    found, queue = {wanted[0].key}, [wanted[0]]
    for node in queue:
        for key, link in node.links.items():
            decided = graph.voice(link)[0] == EvidenceClass.DECIDED and not graph.severed(link)
            if decided and key not in found and not graph.nodes[key].barred:
                found.add(key)
                queue.append(graph.nodes[key])
    return all(node.key in found for node in wanted)
