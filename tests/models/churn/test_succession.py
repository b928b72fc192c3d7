"""Who is champion, and why: drift, challengers, promotion and rollback, by the guard and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.scorer import Scorer, sigmoid
from ebbtide.models.churn.shift import counted
from ebbtide.models.churn.succession import Dropped, Origin, Rival, Succession
from ebbtide.models.customer.decisions import PACKED
from ebbtide.models.policy import CorePolicy, LearnerPolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.learning import (
    Model,
    ModelAction,
    ModelEvent,
    ModelEventKind,
    ModelOperation,
    ModelRole,
    TrainingExample,
)
from support.raw import at
from support.vectors import without_contract

POLICY = CorePolicy()
QUIET = CorePolicy(learner=LearnerPolicy(shadow_examples=0))
RECENCY = NAMES.index("recency")
HORIZON = 28


class Book:
    """So many customers who are observed every week. Those long silent churn; from ``turned`` on those who are not."""

    def __init__(self, seed: int, *, customers: int = 100, turned: int | None = None) -> None:
        self._random = Random(seed)
        self._customers, self._turned = customers, turned

    def week(self, number: int, scorer: Scorer) -> list[TrainingExample]:
        """What was observed in that week, in the learner's order, as it is known a horizon later."""
        found = []
        for customer in range(self._customers):
            vector = without_contract(1.0)
            vector[RECENCY] = self._random.uniform(0.0, 4.0)
            slope = -2.0 if self._turned is not None and number >= self._turned else 2.0
            label = self._random.random() < sigmoid(slope * (vector[RECENCY] - 2.0))
            found.append(example(f"c-{customer:03}", number, vector, scorer.score(vector).p, label=label))
        return found


def example(customer: str, week: int, vector: list[float], p_churn: float, *, label: bool) -> TrainingExample:
    return TrainingExample(
        tenant="t",
        customer_id=customer,
        observed_at=at(7 * week),
        matured_at=at(7 * week + HORIZON),
        horizon_days=HORIZON,
        features=dict(zip(NAMES, vector, strict=True)),
        p_churn=p_churn,
        model_version="m",
        label=label,
        label_reason="inactive",
    )


