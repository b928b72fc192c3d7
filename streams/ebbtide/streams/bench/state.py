"""Bytes that the state of an account takes as its history grows, and what packing it costs against plain msgpack.

    ebbtide bench state

Two kinds of accounts with about twenty people. *Simulated*: those with 18 to 22 people of a seeded book (intensity 1,
with its CRM facts), where people also sign in from new browsers now and then: each is a profile of its own, and stays
one. *Busy*: twenty people at a machine each, who use half a dozen of twelve features on most working days.

After 30, 365 and 1,000 days the accounts' values in the table of customers are measured, and those of their profiles.
The baseline writes and reads the same customers as plain msgpack, in the same process.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from time import perf_counter
from typing import Any

import msgspec

from ebbtide.models.customer import packed
from ebbtide.models.customer.customer import MARK_LENGTH, Customer
from ebbtide.models.identity.identifiers import profile_id_of
from ebbtide.models.intake.accept import RawMessage
from ebbtide.models.pipeline import RAW, Pipeline
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile import shard as profiles
from ebbtide.models.profile.profile import Profile
from ebbtide.schemas.base import DAY_MS
from ebbtide.streams.simulator.book import Book
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import arrivals

DAYS = (30, 365, 1_000)
PEOPLE = range(18, 23)
_START = datetime(2025, 1, 6, tzinfo=UTC)
_START_MS = int(_START.timestamp()) * 1000
_BATCH = 20_000
_LATE_MS = 3 * 3_600_000
"""So long after midnight a day is measured: by then nearly everything of the day before is in, and it is settled."""

_MODULES = tuple(f"module_{letter}" for letter in "abcdefghijkl")
_ATTRIBUTES = {
    "contract": "annual",
    "segment": "mid-market",
    "acquired by": "partner referral",
    "payment": "bank transfer",
    "employees": 240,
    "countries": 3,
    "discount": 0.15,
    "sso": True,
    "premium support": False,
    "sandbox": True,
}
_RATES = (0.8,) * 5 + (0.4,) * 10 + (0.2,) * 5
"""Chance of each person to be there on a working day."""

Line = tuple[int, bytes]
"""When a raw record arrives, epoch milliseconds, and the record."""


def run(*, days: Iterable[int] = DAYS, customers: int = 12, seed: int = 1) -> dict[str, Any]:
    """Measure both kinds. About half a minute."""
    days = sorted(days)
    # Nobody leaves, so that there are accounts of every age.
    book = BookConfig(
        customers=customers, seed=seed, days=days[-1] + 1, start=_START, churn_scale=0.0, leads_per_month=0.0
    )
    people = {account.group_id: sum(not person.machine for person in account.people) for account in Book(book).accounts}
    wanted = {account: count for account, count in people.items() if count in PEOPLE}
    return {
        "simulated": _measure(((line.received_ms, line.line) for line in arrivals(book)), wanted, days),
        "busy": _measure(_busy(days[-1] + 1, seed), {"busy": len(_RATES)}, days),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def render(result: dict[str, Any]) -> str:
    """The result as a table."""
    lines = [
        f"{'account':<12} {'days':>5} {'people':>6} {'profiles':>8} {'events':>8} {'bytes':>6} {'per profile':>11} "
        f"{'own value of a profile':>22} {'encode':>7} {'decode':>7}"
    ]
    for kind in ("simulated", "busy"):
        lines += [
            f"{row['account']:<12} {row['days']:>5,} {row['people']:>6} {row['profiles']:>8} {row['events']:>8,} "
            f"{row['bytes']:>6,} {row['bytes'] / row['profiles']:>11.0f} {row['profile_bytes']:>22,.0f} "
            f"{row['encode_ratio']:>6.0f}x {row['decode_ratio']:>6.0f}x"
            for row in result[kind]
        ]
    lines.append(
        "bytes: the value in the table of customers; encode, decode: time against plain msgpack of the same "
        f"customer; load average {result['load_average']:.1f}; Python {result['python']}"
    )
    return "\n".join(lines)


def _measure(lines: Iterable[Line], wanted: dict[str, int], days: list[int]) -> list[dict[str, Any]]:
    """Read all lines; after some of the days measure the wanted accounts."""
    pipeline, batch, rows = Pipeline(CorePolicy()), list[RawMessage](), list[dict[str, Any]]()
    left = list(days)
    for offset, (at_ms, line) in enumerate(lines):
        if left and at_ms >= _START_MS + left[0] * DAY_MS + _LATE_MS:
            _read(pipeline, batch)
            rows += _rows(pipeline, wanted, left.pop(0))
        batch.append(RawMessage(RAW, 0, offset, None, line, at_ms))
        if len(batch) == _BATCH:
            _read(pipeline, batch)
    _read(pipeline, batch)
    rows += [row for day in left for row in _rows(pipeline, wanted, day)]
    return sorted(rows, key=lambda row: (row["account"], row["days"]))


def _read(pipeline: Pipeline, batch: list[RawMessage]) -> None:
    for _ in pipeline.feed(batch, now=_START + timedelta(days=3_650)):
        pass
    batch.clear()


def _rows(pipeline: Pipeline, wanted: dict[str, int], day: int) -> Iterator[dict[str, Any]]:
    own = {_begin_of_id(profile): len(profiles.encode(profile)) for profile in pipeline.profiles.stored}
    for customer in pipeline.customers.customers.values():
        if customer.is_account and customer.anchor_value in wanted:
            shares = customer.shares.values()
            value, plain = packed.encode(customer), msgspec.msgpack.encode(customer)
            sizes = [own[key[:MARK_LENGTH]] for key in customer.shares]
            yield {
                "account": customer.anchor_value,
                "days": day,
                "people": wanted[customer.anchor_value],
                "profiles": len(shares),
                "events": sum(share.totals[0] for share in shares),
                "bytes": len(value),
                "plain_bytes": len(plain),
                "profile_bytes": sum(sizes) / len(sizes),
                "encode_ratio": _seconds(packed.encode, customer) / _seconds(msgspec.msgpack.encode, customer),
                "decode_ratio": _seconds(packed.decode, value) / _seconds(_plain_decoder.decode, plain),
            }


def _begin_of_id(profile: Profile) -> str:
    return profile_id_of(profile.tenant, profile.subject_type, profile.subject_value)[:MARK_LENGTH]


_plain_decoder = msgspec.msgpack.Decoder(Customer)


def _seconds(work: Callable[[Any], Any], what: Any, *, rounds: int = 20) -> float:
    """Time of a call: the least of some, which the collector of garbage did not come upon."""
    times = []
    for _ in range(rounds):
        began = perf_counter()
        work(what)
        times.append(perf_counter() - began)
    return min(times)


def _busy(days: int, seed: int) -> Iterator[Line]:
    """Records of the busy account, as its product and its CRM send them."""
    rng = Random(seed)
    favourites = [rng.sample(_MODULES, 5) for _ in _RATES]
    for day in range(days):
        start = _START + timedelta(days=day)
        for number, (kind, person, data) in enumerate(_facts(day)):
            ids = {"group_id": "busy"} | ({} if person is None else {"user_id": f"user-{person}"})
            at = _iso(start, number)
            body = {"type": kind, "id": f"fact-{day}-{number}", "occurred_at": at, "source": "crm", "ids": ids}
            yield _line(start, {**body, "received_at": at, "data": data})
        if start.weekday() >= len("MTWTF"):
            continue
        for person, rate in enumerate(_RATES):
            if rng.random() >= rate:
                continue
            second = rng.randrange(30_000, 60_000)
            for number in range(rng.randint(3, 15)):
                second += rng.randrange(5, 300)
                name = "login" if not number else rng.choice(("query", "overview", "funnel_analysis", "clicked"))
                at = _iso(start, second)
                yield _line(
                    start,
                    {
                        "type": "track",
                        "event": name,
                        "userId": f"user-{person}",
                        "messageId": f"{day}-{person}-{number}",
                        "timestamp": at,
                        "receivedAt": at,
                        "properties": {"feature": rng.choice(favourites[person])} if number else {},
                        "context": {"groupId": "busy", "source": "product"},
                    },
                )


def _facts(day: int) -> Iterator[tuple[str, int | None, dict[str, Any]]]:
    """Facts of a day: type, person if it is about one, fields."""
    if day == 0:
        told = {"name": "Busy Ltd", "tier": "middle", "seats": 25, "owner": "csm-ada", "attributes": _ATTRIBUTES}
        yield "account.upserted", None, told
        for person in range(len(_RATES)):
            role = ("key_person", "admin")[person] if person < 2 else "end_user"
            yield "contact.upserted", person, {"name": f"User {person} Name", "role": role}
    if day % 365 == 0:
        term = {"start": _iso(_START, day * 86_400), "end": _iso(_START, (day + 365) * 86_400)}
        yield "contract.signed", None, {**term, "value": 14_000, "currency": "USD", "contract_id": f"c-{day}"}
    if day % 365 == 350:
        yield "renewal.closed", None, {"outcome": "renewed", "value": 14_000}
    regular: tuple[tuple[int, str, int | None, dict[str, Any]], ...] = (
        (30, "touchpoint", None, {"kind": "call", "by": "csm-ada"}),
        (30, "invoice.paid", None, {"invoice_id": f"inv-{day}", "amount": 1_166.67, "currency": "USD"}),
        (45, "ticket.opened", 3, {"ticket_id": f"t-{day}", "severity": "normal"}),
        (90, "survey.answered", 1, {"kind": "nps", "score": 8}),
    )
    for every, kind, about, data in regular:
        if day % every == every // 3:
            yield kind, about, data
    if day % 45 == 17:
        yield "ticket.closed", None, {"ticket_id": f"t-{day - 2}"}


def _iso(start: datetime, second: int) -> str:
    return (start + timedelta(seconds=second)).isoformat()


def _line(start: datetime, body: dict[str, Any]) -> Line:
    # Everything of a day comes in at its end.
    return int(start.timestamp() * 1000) + DAY_MS, json.dumps(body).encode()
