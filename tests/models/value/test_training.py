"""Training effect by difference in differences. Day 20,094 is Monday, 2025-01-06."""

from __future__ import annotations

from random import Random
from statistics import mean, variance
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.policy import TrainingPolicy
from ebbtide.models.value.attendance import Attendance, Changes, Group, around, attendances, changes, merged
from ebbtide.models.value.moments import NONE, Moments, moments
from ebbtide.models.value.training import Effect, TrainingEffect, student_95, training_effect

MONDAY = 20_094
WEEK = MONDAY - 35
"""The week of the training for who looks at it on MONDAY: four whole weeks lie between."""
POLICY = TrainingPolicy()
MODULES = ("funnels", "replay", "reports")
ByDay = dict[int, dict[str, int]]


def weekly(**modules: list[int]) -> ByDay:
    """Nine weeks before MONDAY."""
    by_day: dict[int, dict[str, int]] = {}
    for module, counts in modules.items():
        for week, count in enumerate(counts):
            by_day.setdefault(MONDAY - 63 + 7 * week + 2, {})[module] = count
    return by_day


USER = weekly(
    funnels=[1, 1, 1, 1, 50, 5, 5, 5, 6],  # from 1 to 5.25 a week
    replay=[2, 2, 2, 2, 2, 3, 3, 3, 3],  # from 2 to 3
    reports=[4, 4, 4, 4, 0, 3, 4, 4, 4],  # from 4 to 3.75
)


def told(*attended: Attendance, uses: ByDay = USER, first_day: int = 0, day: int = MONDAY) -> dict[Group, Changes]:
    return changes(around([uses], day, POLICY), first_day, attended, MODULES, day, POLICY)


def one(own: int, relative: int) -> Changes:
    return Changes(moments(own), moments(relative))


def test_the_changes_of_a_trained_customer() -> None:
    assert told(Attendance("funnels", "ou", WEEK + 6)) == {
        Group(WEEK, "funnels", "ou"): one(4_250, 4_250 - 375),  # beside 1,000 and -250
        Group(WEEK, "replay", ""): one(1_000, 1_250),  # beside -250
        Group(WEEK, "reports", ""): one(-250, -1_250),
    }


def test_the_changes_of_an_untrained_customer() -> None:
    assert told() == {
        Group(WEEK, "funnels", ""): one(4_250, 4_250 - 375),
        Group(WEEK, "replay", ""): one(1_000, 1_000 - 2_000),
        Group(WEEK, "reports", ""): one(-250, -250 - 2_625),
    }


@pytest.mark.parametrize("day", [MONDAY, MONDAY + 1, MONDAY + 6])
def test_whole_weeks_as_of_the_last_monday(day: int) -> None:
    assert told(day=day) == told()


@pytest.mark.parametrize(
    ("attended", "trainer"),
    [
        ([Attendance("funnels", "ou", WEEK)], "ou"),
        ([Attendance("funnels", "pia", WEEK + 3), Attendance("funnels", "ou", WEEK + 3)], "ou"),
        ([Attendance("funnels", "pia", WEEK + 2), Attendance("funnels", "ou", WEEK + 3)], "pia"),
        ([Attendance("funnels", "ou", WEEK), Attendance("funnels", "pia", WEEK + 14)], "ou"),  # repeated
        ([Attendance("funnels", "", WEEK)], "unknown"),
        ([Attendance("funnels", "ou", WEEK - 1)], None),  # trained before
        ([Attendance("funnels", "ou", WEEK - 900), Attendance("funnels", "ou", WEEK)], None),
        ([Attendance("funnels", "ou", WEEK + 7)], None),  # trained among the weeks after
        ([Attendance("funnels", "ou", MONDAY)], ""),  # not yet
    ],
)
def test_who_counts_as_trained(attended: list[Attendance], trainer: str | None) -> None:
    found = [group.trainer for group in told(*attended) if group.module == "funnels"]
    assert found == ([] if trainer is None else [trainer])


def test_attendances_among_the_facts() -> None:
    at = WEEK * 86_400_000 + 5
    facts: list[tuple[str, int, dict[str, Any]]] = [
        ("touchpoint", at, {"kind": "training", "feature": "funnels", "trainer": "ou"}),
        ("touchpoint", at, {"kind": "training", "feature": "replay"}),
        ("touchpoint", at, {"kind": "training"}),
        ("touchpoint", at, {"kind": "visit", "feature": "funnels"}),
        ("deal.won", at, {"kind": "training", "feature": "funnels"}),
    ]
    assert attendances(facts) == [Attendance("funnels", "ou", WEEK), Attendance("replay", "", WEEK)]


