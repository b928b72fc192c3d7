"""Accounts that look as if they had been renamed: one stops, another starts with its people (identity §6).

Nobody says that a group id was replaced by another, and days with and without it look alike: the old account falls
silent, the new one is full of news. What gives it away is people. Whoever was in account A and came to B later has
*moved* if A did not see them again from a week after that day on; in the week itself old and new releases of a product
may send both. That is known a week later. A rename is suspected where enough of A's people moved to B, and enough of
those whom B started with came from A.

It is a share, and not "nobody was seen in A again", so that one stray event of one person cannot hide the rename of
two hundred. People who work in both accounts come back and have not moved; those who come to a customer that is there
already do not start it; whoever is in very many accounts is a reseller's, and says nothing.

Days are compared within one source profile alone (a subject of events): its shard knows all of its days, and sends
what is asked for here, and nothing else (``models/profile/returns.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ebbtide.models.identity.evidence import pair
from ebbtide.models.identity.finding import Finding
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.members import Members
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.identity import FindingKind, OperationKind

SETTLING_DAYS = 7
"""For so long after the first day in a new account the old one may still be seen; for so long again it must not be."""
MOST_ACCOUNTS = 20
"""Whoever is in more accounts than this works for a reseller, or is a script. Bounds the work for one event too."""
_FEWEST = 2
_GROUP = f"{IdentifierType.GROUP_ID}/"


class Renames(NamedTuple):
    """Suspected renames by their ids, and the next day on which more may be known without any news, if there is one."""

    findings: list[Finding]
    due_day: int | None


class _Move(NamedTuple):
    """One person's first day in the new account."""

    old: str
    new: str
    person: str
    day: int


def suspected(graph: IdentityGraph, members: Members, day: int) -> Renames:
    """Suspected renames as of the beginning of a day (days since 1970-01-01).

    Costs a few microseconds for each membership of those who are in several accounts.
    """
    due = None
    joined: dict[tuple[str, str], dict[str, int]] = {}
    for move in _moves(graph, members):
        known = move.day + 2 * SETTLING_DAYS
        if known > day:
            due = known if due is None else min(due, known)
            continue
        people = joined.setdefault((move.old, move.new), {})
        people[move.person] = min(move.day, people.get(move.person, move.day))
    found = []
    for (old, new), people in sorted(joined.items()):
        if len(people) >= _FEWEST and not _parted(graph, old, new):
            finding = _judge(graph, members, old, new, people)
            if finding is not None:
                found.append(finding)
    return Renames(found, due)


def _moves(graph: IdentityGraph, members: Members) -> Iterator[_Move]:
    """Each subject's step from an account to the next one that it came to for good, mature or not."""
    for subject in members.in_several:
        stays = _stays(graph, members.seen(subject))
        if not 1 < len(stays) <= MOST_ACCOUNTS:
            continue
        for old, (first, last) in stays.items():
            later = [start for start, _ in stays.values() if first < start and last <= start + SETTLING_DAYS]
            if later:
                day = min(later)
                person = graph.anchor(subject)
                yield from (_Move(old, new, person, day) for new, (start, _) in stays.items() if start == day)


def _stays(graph: IdentityGraph, by_group: Iterable[tuple[str, int, int]]) -> dict[str, tuple[int, int]]:
    """First and last day by account: the group ids of one account are taken together."""
    found: dict[str, tuple[int, int]] = {}
    for group, first, last in by_group:
        account = graph.anchor(_GROUP + group)
        known = found.get(account)
        found[account] = (first, last) if known is None else (min(first, known[0]), max(last, known[1]))
    return found


def _judge(graph: IdentityGraph, members: Members, old: str, new: str, moved: Mapping[str, int]) -> Finding | None:
    share, count = graph.limits.rename_share, len(moved)
    people = _people(graph, members, old)
    if count < share * len(people):
        return None
    # What the new account starts with: everybody it had when half of those who moved had come.
    half = sorted(moved.values())[(count - 1) // 2]
    starters = sum(day <= half for day in _people(graph, members, new).values())
    if sum(day <= half for day in moved.values()) < share * starters:
        return None
    since = min(moved.values())
    return Finding(FindingKind.SUSPECTED_RENAME, old, new, count=count, total=len(people), first_day=since)


def _people(graph: IdentityGraph, members: Members, account: str) -> dict[str, int]:
    """First day of each person of an account."""
    found: dict[str, int] = {}
    for key in graph.members(account):
        if key.startswith(_GROUP):
            group = key.removeprefix(_GROUP)
            for subject in members.people(group):
                person, day = graph.anchor(subject), members.first_day(subject, group)
                found[person] = min(day, found.get(person, day))
    return found


def _parted(graph: IdentityGraph, old: str, new: str) -> bool:
    """Whether somebody decided that the two accounts are two."""
    decided = (graph.decisions.get(pair(a, b)) for a in graph.members(old) for b in graph.members(new))
    return any(one is not None and one.kind is OperationKind.CANNOT_LINK for one in decided)
