"""The learner's stage: learns once, in order, when everybody has reported."""

from __future__ import annotations

from math import log1p

import pytest

from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.stage import LEARNER_KEY, META_KEY, LearnerStage
from ebbtide.models.outputs import EVERY_PARTITION, Flush, Tombstone
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.learning import InputCounts, Model, ModelAction, ModelEvent, ModelOperation, TrainingExample
from ebbtide.schemas.profile_state import Tick
from support.raw import at

SOURCES = frozenset({"customers/0", "customers/1"})


def correction(first: TrainingExample, day: int, label: bool | None, revision: int = 1) -> TrainingExample:
    """Another label of an example, found at grid instant ``day``."""
    told = {"matured_at": at(day), "label": label, "revision": revision, "previous_label": first.label}
    return first.model_copy(update=told)


def example(customer: str, day: int, *, tenant: str = "t", label: bool = True) -> TrainingExample:
    return TrainingExample(
        tenant=tenant,
        customer_id=customer,
        observed_at=at(day),
        matured_at=at(day + 14),
        horizon_days=14,
        features=dict.fromkeys(NAMES, 0.5 + day),
        p_churn=0.25,
        model_version="m",
        label=label,
        label_reason="inactive",
    )


def report(partition: int, day: int) -> Tick:
    return Tick(source=f"customers/{partition}", watermark=at(day), arrived_ms=0)


class Log:
    """A stage with the offsets of its input."""

    def __init__(self, stored: dict[bytes, bytes] | None = None, offset: int = 0) -> None:
        self.stage = LearnerStage(SOURCES, CorePolicy(), (stored or {}).items())
        self.offset = offset

    def add(self, *records: TrainingExample | InputCounts | Tick) -> list[Model | ModelEvent | str]:
        for record in records:
            self.stage.apply(self.offset, record)
            self.offset += 1
        told = [output.record for output in self.stage.take_outputs()]
        return [record if isinstance(record, Model | ModelEvent) else "tick" for record in told]


def test_nothing_is_learned_before_everybody_has_reported_it() -> None:
    log = Log()
    assert log.add(example("c1", 0), example("c2", 7), report(0, 14)) == []
    assert log.stage.waiting == 2
    model, tick = log.add(report(1, 14))
    assert isinstance(model, Model)
    assert (model.examples, model.trained_through, tick) == (1, at(14), "tick")
    assert log.stage.waiting == 1
    assert log.add(report(1, 21)) == []
    assert log.add(report(0, 14 + 3)) == ["tick"]


def test_order_of_arrival_does_not_matter() -> None:
    found = [example("c1", 0), example("c2", 0, label=False), example("c1", 7), example("c9", 0, tenant="s")]
    one, two = Log(), Log()
    assert one.add(*found, report(0, 21), report(1, 21)) == two.add(*found[::-1], report(1, 21), report(0, 21))
    assert one.stage.model("t").examples == 3
    assert one.stage.model("s").examples == 1


def test_who_was_active_within_the_horizon_of_the_example_is_judged_apart() -> None:
    def seen(customer: str, recency: int, *, label: bool) -> TrainingExample:
        return example(customer, 0, label=label).model_copy(update={"features": dict.fromkeys(NAMES, log1p(recency))})

    log = Log()
    told = [seen("c1", 1, label=False), seen("c2", 14, label=True), seen("c3", 15, label=True)]
    model, _ = log.add(*told, report(0, 14), report(1, 14))
    assert isinstance(model, Model)
    assert (model.metrics["active_examples"], model.metrics["examples"]) == (2, 3)
    assert model.metrics["prequential_active_auc"] == 0.5
    # The rule knows silence in cadences.
    assert model.metrics["baseline_active_auc"] == 1.0


def asked(partition: int, day: int, *, customers: int = 60, number: int = 6) -> InputCounts:
    return InputCounts(
        tenant="t",
        instant=at(day),
        source=f"customers/{partition}",
        customers=customers,
        features={"events_28d": {number: customers}},
    )


