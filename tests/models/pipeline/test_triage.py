"""Alerts through the whole topology: what people answer, sources that fall silent, and what is told live."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.identity.identifiers import canonical_id
from ebbtide.models.outputs import Output
from ebbtide.models.pipeline import FEEDBACK, Pipeline
from ebbtide.models.policy import CorePolicy, TriagePolicy
from ebbtide.schemas.alert import Alert, AlertDigest
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.dead_letter import DeadLetter
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.feedback import AlertFeedback
from ebbtide.schemas.topics import Topic
from support.blind import beats, used
from support.feedback import message
from support.histories import POLICY, history
from support.raw import NOW, at, in_account, iso, messages, track
from support.replay_laws import Replay, rows, what_is_told_is_that_of_the_replay
from support.told import drive
from support.topology import Topology

ACME = canonical_id("default", Identifier(IdentifierType.GROUP_ID, "acme"))
NOON = 43_200


def said(customer_id: str, day: float, action: str, name: str = "f1", **fields: Any) -> dict[str, Any]:
    """What somebody says of a customer's alert, as it lies on the topic."""
    return {
        "tenant": "default",
        "feedback_id": name,
        "customer_id": customer_id,
        "occurred_at": iso(at(day)),
        "recorded_at": iso(at(day)),
        "by": "jo",
        "action": action,
        **fields,
    }


def when(body: dict[str, Any]) -> str:
    """When it happened, to sort by."""
    return str(body.get("timestamp") or body["occurred_at"])


def works(days: list[int], account: str = "acme") -> list[dict[str, Any]]:
    return [track("view", at(day, NOON), f"{account}-{day}", user=f"u-{account}") | in_account(account) for day in days]


def run(
    bodies: list[dict[str, Any]],
    *feedback: dict[str, Any],
    policy: CorePolicy | None = None,
    until: float | None = None,
) -> list[Output]:
    pipeline = Pipeline(policy or CorePolicy())
    outputs = list(pipeline.hear(message(body, offset) for offset, body in enumerate(feedback)))
    outputs += pipeline.feed(messages(sorted(bodies, key=when)), now=NOW)
    end = pipeline.end_of_newest_day if until is None else at(until)
    assert end is not None
    return outputs + list(pipeline.close(end))


def alerts(outputs: list[Output], *, tier: bool = False) -> list[str]:
    found = (output.record for output in outputs if isinstance(output.record, Alert))
    return [
        f"{(told.occurred_at - at(0)).days} {told.type} {told.state}"
        + (f" ({told.suppressed.reason})" if told.suppressed else "")
        + (f" {told.resolved_reason}" if told.resolved_reason else "")
        for told in found
        if tier or told.type != "tier_to_danger"
    ]


SLEEPS_TWICE = [*range(0, 40, 2), *range(50, 90, 2)]
"""Active every other day, asleep from day 42 and from day 92 on."""


def test_an_answer_changes_what_follows() -> None:
    others = works(list(range(100)), "other")
    told = alerts(run([*works(SLEEPS_TWICE), *others]))
    assert [row for row in told if "asleep" in row or "left" in row] == [
        "42 asleep open",
        "50 asleep resolved returned",
        "92 asleep open",
    ]
    dismissed = said(ACME, 43.5, "dismiss", alert_type="asleep", dismiss_reason="wrong")
    told = alerts(run([*works(SLEEPS_TWICE), *others], dismissed))
    assert [row for row in told if "asleep" in row or "left" in row] == [
        "42 asleep open",
        "43 asleep resolved dismissed",
        "92 asleep open (dismissed)",
    ]


def test_an_answer_about_nobody_is_a_dead_letter() -> None:
    outputs = run(works(SLEEPS_TWICE), said("nobody", 43.5, "ack", alert_type="asleep"))
    (letter,) = [output.record for output in outputs if isinstance(output.record, DeadLetter)]
    assert letter.reason == "unknown_customer"


