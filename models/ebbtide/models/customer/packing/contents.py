"""What customer's shares tell beside their days, by columns: uses of modules, sources, traits and dated facts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain, islice
from operator import itemgetter
from typing import Any, TypeVar

from ebbtide.models.customer.packing.columns import (
    Column,
    Names,
    Tail,
    pack_pairs,
    pack_weeks,
    steps,
    unpack_pairs,
    unpack_weeks,
)
from ebbtide.models.customer.packing.days import newest_day
from ebbtide.models.customer.share import Share
from ebbtide.schemas.profile_state import Trait

_MARK_BYTES = 4

V = TypeVar("V")


def pack_uses(shares: list[Share], names: Names) -> Column:
    """Uses of each share: its days, its modules, then of each module the uses of every day."""
    weeks, used, modules, counts = [], [], [], []
    for share in shares:
        days = sorted(share.uses)
        own = sorted({module for uses in share.uses.values() for module in uses})
        first, days_of_weeks = pack_weeks(days)
        weeks.append(first)
        used.append(days_of_weeks)
        modules.append([names.place(module) for module in own])
        counts += [share.uses[day].get(module, 0) for module in own for day in days]
    odd = len(counts) % 2
    pairs = pack_pairs(counts[::2], counts[1::2] + [0] * odd)
    return [[share.uses_from for share in shares], steps(weeks), used, modules, pairs]


def unpack_uses(shares: list[Share], packed: Column, names: Sequence[str]) -> None:
    """Put uses into the shares."""
    uses_from, weeks, used, modules, pairs = packed
    told = chain.from_iterable(zip(*unpack_pairs(pairs), strict=True))
    for index, (share, first) in enumerate(zip(shares, accumulate(weeks), strict=True)):
        days = unpack_weeks(first, used[index])
        share.uses, share.uses_from = {day: {} for day in days}, uses_from[index]
        for place in modules[index]:
            for day in days:
                times = next(told)
                if times:
                    share.uses[day][names[place]] = times


def pack_sources(shares: list[Share], names: Names) -> Column:
    """Sources of each share: mostly one, heard last on the newest active day."""
    counts, ago, lengths = [], [], []
    places: list[int] = []
    for share in shares:
        newest = newest_day(share)
        counts.append(len(share.sources))
        for day in sorted(share.sources, reverse=True):
            heard = share.sources[day]
            ago.append(newest - day)
            lengths.append(len(heard))
            places += map(names.place, heard)
    return [counts, ago, lengths, places]


def unpack_sources(shares: list[Share], packed: Column, names: Sequence[str]) -> None:
    """Put sources into the shares, which have their days."""
    counts, ago, lengths, places = packed
    told = iter(places)
    rows = zip(ago, lengths, strict=True)
    for share, count in zip(shares, counts, strict=True):
        newest = newest_day(share)
        for before, length in islice(rows, count):
            share.sources[newest - before] = [names[place] for place in islice(told, length)]


def pack_traits(shares: list[Share], names: Names, tail: Tail) -> Column:
    """Values of traits, those of one name side by side: for most people of an account many are the same.

    Each goes with the place of its stamp: of a fact that tells several, all have the same.
    """
    stamps = dict[tuple[int, int, str], int]()
    counts, traits, lengths = [], [], []
    told: list[tuple[int, Trait]] = []
    for share in shares:
        counts.append(len(share.traits))
        for name, known in share.traits.items():
            place = names.place(name)
            traits.append(place)
            lengths.append(len(known))
            told += [(place, trait) for trait in known]
    told.sort(key=itemgetter(0))
    places = [stamps.setdefault(trait[1:], len(stamps)) for _, trait in told]
    return [
        counts,
        traits,
        lengths,
        [trait.value for _, trait in told],
        places,
        tail.put_times(at_ms for at_ms, _, _ in stamps),
        tail.put_low([mark for _, mark, _ in stamps], _MARK_BYTES),
        [names.place(source) for _, _, source in stamps],
    ]


def unpack_traits(shares: list[Share], packed: Column, names: Sequence[str], tail: Tail) -> None:
    """Put traits into the shares."""
    counts, traits, lengths, values, places, times, marks, sources = packed
    stamps = list(
        zip(
            tail.take_times(times),
            tail.take_low(marks, _MARK_BYTES),
            (names[source] for source in sources),
            strict=True,
        )
    )
    told = [Trait(value, *stamps[place]) for value, place in zip(values, places, strict=True)]
    rows = iter(zip(traits, _grouped(traits, lengths, told), strict=True))
    for share, count in zip(shares, counts, strict=True):
        share.traits = {names[name]: known for name, known in islice(rows, count)}


def pack_facts(shares: list[Share], names: Names, tail: Tail) -> Column:
    """Dated facts by their shapes (a type and the names of its fields), times, marks, and the values of the fields,
    those of one field side by side."""
    shapes = dict[tuple[int, ...], int]()
    counts, kinds, times, marks = [], [], [], []
    values: list[tuple[int, Any]] = []
    for share in shares:
        counts.append(len(share.outcomes))
        for mark, (kind, at_ms, data) in sorted(share.outcomes.items(), key=lambda item: (item[1][1], item[0])):
            shape = (names.place(kind), *map(names.place, data))
            kinds.append(shapes.setdefault(shape, len(shapes)))
            times.append(at_ms)
            marks.append(mark)
            values += zip(shape[1:], data.values(), strict=True)
    values.sort(key=itemgetter(0))
    return [
        counts,
        [list(shape) for shape in shapes],
        kinds,
        tail.put_times(times),
        tail.put_ids(marks),
        [value for _, value in values],
    ]


def unpack_facts(shares: list[Share], packed: Column, names: Sequence[str], tail: Tail) -> None:
    """Put dated facts into the shares."""
    counts, shapes, kinds, times, marks, values = packed
    rows = zip(kinds, tail.take_times(times), tail.take_ids(marks), strict=True)
    fields = [field for kind in kinds for field in shapes[kind][1:]]
    told = iter(_grouped(fields, [1] * len(fields), values))
    for share, count in zip(shares, counts, strict=True):
        for shape, at_ms, mark in islice(rows, count):
            kind, *own = (names[place] for place in shapes[shape])
            share.outcomes[mark] = (kind, at_ms, {name: value for name, [value] in zip(own, told, strict=False)})


def _grouped(names: list[int], lengths: list[int], values: list[V]) -> list[list[V]]:
    """Values that were sorted by their names, so many for each, in the order of the names as they are given."""
    found: list[list[V]] = [[] for _ in names]
    told = iter(values)
    for index in sorted(range(len(names)), key=names.__getitem__):
        found[index] += islice(told, lengths[index])
    return found