def test_what_was_asked_is_looked_at_when_everybody_has_reported_it() -> None:
    log = Log()
    for week in range(9):
        # A worker that took over tells again what it heard of; the first counts.
        repeats = [asked(0, 7 * week, customers=1, number=9)] if week else []
        log.add(asked(0, 7 * week), *repeats, asked(1, 7 * week), report(0, 7 * week), report(1, 7 * week))
    assert log.add(asked(0, 63, number=2), asked(1, 63), report(0, 63)) == []
    event, tick = log.add(report(1, 63))
    assert isinstance(event, ModelEvent)
    assert (event.kind, event.evidence["customers"], tick) == ("input_shift", 120, "tick")
    assert log.stage.repeats == 8
    log.add(asked(0, 63, number=9))
    assert log.stage.repeats == 9


@pytest.mark.parametrize("kept", range(4))
def test_counts_survive_a_restart_and_are_looked_at_once(kept: int) -> None:
    log = Log()
    log.add(asked(0, 0), report(0, 0))
    log.stage.apply(log.offset, asked(1, 0))
    log.stage.apply(log.offset + 1, asked(0, 7))
    table = {key: value for key, value in log.stage.flush().writes.items() if value is not None}
    again = Log(table, log.offset + 2)
    for record in (report(1, 0), asked(1, 7)):
        again.stage.apply(again.offset, record)
        again.offset += 1
    writes = again.stage.flush().writes
    for key, value in list(writes.items())[:kept]:
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    cut = Log(table, log.offset + 2)
    cut.add(report(1, 0), asked(1, 7), report(0, 7), report(1, 7))
    again.add(report(0, 7), report(1, 7))
    assert cut.stage.tenants["t"].inputs == again.stage.tenants["t"].inputs
    assert again.stage.tenants["t"].inputs.instants == 2


def test_what_is_decided_by_hand_is_done_at_once_and_kept() -> None:
    log = Log()
    table: dict[bytes, bytes] = {}
    for week in range(12):
        for record in (example("c1", 7 * week), report(0, 7 * week + 14), report(1, 7 * week + 14)):
            log.stage.apply(log.offset, record)
            log.offset += 1
        store(table, log.stage.flush())
    log.stage.apply(log.offset, decided("champion-7"))
    flush = log.stage.flush()
    (back,) = [output for output in flush.outputs if isinstance(output.record, Model)]
    assert (back.key, back.partition) == ("t/champion-7", EVERY_PARTITION)
    assert isinstance(back.record, Model)
    assert back.record.in_force_from == at(7 * 11 + 14)
    store(table, flush)
    again = Log(table, log.offset + 1)
    assert again.stage.tenants["t"].in_force == "champion-7"
    assert [kept.model_version for kept in again.stage.tenants["t"].kept][-2:] == ["champion-12", "champion-7"]
    model, *_ = again.add(example("c1", 84), report(0, 98), report(1, 98))
    assert isinstance(model, Model)
    assert model.model_version == "champion.2-8"
    # What is kept no more is a null value, on the topic and in the table.
    gone = [output for output in flush.outputs if isinstance(output.record, Tombstone)]
    assert gone == []
    again.stage.apply(again.offset, example("c1", 91))
    for number, partition in enumerate((0, 1), 1):
        again.stage.apply(again.offset + number, report(partition, 105))
    flush = again.stage.flush()
    (dropped,) = [output for output in flush.outputs if isinstance(output.record, Tombstone)]
    assert (dropped.key, dropped.partition) == ("t/champion-6", EVERY_PARTITION)
    assert flush.writes[b"kept/t/champion-6"] is None


def store(table: dict[bytes, bytes], flush: Flush) -> None:
    for key, value in flush.writes.items():
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value


def decided(version: str) -> ModelOperation:
    return ModelOperation(
        operation_id="op",
        tenant="t",
        action=ModelAction.ROLLBACK,
        model_version=version,
        decided_at=at(0),
        by="ada",
    )


