"""What another policy or version would change: two graphs of the same links, compared by their clusters."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from ebbtide.models.identity.graph import IdentityGraph

EXAMPLES = 20


class Difference(NamedTuple):
    """Identifiers that change owner, and old clusters that fall apart or flow together.

    ``examples`` are the first ``EXAMPLES`` moves by identifier: identifier, old anchor, new anchor.
    """

    identifiers: int
    moved: int
    split: int
    merged: int
    examples: list[tuple[str, str, str]]


def difference(old: IdentityGraph, new: IdentityGraph) -> Difference:
    """Compare owners as of each graph's last settling, ``rebuilt`` or ``restore``; what only one knows is included.

    ``split`` counts old clusters whose members have several owners now, ``merged`` new ones of several before.
    """
    keys = sorted(old.nodes.keys() | new.nodes.keys())
    after, before = defaultdict(set), defaultdict(set)
    moves = []
    for key in keys:
        was, now = old.anchor(key), new.anchor(key)
        after[was].add(now)
        before[now].add(was)
        if was != now:
            moves.append((key, was, now))
    return Difference(
        identifiers=len(keys),
        moved=len(moves),
        split=sum(len(owners) > 1 for owners in after.values()),
        merged=sum(len(owners) > 1 for owners in before.values()),
        examples=moves[:EXAMPLES],
    )
