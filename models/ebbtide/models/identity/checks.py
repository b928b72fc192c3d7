"""Consistency checks of one tenant's identity graph (identity §6)."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ebbtide.models.identity.clusters import Cluster, Contest
from ebbtide.models.identity.evidence import effective
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.schemas.identity import EvidenceClass


class Checks(NamedTuple):
    """Counts for metrics, and violations, of which there must be none: each names an identifier and what is wrong."""

    identifiers: int
    clusters: int
    refused: dict[str, int]
    shared: int
    blocked: int
    largest_cluster: int
    largest_component: int
    over_soft_size: int
    violations: list[str]


def check(graph: IdentityGraph) -> Checks:
    """Look through the whole graph, as of its last settling. About a second for a million identifiers."""
    limits = graph.limits
    clusters: dict[Cluster, None] = {}
    contests: dict[Contest, None] = {}
    alone = 0
    violations = []
    for key, node in graph.nodes.items():
        home = node.cluster
        if home is None:
            alone += 1
        else:
            clusters[home] = None
            if home.contest is not None:
                contests[home.contest] = None
            if node.barred:
                violations.append(f"{key} is {node.barred} but linked")
    belongs = Counter(node.key for home in clusters for node in home.members)
    for home in clusters:
        anchor = home.anchor.key
        kinds = Counter(node.kind for node in home.members)
        over = sorted(
            kind
            for kind, count in kinds.items()
            if count > limits.of_type.get(kind, count) and (limits.decided or not _decided(graph, home, kind))
        )
        violations += [f"{anchor} has {kinds[kind]} of {kind}" for kind in over]
        if len(home.members) > limits.hard_size:
            violations.append(f"{anchor} has {len(home.members)} identifiers")
        violations += [
            f"{node.key} is in {belongs[node.key]} clusters"
            for node in home.members
            if node.cluster is not home or belongs[node.key] != 1
        ]
    sizes = [len(home.members) for home in clusters]
    components = [sum(len(home.members) for home in contest.clusters) for contest in contests]
    barred = Counter(node.barred for node in graph.nodes.values())
    return Checks(
        identifiers=len(graph.nodes),
        clusters=len(clusters) + alone,
        refused=dict(sorted(Counter(graph.refused.values()).items())),
        shared=barred["shared"],
        blocked=barred["blocked"],
        largest_cluster=max(sizes, default=min(alone, 1)),
        largest_component=max(sizes + components, default=min(alone, 1)),
        over_soft_size=sum(size > limits.soft_size for size in sizes),
        violations=violations,
    )


def _decided(graph: IdentityGraph, home: Cluster, kind: str) -> bool:
    """Whether links by hand alone join all of a cluster's values of a type."""
    wanted = [node for node in home.members if node.kind == kind]
    found, queue = {wanted[0].key}, [wanted[0]]
    for node in queue:
        for key, link in node.links.items():
            decided = effective(link, graph.decisions.get((link.a, link.b)))[0] == EvidenceClass.DECIDED
            if decided and key not in found and not graph.nodes[key].barred:
                found.add(key)
                queue.append(graph.nodes[key])
    return all(node.key in found for node in wanted)
