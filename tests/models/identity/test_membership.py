"""When somebody is in an account: stays from facts in any order, and who has what is done without naming one."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ebbtide.models.identity.membership import MOST_CHANGES, Membership, Timeline, heard, of_spans, union
from ebbtide.schemas.identity import MembershipKind, Span

SEEN, LEFT, BACK = MembershipKind.SEEN, MembershipKind.LEFT, MembershipKind.BACK
FACTS = st.lists(st.tuples(st.sampled_from(list(MembershipKind)), st.integers(0, 12)), min_size=1)
SPANS = st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9))), max_size=2).map(
    lambda spans: [(first, None if length is None else first + length) for first, length in spans]
)


def of_facts(facts: list[tuple[MembershipKind, int]]) -> Membership:
    known = None
    for kind, day in facts:
        known = union(known, heard(kind, day))
    assert known is not None
    return known


@pytest.mark.parametrize(
    ("facts", "spans"),
    [
        pytest.param([(SEEN, 3), (SEEN, 7)], [(3, None)], id="seen"),
        pytest.param([(SEEN, 3), (LEFT, 7)], [(3, 7)], id="left, and that day counts"),
        pytest.param([(SEEN, 3), (LEFT, 7), (SEEN, 9)], [(3, 7)], id="who has left may still be signed in"),
        pytest.param([(SEEN, 3), (LEFT, 7), (BACK, 9), (LEFT, 11)], [(3, 7), (9, 11)], id="back and left again"),
        pytest.param([(SEEN, 3), (LEFT, 7), (BACK, 7)], [(3, 7)], id="left and back on one day"),
        pytest.param([(BACK, 3), (BACK, 5), (LEFT, 7)], [(3, 7)], id="told again and again by the CRM"),
        pytest.param([(LEFT, 3), (LEFT, 5), (BACK, 8), (BACK, 9)], [(3, 3), (8, None)], id="left twice"),
    ],
)
def test_stays(facts: list[tuple[MembershipKind, int]], spans: list[Span]) -> None:
    assert of_facts(facts).spans == of_facts(facts[::-1]).spans == spans
    assert of_spans(spans).spans == spans


@given(FACTS, st.randoms())
def test_what_is_told_of_changes_tells_all_in_any_order(facts: list[tuple[MembershipKind, int]], rng: Random) -> None:
    """A profile tells the edges that a fact moved, and identity unites them."""
    whole = of_facts(facts)
    rng.shuffle(facts)
    known: Membership | None = None
    told: list[tuple[MembershipKind, int]] = []
    for kind, day in facts:
        new = union(known, heard(kind, day))
        told += sorted(new.edges if known is None else new.edges - known.edges)
        known = new
    assert known == whole
    rng.shuffle(told)
    assert of_facts([*told, *told[:2]]).spans == whole.spans


def test_only_the_newest_changes_are_kept_in_any_order() -> None:
    days = list(range(3 * MOST_CHANGES))
    facts = [(LEFT if day % 2 else BACK, day) for day in days]
    assert of_facts(facts) == of_facts(facts[::-1])
    assert len(of_facts(facts).left) == len(of_facts(facts).back) == MOST_CHANGES


@given(st.lists(st.tuples(st.sampled_from("abc"), SPANS), max_size=4))
@example([("a", [(0, 0)]), ("b", [(0, 0)])])
def test_the_only_account_of_a_day_has_what_names_none(groups: list[tuple[str, list[Span]]]) -> None:
    accounts: dict[str, list[Span]] = {}
    for owner, spans in groups:
        accounts.setdefault(owner, []).extend(spans)
    timeline = Timeline(accounts, "person")
    for day in range(-1, 21):
        inside = {
            owner
            for owner, spans in accounts.items()
            if any(first <= day and (last is None or day <= last) for first, last in spans)
        }
        assert timeline.on(day) == (inside.pop() if len(inside) == 1 else "person")
    inside_last = max((day for spans in accounts.values() for _, last in spans for day in [last or 0]), default=0)
    open_ended = any(last is None for spans in accounts.values() for _, last in spans)
    assert timeline.now == timeline.on(99 if open_ended else inside_last)
