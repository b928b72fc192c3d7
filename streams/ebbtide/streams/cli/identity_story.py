"""What the log tells about an identifier, as a value for scripts and as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import click

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.identity.components import UNBOUND
from ebbtide.models.identity.evidence import Operation, pair
from ebbtide.models.identity.explanation import Reason, explain
from ebbtide.models.identity.identifiers import is_person
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.identity import EvidenceClass, OperationKind
from ebbtide.streams.identity_log import TenantLog

_UNBIND = OperationKind.UNBIND.value
_GROUP = f"{IdentifierType.GROUP_ID}/"
_EVIDENCE = {
    EvidenceClass.DECIDED: "decided by hand",
    EvidenceClass.BOUND: "bound by an alias, or converted or merged in the CRM",
    EvidenceClass.IDENTIFIED: "identified",
    EvidenceClass.CRM_EQUALITY: "equal in the CRM",
    EvidenceClass.SEEN_TOGETHER: "seen together in one event",
}
_DECIDED = {
    OperationKind.MUST_LINK: "must be one",
    OperationKind.CANNOT_LINK: "must never be one",
    OperationKind.UNLINK: "decision withdrawn",
    OperationKind.BLOCK: "blocked",
    OperationKind.UNBLOCK: "not blocked",
    OperationKind.UNBIND: "unbound",
}


def story_of(log: TenantLog, a: Identifier, b: Identifier | None) -> dict[str, Any]:
    """All of the answer, as it is printed for scripts."""
    graph, key = log.graph, a.key
    found = explain(graph, key, None if b is None else b.key)
    groups = log.members.groups(found.members)
    people = {graph.anchor(person) for group in _groups_of(found.members) for person in log.members.people(group)}
    return {
        "tenant": graph.tenant,
        "generation": log.generation.number,
        "identifier": key,
        "known": key in graph.nodes or bool(groups) or bool(people),
        "kind": noun_of(a.type),
        "owner_id": graph.owner_id(key),
        "anchor": found.anchor,
        "identifiers": found.members,
        "barred": found.barred,
        "joined": [_link_row(log, row) for row in found.joined],
        "refused": [_link_row(log, row) for row in found.refused],
        "decisions": [_decision_row(row) for row in found.decisions],
        "accounts": [
            {
                "group": _GROUP + group,
                "owner_id": graph.owner_id(_GROUP + group),
                "stays": [[_day(first), None if last is None else _day(last)] for first, last in membership.spans],
            }
            for group, membership in groups.items()
        ],
        "people": len(people),
        "other": None if b is None else _other(log, a, b, found.path),
    }


def _other(log: TenantLog, a: Identifier, b: Identifier, path: Iterable[Reason]) -> dict[str, Any]:
    graph, one, two = log.graph, a.key, b.key
    decided = graph.decisions.get(pair(one, two))
    person, account = (one, two) if is_person(a.type) else (two, one)
    groups = log.members.groups(graph.members(person))
    days = [found.first for group, found in groups.items() if graph.anchor(_GROUP + group) == graph.anchor(account)]
    return {
        "identifier": two,
        "kind": noun_of(b.type),
        "owner_id": graph.owner_id(two),
        "anchor": graph.anchor(two),
        "same_owner": graph.anchor(one) == graph.anchor(two),
        "member_since": _day(min(days)) if days else None,
        "path": [_link_row(log, row) for row in path],
        "decision": None if decided is None else _decision_row(decided),
    }


def _link_row(log: TenantLog, row: Reason) -> dict[str, Any]:
    barred = [key for key in (row.a, row.b) if log.graph.nodes[key].barred]
    by_hand = row.evidence is EvidenceClass.DECIDED
    return {
        "a": row.a,
        "b": row.b,
        "evidence": row.evidence.name.lower(),
        "at": _rfc3339(row.at_ms),
        "event_id": None if by_hand else row.source,
        "operation_id": row.source if by_hand else None,
        "refusal": row.refusal,
        "barred": barred,
        "unbound": [key for key in (row.a, row.b) if row.refusal == UNBOUND and (key, _UNBIND) in log.graph.decisions],
    }


def _decision_row(decided: Operation) -> dict[str, Any]:
    return {
        "operation_id": decided.operation_id,
        "kind": decided.kind.value,
        "identifiers": [key for key in (decided.identifier, decided.other) if key is not None],
        "decided_at": _rfc3339(decided.at_ms),
        "actor": decided.actor,
        "reason": decided.reason,
    }


def tell(story: Mapping[str, Any], policy: IdentityPolicy) -> None:
    """Print a story."""
    key, members = shown(story["identifier"]), story["identifiers"]
    click.echo(f"{key} of tenant {shown(story['tenant'])}")
    click.echo(f"is {story['kind']} {story['owner_id']}, named by {shown(story['anchor'])}")
    if not story["known"]:
        click.echo(f"No link, account or decision names it: either it came alone, or never. See that {key} is right.")
    if story["barred"]:
        click.echo(f"It is {_barred(story['identifier'], story['barred'], policy)}, and links nobody.")
    others = [member for member in members if member != story["anchor"]]
    _section("identifiers", [f"{shown(story['anchor'])}  (anchor)", *map(shown, others)])
    _section("joined by", [_link_line(row, policy) for row in story["joined"]])
    _section("refused links, to others", [_link_line(row, policy) for row in story["refused"]])
    _section("decided by hand, last of each", [_decision_line(row) for row in story["decisions"]])
    accounts = [
        f"{shown(row['group'])}  {_stays(row['stays'])}  account {row['owner_id']}" for row in story["accounts"]
    ]
    _section("accounts", accounts)
    if story["people"]:
        _section("people", [f"{story['people']} seen in it"])
    if story["other"] is not None:
        click.echo(f"\n{_verdict(story)}")
        for row in story["other"]["path"]:
            click.echo(f"  {_link_line(row, policy)}")


def _section(title: str, lines: list[str]) -> None:
    if lines:
        click.echo(f"\n{title}")
        for line in lines:
            click.echo(f"  {line}")


def _verdict(story: Mapping[str, Any]) -> str:
    """One or apart, and why, in a sentence or two; the path follows where there is one."""
    other, kind = story["other"], story["kind"]
    both = f"{shown(story['identifier'])} and {shown(other['identifier'])}"
    if other["kind"] != kind:
        since = other["member_since"]
        seen = "not seen in the account" if since is None else f"seen in the account since {since}"
        return f"{both} are a person and an account, which are never one: the person was {seen}."
    if other["same_owner"]:
        return f"{both} are one {kind}, joined by"
    apart = f"{both} are two: the other is {kind} {other['owner_id']}, named by {shown(other['anchor'])}."
    decided = other["decision"]
    if decided is not None and decided["kind"] == OperationKind.CANNOT_LINK:
        apart += f"\nThey are kept apart by hand: {_decision_line(decided)}"
    return apart + ("\nBetween them stands" if other["path"] else "\nNo link leads from one to the other.")


def _link_line(row: Mapping[str, Any], policy: IdentityPolicy) -> str:
    source = f"event {row['event_id']}" if row["event_id"] is not None else f"operation {row['operation_id']}"
    evidence = _EVIDENCE[EvidenceClass[row["evidence"].upper()]]
    line = f"{shown(row['a'])} - {shown(row['b'])}  {evidence}  {row['at']}  {shown(source)}"
    return line if row["refusal"] is None else f"{line}  REFUSED: {_refusal(row, policy)}"


def _refusal(row: Mapping[str, Any], policy: IdentityPolicy) -> str:
    refusal: str = row["refusal"]
    code, _, kind = refusal.partition(":")
    if code == "limit":
        return f"they would have more than {policy.limits[IdentifierType(kind)]} {kind} ({refusal})"
    if code in {"shared", "blocked"}:
        return "; ".join(f"{shown(key)} is {_barred(key, code, policy)}" for key in row["barred"])
    if code == UNBOUND:
        return f"it is older than the unbind of {' and '.join(map(shown, row['unbound']))} ({refusal})"
    reasons = {
        "cannot_link": "two of them are kept apart by hand (cannot_link)",
        "size": f"they would have more than {policy.hard_size} identifiers (size)",
    }
    return reasons.get(code, refusal)


def _barred(key: str, why: str, policy: IdentityPolicy) -> str:
    if why != "shared":
        return why
    most = policy.max_owners.get(IdentifierType(key.partition("/")[0]))
    return why if most is None else f"shared by more than {most}"


def _decision_line(row: Mapping[str, Any]) -> str:
    about = " - ".join(map(shown, row["identifiers"]))
    who = f"{shown(row['actor'])}: {shown(row['reason'])}"
    return f"{about}  {_DECIDED[OperationKind(row['kind'])]}  {row['decided_at']}  {who}  ({row['operation_id']})"


def _groups_of(members: Iterable[str]) -> list[str]:
    return [key.removeprefix(_GROUP) for key in members if key.startswith(_GROUP)]


def noun_of(kind: IdentifierType) -> str:
    """What identifiers of the type name."""
    return "person" if is_person(kind) else "account"


def shown(text: str) -> str:
    """What strangers sent, safe for a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _stays(stays: Iterable[tuple[str, str | None]]) -> str:
    return ", ".join(f"since {first}" if last is None else f"{first} to {last}" for first, last in stays)


def _day(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def _rfc3339(ms: int) -> str:
    return from_ms(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