def test_a_restart_with_models_of_other_features_tells_it() -> None:
    log = Log()
    log.add(example("c1", 0), report(0, 14), report(1, 14))
    models = log.stage.tenants["t"]
    other = models.model().model_copy(update={"means": {"age": 1.0}})
    models.model = lambda: other  # type: ignore[method-assign]
    log.stage._changed["t"] = None
    table = {key: value for key, value in log.stage.flush().writes.items() if value is not None}
    again = Log(table, log.offset)
    (event,) = [output.record for output in again.stage.flush().outputs]
    assert isinstance(event, ModelEvent)
    assert event.kind == "restarted"


def test_told_twice_is_learned_once() -> None:
    log = Log()
    log.add(example("c1", 0), example("c1", 0), report(0, 14), report(1, 14), example("c1", 0))
    log.stage.apply(0, example("c5", 0))
    assert (log.stage.repeats, log.stage.tenants["t"].champion.examples, log.stage.waiting) == (1, 1, 0)


@pytest.mark.parametrize("kept", range(5))
def test_a_flush_that_is_cut_in_two_learns_nothing_twice(kept: int) -> None:
    log = Log()
    log.add()
    for offset, record in enumerate([example("c1", 0), example("c2", 7)]):
        log.stage.apply(offset, record)
    table = {key: value for key, value in log.stage.flush().writes.items() if value is not None}
    log.offset = 2
    for tick in (report(0, 14), report(1, 14)):
        log.stage.apply(log.offset, tick)
        log.offset += 1
    writes = log.stage.flush().writes
    assert [key for key in writes if key.startswith((b"kept/", LEARNER_KEY))] == [
        b"kept/t/champion-1",
        LEARNER_KEY + b"t",
    ]
    assert list(writes)[-1] == META_KEY
    for key, value in list(writes.items())[:kept]:
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    again = Log(table, offset=0)
    again.add(example("c1", 0), example("c2", 7), report(0, 14), report(1, 14))
    assert (again.stage.tenants["t"].champion.examples, again.stage.waiting) == (1, 1)
    assert again.stage.model("t").trained_through == at(14)
    assert again.stage.model("t").to_json() == log.stage.model("t").to_json()


def test_a_tenant_nobody_taught_has_an_untrained_model() -> None:
    model = Log().stage.model("new")
    assert (model.examples, model.trained_through) == (0, None)


def test_a_correction_is_learned_when_it_was_found_and_everybody_has_reported_that() -> None:
    log, first = Log(), example("c1", 0)
    log.add(first, report(0, 14), report(1, 14))
    assert log.add(correction(first, 28, label=False), report(0, 28), report(1, 21)) == ["tick"]
    assert (log.stage.model("t").model_version, log.stage.waiting) == ("champion-1", 1)
    model, _ = log.add(report(1, 28))
    assert isinstance(model, Model)
    assert (model.model_version, model.examples, model.metrics["churned"]) == ("champion-2", 1, 0)
    assert log.add(correction(first, 28, label=False)) == []
    assert (log.stage.repeats, log.stage.waiting) == (1, 0)


def test_a_label_that_comes_late_is_the_first() -> None:
    log, first = Log(), example("c1", 0)
    late = first.model_copy(update={"matured_at": at(21), "revision": 1})
    model, _ = log.add(late, report(0, 21), report(1, 21))
    assert isinstance(model, Model)
    assert (model.examples, model.metrics["churned"]) == (1, 1)


def test_several_instants_at_once_are_learned_as_one_after_the_other() -> None:
    first, other = example("c1", 0), example("c2", 7, label=False)
    found = [
        first,
        other,
        correction(first, 21, label=None),
        correction(first, 28, label=True, revision=2).model_copy(update={"previous_label": None}),
        correction(other, 28, label=True),
        example("c3", 14),
    ]
    one, two = Log(), Log()
    one.add(*found[::-1], report(0, 28), report(1, 28))
    for day in (14, 21, 28):
        last = two.add(*(e for e in found if at(day - 7) < e.matured_at <= at(day)), report(0, day), report(1, day))
    assert last == [one.stage.model("t"), "tick"]
    assert one.stage.model("t").examples == 3
