"""The law of commits: never past an offset that is not acknowledged, always up to the first that is not."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.streams.transport.fetch import Fetched
from ebbtide.streams.transport.progress import Progress


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]], list[int]]:
    """A first position, spans that follow each other, and the order in which some of them are acknowledged."""
    start = position = draw(st.integers(0, 5))
    spans = []
    for length in draw(st.lists(st.integers(1, 4), max_size=12)):
        spans.append((position, position + length))
        position += length
    order = draw(st.permutations([first for first, _ in spans]))
    return start, spans, order[: draw(st.integers(0, len(order)))]


@given(deliveries())
def test_what_is_committable_is_the_acknowledged_prefix(story: tuple[int, list[tuple[int, int]], list[int]]) -> None:
    start, spans, order = story
    progress = Progress(start)
    for first, end in spans:
        progress.deliver(first, end)
    acknowledged: set[int] = set()
    for first in order:
        before = progress.settled
        moved = progress.acknowledge(first)
        acknowledged.add(first)
        expected = start
        for begin, end in spans:
            if begin not in acknowledged:
                break
            expected = end
        assert progress.settled == expected
        assert moved == (progress.settled != before)
    pending = [begin for begin, _ in spans if begin not in acknowledged]
    assert progress.in_flight == len([1 for begin, _ in spans if begin >= (progress.settled or 0)])
    assert progress.pending == (spans[-1][1] if spans else start) - (progress.settled or 0)
    assert progress.committable is None or not pending or progress.committable <= min(pending)


def test_a_head_gap_of_one_is_not_ignored_on_a_fresh_group() -> None:
    progress = Progress(None)
    progress.deliver(0, 1)
    progress.deliver(1, 9)
    progress.acknowledge(1)
    assert progress.committable is None


def test_a_span_waits_for_every_reader() -> None:
    progress = Progress(0)
    progress.deliver(0, 5, readers=2)
    assert not progress.acknowledge(0)
    assert progress.acknowledge(0)
    with pytest.raises(ValueError, match="no span"):
        progress.acknowledge(0)


def test_a_span_without_records_is_done_at_once() -> None:
    progress = Progress(7)
    progress.deliver(7, 9, readers=0)
    assert progress.committable == 9


def test_spans_must_follow_each_other() -> None:
    progress = Progress(3)
    with pytest.raises(ValueError, match="does not follow 3"):
        progress.deliver(4, 5)


def test_each_possession_has_a_lease_of_its_own() -> None:
    assert Progress(0).lease != Progress(0).lease


def test_lag_counts_from_what_is_acknowledged() -> None:
    progress = Progress(10)
    progress.high_watermark = 25
    progress.deliver(10, 20)
    assert progress.lag == 15
    progress.acknowledge(10)
    assert progress.lag == 5


class Record:
    """As much of a record as slicing needs."""

    def __init__(self, offset: int) -> None:
        self.offset = offset


@given(st.sets(st.integers(10, 60)), st.integers(1, 9))
def test_slices_have_all_records_and_cover_all_offsets(offsets: set[int], limit: int) -> None:
    records: list[object] = [Record(offset) for offset in sorted(offsets)]
    whole = Fetched(records, 10, 64, 100)  # type: ignore[arg-type]
    pieces = list(whole.slices(limit))
    assert [record for piece in pieces for record in piece.records] == records
    assert all(len(piece.records) <= limit for piece in pieces)
    assert pieces[0].start == 10
    assert pieces[-1].end == 64
    assert all(left.end == right.start for left, right in pairwise(pieces))
    assert all(piece.start <= record.offset < piece.end for piece in pieces for record in piece.records)
