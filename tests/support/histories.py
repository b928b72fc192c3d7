"""Random histories of a few customers, and their records in other orders."""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import itemgetter
from random import Random
from typing import Any

from ebbtide.models.policy import BaselinePolicy, CorePolicy, FleetGuardPolicy, FleetPolicy, LabelPolicy, ScorePolicy
from support.raw import at, fact, in_account, iso, punctuation, track

DAYS = 75
LATENESS_SECONDS = 3_600
POLICY = CorePolicy(
    baseline=BaselinePolicy(weeks=3, min_weeks=2, min_actions=3),
    label=LabelPolicy(horizon_days=14),
    score=ScorePolicy(min_change=0.01),
    fleet=FleetPolicy(min_segment=1),
    fleet_guard=FleetGuardPolicy(min_weeks=2, min_actions=2),
)
"""Thresholds at which a short history has drops, surges, matured labels and days on which all do less."""

_NAMES = ("login", "query", "view", "Order Completed")


def history(seed: int, *, days: int = DAYS, merges: bool = True, late: bool = False) -> list[dict[str, Any]]:
    """Records in time order, with the end of the backfill last; with ``late`` outcomes that are told weeks later, too.

    Users come and go with their own rhythm; some act in an account, some in none, some join one or two on the way;
    there are visitors nobody knows, machines, renamed accounts, attributes that change, contracts and renewals, and
    with ``merges`` visitors who turn out to be users.
    """
    rng = Random(seed)
    timed: list[tuple[float, dict[str, Any]]] = []

    def add(day: int, second: int, body: dict[str, Any]) -> None:
        timed.append((day * 86_400 + second, body))

    for number in range(rng.randint(2, 5)):
        user = f"u{number}"
        accounts = rng.choice([[], ["g1"], ["g2"], ["g1"], ["g1", "g2"]])
        joined = rng.choice([0, 0, rng.randrange(days)])
        rhythm, day = rng.choice([1, 2, 3, 7]), rng.randrange(10)
        if accounts and rng.random() < 0.5:
            # As the CRM has it, whatever the person does.
            for kind in ("contact.left", "contact.upserted", "contact.left"):
                told, ids = rng.randrange(days), {"user_id": user, "group_id": rng.choice(accounts)}
                add(told, 7, fact(kind, at(told, 7), "", ids, role="admin", attributes={"level": told % 4}))
        while day < days:
            for _ in range(rng.choice([1, 1, 2, 5])):
                _act(rng, user, accounts, joined, day, add, merges=merges)
            day += max(1, rhythm + rng.choice([-1, 0, 0, 1, rng.randrange(20)]))
    for account in ("g1", "g2"):
        _facts(rng, account, days, add)
    if late:
        for account in ("g1", "g2", "g1", "g2"):
            _late_outcome(rng, account, days, add)
    timed.sort(key=lambda item: item[0])
    for index, (_, body) in enumerate(timed):
        body["id" if "." in body["type"] else "messageId"] = f"m{index}"
    return [*(body for _, body in timed), punctuation(at(days + 1))]


def _act(rng: Random, user: str, accounts: list[str], joined: int, day: int, add: Any, *, merges: bool) -> None:
    second = rng.choice([0, 1, 86_399, rng.randrange(86_400), rng.randrange(86_400)])
    body = track(rng.choice(_NAMES), at(day, second), "", user=user, properties={"revenue": rng.randrange(9)})
    if accounts and day >= joined and rng.random() < 0.7:
        body |= in_account(rng.choice(accounts))
    if rng.random() < 0.1:
        body["context"] = {**body.get("context", {}), "machine": True}
    if rng.random() < 0.2:
        body["anonymousId"] = f"a-{user}"
        if merges and rng.random() < 0.5:
            # Before a login, or after one that was forgotten: it is found out by other events.
            del body["userId"]
            body.pop("context", None)
        elif merges and rng.random() < 0.3:
            # Better evidence than to be seen together, and often later than that.
            body["type"] = "identify"
            body["traits"] = {"email": f"{user}@x.com"} if rng.random() < 0.5 else {}
            del body["event"]
    if rng.random() < 0.1:
        body.pop("userId", None)
        body["anonymousId"] = "a-nobody"
    add(day, second, body)
    if accounts and rng.random() < 0.1:
        call = {"type": "group", "userId": user, "groupId": rng.choice(accounts), "timestamp": iso(at(day, second))}
        add(day, second, call)


