"""Consistency checks of one tenant's whole graph at once (identity §6). The worker keeps them up to date: ``watch``."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ebbtide.models.identity.clusters import Cluster
from ebbtide.models.identity.finding import VIOLATIONS, Finding
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.names import AccountNames
from ebbtide.models.identity.watch import Watch
from ebbtide.schemas.identity import FindingKind

_TOO_LARGE = (FindingKind.LARGE_COMPONENT, FindingKind.OVERSIZED_COMPONENT)


class Checks(NamedTuple):
    """Counts for metrics; findings; and violations, of which there must be none: each says of whom what is wrong."""

    identifiers: int
    clusters: int
    refused: dict[str, int]
    shared: int
    blocked: int
    largest_cluster: int
    largest_component: int
    over_soft_size: int
    violations: list[str]
    findings: list[Finding]


def check(graph: IdentityGraph, members: Members, names: AccountNames, day: int) -> Checks:
    """Look through everything, as of the graph's last settling and the beginning of a day (since 1970-01-01).

    A few seconds for a million identifiers.
    """
    watch = Watch()
    watch.look(graph, members, names, (), (), day, judge=True)
    found = [watch.found[key] for key in sorted(watch.found)]
    barred = Counter(node.barred for node in graph.nodes.values())
    return Checks(
        identifiers=watch.identifiers,
        clusters=watch.owners,
        refused=dict(sorted(watch.refused.items())),
        shared=barred["shared"],
        blocked=barred["blocked"],
        largest_cluster=max((_size(node.cluster) for node in graph.nodes.values()), default=0),
        largest_component=watch.largest_component,
        over_soft_size=sum(watch.kinds[kind] for kind in _TOO_LARGE),
        violations=[finding.sentence for finding in found if finding.kind in VIOLATIONS],
        findings=[finding for finding in found if finding.kind not in VIOLATIONS],
    )


def _size(home: Cluster | None) -> int:
    return 1 if home is None else len(home.members)
