"""Records of the identity log as tests write them, and what a shard says of them: told, stored, known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.identity.evidence import ABOUT_ONE
from ebbtide.models.identity.generation import rules_of
from ebbtide.models.identity.identifiers import identifier_of
from ebbtide.models.identity.shard import IdentityShard, Record
from ebbtide.models.outputs import Flush
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.identity import (
    AccountName,
    EvidenceClass,
    IdentityAssignment,
    IdentityAudit,
    IdentityLink,
    IdentityOperation,
    IdentityRebuild,
    MembershipKind,
    OperationKind,
    Span,
)
from ebbtide.schemas.profile_state import Tick

Told = dict[tuple[str, str], IdentityAssignment]
Table = dict[bytes, bytes]

POLICY = IdentityPolicy(blocked=("user_id/robot",))
ONE = frozenset({"profiles/0"})
TWO = frozenset({"profiles/0", "profiles/1"})
U1, U2, A1, A2, E1 = "user_id/u1", "user_id/u2", "anonymous_id/a1", "anonymous_id/a2", "email/jane@x.com"
G1, G2, D1 = "group_id/g1", "group_id/g2", "domain/x.com"


def at(day: float) -> int:
    return int(day * DAY_MS)


def link(a: str, b: str, day: float, *, tenant: str = "t", evidence: int = 2) -> IdentityLink:
    ms = at(day)
    subject, other = identifier_of(a), identifier_of(b)
    return IdentityLink(tenant, subject, other, EvidenceClass(evidence), from_ms(ms), f"{a} {b} {ms}")


def named(account: str, name: str, day: float, *, tenant: str = "t") -> AccountName:
    return AccountName(tenant, identifier_of(account), name, from_ms(at(day)), f"{account} {name} {at(day)}")


def tick(day: float, source: int = 0, *, observe: bool = False) -> Tick:
    return Tick(source=f"profiles/{source}", watermark=from_ms(at(day)), observe=observe, arrived_ms=int(day))


def decided(
    kind: OperationKind, a: str, b: str | None = None, *, tenant: str = "t", day: float = 1
) -> IdentityOperation:
    other = None if b is None else identifier_of(b)
    when = from_ms(at(day))
    return IdentityOperation(tenant, f"{kind} {a} {b}", kind, identifier_of(a), when, "jo", "said so", other)


def rebuild(
    number: int, policy: IdentityPolicy, *, tenant: str = "t", day: float = 1, actor: str = "jo"
) -> IdentityRebuild:
    rules = rules_of(policy)
    return IdentityRebuild(tenant, f"rebuild {number} {actor}", number, rules, from_ms(at(day)), actor, "other limits")


def shard(sources: frozenset[str] = ONE, table: Table | None = None, policy: IdentityPolicy = POLICY) -> IdentityShard:
    return IdentityShard(3, sources, policy, (table or {}).items())


def run(records: Sequence[Record], sources: frozenset[str] = ONE, *, now_ms: int | None = None) -> Flush:
    """What follows from all the records, flushed once."""
    made = shard(sources)
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=now_ms)
    return made.flush()


def assignments(flush: Flush) -> list[IdentityAssignment]:
    return [output.record for output in flush.outputs if isinstance(output.record, IdentityAssignment)]


def audit(flush: Flush) -> list[IdentityAudit]:
    return [output.record for output in flush.outputs if isinstance(output.record, IdentityAudit)]


def ticks(flush: Flush) -> list[tuple[float, bool]]:
    found = [output.record for output in flush.outputs if isinstance(output.record, Tick)]
    return [((one.watermark.timestamp() if one.watermark else -1) * 1000 / DAY_MS, one.observe) for one in found]


def told(flush: Flush) -> list[str]:
    """Assignments in a form to read: ``identifier > anchor @effective day group:anchor:stays … ~by domain``."""
    return [assignment_line(one) for one in assignments(flush)]


def days(spans: Iterable[Span]) -> str:
    return ",".join(f"{first}" if last is None else f"{first}-{last}" for first, last in spans)


def assignment_line(one: IdentityAssignment) -> str:
    accounts = "".join(f" {of.group}:{of.anchor.value}:{days(of.spans)}" for of in one.accounts)
    by_domain = "" if one.by_domain is None else f" ~{one.by_domain.value}"
    return f"{one.identifier.value} > {one.anchor.value} @{one.effective_ms / DAY_MS:g}{accounts}{by_domain}"


MUST, APART, BLOCK, UNBLOCK = (
    OperationKind.MUST_LINK,
    OperationKind.CANNOT_LINK,
    OperationKind.BLOCK,
    OperationKind.UNBLOCK,
)


def audit_line(row: IdentityAudit) -> str:
    """An audit row in a form to read."""
    moved = f"{row.previous.key}>{row.current.key}" if row.previous and row.current else None
    other = None if row.other is None else row.other.key
    one = None if row.identifier is None else row.identifier.key
    number = None if row.generation is None else f"{row.generation}@{row.epoch}"
    parts = [row.kind, one, other, moved, number, row.reason, row.actor]
    return " ".join(part for part in parts if part is not None)


def save(table: Table, writes: Iterable[tuple[bytes, bytes | None]]) -> None:
    for key, value in writes:
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value


MAILS = ["email/e@d0", "email/e@d1"]
PEOPLE = ["user_id/u0", "user_id/u1", *MAILS, "anonymous_id/a0", "anonymous_id/a1", "anonymous_id/a2"]
GROUPS = ["group_id/g0", "group_id/g1", "domain/d0", "domain/d1"]


def random_record(rng: Random, day: int, *, by_hand: bool = True) -> Record:
    tenant = rng.choice("st")
    kind = rng.random()
    if by_hand and kind < 0.1:
        names = rng.sample(rng.choice([PEOPLE, GROUPS]), 2)
        pairs = [OperationKind.MUST_LINK, OperationKind.CANNOT_LINK, OperationKind.UNLINK]
        if kind < 0.04:
            return decided(rng.choice(ABOUT_ONE), names[0], tenant=tenant, day=rng.random() * 9)
        return decided(rng.choice(pairs), *names, tenant=tenant, day=rng.random() * 9)
    when = max(0.0, day + rng.choice([-1.5, 0.2, 0.4, 0.6, 1.3]))
    if kind < 0.16:
        return named(rng.choice(GROUPS), rng.choice(["G0", "g1 ", "Acme"]), when, tenant=tenant)
    if kind < 0.35:
        member = link(rng.choice(PEOPLE), rng.choice(GROUPS[:2]), when, tenant=tenant)
        return replace(member, membership=rng.choice([None, *MembershipKind]))
    if kind < 0.4:
        mail = rng.choice(MAILS)
        return link(mail, f"domain/{mail[-2:]}", when, tenant=tenant)
    a, b = rng.sample(GROUPS if kind < 0.55 else PEOPLE, 2)
    return link(a, b, when, tenant=tenant, evidence=rng.choice([1, 2, 3, 4]))


def random_days(rng: Random, *, by_hand: bool = True) -> list[list[Record]]:
    """The records of some days; each ends with a tick of every partition."""
    days: list[list[Record]] = []
    for day in range(1, rng.randint(3, 5)):
        records = [random_record(rng, day, by_hand=by_hand) for _ in range(rng.randint(0, 8))]
        ends: list[Record] = [tick(day + 1 + rng.choice([0, 0.1, 0.5]), n, observe=rng.random() < 0.3) for n in (0, 1)]
        days.append(records + ends)
    return days


def note(newest: Told, flush: Flush) -> None:
    """Keep the newest assignments as a consumer does that takes greater ones only."""
    for one in assignments(flush):
        key = (one.tenant, f"{one.identifier.type}/{one.identifier.value}")
        if key not in newest or (one.epoch, one.effective_ms) > (newest[key].epoch, newest[key].effective_ms):
            newest[key] = one


def state(made: IdentityShard) -> dict[tuple[str, str], str]:
    """What the shard's state says of all it knows, account by account and person by person."""
    found = {}
    for tenant, identity in made._tenants.items():
        graph, members = identity.graph, identity._members
        for key in {*graph.nodes, *members._groups, *members._domains}:
            groups = members.groups(graph.members(key))
            accounts = "".join(
                f" {group}:{graph.anchor(f'group_id/{group}').partition('/')[2]}:{days(membership.spans)}"
                for group, membership in groups.items()
            )
            domains = {f"domain/{mail[-2:]}" for mail in graph.members(key) if mail in members._domains}
            anchors = {graph.anchor(domain) for domain in domains} - domains
            by_domain = f" ~{anchors.pop().partition('/')[2]}" if len(anchors) == 1 else ""
            found[tenant, key] = (
                f"{key.partition('/')[2]} > {graph.anchor(key).partition('/')[2]} @0{accounts}{by_domain}"
            )
    return found


