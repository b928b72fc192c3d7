"""Quality on a table of customers: what a vendor knows of them decides, one pass, one shipped configuration.

Each row is told once, at intake, and comes to the learner through profile, customer and observation, as it would live.
Peers on the same rows, in five folds: logistic .845, boosted trees .848; online in a lab .845.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ebbtide.models.churn.labels import Label, LabelReason
from ebbtide.models.churn.quality import auc, brier, expected_calibration_error
from ebbtide.models.churn.scorer import Scorer
from ebbtide.models.churn.stage import LearnerStage
from ebbtide.models.customer.contracts import example_record
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.decisions import Matured
from ebbtide.models.customer.evaluation import Evaluator
from ebbtide.models.customer.view import View, fold
from ebbtide.models.identity.identifiers import canonical_id, profile_id_of
from ebbtide.models.intake.accept import Door, RawMessage
from ebbtide.models.pipeline import RAW
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.modules import Modules
from ebbtide.models.profile.money import OrderMoney
from ebbtide.models.profile.profile import Profile, SlotChange, step
from ebbtide.models.profile.virtual_events import VirtualEvents
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.events import Event
from ebbtide.schemas.learning import Model, ModelRole, TrainingExample
from ebbtide.schemas.profile_state import ProfileState, Tick
from support.raw import DAY_0, NOW, at, fact, track

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "ibm_telco_churn.csv.gz"
SEED = 1
CUSTOMERS_A_WEEK = 100
POLICY = CorePolicy()

pytestmark = [pytest.mark.quality, pytest.mark.timeout(900)]


def rows() -> list[dict[str, str]]:
    """In a random order: that of the file may mean something."""
    if not DATA.exists():
        pytest.skip(f"{DATA} is absent: this test needs the real data set, which is not part of the repository")
    with gzip.open(DATA, "rt", encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    Random(SEED).shuffle(found)
    return found


def value(text: str) -> float | str | None:
    """A column's value as JSON has it; what is empty says nothing."""
    if text in {"", "NA"}:
        return None
    try:
        return float(text)
    except ValueError:
        return text


def told(name: str, row: dict[str, str], day: int) -> list[dict[str, Any]]:
    """What producers send of a row: its columns but the label, and that the customer used the product once."""
    ids = {"group_id": name}
    attributes = {column: value(text) for column, text in row.items() if column != "churn"}
    return [
        fact("account.upserted", at(day, 3_600), f"f-{name}", ids, attributes=attributes),
        track("view", at(day, 7_200), f"m-{name}", user=f"u-{name}", context={"groupId": name}),
    ]


class Book:
    """Intake, profiles and customers, for customers who each are told once."""

    def __init__(self) -> None:
        self._door = Door(POLICY.intake, "default")
        self._fold = (VirtualEvents(POLICY.virtual_events), Modules(POLICY.modules), OrderMoney(POLICY.money))
        self._offsets = count()

    def customer(self, name: str, bodies: list[dict[str, Any]]) -> tuple[Customer, View]:
        events = []
        for body in bodies:
            message = RawMessage(RAW, 0, next(self._offsets), None, json.dumps(body).encode(), to_ms(NOW))
            event = self._door.accept(message, now_ms=to_ms(NOW))
            assert isinstance(event, Event), event
            events.append(Event.from_json(event.to_json()))
        anchor = events[0].subject
        customer = Customer(canonical_id("default", anchor), "default", anchor.type, anchor.value)
        view = View(customer)
        for record in self._records(customer, events):
            fold(customer, view, ProfileState.from_json(record.to_json()))
        return customer, view

    def _records(self, customer: Customer, events: list[Event]) -> Iterator[ProfileState]:
        for version, event in enumerate(events):
            subject = event.subject
            profile = Profile("default", subject.type, subject.value)
            step(profile, event, SlotChange(), *self._fold)
            [slot] = profile.slots.values()
            yield ProfileState(
                tenant="default",
                customer_id=customer.customer_id,
                anchor=events[0].subject,
                profile_id=profile_id_of("default", subject.type, subject.value),
                subject=subject,
                version=version,
                days=slot.days,
                totals=slot.totals,
                traits=slot.traits,
                arrived_ms=0,
            )


def test_telco() -> None:
    """A hundred customers a week: scored on its last day, learned from when the next week begins."""
    data = rows()
    book, evaluator = Book(), Evaluator(POLICY)
    stage = LearnerStage(frozenset({"customers/0"}), POLICY, ())
    offsets = count()
    scorer = Scorer.from_model(stage.model("default"))
    said: list[float] = []
    churned: list[bool] = []
    for start in range(0, len(data), CUSTOMERS_A_WEEK):
        monday = 7 * (start // CUSTOMERS_A_WEEK + 1)
        for number, row in enumerate(data[start : start + CUSTOMERS_A_WEEK], start):
            name, left = f"c{number}", row["churn"] == "Yes"
            customer, view = book.customer(name, told(name, row, monday - 1))
            decided = evaluator.settle(customer, view, DAY_0 + monday, scorer)
            assert decided.score is not None
            [observation] = customer.observations
            label = Label(left, LabelReason.CONTRACT_CHURNED if left else LabelReason.CONTRACT_RENEWED)
            example = example_record(customer, Matured(observation, label, DAY_0 + monday + 7), 7)
            assert example is not None
            said.append(decided.score.score.p_churn)
            churned.append(left)
            stage.apply(next(offsets), TrainingExample.from_json(example.to_json()))
        stage.apply(next(offsets), Tick(source="customers/0", watermark=at(monday + 7), arrived_ms=0))
        models = [output.record for output in stage.take_outputs() if isinstance(output.record, Model)]
        [model] = [model for model in models if model.role is ModelRole.CHAMPION]
        scorer = Scorer.from_model(Model.from_json(model.to_json()))
    assert len(said) == 7_043
    half = len(said) // 2
    found = auc(churned[half:], said[half:])
    assert found is not None
    print(
        f"Telco: second half of {len(said)}, AUC {found:.4f}, Brier {brier(churned[half:], said[half:]):.4f}, "
        f"calibration error {expected_calibration_error(churned[half:], said[half:]):.4f}"
    )
    assert found >= 0.84
