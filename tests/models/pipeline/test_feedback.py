"""What people tell of customers counts for labels as if the CRM had told it, once, and is never lost in silence."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.identity.identifiers import canonical_id
from ebbtide.models.outputs import Output
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import CorePolicy, LabelPolicy
from ebbtide.schemas.dead_letter import DeadLetter
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.identity import IdentityOperation, OperationKind
from ebbtide.schemas.learning import TrainingExample
from support.feedback import feedback, message
from support.histories import POLICY, history
from support.raw import NOW, at, fact, in_account, messages, track
from support.replay_laws import check
from support.topology import Topology

SEEDS = st.integers(0, 10_000)
NOON = 43_200
G1, G2 = (Identifier(IdentifierType.GROUP_ID, name) for name in ("g1", "g2"))
ACME, OTHER = (canonical_id("default", account) for account in (G1, G2))
USED = track("view", at(1, NOON), "v1") | in_account("g1")
SIGNED = fact("contract.signed", at(2), "s1", {"group_id": "g1"})
ENDED = fact("renewal.closed", at(10), "r1", {"group_id": "g1"}, outcome="churned", reason="product")
Row = tuple[int, int, bool | None, bool | None, str]


def passing(*days: int) -> list[dict[str, Any]]:
    """Somebody else is active, and so time passes."""
    return [track("view", at(day, NOON), f"o-{day}", user="other") | in_account("g2") for day in days]


class World:
    """The topology, and all that left it."""

    def __init__(self) -> None:
        self.pipeline = Pipeline(CorePolicy(label=LabelPolicy(horizon_days=14)))
        self.outputs: list[Output] = []
        self.offset = self.raw = 0

    def hear(self, *bodies: dict[str, Any]) -> None:
        for body in bodies:
            self.outputs += self.pipeline.hear([message(body, self.offset)])
            self.offset += 1

    def feed(self, *bodies: dict[str, Any]) -> None:
        self.outputs += self.pipeline.feed(messages(bodies, self.raw), now=NOW)
        self.raw += len(bodies)

    def labels(self) -> list[Row]:
        """Of what was observed of the account on day 7: when a label was known, revision, label before, label, why."""
        return [
            (
                (told.matured_at - at(0)).days,
                told.revision,
                told.previous_label,
                told.label,
                told.label_reason,
            )
            for output in self.outputs
            if isinstance(told := output.record, TrainingExample)
            and (told.customer_id, told.observed_at) == (ACME, at(7))
        ]

    def letters(self) -> list[DeadLetter]:
        return [output.record for output in self.outputs if isinstance(output.record, DeadLetter)]


INACTIVE: Row = (21, 0, None, True, "inactive")


@pytest.mark.parametrize(
    ("facts", "told", "expected"),
    [
        pytest.param([], [feedback(ACME, 10, "churned")], [(21, 0, None, True, "contract_churned")], id="before"),
        pytest.param([], [feedback(ACME, 10, "renewed")], [(21, 0, None, False, "contract_renewed")], id="a contract"),
        pytest.param(
            [],
            [feedback(ACME, 10, "renewed", told=23.5)],
            [INACTIVE, (28, 1, True, False, "contract_renewed")],
            id="weeks later",
        ),
        pytest.param([], [feedback(ACME, 10, "renewed", told=49)], [INACTIVE], id="too late"),
        pytest.param([], [feedback(ACME, 22, "renewed")], [INACTIVE], id="after the horizon"),
        pytest.param([], [feedback(ACME, 10, "churned", reason="not_target")], [], id="a reason that excludes"),
        pytest.param(
            [SIGNED, ENDED],
            [feedback(ACME, 11, "won_back")],
            [(21, 0, None, False, "contract_won_back")],
            id="won back, while the CRM says churned",
        ),
        pytest.param(
            [SIGNED, ENDED],
            [feedback(ACME, 9, "renewed")],
            [(21, 0, None, True, "contract_churned")],
            id="what the CRM says of later holds",
        ),
        pytest.param(
            [SIGNED],
            [feedback(ACME, 9, "churned"), feedback(ACME, 12, "expanded", name="f2", told=30)],
            [(21, 0, None, True, "contract_churned"), (35, 1, True, False, "contract_won_back")],
            id="two",
        ),
    ],
)
def test_it_counts_as_the_crm_would(
    facts: list[dict[str, Any]], told: list[dict[str, Any]], expected: list[Row]
) -> None:
    """Told at once, or just before the instant from which it counts."""
    before, after = World(), World()
    before.hear(*told)
    before.feed(USED, *facts, *passing(15, 23, 30, 48, 70))
    assert before.labels() == expected
    after.feed(USED, *facts)
    for day in (15, 23, 30, 48, 70):
        recorded = [body for body in told if at(day - 8) < datetime.fromisoformat(body["recorded_at"]) <= at(day)]
        after.hear(*recorded)
        after.feed(*passing(day))
    assert after.labels() == expected
    assert before.letters() == after.letters() == []
    assert before.pipeline.customers.feedback_taken.total() == len(told)


def test_the_same_twice_counts_once() -> None:
    world = World()
    world.hear(feedback(ACME, 10, "churned"), feedback(ACME, 10, "churned"))
    world.feed(USED, *passing(23))
    shard = world.pipeline.customers
    assert (shard.feedback_taken, shard.feedback_refused) == ({"churned": 1}, {"repeated": 1})
    assert world.labels() == [(21, 0, None, True, "contract_churned")]


@pytest.mark.parametrize(
    "body",
    [feedback("nobody", 10, "churned"), feedback(ACME, 10, "churned") | {"tenant": "another"}],
    ids=["nobody", "another tenant"],
)
def test_who_is_not_known_by_its_instant_is_a_dead_letter(body: dict[str, Any]) -> None:
    world = World()
    world.feed(USED)
    world.hear(body)
    world.feed(*passing(10))
    assert world.letters() == []
    world.feed(*passing(11))
    (letter,) = world.letters()
    assert (letter.reason, letter.topic, letter.partition, letter.offset) == ("unknown_customer", "feedback", 0, 0)
    assert letter.original_bytes() == message(body).value
    assert str(body["customer_id"]) in letter.detail
    assert world.pipeline.customers.feedback_refused == {"unknown_customer": 1}


def test_what_says_nothing_is_a_dead_letter_at_once() -> None:
    world = World()
    world.hear(feedback(ACME, 10, "left"))
    (letter,) = world.letters()
    assert (letter.reason, letter.key) == ("invalid", ACME)


def test_of_a_customer_that_became_part_of_another_it_is_a_dead_letter() -> None:
    world = World()
    world.feed(USED, *passing(2))
    joined = IdentityOperation("default", "op", OperationKind.MUST_LINK, G1, at(3), "jo", "one firm", G2)
    world.outputs += world.pipeline.decide([joined])
    world.hear(feedback(ACME, 9, "churned"), feedback(OTHER, 9, "churned", name="f2"))
    world.feed(*passing(9, 11))
    (letter,) = world.letters()
    assert letter.reason == "unknown_customer"
    assert letter.detail.endswith("tell it of the one it is part of")
    vacant, _ = sorted((ACME, OTHER), key=lambda key: not world.pipeline.customers.customers[key].is_vacant)
    assert letter.key == vacant
    assert world.pipeline.customers.feedback_taken == {"churned": 1}


def book(seed: int) -> list[dict[str, Any]]:
    """Random feedback on both accounts of a history, and on nobody, some of it twice."""
    rng = Random(seed)
    told = []
    for number in range(rng.randrange(1, 8)):
        day, outcome = rng.randrange(60), rng.choice(["churned", "renewed", "won_back"])
        who = rng.choice([ACME, OTHER, "nobody"])
        reason = rng.choice([None, "product", "not_target"])
        late = day + rng.choice([0.3, 9, 25])
        told.append(feedback(who, day, outcome, name=f"f{number}", told=late, reason=reason))
    return told + rng.sample(told, len(told) // 3)


@settings(max_examples=8)
@given(SEEDS, SEEDS, st.integers(0, 8), st.sampled_from([1, 2, 4]), st.booleans())
def test_partitions_and_crashes_do_not_matter(
    seed: int, order: int, crashes: int, partitions: int, zombies: bool
) -> None:
    bodies, told = history(seed, merges=False), book(order)
    topology = Topology(POLICY, messages(bodies), partitions, feedback=told)
    topology.run(Random(order), crashes=crashes, zombies=zombies)
    check(topology, bodies, told)


@settings(max_examples=8)
@given(SEEDS, SEEDS)
def test_what_is_told_later_changes_only_what_follows(seed: int, order: int) -> None:
    """Every example of an instant before the feedback was recorded is the same without it."""
    bodies, told = history(seed, merges=False), book(order)
    first = min(datetime.fromisoformat(body["recorded_at"]) for body in told)
    known = []
    for feedbacks in (told, []):
        pipeline = Pipeline(POLICY)
        outputs = list(pipeline.hear(message(body, n) for n, body in enumerate(feedbacks)))
        outputs += pipeline.feed(messages(bodies), now=NOW)
        examples = [output.record for output in outputs if isinstance(output.record, TrainingExample)]
        known.append([example for example in examples if example.matured_at <= first])
    assert known[0] == known[1]
