"""Paths, and what is read from the bodies that come there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.streams.collector.answers import RequestError
from ebbtide.streams.collector.bodies import parsed, too_large
from ebbtide.streams.collector.formats import facts, feedback, posthog, segment, sensors
from ebbtide.streams.collector.items import Arrival, Item
from ebbtide.streams.collector.keys import key_of_body
from ebbtide.streams.collector.settings import CollectorSettings


class Body(NamedTuple):
    """What a body holds: the key in it, the number of events, and how to read them once it is known who sends."""

    key: str | None
    events: int
    items: Callable[[Arrival], Iterator[Item]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is sent to some paths. ``secret``: only servers may. ``lenient``: see ``answers.told``."""

    name: str
    read: Callable[[bytes, CollectorSettings], Body]
    large: bool = False
    secret: bool = False
    lenient: bool = False

    def most(self, settings: CollectorSettings) -> int:
        """Greatest body, bytes."""
        return settings.max_large_batch_bytes if self.large else settings.max_batch_bytes


def _segment_batch(body: bytes, settings: CollectorSettings) -> Body:
    found = parsed(body)
    events = segment.batch(found)
    if len(body) > settings.max_batch_bytes and not segment.is_rudderstack(events):
        raise too_large(settings.max_batch_bytes)
    return Body(key_of_body(found) or key_of_body(events), len(events), partial(segment.read, found, events))


def _segment_call(verb: str, body: bytes, _: CollectorSettings) -> Body:
    found = parsed(body)
    if not isinstance(found, dict):
        raise RequestError(400, DeadLetterReason.INVALID, "body: a call is an object")
    return Body(key_of_body(found), 1, partial(segment.read, {}, [found], verb=verb))


def _posthog(body: bytes, settings: CollectorSettings) -> Body:
    found = parsed(body)
    events = posthog.batch(found)
    return Body(
        key_of_body(found) or key_of_body(events),
        len(events),
        partial(posthog.read, found, events, group_types=settings.group_types),
    )


def _sensors(body: bytes, settings: CollectorSettings) -> Body:
    events = sensors.events_of(body, settings.max_large_batch_bytes)
    return Body(key_of_body(events), len(events), partial(sensors.read, events, settings=settings))


def _listed(
    read: Callable[[Any, Arrival], Iterator[Item]],
) -> Callable[[bytes, CollectorSettings], Body]:
    def body_of(body: bytes, _: CollectorSettings) -> Body:
        found = parsed(body)
        return Body(None, len(found) if isinstance(found, list) else 1, partial(read, found))

    return body_of


SEGMENT_BATCH = Endpoint("segment", _segment_batch, large=True)
POSTHOG = Endpoint("posthog", _posthog, large=True)
# Their SDKs send a body with a bad event again, and what comes after it never.
SENSORS = Endpoint("sensors", _sensors, large=True, lenient=True)
FACTS = Endpoint("crm", _listed(facts.read), secret=True)
FEEDBACK = Endpoint("feedback", _listed(feedback.read), secret=True)


def _calls() -> Iterable[tuple[str, Endpoint]]:
    for verb in segment.VERBS:
        endpoint = Endpoint("segment", partial(_segment_call, verb))
        yield from ((f"/v1/{verb}", endpoint), (f"/v1/{verb[0]}", endpoint))


ENDPOINTS: Mapping[str, Endpoint] = {
    "/v1/batch": SEGMENT_BATCH,
    "/v1/b": SEGMENT_BATCH,
    **dict(_calls()),
    "/batch": POSTHOG,
    "/capture": POSTHOG,
    "/e": POSTHOG,
    "/i/v0/e": POSTHOG,
    "/sa": SENSORS,
    "/v1/crm": FACTS,
    "/v1/feedback": FEEDBACK,
}
"""Endpoints by path; each is found with a slash at its end too."""
