"""Outcomes that are told weeks late correct labels, and change only what follows."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.identity.identifiers import canonical_id
from ebbtide.models.policy import CorePolicy, LabelPolicy
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.events import Identifier, IdentifierType
from support.histories import POLICY, history
from support.raw import DAY_0, at, fact, in_account, messages, run, track
from support.replay_laws import check
from support.told import Told, by_customer, drive, told
from support.topology import Topology

SEEDS = st.integers(0, 10_000)
CRM = {"group_id": "g1"}
NOON = 43_200

_INSTANTS = {
    "scores": "occurred_at",
    "alerts": "occurred_at",
    "training-examples": "matured_at",
    "models": "trained_through",
    "fleet-stats": "as_of",
}


def until(found: Told, day: int) -> Told:
    """What was told of the grid instants up to ``day``."""
    end = at(day)
    return {
        topic: [row for row in found[topic] if datetime.fromisoformat(row[name]) <= end]
        for topic, name in _INSTANTS.items()
    }


@settings(max_examples=12)
@given(SEEDS, st.integers(20, 70), st.integers(1, 20), st.sampled_from(["renewed", "churned"]))
def test_a_relabel_changes_only_what_follows(seed: int, told_day: int, late_days: int, outcome: str) -> None:
    """With and without an outcome that comes late, all that was told of instants before it came is the same."""
    *before, end = history(seed)
    late = [
        fact("contract.signed", at(0), "late-0", CRM),
        fact("renewal.closed", at(told_day - late_days), "late-1", CRM, outcome=outcome),
    ]
    place = next((n for n, body in enumerate(before) if _day(body) > told_day), len(before))
    # The day begins that somebody was active on last: time follows what is told.
    settled_day = _day(before[place - 1]) - 1
    _, without = drive([*before, end], POLICY)
    _, found = drive([*before[:place], *late, *before[place:], end], POLICY)
    assert until(found, settled_day) == until(without, settled_day)
    for (customer, observed_at), rows in _revisions(found).items():
        assert [row["revision"] for row in rows] == list(range(rows[0]["revision"], rows[0]["revision"] + len(rows)))
        for first, row in zip([None, *rows], rows, strict=False):
            assert row["previous_label"] == (None if first is None else first["label"]), (customer, observed_at)
            assert row["label"] != row["previous_label"]


@settings(max_examples=12)
@given(SEEDS)
def test_no_example_is_learned_before_it_matured(seed: int) -> None:
    """The examples that a model knows are those told of instants through which it is trained, corrections included."""
    _, found = drive(history(seed, late=True), POLICY)
    for model in found["models"]:
        known = [e for e in found["training-examples"] if e["matured_at"] <= model["trained_through"]]
        assert model["model_version"] == f"champion-{len(known)}"
        held = {(e["customer_id"], e["observed_at"]): e["label"] for e in known}
        labels = [label for label in held.values() if label is not None]
        assert (model["examples"], model["metrics"]["churned"]) == (len(labels), sum(labels))


@settings(max_examples=6)
@given(SEEDS, SEEDS, st.integers(0, 6), st.sampled_from([1, 4]), st.booleans())
def test_partitions_and_crashes_do_not_matter_to_corrections(
    seed: int, order: int, crashes: int, partitions: int, zombies: bool
) -> None:
    bodies = history(seed, merges=False, late=True)
    topology = Topology(POLICY, messages(bodies), partitions)
    topology.run(Random(order), crashes=crashes, zombies=zombies)
    check(topology, bodies)


@settings(max_examples=8)
@given(SEEDS, st.lists(st.integers(1, 40), max_size=12))
def test_batches_do_not_matter_to_corrections(seed: int, chunks: list[int]) -> None:
    bodies = history(seed, late=True)
    _, straight = drive(bodies, POLICY, decorated=False)
    _, chopped = drive(bodies, POLICY, chunks=chunks, decorated=False)
    assert chopped["models"] == straight["models"]
    assert by_customer(chopped["training-examples"]) == by_customer(straight["training-examples"])


def _day(body: dict[str, Any]) -> int:
    return to_ms(datetime.fromisoformat(body.get("timestamp") or body["occurred_at"])) // DAY_MS - DAY_0


def _revisions(found: Told) -> dict[tuple[str, str], list[dict[str, Any]]]:
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in found["training-examples"]:
        rows.setdefault((row["customer_id"], row["observed_at"]), []).append(row)
    return rows


ACME = canonical_id("default", Identifier(IdentifierType.GROUP_ID, "g1"))
JOIN = in_account("g1")
USED = [track("view", at(1, NOON), "v1") | JOIN]
SIGNED = fact("contract.signed", at(2), "f1", CRM)
Row = tuple[int, int, bool | None, bool | None, str]


def passing(day: int) -> dict[str, Any]:
    """Somebody else is active, and so time passes."""
    return track("view", at(day, NOON), f"o-{day}", user="other") | in_account("g2")


def closed(day: int, outcome: str, reason: str = "product") -> dict[str, Any]:
    return fact("renewal.closed", at(day), f"c-{day}", CRM, outcome=outcome, reason=reason)


def labels(body: list[dict[str, Any]], correction_days: int = 28) -> list[Row]:
    """Of what was observed on day 7: day on which a label was known, revision, the label before, this one, and why."""
    policy = CorePolicy(label=LabelPolicy(horizon_days=14, correction_days=correction_days))
    rows = told(run(body, at(70), policy))["training-examples"]
    return [
        (
            (datetime.fromisoformat(row["matured_at"]) - at(0)).days,
            row["revision"],
            row["previous_label"],
            row["label"],
            row["label_reason"],
        )
        for row in rows
        if row["customer_id"] == ACME and datetime.fromisoformat(row["observed_at"]) == at(7)
    ]


RUNNING: Row = (21, 0, None, False, "contract_running")
CHURNED: Row = (21, 0, None, True, "contract_churned")
INACTIVE: Row = (21, 0, None, True, "inactive")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            [SIGNED, passing(23), closed(20, "churned")],
            [RUNNING, (28, 1, False, True, "contract_churned")],
            id="a churn told two weeks late",
        ),
        pytest.param(
            [SIGNED, closed(10, "churned"), passing(23), fact("contract.signed", at(15), "f2", CRM)],
            [CHURNED, (28, 1, True, False, "contract_won_back")],
            id="a win-back told late",
        ),
        pytest.param(
            [SIGNED, closed(10, "churned"), passing(23), closed(11, "renewed")],
            [CHURNED, (28, 1, True, False, "contract_won_back")],
            id="a mistake put right by a later fact",
        ),
        pytest.param(
            [SIGNED, closed(10, "churned"), passing(23), closed(11, "churned", "not_target")],
            [CHURNED, (28, 1, True, None, "excluded")],
            id="the reason is told later and excludes it",
        ),
        pytest.param(
            [
                *(SIGNED, closed(10, "churned"), passing(23), closed(11, "churned", "not_target")),
                *(passing(37), closed(12, "renewed")),
            ],
            [CHURNED, (28, 1, True, None, "excluded"), (42, 2, None, False, "contract_won_back")],
            id="corrected twice",
        ),
        pytest.param(
            [SIGNED, closed(10, "churned", "not_target"), passing(23), fact("contract.signed", at(12), "f2", CRM)],
            [(28, 1, None, False, "contract_won_back")],
            id="what had no label gets one",
        ),
        pytest.param(
            [SIGNED, passing(23), closed(3, "churned")],
            [RUNNING, (28, 1, False, None, "already_churned")],
            id="it had churned before it was observed",
        ),
        pytest.param(
            [passing(23), track("view", at(9), "v2") | JOIN],
            [INACTIVE, (28, 1, True, False, "active")],
            id="activity that is told late",
        ),
        pytest.param(
            [passing(23), fact("contract.signed", at(9), "f2", CRM)],
            [INACTIVE, (28, 1, True, False, "contract_running")],
            id="a contract that is told late",
        ),
        pytest.param([passing(23), fact("contract.signed", at(22), "f2", CRM)], [INACTIVE], id="a contract of later"),
        pytest.param([SIGNED, passing(23), closed(10, "renewed")], [RUNNING], id="another reason for the same label"),
        pytest.param(
            [SIGNED, passing(48), closed(20, "churned")],
            [RUNNING, (49, 1, False, True, "contract_churned")],
            id="on the last day",
        ),
        pytest.param([SIGNED, passing(49), closed(20, "churned")], [RUNNING], id="too late"),
    ],
)
def test_late_news_of_an_outcome(body: list[dict[str, Any]], expected: list[Row]) -> None:
    assert labels([*USED, *body]) == expected


@pytest.mark.parametrize(
    ("days", "expected"), [(0, [RUNNING]), (6, [RUNNING]), (8, [RUNNING, (35, 1, False, True, "contract_churned")])]
)
def test_for_how_long_labels_are_corrected_is_a_setting(days: int, expected: list[Row]) -> None:
    assert labels([*USED, SIGNED, passing(29), closed(20, "churned")], correction_days=days) == expected


def test_a_customer_keeps_no_prediction_longer_than_it_may_be_corrected() -> None:
    pipeline, _ = drive([*USED, SIGNED, passing(63)], CorePolicy(label=LabelPolicy(horizon_days=14)))
    kept = [observation.day - DAY_0 for observation in pipeline.customers.customers[ACME].observations]
    assert kept == [28, 35, 42, 49, 56, 63]