def test_uses_of_several_users_add_up_and_machines_are_nobody() -> None:
    halves = [{day: uses for day, uses in USER.items() if day % 2 == half} for half in (0, 1)]
    assert around([*halves, {WEEK - 3: {"(machine)": 9}}], MONDAY, POLICY) == around([USER], MONDAY, POLICY)
    assert told(uses={WEEK - 3: {"(machine)": 9}}) == {}


def test_uses_may_be_added_up_by_weeks() -> None:
    """All of a week but that of the training, under its Monday."""
    mondays = {day - 2: uses for day, uses in USER.items()}
    assert around([mondays], MONDAY, POLICY) == around([USER], MONDAY, POLICY)
    assert around([{WEEK: {"funnels": 9}, WEEK + 6: {"funnels": 9}}], MONDAY, POLICY).after == {}


def test_who_is_new_or_used_nothing_tells_nothing() -> None:
    assert told(first_day=MONDAY - 63) != {}
    assert told(first_day=MONDAY - 62) == {}
    assert told(uses=weekly(funnels=[0, 0, 0, 0, 9, 9, 9, 9, 9])) == {}


def test_trained_in_everything_has_no_untrained_feature() -> None:
    found = told(*(Attendance(module, "ou", WEEK) for module in MODULES))
    assert found[Group(WEEK, "replay", "ou")] == Changes(moments(1_000), NONE)
    assert changes(around([USER], MONDAY, POLICY), 0, (), ["replay"], MONDAY, POLICY) == {
        Group(WEEK, "replay", ""): Changes(moments(1_000), NONE)
    }


def test_a_bulk_user_counts_up_to_a_limit() -> None:
    found = told(uses=weekly(funnels=[1, 1, 1, 1, 1, *[99_999_999] * 4]))
    assert found[Group(WEEK, "funnels", "")].own == moments(10_000_000)


def test_moments_of_three_numbers() -> None:
    total = moments(2) + moments(4) + moments(9)
    assert total == Moments(3, 15, 101)
    assert (total.mean, total.variance) == (5.0, 13.0)


@given(st.lists(st.integers(-(10**7), 10**7), min_size=2, max_size=30))
def test_moments_tell_mean_and_variance(values: list[int]) -> None:
    total = sum((moments(value) for value in values), NONE)
    assert total.mean == pytest.approx(mean(values))
    assert total.variance == pytest.approx(variance(values))


@pytest.mark.parametrize(
    ("degrees", "expected"), [(2, 4.3027), (5, 2.5706), (9, 2.2622), (30, 2.0423), (10_000, 1.9602)]
)
def test_students_t(degrees: int, expected: float) -> None:
    assert student_95(degrees) == pytest.approx(expected, rel=0.01 if degrees == 2 else 2e-4)


def group_of(values: list[int], relative: list[int] | None = None) -> Changes:
    return Changes(
        sum((moments(1_000 * value) for value in values), NONE),
        sum((moments(1_000 * value) for value in relative or []), NONE),
    )


def test_an_effect_by_hand() -> None:
    trained = group_of([4, 6] * 5, [3, 3, 5, 5, 4] * 2)  # mean 5, variance 10/9; mean 4
    untrained = group_of([0, 2] * 5, [0, 2] * 5)  # mean 1, variance 10/9
    effects = training_effect({Group(WEEK, "funnels", "ou"): trained, Group(WEEK, "funnels", ""): untrained}, POLICY)
    found = effects.against_customers
    assert isinstance(found, Effect)
    assert found.uses == 4.0
    assert found.error == pytest.approx((10 / 9 / 10 + 10 / 9 / 10) ** 0.5)
    assert found.high - 4.0 == pytest.approx(2.2622 * found.error, rel=1e-4)
    assert 4.0 - found.low == pytest.approx(found.high - 4.0)
    assert (found.trained, found.untrained, found.proven) == (10, 10, True)
    beside = effects.against_features
    assert beside is not None
    assert (beside.uses, beside.untrained) == (4.0, 0)
    assert beside.error == pytest.approx((8 / 9 / 10) ** 0.5)
    both = effects.against_both
    assert both is not None
    assert both.uses == 3.0


