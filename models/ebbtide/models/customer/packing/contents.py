"""What customer's shares tell beside their days, by columns: uses of modules, sources, traits and dated facts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from ebbtide.models.customer.packing.columns import (
    Column,
    Names,
    pack_times,
    pack_weeks,
    steps,
    unpack_times,
    unpack_weeks,
)
from ebbtide.models.customer.packing.days import newest_day
from ebbtide.models.customer.share import Share
from ebbtide.schemas.profile_state import Trait


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
    return [[share.uses_from for share in shares], steps(weeks), used, modules, counts]


def unpack_uses(shares: list[Share], packed: Column, names: Sequence[str]) -> None:
    """Put uses into the shares."""
    uses_from, weeks, used, modules, counts = packed
    told = iter(counts)
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
    return [
        [
            [newest_day(share) - day, *map(names.place, share.sources[day])]
            for day in sorted(share.sources, reverse=True)
        ]
        for share in shares
    ]


def unpack_sources(shares: list[Share], packed: Column, names: Sequence[str]) -> None:
    """Put sources into the shares, which have their days."""
    for share, sources in zip(shares, packed, strict=True):
        newest = newest_day(share)
        share.sources = {newest - ago: [names[place] for place in heard] for ago, *heard in sources}


def pack_traits(shares: list[Share], names: Names) -> Column:
    """Values of traits, each with the place of its stamp: of a fact that tells several, all have the same."""
    stamps = dict[tuple[int, int, int], int]()
    counts, traits, places = [], [], []
    values: Column = []
    for share in shares:
        counts.append(len(share.traits))
        for name, known in share.traits.items():
            traits += [names.place(name), len(known)]
            for trait in known:
                values.append(trait.value)
                stamp = trait.at_ms, trait.mark, names.place(trait.source)
                places.append(stamps.setdefault(stamp, len(stamps)))
    return [
        counts,
        traits[::2],
        traits[1::2],
        values,
        steps(places),
        pack_times(at_ms for at_ms, _, _ in stamps),
        [mark for _, mark, _ in stamps],
        [source for _, _, source in stamps],
    ]


def unpack_traits(shares: list[Share], packed: Column, names: Sequence[str]) -> None:
    """Put traits into the shares."""
    counts, traits, lengths, values, places, times, marks, sources = packed
    stamps = list(zip(unpack_times(times), marks, (names[source] for source in sources), strict=True))
    told = zip(values, accumulate(places), strict=True)
    rows = zip(traits, lengths, strict=True)
    for share, count in zip(shares, counts, strict=True):
        for _ in range(count):
            name, length = next(rows)
            share.traits[names[name]] = [
                Trait(value, *stamps[place]) for value, place in (next(told) for _ in range(length))
            ]


def pack_facts(shares: list[Share], names: Names) -> Column:
    """Dated facts by their shapes (a type and the names of its fields), times, marks, and the values of the fields."""
    shapes = dict[tuple[int, ...], int]()
    counts, kinds, times, marks = [], [], [], []
    values: Column = []
    for share in shares:
        counts.append(len(share.outcomes))
        for mark, (kind, at_ms, data) in sorted(share.outcomes.items(), key=lambda item: (item[1][1], item[0])):
            shape = (names.place(kind), *map(names.place, data))
            kinds.append(shapes.setdefault(shape, len(shapes)))
            times.append(at_ms)
            marks.append(mark)
            values += data.values()
    return [counts, [list(shape) for shape in shapes], kinds, pack_times(times), marks, values]


def unpack_facts(shares: list[Share], packed: Column, names: Sequence[str]) -> None:
    """Put dated facts into the shares."""
    counts, shapes, kinds, times, marks, values = packed
    told = iter(values)
    rows = zip(kinds, unpack_times(times), marks, strict=True)
    for share, count in zip(shares, counts, strict=True):
        for _ in range(count):
            shape, at_ms, mark = next(rows)
            kind, *fields = (names[place] for place in shapes[shape])
            share.outcomes[mark] = (kind, at_ms, {name: next(told) for name in fields})
