"""Dead letters: list them, look at one, send them again after a fix.

A letter is sent again with its original bytes and key, marked with the time it came in first, so that the door judges
it as it would have then. An event counts once however often it is sent: its message id is the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from ebbtide.schemas.dead_letter import DeadLetter
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import RECEIVED_HEADER
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.ndjson import read_lines
from ebbtide.streams.sender import started_producer
from ebbtide.streams.settings import Settings
from ebbtide.streams.topic_reader import read_topic
from ebbtide.streams.transport import Output


def letters(settings: Settings, *, reasons: Iterable[str] = (), file: Path | None = None) -> list[DeadLetter]:
    """All dead letters, oldest first, each once; from the topic, or from a replay's ``dead-letters.ndjson``."""
    values: Iterable[bytes]
    if file is None:
        values = (record.value for record in read_topic(settings, Topic.DEAD_LETTERS.topic_name))
    else:
        values = read_lines(str(file))
    wanted = set(reasons)
    found: dict[str, DeadLetter] = {}
    for value in values:
        try:
            letter = DeadLetter.from_json(value)
        except ValidationError as error:
            raise EbbtideError(f"{file or Topic.DEAD_LETTERS.topic_name}: not a dead letter: {error}") from None
        if not wanted or letter.reason in wanted:
            found.setdefault(letter.dead_letter_id, letter)
    return sorted(
        found.values(), key=lambda letter: (letter.received_at, letter.topic, letter.partition, letter.offset)
    )


def find(settings: Settings, dead_letter_id: str, *, file: Path | None = None) -> DeadLetter:
    """The letter with this id, or an id that begins so. Raises ``EbbtideError`` where there is none, or several."""
    matching = [letter for letter in letters(settings, file=file) if letter.dead_letter_id.startswith(dead_letter_id)]
    if len(matching) != 1:
        what = "no dead letter has" if not matching else f"{len(matching)} dead letters have ids that begin with"
        raise EbbtideError(f"{what} {dead_letter_id}; see `ebbtide dead-letters list`")
    return matching[0]


def redrive(settings: Settings, chosen: Iterable[DeadLetter]) -> int:
    """Send letters to the topics they came from; return their number once the broker has acknowledged them all."""
    return asyncio.run(_redrive(settings, list(chosen)))


async def _redrive(settings: Settings, chosen: list[DeadLetter]) -> int:
    producer = await started_producer(settings)
    try:
        await producer.send_all([_output(letter) for letter in chosen])
    finally:
        await producer.stop()
    return len(chosen)


def _output(letter: DeadLetter) -> Output:
    received_ms = str(round(letter.received_at.timestamp() * 1000)).encode()
    return Output(
        letter.topic,
        None if letter.key is None else letter.key.encode(),
        letter.original_bytes(),
        # Where it was before: with its subject's other records, whatever its key.
        letter.partition,
        headers=((RECEIVED_HEADER, received_ms),),
    )
