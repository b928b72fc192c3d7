"""Values of a flush that count together or not at all.

A flush may be cut between any two of its values. What is decided here rests on all desks at once, so some of them must
not be ahead of the others: all values go into a journal first, then the mark that makes it hold, then the values
themselves. Whoever begins anew does again what a journal says that holds.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

JOURNAL_KEY = b"journal/"
MOST_BYTES = 400_000
"""Of a part: a record of the changelog holds it well."""

Values = dict[bytes, bytes | None]


class _Part(msgspec.Struct, array_like=True):
    """Some values of flush ``number``."""

    number: int
    values: list[tuple[bytes, bytes | None]]


def journal(values: Values, number: int) -> Iterator[tuple[bytes, bytes]]:
    """The parts of the journal of flush ``number``, each with its key: to be stored before the mark and the values."""
    for n, part in enumerate(_parts(values)):
        yield _key(number, n), msgspec.msgpack.encode(_Part(number, part))


def journal_keys(number: int, parts: int) -> list[bytes]:
    """Keys of the journal of a flush: when the next one holds, it may go."""
    return [_key(number, n) for n in range(parts)]


def redone(table: dict[bytes, bytes], number: int) -> Values:
    """What the journal of flush ``number``, the last that holds, says and is not stored. Takes all parts away.

    ``table`` are the stored values; they change in place.
    """
    parts = [msgspec.msgpack.decode(table.pop(key), type=_Part) for key in sorted(table) if key.startswith(JOURNAL_KEY)]
    held: Values = {}
    for part in parts:
        if part.number == number:
            held.update(part.values)
    again = {key: value for key, value in held.items() if table.get(key) != value}
    for key, value in again.items():
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    return again


def _parts(values: Values) -> Iterator[list[tuple[bytes, bytes | None]]]:
    part: list[tuple[bytes, bytes | None]] = []
    size = 0
    for key, value in values.items():
        size += len(key) + len(value or b"")
        if part and size > MOST_BYTES:
            yield part
            part, size = [], len(key) + len(value or b"")
        part.append((key, value))
    yield part


def _key(number: int, part: int) -> bytes:
    # Those of one flush and of the one before are apart.
    return JOURNAL_KEY + b"%d/%06d" % (number % 2, part)