def test_a_source_that_falls_silent_is_told_of_once() -> None:
    bodies = [*used(range(60), "web"), *used(range(60), "app", "u2"), *beats(range(60), "web")]
    bodies += beats([day for day in range(60) if not 40 <= day < 44], "app")
    told = [row for row in alerts(run(bodies, until=60)) if "source_blind" in row]
    assert told == ["41 source_blind open", "45 source_blind resolved back"]


@settings(max_examples=5)
@given(st.integers(0, 10_000))
def test_several_partitions_tell_of_a_source_once(order: int) -> None:
    bodies = [*used(range(30), "web"), *used(range(30), "app", "u2"), *beats(range(30), "web")]
    bodies += beats([day for day in range(30) if not 20 <= day < 24], "app")
    topology = Topology(CorePolicy(), messages(sorted(bodies, key=when)), 4)
    topology.run(Random(order), crashes=2)
    told = {(row["version"], row["state"]) for row in rows(topology, Topic.ALERTS.topic_name) if row["kind"] == "ops"}
    assert told == {(1, "open"), (2, "resolved")}


def test_beyond_the_budget_there_is_a_digest() -> None:
    policy = CorePolicy(triage=TriagePolicy(budget_per_day=1))
    names = [f"c{number}" for number in range(4)]
    bodies = [body for name in names for body in works(list(range(0, 40, 2)), name)] + works(list(range(50)), "other")
    outputs = run(bodies, policy=policy)
    told = [row for row in alerts(outputs) if "asleep open" in row]
    assert sorted(told) == ["42 asleep open", *["42 asleep open (budget)"] * 3]
    digests = [output.record for output in outputs if isinstance(output.record, AlertDigest)]
    assert [(digest.owner, digest.day, digest.told, len(digest.held)) for digest in digests] == [("", at(42), 1, 3)]


@settings(max_examples=6)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from([1, 4]), st.integers(0, 6))
def test_a_small_budget_and_answers_tell_the_same_in_any_order_and_through_crashes(
    seed: int, order: int, partitions: int, crashes: int
) -> None:
    """Whom the budget leaves out depends on nothing but what is at stake."""
    rng = Random(seed)
    bodies = history(seed)
    policy = POLICY.model_copy(update={"triage": TriagePolicy(budget_per_day=1, wrong_days=10)})
    plain = Pipeline(policy)
    first = [*plain.feed(messages(bodies), now=NOW)]
    known = sorted({str(output.record.customer_id) for output in first if isinstance(output.record, Alert)})
    feedback = []
    for number in range(12):
        kind, day = rng.choice(["asleep", "sudden_drop", "surge", "warm_return"]), rng.uniform(1, 40)
        fields = rng.choice([{"action": "ack"}, {"action": "dismiss", "dismiss_reason": "wrong"}])
        if known:
            feedback.append(said(rng.choice(known), day, name=f"f{number}", alert_type=kind, **fields))
    topology = Topology(policy, messages(bodies), partitions, feedback=feedback)
    topology.run(Random(order), crashes=crashes)
    what_is_told_is_that_of_the_replay(topology, Replay(*drive(bodies, policy, decorated=False, feedback=feedback)))


class Partition:
    """A customer partition that hears what people say, live."""

    def __init__(self) -> None:
        pipeline = Pipeline(CorePolicy())
        list(pipeline.feed(messages(works(SLEEPS_TWICE)), now=NOW))
        self.shard: CustomerShard = pipeline.customers
        self.read = 0

    def hear(self, body: dict[str, Any], *, now: float) -> list[Any]:
        self.shard.apply(FEEDBACK, self.read, message(body, self.read), now_ms=to_ms(at(now)))
        self.read += 1
        return [output.record for output in self.shard.take_outputs()]


def test_live_an_answer_goes_on_at_once() -> None:
    partition = Partition()
    (forwarded,) = partition.hear(said(ACME, 88.9, "ack", alert_type="asleep"), now=88.9)
    assert isinstance(forwarded, AlertFeedback)
    assert (forwarded.at_once, forwarded.feedback.action) == (True, "ack")
    assert partition.shard.feedback_taken == {"ack": 1}
    # One that was recorded days ago waits for its instant, as in a replay.
    assert partition.hear(said(ACME, 80, "ack", "f2", alert_type="asleep"), now=88.9) == []