class Course:
    """A tenant's models over the weeks, and what they told. What is published is scored with, a horizon later."""

    def __init__(self, book: Book, policy: CorePolicy = QUIET) -> None:
        self.models = Succession("t", policy)
        self.policy = policy
        self.book = book
        self.published: list[Model] = []
        self.challengers: list[Model] = []
        self.events: list[ModelEvent] = []
        self.dropped: list[str] = []
        self._scorers = [Scorer.from_model(self.models.model())] * (HORIZON // 7 + 1)

    def take(self) -> Course:
        for told in self.models.take_told():
            if isinstance(told, ModelEvent):
                self.events.append(told)
            elif isinstance(told, Dropped):
                self.dropped.append(told.model_version)
            else:
                (self.challengers if told.role is ModelRole.CHALLENGER else self.published).append(told)
        return self

    def run(self, weeks: range) -> Course:
        for week in weeks:
            self.models.learn(self.book.week(week, self._scorers[0]), ms(week))
            self.take()
            self._scorers = [*self._scorers[1:], Scorer.from_model(self.published[-1])]
        return self

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def decide(self, action: ModelAction, version: str, week: int) -> ModelEvent:
        before = len(self.events)
        self.models.operate(
            ModelOperation(
                operation_id="op-1",
                tenant="t",
                action=action,
                model_version=version,
                decided_at=at(7 * week),
                by="ada",
                reason="it was better",
            ),
            ms(week),
        )
        self.take()
        (event,) = self.events[before:]
        assert (event.by, event.operation_id) == ("ada", "op-1")
        return event

    def restart(self) -> None:
        value, kept = self.models.stored(), [Model.from_json(model.to_json()) for model in self.models.kept]
        self.models = Succession.restored("t", self.policy, value, reversed(kept))


def ms(week: int) -> int:
    return to_ms(at(7 * week + HORIZON))


def loss(examples: list[TrainingExample]) -> float:
    return sum((one.p_churn - bool(one.label)) ** 2 for one in examples) / len(examples)


def test_in_calm_times_nothing_happens() -> None:
    course = Course(Book(1), POLICY).run(range(30))
    assert course.kinds() == []
    assert [model.model_version for model in course.published[-2:]] == ["champion-2900", "champion-3000"]
    assert {model.role for model in course.published} == {ModelRole.CHAMPION}
    assert course.published[-1].metrics["mondrian_forest_examples"] == 30 * 16
    # Eight may be taken back; the others are dropped, in their order.
    assert [model.model_version for model in course.models.kept] == [m.model_version for m in course.published[-8:]]
    assert course.dropped == [model.model_version for model in course.published[:-8]]


def test_when_the_world_turns_there_is_an_alarm_and_it_is_learned_without_hands() -> None:
    """Who was safe churns, who churned is safe: the alarm comes within 500 labels of it."""
    course = Course(Book(2, turned=30)).run(range(30))
    assert course.kinds() == []
    course.run(range(30, 60))
    assert course.kinds()[:3] == ["loss_drift", "challenger_started", "promoted"]
    alarm, started, promoted = course.events[:3]
    assert alarm.occurred_at <= at(7 * 34 + HORIZON)
    assert float(alarm.evidence["after"]) > 1.2 * float(alarm.evidence["before"])
    assert (started.other_version or "").startswith("champion.2-")
    assert promoted.model_version.startswith("champion.2-")
    assert (promoted.other_version or "").startswith("champion-")
    assert float(promoted.evidence["challenger_brier"]) < float(promoted.evidence["champion_brier"])
    assert [event.sequence for event in course.events] == list(range(1, len(course.events) + 1))
    assert {event.by for event in course.events} == {"guard"}
    # What is said now is as good as it was.
    before = loss(Book(3).week(0, Scorer.from_model(course.published[29])))
    after = loss(Book(3, turned=0).week(0, Scorer.from_model(course.published[-1])))
    assert after < before + 0.03
    # The same without a challenger is still worse.
    alone = Learner.from_model(course.published[29])
    book = Book(2, turned=30)
    scorer = Scorer.from_model(course.published[29])
    for week in range(60):
        for one in book.week(week, scorer):
            if week >= 30:
                alone.learn([one.features[name] for name in NAMES], bool(one.label), one.p_churn)
    lonely = loss(Book(3, turned=0).week(0, Scorer.from_model(alone.to_model(at(0), "t"))))
    assert lonely > after + 0.01


def test_a_correction_is_learned_by_champion_and_challenger_and_judges_nobody() -> None:
    course = Course(Book(4)).run(range(20))
    course.models._challenge(ms(20))
    course.run(range(20, 22))
    rival = course.models.rival
    assert rival is not None
    judged, learned = rival.contest.judged, (course.models.champion.lessons, rival.learner.lessons)
    churned = course.models.champion.quality.churned
    told = course.book.week(21, Scorer.from_model(course.published[-1]))[:3]
    frozen = [one.model_copy(update={"label": False}) for one in told]
    course.models.learn(frozen, ms(22))
    corrections = [
        one.model_copy(update={"label": label, "previous_label": False, "revision": 1})
        for one, label in zip(told, (True, True, None), strict=True)
    ]
    before = rival.contest.judged
    course.models.learn(corrections, ms(23))
    assert (course.models.champion.lessons, rival.learner.lessons) == (learned[0] + 6, learned[1] + 6)
    assert course.models.champion.quality.churned == churned + 2
    assert rival.contest.judged == before >= judged


def test_a_challenger_that_is_no_better_is_retired_and_its_model_dropped() -> None:
    course = Course(Book(4)).run(range(20))
    course.models._challenge(ms(20))
    course.run(range(20, 34))
    assert course.kinds() == ["challenger_started", "challenger_retired"]
    assert "it did not show to foretell better" in course.events[1].reason
    assert course.models.rival is None
    # Each version of it is dropped when the next is told, and the last with it.
    told = [model.model_version for model in course.challengers]
    assert told
    assert [version for version in course.dropped if version.startswith("champion.2")] == told
    # With few labels it has longer, but not for ever.
    few = Course(Book(4, customers=10)).run(range(20))
    few.models._challenge(ms(20))
    few.run(range(20, 37))
    assert few.kinds() == ["challenger_started", "challenger_retired"]
    assert few.events[1].occurred_at == at(7 * 36 + HORIZON)


def test_a_challenger_whom_nothing_judged_is_retired_too_and_it_is_said() -> None:
    course = Course(Book(4, customers=10)).run(range(20))
    course.models._challenge(ms(20))
    # No label matures for a long time, as where all sources are away.
    course.models.learn([], ms(20 + 4 * HORIZON // 7 - 1))
    course.models.learn([], ms(20 + 4 * HORIZON // 7))
    assert course.take().kinds() == ["challenger_started", "challenger_retired"]
    assert course.events[1].occurred_at == at(7 * 20 + 5 * HORIZON)
    assert course.events[1].reason == "it did not show to foretell better: nothing could be judged, 0 outcomes"
    assert course.events[1].evidence["judged"] == 0


@pytest.mark.parametrize("seeds", [range(start, start + 20) for start in range(0, 100, 20)], ids=str)
def test_a_worse_challenger_is_never_promoted_in_a_hundred_runs(seeds: range) -> None:
    """It begins with nothing and learns beside a champion that knows the book."""
    taught = Course(Book(5)).run(range(20)).published[-1]
    for seed in seeds:
        course = Course(Book(seed, customers=40))
        course.models.champion = Learner.from_model(taught)
        course.models.rival = Rival(Learner(), Origin.RENEWED, ms(0))
        course.run(range(16))
        assert "promoted" not in course.kinds(), seed


def test_the_previous_champion_may_come_back_by_itself() -> None:
    """Somebody promoted one that knew another world."""
    course = Course(Book(6, customers=400)).run(range(20))
    other = Learner.from_model(Course(Book(7, customers=400, turned=0)).run(range(20)).published[-1])
    other.line = 2
    course.models.rival = Rival(other, Origin.RENEWED, ms(20))
    event = course.decide(ModelAction.PROMOTE, other.version, 20)
    assert (event.kind, event.model_version, event.other_version) == ("promoted", other.version, "champion-8000")
    assert course.published[-1].model_version == other.version
    course.run(range(20, 27))
    (back,) = [event for event in course.events if event.kind is ModelEventKind.ROLLED_BACK]
    assert back.by == "guard"
    assert course.published[-1].model_version.startswith("champion-")


def test_a_rollback_by_hand_gives_the_old_scores_exactly_and_learns_on() -> None:
    course = Course(Book(7)).run(range(20))
    old = course.published[-5]
    event = course.decide(ModelAction.ROLLBACK, old.model_version, 20)
    assert (event.kind, event.model_version, event.other_version) == (
        "rolled_back",
        old.model_version,
        "champion-2000",
    )
    back = course.published[-1]
    assert back == old.model_copy(update={"in_force_from": at(7 * 20 + HORIZON)})
    vectors = [without_contract(value) for value in (0.0, 0.4, 1.0, 2.5)]
    one, other = Scorer.from_model(old), Scorer.from_model(back)
    assert [one.score(vector) for vector in vectors] == [other.score(vector) for vector in vectors]
    # It goes on from there, under names of its own.
    course.run(range(21, 22))
    assert course.published[-1].model_version == "champion.2-1700"
    assert course.published[-1].in_force_from is None
    # And back again to what was in force before.
    assert course.decide(ModelAction.ROLLBACK, "champion-2000", 22).kind == "rolled_back"
    assert course.run(range(23, 24)).published[-1].model_version == "champion.3-2100"


def test_a_rollback_ends_a_challenge() -> None:
    course = Course(Book(7)).run(range(20))
    course.models._challenge(ms(20))
    course.run(range(20, 21))
    assert course.decide(ModelAction.ROLLBACK, "champion-2000", 21).kind == "rolled_back"
    assert course.models.rival is None
    assert course.dropped[-1] == "champion.2-2100"


def test_what_cannot_be_done_by_hand_is_refused_with_the_reason() -> None:
    course = Course(Book(8)).run(range(10))
    refused = [
        (ModelAction.ROLLBACK, "champion-1000", "rollback refused: champion-1000 is in force"),
        (
            ModelAction.ROLLBACK,
            "champion-7",
            "rollback refused: champion-7 is not kept; kept are champion-300, champion-400, champion-500, "
            "champion-600, champion-700, champion-800, champion-900, champion-1000",
        ),
        (
            ModelAction.PROMOTE,
            "champion-900",
            "promote refused: no challenger learns beside the champion; an earlier champion is taken back by a "
            "rollback",
        ),
    ]
    for action, version, reason in refused:
        event = course.decide(action, version, 10)
        assert (event.kind, event.reason, event.other_version) == ("refused", reason, version)
        assert event.model_version == "champion-1000"
    course.models._challenge(ms(10))
    course.take()
    event = course.decide(ModelAction.PROMOTE, "champion-900", 10)
    assert event.reason == "promote refused: the challenger is champion.2-1000"
    nobody = Course(Book(8))
    assert nobody.decide(ModelAction.ROLLBACK, "champion-1", 0).reason.endswith("kept are none")


def test_a_reason_is_given_for_what_was_done_without_one() -> None:
    course = Course(Book(8)).run(range(10))
    course.models._challenge(ms(10))
    promote = ModelOperation(
        operation_id="op-2",
        tenant="t",
        action=ModelAction.PROMOTE,
        model_version="champion.2-1000",
        decided_at=at(70),
        by="ada",
    )
    course.models.operate(promote, ms(10))
    assert course.take().events[-1].reason == "decided by hand"
    assert course.published[-1].model_version == "champion.2-1000"
    # What had been champion learns on as the challenger.
    assert course.run(range(10, 11)).challengers[-1].model_version == "champion-1100"


def test_trees_that_foretell_better_are_told_of_once_and_stay_in_shadow() -> None:
    """Who is high in just one of two features churns: no sum of the two can tell."""
    random, course = Random(9), Course(Book(9), POLICY)
    policy = CorePolicy(learner=LearnerPolicy(shadow_examples=100))
    course.models = Succession("t", policy)
    for week in range(60):
        found = []
        for customer in range(100):
            vector = without_contract(1.0)
            vector[0], vector[1] = random.choice((0.0, 1.0)), random.choice((0.0, 1.0))
            found.append(example(f"c-{customer:03}", week, vector, 0.5, label=vector[0] != vector[1]))
        course.models.learn(found, ms(week))
    told = [event for event in course.take().events if event.kind is ModelEventKind.CHALLENGER_BETTER]
    assert 1 <= len(told) <= 3
    assert len({event.evidence["challenger"] for event in told}) == len(told)
    assert "its reasons would not add up exactly" in told[0].reason


def asked(events: float, customers: int = 200) -> tuple[int, dict[str, dict[int, int]]]:
    vector = without_contract(1.0)
    vector[NAMES.index("events_28d")] = events
    return customers, counted([PACKED.pack(*vector)] * customers)


def test_a_shift_of_the_inputs_is_told_before_any_label_and_challenges() -> None:
    course = Course(Book(10)).run(range(9))
    for week in range(9):
        course.models.observe(ms(week), [asked(3.0), asked(3.2)])
    assert course.take().kinds() == []
    course.models.observe(ms(9), [asked(3.0), asked(7.0)])
    assert course.take().kinds() == ["input_shift", "challenger_started"]
    assert course.events[0].reason == "the customer base changed: 1 of 7 watched features shifted, events_28d most"
    assert course.events[0].evidence["customers"] == 400
    for week in range(10, 20):
        course.models.observe(ms(week), [asked(3.0), asked(7.0)])
    assert course.take().kinds() == ["input_shift", "challenger_started", "input_settled"]
    # One challenger is enough.
    course.models.observe(ms(20), [asked(12.0), asked(12.0)])
    assert course.take().kinds()[3:] == ["input_shift"]


def test_a_shift_before_the_first_label_challenges_nobody() -> None:
    course = Course(Book(10))
    for week in range(9):
        course.models.observe(ms(week), [asked(3.0)])
    course.models.observe(ms(9), [asked(7.0)])
    assert course.take().kinds() == ["input_shift"]
    assert course.events[0].model_version == ""


def everything(course: Course) -> Iterator[bytes]:
    for told in (*course.published, *course.challengers, *course.events):
        yield told.to_json()
    yield "/".join(course.dropped).encode()


@settings(deadline=None, max_examples=5)
@given(st.sets(st.integers(0, 29), min_size=1, max_size=6), st.integers(0, 50))
def test_restarts_change_nothing(restarts: set[int], seed: int) -> None:
    """Drift, a challenger, a promotion and a rollback on the way."""
    policy = CorePolicy(learner=LearnerPolicy(shadow_examples=1))
    steady, restarted = (Course(Book(seed, turned=14), policy) for _ in range(2))
    for week in range(30):
        for course in (steady, restarted):
            course.models.observe(ms(week), [asked(3.0 if week < 20 else 6.0)])
            course.run(range(week, week + 1))
            if week == 25:
                course.decide(ModelAction.ROLLBACK, course.models.kept[-4].model_version, week)
        if week in restarts:
            restarted.restart()
    assert list(everything(restarted)) == list(everything(steady))
    assert {"loss_drift", "challenger_started", "rolled_back"} <= set(steady.kinds())


def test_a_model_of_other_features_ends_learning_and_says_so() -> None:
    course = Course(Book(11)).run(range(3))
    model = course.models.model()
    other = model.model_copy(update={"means": {"age": 1.0}})
    course.models.model = lambda: other  # type: ignore[method-assign]
    again = Succession.restored("t", QUIET, course.models.stored(), ())
    (event,) = again.take_told()
    assert isinstance(event, ModelEvent)
    assert (event.kind, event.other_version) == ("restarted", "champion-300")
    assert "is for other features" in event.reason
    assert (again.champion.examples, again.champion.version) == (0, "champion.2-0")
    assert again.trained_ms == ms(2)