def known(newest: Told, made: IdentityShard) -> dict[tuple[str, str], str]:
    """What a consumer knows of the same: what it was told, else what everybody can compute from their own events."""
    found = {}
    for tenant, key in state(made):
        one = newest.get((tenant, key))
        groups = made._tenants[tenant]._members.groups((key,))
        value = key.partition("/")[2]
        own = f"{value} > {value} @0" + "".join(
            f" {group}:{group}:{days(membership.spans)}" for group, membership in groups.items()
        )
        found[tenant, key] = own if one is None else assignment_line(replace(one, effective_ms=0))
    assert newest.keys() <= found.keys()
    return found


def undisturbed(records: Sequence[Record], rng: Random) -> tuple[Told, IdentityShard]:
    """What a consumer was told, and the shard, after all records in random batches."""
    newest: Told = {}
    made = shard(TWO)
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
        if rng.random() < 0.3:
            note(newest, made.flush())
    note(newest, made.flush())
    return newest, made


def disturbed(
    records: Sequence[Record], rng: Random, others: Sequence[IdentityPolicy] = (POLICY,)
) -> tuple[Told, IdentityShard]:
    """As ``undisturbed``, with crashes between any two records sent and any two values stored.

    Once all tenants are stored, a worker starts anew with any of the settings ``others``.
    """
    newest: Told = {}
    table: Table = {}
    made = shard(TWO)
    crashes = 4
    offset = 0
    while offset < len(records):
        made.apply(offset, records[offset], now_ms=None)
        offset += 1
        if rng.random() < 0.3:
            flush = made.flush()
            sent, writes = flush.outputs, list(flush.writes.items())
            crash = crashes > 0 and rng.random() < 0.5
            if crash and rng.random() < 0.5:
                sent, writes = sent[: rng.randint(0, len(sent))], []
            elif crash:
                writes = writes[: rng.randint(0, len(writes))]
            note(newest, Flush(sent))
            save(table, writes)
            if crash:
                crashes -= 1
                stored = all(b"p" + tenant + b"\0" in table for tenant in (b"s", b"t"))
                made = shard(TWO, table, rng.choice(others) if stored else POLICY)
                offset = made.applied + 1
    note(newest, made.flush())
    return newest, made