def _facts(rng: Random, account: str, days: int, add: Any) -> None:
    ids = {"group_id": account, **({"domain": "x.com"} if rng.random() < 0.5 else {})}
    for _ in range(rng.randrange(3)):
        day, second = rng.randrange(days), rng.randrange(86_400)
        told: dict[str, Any] = {"name": f"name {rng.randrange(3)}", "tier": ("Strategic", "small")[day % 2], "mrr": 5}
        told["attributes"] = {"plan": f"p{day % 3}", "size": second, "paid": day % 2 == 0} if day % 5 else {}
        add(day, second, fact("account.upserted", at(day, second), "", ids, **told))
    if rng.random() < 0.4:
        day = rng.randrange(days // 2)
        add(day, 0, fact("contract.signed", at(day), "", ids, end="2026-01-01", value=100))
        day = rng.randrange(day, days)
        outcome = rng.choice(["renewed", "churned"])
        add(day, 1, fact("renewal.closed", at(day, 1), "", ids, outcome=outcome))


def eventful(seed: int, *, days: int = 120) -> list[dict[str, Any]]:
    """A history with all that the alerts on facts go by: tickets, answers, invoices, contracts that end, leads, seats,
    and an account that only the CRM knows. Its days are those of ``history``."""
    rng = Random(seed)
    *bodies, end = history(seed, days=days)
    timed = [(str(body.get("timestamp") or body["occurred_at"]), body) for body in bodies]
    for number in range(rng.randint(20, 60)):
        when = at(rng.randrange(days), rng.randrange(86_400))
        account = rng.choice(["g1", "g2", "quiet"])
        user = rng.choice(["u0", "u1", "u2"])
        ids = {"group_id": account}
        named = rng.choice([ids, {"user_id": user}, {"user_id": user, **ids}])
        choices: list[tuple[str, dict[str, str], dict[str, Any]]] = [
            ("ticket.opened", ids, {"ticket_id": f"t{number % 9}", "severity": rng.choice(_SEVERITIES)}),
            ("ticket.opened", ids, {"ticket_id": f"t{number % 9}", "severity": "critical"}),
            ("ticket.closed", ids, {"ticket_id": f"t{number % 9}"}),
            ("survey.answered", named, {"kind": "nps", "score": rng.randint(4, 10)}),
            ("invoice.overdue", ids, {"invoice_id": f"i{number % 5}", "amount": number, "currency": "EUR"}),
            ("invoice.paid", ids, {"invoice_id": f"i{number % 5}"}),
            ("contract.signed", ids, {"end": iso(when + timedelta(days=rng.randint(10, 400))), "value": 9}),
            ("renewal.closed", ids, {"outcome": rng.choice(["renewed", "churned"])}),
            ("touchpoint", ids, {"kind": rng.choice(["call", "kickoff", "campaign"])}),
            ("lead.upserted", named, {"channel": "fair", "owner": "kim"}),
            ("account.upserted", ids, {"seats": rng.randint(1, 3), "tier": rng.choice(["small", "Strategic"])}),
            ("contact.upserted", {"user_id": user}, {"role": "key_person", "name": f"Ann {number % 3}"}),
        ]
        kind, ids, data = rng.choice(choices)
        timed.append((iso(when), fact(kind, when, f"f{number}", ids, **data)))
    timed.sort(key=itemgetter(0))
    return [*(body for _, body in timed), end]


_SEVERITIES = ("low", "normal", "high", "critical")


def _late_outcome(rng: Random, account: str, days: int, add: Any) -> None:
    """What became of a contract, told one to five weeks after it."""
    day = rng.randrange(days - 7)
    outcomes: list[dict[str, Any]] = [
        {},
        {"outcome": "renewed"},
        {"outcome": "churned", "reason": "product"},
        {"outcome": "churned", "reason": "not_target"},
    ]
    data = rng.choice(outcomes)
    kind = "renewal.closed" if data else "contract.signed"
    add(rng.randrange(day + 7, day + 36), 2, fact(kind, at(day, 2), "", {"group_id": account}, **data))


def shuffled(bodies: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """The same records out of order by at most the lateness bound, some of them twice; the punctuation stays last."""
    rng = Random(seed)
    *events, end = bodies
    base = [(_time(body), body) for body in events]
    copies = base + [item for item in base if rng.random() < 0.2]
    order = sorted(((when + rng.uniform(0, LATENESS_SECONDS - 1), i) for i, (when, _) in enumerate(copies)))
    return [*(copies[i][1] for _, i in order), end]


def _time(body: dict[str, Any]) -> float:
    return datetime.fromisoformat(body.get("timestamp") or body["occurred_at"]).timestamp()