def test_trainings_of_several_weeks_are_each_compared_with_their_own() -> None:
    groups = {
        Group(WEEK, "funnels", "ou"): group_of([5] * 6),
        Group(WEEK, "funnels", ""): group_of([1] * 10),
        Group(WEEK + 7, "funnels", "ou"): group_of([30] * 2),
        Group(WEEK + 7, "funnels", ""): group_of([20] * 15),
        Group(WEEK + 7, "funnels", "pia"): group_of([20] * 2),
        Group(WEEK + 14, "funnels", "pia"): group_of([999]),  # nobody untrained beside it
        Group(WEEK + 14, "replay", ""): group_of([7] * 20),
    }
    found = training_effect(groups, POLICY).against_customers
    assert found is not None
    assert found.uses == (6 * 4 + 2 * 10 + 2 * 0) / 10
    assert (found.trained, found.untrained) == (10, 10)
    assert training_effect(groups, POLICY, trainer="ou").against_customers is None  # eight are too few
    few = TrainingPolicy(min_trained=4)
    of_one = training_effect(groups, few, trainer="ou", module="funnels").against_customers
    assert of_one is not None
    assert of_one.uses == (6 * 4 + 2 * 10) / 8
    assert training_effect(groups, few, module="replay").against_customers is None
    assert training_effect(groups, few, trainer="ou").against_both is None
    assert training_effect({}, POLICY).against_features is None


def book(rng: Random, effect: int, trained: int = 14, untrained: int = 20) -> dict[Group, Changes]:
    """Customers whose use of all modules grows together, by chance; the trained add ``effect`` a week."""
    season = rng.uniform(-4, 4)
    parts = []
    for number in range(trained + untrained):
        attends = number < trained
        uses = {}
        for module in MODULES:
            after = 20 + season + effect * (attends and module == "funnels")
            uses[module] = [max(0, round(rng.gauss(level, 4))) for level in (20, 20, 20, 20, 0, *[after] * 4)]
        attended = [Attendance("funnels", rng.choice(["ou", "pia"]), WEEK + rng.randrange(7))] if attends else []
        used = around([weekly(**uses)], MONDAY, POLICY)
        parts.append(changes(used, 0, attended, MODULES, MONDAY, POLICY))
    return merged(parts)


def three(effects: TrainingEffect) -> list[Effect]:
    found = [effects.against_customers, effects.against_features, effects.against_both]
    return [effect for effect in found if effect is not None]


def test_a_planted_effect_is_found_three_ways() -> None:
    runs, covered = 40, [0, 0, 0]
    for seed in range(runs):
        groups = book(Random(seed), effect=6, trained=30, untrained=30)
        effects = three(training_effect(groups, POLICY))
        assert all(effect.proven and effect.low > 0 for effect in effects)
        for which, effect in enumerate(effects):
            covered[which] += effect.low <= 6 <= effect.high
    assert all(count >= 0.88 * runs for count in covered), covered


def test_each_trainer_has_an_effect() -> None:
    groups = book(Random(5), effect=6, trained=60, untrained=40)
    by_trainer = [three(training_effect(groups, POLICY, trainer=trainer)) for trainer in ("ou", "pia")]
    assert all(len(effects) == 3 and all(effect.proven for effect in effects) for effects in by_trainer)
    assert sum(effects[0].trained for effects in by_trainer) == 60


def test_without_an_effect_the_interval_covers_nought_in_about_95_percent() -> None:
    runs, covered = 150, [0, 0, 0]
    for seed in range(runs):
        for which, effect in enumerate(three(training_effect(book(Random(seed), effect=0), POLICY))):
            covered[which] += not effect.proven
    assert all(0.91 <= count / runs <= 0.99 for count in covered), covered


GROUPS = st.dictionaries(
    st.builds(Group, st.sampled_from([WEEK, WEEK + 7]), st.sampled_from(MODULES), st.sampled_from(["", "ou", "pia"])),
    st.builds(
        Changes,
        *[st.builds(Moments, st.integers(2, 50), st.integers(-(10**6), 10**6), st.integers(10**12, 10**13))] * 2,
    ),
)


@given(st.lists(GROUPS, max_size=5), st.randoms(use_true_random=False))
def test_partitions_add_up_in_any_order(parts: list[dict[Group, Changes]], random: Any) -> None:
    whole = merged(parts)
    shuffled = random.sample(parts, len(parts))
    assert merged(shuffled) == whole
    assert merged([merged(shuffled[:2]), merged(shuffled[2:])]) == whole
    assert training_effect(merged(shuffled), POLICY) == training_effect(whole, POLICY)


@given(
    st.dictionaries(st.integers(MONDAY, MONDAY + 40), st.just({"funnels": 9}), max_size=5),
    st.lists(st.builds(Attendance, st.sampled_from(MODULES), st.just("ou"), st.integers(MONDAY, MONDAY + 40))),
)
def test_nothing_at_or_after_the_day_matters(later: dict[int, dict[str, int]], attended: list[Attendance]) -> None:
    past = {MONDAY - 60: {"funnels": 3}, MONDAY - 9: {"replay": 2}}
    assert told(*attended, uses=past | later) == told(uses=past)
