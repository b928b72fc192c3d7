"""Look-alikes: the best by definition among all candidates."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.alerting.look_alikes import LookAlike, look_alikes, similarity
from ebbtide.models.policy import LookAlikePolicy
from ebbtide.schemas.fleet import Candidate

A, B, C, DRIVER = 1, 2, 4, 8
POLICY = LookAlikePolicy(told=3, min_similarity=0.2)


def one(customer_id: str, uses: int, usage: int) -> Candidate:
    return Candidate(customer_id=customer_id, name=f"N {customer_id}", usage=usage, uses=uses)


@pytest.mark.parametrize(
    ("uses", "others", "usage", "other_usage", "expected"),
    [
        (A | B, A | B, 40, 40, 1.0),
        (A | B, A | B, 40, 10, 0.25),
        (A | B, A | B, 10, 40, 0.25),
        (A | B, B | C, 40, 20, 1 / 6),
        (A, B, 40, 40, 0.0),
        (0, 0, 40, 40, 0.0),
        (A, A, 0, 0, 0.0),
    ],
)
def test_similarity(uses: int, others: int, usage: int, other_usage: int, expected: float) -> None:
    assert similarity(uses, others, usage, other_usage) == pytest.approx(expected)


def test_nearest_first_without_itself_and_who_uses_it_and_who_is_unlike() -> None:
    candidates = [
        one("c", A | B, 30),
        one("b", A | B, 30),
        one("a", A, 40),
        one("d", A | B, 40),
        one("self", A | B, 40),
        one("user", A | B | DRIVER, 40),
        one("unlike", A, 15),
    ]
    found = look_alikes(candidates, customer_id="self", uses=A | B | DRIVER, driver=DRIVER, usage=40.0, policy=POLICY)
    assert found == [LookAlike("d", "N d", 1.0), LookAlike("b", "N b", 0.75), LookAlike("c", "N c", 0.75)]
    two = [one("unlike", A, 15), one("a", A, 16)]
    assert [
        x.customer_id for x in look_alikes(two, customer_id="s", uses=A | B, driver=C, usage=40, policy=POLICY)
    ] == ["a"]


CANDIDATES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 31), st.integers(0, 50)), max_size=30, unique_by=lambda row: row[0]
)


@given(CANDIDATES, st.integers(0, 31), st.sampled_from([1, 2, 16]), st.integers(0, 50), st.randoms(), st.integers(0, 6))
def test_no_other_order_is_better(
    rows: list[tuple[int, int, int]], uses: int, driver: int, usage: int, rng: object, told: int
) -> None:
    policy = LookAlikePolicy(told=told, min_similarity=0.3)
    candidates = [one(f"c{n:02d}", bits, events) for n, bits, events in rows]
    found = look_alikes(candidates, customer_id="c07", uses=uses, driver=driver, usage=usage, policy=policy)
    rng.shuffle(candidates)  # type: ignore[attr-defined]
    assert found == look_alikes(candidates, customer_id="c07", uses=uses, driver=driver, usage=usage, policy=policy)

    def exact(bits: int, events: int) -> Fraction:
        own = {place for place in range(5) if uses >> place & 1 and 1 << place != driver}
        theirs = {place for place in range(5) if bits >> place & 1}
        if not own | theirs or not max(usage, events):
            return Fraction(0)
        return Fraction(len(own & theirs), len(own | theirs)) * Fraction(min(usage, events), max(usage, events))

    able = {f"c{n:02d}": exact(bits, events) for n, bits, events in rows if n != 7 and not bits & driver}
    able = {key: like for key, like in able.items() if like >= Fraction(3, 10)}
    assert [row.customer_id for row in found] == sorted(able, key=lambda key: (-round(float(able[key]), 4), key))[:told]
