"""Facts that a fleet's business numbers follow from: leads, renewals, answers, trainings, advertising."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from support.raw import at, fact


def business_facts(seed: int, accounts: list[str], days: int) -> list[dict[str, Any]]:
    """Random facts of some accounts, in no order."""
    rng = Random(f"business {seed}")
    made: list[dict[str, Any]] = []

    def add(what: str, day: float, ids: dict[str, str], /, **data: Any) -> None:
        made.append(fact(what, at(day, len(made)), f"b{len(made)}", ids) | {"data": data})

    for n in range(days // 10):
        channel, currency = rng.choice(["search", "display"]), rng.choice(["USD", "EUR"])
        add(
            "channel.spend",
            rng.randrange(days),
            {},
            channel=channel,
            keyword=rng.choice(["a", "b"]),
            amount=n + 0.5,
            clicks=rng.randrange(300),
            currency=currency,
        )
    for account in accounts:
        ids = {"group_id": account}
        add(
            "lead.upserted",
            rng.randrange(days),
            ids,
            channel=rng.choice(["search", "display", "Referral"]),
            owner="kim",
        )
        for _ in range(rng.randrange(4)):
            day = rng.randrange(days)
            what = rng.randrange(4)
            if what == 0:
                add("renewal.closed", day, ids, outcome=rng.choice(["renewed", "expanded", "churned"]))
            elif what == 1:
                add("survey.answered", day, ids, kind="nps", score=rng.randrange(11))
            elif what == 2:
                add("deal.won", day, ids, deal_id="d")
            else:
                add("account.upserted", day, ids, currency=rng.choice(["USD", "EUR"]), mrr=rng.randrange(1, 9))
        for _ in range(2):
            feature = rng.choice(["query", "view", "login"])
            add("touchpoint", rng.randrange(28, 40), ids, kind="training", feature=feature, trainer=rng.choice("op"))
    return made


def with_business(seed: int, bodies: list[dict[str, Any]], days: int) -> list[dict[str, Any]]:
    """A history with such facts among its records, in time order; the punctuation stays last."""
    *events, end = bodies
    more = business_facts(seed, ["g1", "g2", "g3", "g4"], days)
    return [*sorted([*events, *more], key=_time), end]


def _time(body: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(body.get("timestamp") or body["occurred_at"])
