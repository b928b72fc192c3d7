"""Why identifiers are one owner's, or are not: the links that joined them, or what stands between (identity §1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from ebbtide.models.identity.clusters import Node, in_order, place
from ebbtide.models.identity.evidence import Link, Operation
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.schemas.identity import EvidenceClass


class Reason(NamedTuple):
    """A link as it counts: ``source`` is an event id or, where it was decided by hand, an operation id.

    ``refusal`` says why it joins nothing: ``limit:<type>``, ``cannot_link``, ``size``, ``unbound``, ``shared``,
    ``blocked``.
    """

    a: str
    b: str
    evidence: EvidenceClass
    at_ms: int
    source: str
    refusal: str | None = None


class Explanation(NamedTuple):
    """The cluster of an identifier, and how it comes about.

    ``joined`` are the links that made the cluster, in the order in which they were taken; ``refused`` those from its
    members to others; ``decisions`` what was decided by hand about its members. ``path`` leads to the other identifier
    that was asked for: all of it joined if both are one owner's, else what stands between has a ``refusal``; empty if
    no links lead there.
    """

    identifier: str
    anchor: str
    members: list[str]
    barred: str | None
    joined: list[Reason]
    refused: list[Reason]
    decisions: list[Operation]
    path: list[Reason]


def explain(graph: IdentityGraph, a: str, b: str | None = None) -> Explanation:
    """The cluster of ``a`` as of the last settling and, given ``b``, why the two are or are not one owner's."""
    members = graph.members(a)
    inside = set(members)
    nodes = [graph.nodes[key] for key in members if key in graph.nodes]
    tree = _tree(graph, nodes, inside)
    crossing = [link for node in nodes for link in node.links.values() if {link.a, link.b} - inside]
    if b is None:
        path = []
    elif b in inside:
        path = _path(a, b, _neighbours(tree))
    else:
        path = _path(a, b, lambda key: graph.nodes[key].links if key in graph.nodes else {})
    return Explanation(
        identifier=a,
        anchor=graph.anchor(a),
        members=members,
        barred=graph.nodes[a].barred if a in graph.nodes else None,
        joined=[_reason(graph, link) for link in tree],
        refused=[_reason(graph, link) for link in _ordered(graph, crossing)],
        decisions=sorted(
            (decided for target, decided in graph.decisions.items() if inside.intersection(target)),
            key=lambda decided: (decided.at_ms, decided.operation_id),
        ),
        path=[_reason(graph, link) for link in path],
    )


def _ordered(graph: IdentityGraph, links: Iterable[Link]) -> list[Link]:
    decisions = graph.decisions
    placed = ((place(link, decisions.get((link.a, link.b)), graph.unbound_ms(link)), link) for link in links)
    return [link for _, link in in_order(placed)]


def _tree(graph: IdentityGraph, nodes: list[Node], inside: set[str]) -> list[Link]:
    """The links that made the cluster. None inside a cluster is ever refused, unless it is severed: other links join
    its ends. So limits need no second look.
    """
    links = [
        link
        for node in nodes
        for link in node.links.values()
        if link.a == node.key and link.b in inside and not graph.severed(link)
    ]
    groups = {node.key: [node.key] for node in nodes}
    tree = []
    for link in _ordered(graph, links):
        ours, theirs = groups[link.a], groups[link.b]
        if ours is not theirs:
            tree.append(link)
            ours += theirs
            for key in theirs:
                groups[key] = ours
    return tree


def _neighbours(links: Iterable[Link]) -> Callable[[str], dict[str, Link]]:
    found: dict[str, dict[str, Link]] = {}
    for link in links:
        found.setdefault(link.a, {})[link.b] = found.setdefault(link.b, {})[link.a] = link
    return lambda key: found.get(key, {})


def _path(start: str, end: str, neighbours: Callable[[str], dict[str, Link]]) -> list[Link]:
    """The shortest path; among those of one length the one whose keys are smallest from the start on."""
    came: dict[str, Link | None] = {start: None}
    queue = [start]
    for key in queue:
        if key == end:
            break
        for other, link in sorted(neighbours(key).items()):
            if other not in came:
                came[other] = link
                queue.append(other)
    path: list[Link] = []
    key = end
    while (step := came.get(key)) is not None:
        path.append(step)
        key = step.b if step.a == key else step.a
    return path[::-1]


def _reason(graph: IdentityGraph, link: Link) -> Reason:
    evidence, at_ms, source = graph.voice(link)
    barred = graph.nodes[link.a].barred or graph.nodes[link.b].barred
    return Reason(link.a, link.b, EvidenceClass(evidence), at_ms, source, barred or graph.refused.get((link.a, link.b)))
