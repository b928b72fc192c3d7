"""PostHog's events. Source: its capture API, and what its Python SDK sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import RFC_4122, UUID

from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.streams.collector.answers import RequestError
from ebbtide.streams.collector.items import Arrival, Bad, Item, LeftOut, Record
from ebbtide.streams.collector.stamp import stamped

_SETS = ("$set", "$identify")
_VIEWS = {"$pageview": ("page", "$pathname"), "$screen": ("screen", "$screen_name")}
_BY_MACHINE = ("$feature_flag_called",)
"""Sent by a server whenever it asks for a flag: no sign of life of a human."""


def batch(body: Any) -> list[Any]:
    """The events of a body: of `batch`, or the one that it is. Raises ``RequestError``."""
    if isinstance(body, list):
        return body
    if not isinstance(body, dict):
        raise RequestError(400, DeadLetterReason.INVALID, "body: an object with `batch`, a list of events, is needed")
    events = body.get("batch", [body])
    if not isinstance(events, list):
        raise RequestError(400, DeadLetterReason.INVALID, "batch: a list of events is needed")
    return events


def read(body: Any, events: list[Any], arrival: Arrival, group_types: tuple[str, ...]) -> Iterator[Item]:
    """What the events are."""
    sent_at = (body.get("sent_at") or body.get("sentAt")) if isinstance(body, dict) else None
    for index, event in enumerate(events):
        if not isinstance(event, dict):
            yield Bad(DeadLetterReason.INVALID, "event: an object is needed")
            continue
        own = {name: value for name, value in event.items() if name != "api_key"}
        found = _call(own, group_types)
        if isinstance(found, dict):
            found |= {"messageId": own.get("uuid"), "timestamp": own.get("timestamp"), "sentAt": own.get("sent_at")}
            found = {name: value for name, value in found.items() if value is not None}
            yield stamped(found, own, index, arrival, sent_at=sent_at)
        else:
            yield found


def _call(event: dict[str, Any], group_types: tuple[str, ...]) -> Record | LeftOut | Bad:
    name, properties = event.get("event"), event.get("properties")
    properties = {} if properties is None else properties
    if not isinstance(name, str) or not name:
        return Bad(DeadLetterReason.INVALID, "event: its name is missing")
    if not isinstance(properties, dict):
        return Bad(DeadLetterReason.INVALID, "properties: an object is needed")
    if name == "$groupidentify":
        return _group(event, properties, group_types)
    account = _account(properties, group_types)
    context: Record = {"groupId": account} if account is not None else {}
    if name == "$create_alias":
        return {"type": "alias", **_aliased(event, properties), "context": context}
    if name in _SETS:
        return {"type": "identify", **_identified(name, event, properties), "context": context}
    if name in _BY_MACHINE:
        context["machine"] = True
    verb, named = _VIEWS.get(name, ("track", ""))
    called = {"event": name} if verb == "track" else {"name": properties.get(named)}
    kept = {key: value for key, value in properties.items() if key not in ("$set", "$set_once", "token")}
    return {"type": verb, **called, **_person(event, properties), "properties": kept, "context": context}


def _identified(name: str, event: dict[str, Any], properties: dict[str, Any]) -> Record:
    """Who somebody is, and what is told of them. What is set only once is left out: a trait is the last value told."""
    person = _person(event, properties)
    if name == "$identify":
        person["userId"] = _distinct(event, properties)
    anonymous = properties.get("$anon_distinct_id", person.get("anonymousId"))
    # The id by which a user's events before were taken for a visitor's stays linked, also where it is the same.
    return {**person, "anonymousId": anonymous, "traits": event.get("$set", properties.get("$set"))}


def _aliased(event: dict[str, Any], properties: dict[str, Any]) -> Record:
    """Two ids of one person. Servers' `alias(previous_id, distinct_id)` sends {"distinct_id": previous_id, "alias":
    distinct_id}; in a browser that knows its user, `alias(other_id)` sends the user's as distinct id."""
    distinct, alias = properties.get("distinct_id", event.get("distinct_id")), properties.get("alias")
    if _is_user(properties):
        return {"userId": distinct, "previousId": alias, "anonymousId": properties.get("$device_id")}
    return {"userId": alias, "previousId": distinct}


def _group(event: dict[str, Any], properties: dict[str, Any], group_types: tuple[str, ...]) -> Record | LeftOut:
    kind, key = properties.get("$group_type"), properties.get("$group_key")
    if kind not in group_types:
        return LeftOut("other_group_type")
    # Who is in a group, its members' events tell. Only in a browser or an app is this call about somebody: servers make
    # up an id for it, at random.
    person = {} if properties.get("$device_id") is None else _person(event, properties)
    return {"type": "group", **person, "groupId": key, "traits": properties.get("$group_set")}


def _distinct(event: dict[str, Any], properties: dict[str, Any]) -> Any:
    return event.get("distinct_id", properties.get("distinct_id"))


def _person(event: dict[str, Any], properties: dict[str, Any]) -> Record:
    """Whose event it is. PostHog has one id for everybody; whether it is a user's, the event itself must tell."""
    distinct, device = _distinct(event, properties), properties.get("$device_id")
    if _is_anonymous(distinct, device, properties):
        return {"anonymousId": distinct}
    # As in Segment's browser SDK, a user's event tells the visitor that it came from.
    return {"userId": distinct, **({} if device is None else {"anonymousId": device})}


def _is_anonymous(distinct: Any, device: Any, properties: dict[str, Any]) -> bool:
    if _is_user(properties):
        return False
    if properties.get("$is_identified") is False or properties.get("$process_person_profile") is False:
        return True
    return (device is not None and distinct == device) or _is_made_by_browser(distinct)


def _is_user(properties: dict[str, Any]) -> bool:
    """Whether the event says that its id is a user's."""
    return properties.get("$is_identified") is True or properties.get("$user_id") is not None


def _is_made_by_browser(value: Any) -> bool:
    """PostHog's browser SDK names visitors by UUIDs of version 7."""
    try:
        found = UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return False
    return found is not None and found.variant == RFC_4122 and found.version == 7


def _account(properties: dict[str, Any], group_types: tuple[str, ...]) -> Any:
    groups = properties.get("$groups")
    if not isinstance(groups, dict):
        return None
    return next((groups[kind] for kind in group_types if groups.get(kind) is not None), None)
