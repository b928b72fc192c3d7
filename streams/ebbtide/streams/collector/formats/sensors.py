"""Sensors Analytics' events. Source: its data format, and what its Python SDK sends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ebbtide.models.identity.identifiers import identifier
from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.identity import OperationKind
from ebbtide.streams.collector.answers import RequestError
from ebbtide.streams.collector.bodies import form, from_base64, parsed
from ebbtide.streams.collector.items import Arrival, Bad, Decided, Item, LeftOut, Record
from ebbtide.streams.collector.settings import CollectorSettings
from ebbtide.streams.collector.stamp import happened_at, named_by, stamped
from ebbtide.streams.identity_log import new_operation

_LOGIN, _EMAIL, _PHONE = "$identity_login_id", "$identity_email", "$identity_mobile"
_DEVICES = ("$identity_android_uuid", "$identity_ios_uuid", "$identity_harmony_uuid")
_VIEWS = {
    "$pageview": ("page", ("$url_path", "$title")),
    "$AppViewScreen": ("screen", ("$screen_name", "$title")),
    "$MPViewScreen": ("screen", ("$url_path", "$title")),
}
_NOT_KEPT = (
    "profile_set_once",
    "profile_increment",
    "profile_append",
    "profile_unset",
    "profile_delete",
    "item_delete",
)
"""They change what is stored by what is stored: traits are the last value told, so these say nothing to Ebbtide."""
_NEAR = 50
"""Events of a body in which a bind is looked for behind an unbind of the same millisecond."""
_PARTED = {
    _LOGIN: IdentifierType.USER_ID,
    _EMAIL: IdentifierType.EMAIL,
    _PHONE: IdentifierType.PHONE,
    **dict.fromkeys(_DEVICES, IdentifierType.DEVICE_ID),
}


def events_of(body: bytes, most: int) -> list[Any]:
    """The events of a form with `data` or `data_list`: base64 of JSON, packed or not. Raises ``RequestError``."""
    fields = form(body)
    for name in ("data_list", "data"):
        if name in fields:
            found = parsed(from_base64(fields[name], most))
            return found if isinstance(found, list) else [found]
    raise RequestError(400, DeadLetterReason.INVALID, "body: a form with `data` or `data_list` is needed")


def read(events: list[Any], arrival: Arrival, settings: CollectorSettings) -> Iterator[Item]:
    """What the events are."""
    for index, event in enumerate(events):
        if not isinstance(event, dict):
            yield Bad(DeadLetterReason.INVALID, "event: an object is needed")
            continue
        if event.get("type") == "track_id_unbind":
            yield _unbound(events, index, arrival)
            continue
        found = _call(event, settings)
        if isinstance(found, dict):
            found = {name: value for name, value in found.items() if value is not None}
            found["originalTimestamp"] = _time(event.get("time"))
            yield stamped(found, event, index, arrival, sent_at=_time(event.get("_flush_time")))
        else:
            yield found


def _call(event: dict[str, Any], settings: CollectorSettings) -> Item:
    kind, properties = event.get("type"), event.get("properties")
    if kind in _NOT_KEPT:
        return LeftOut("unsupported_verb")
    if not isinstance(properties, dict):
        return Bad(DeadLetterReason.INVALID, "properties: an object is needed")
    if kind == "item_set":
        if event.get("item_type") not in settings.group_types:
            return LeftOut("other_item_type")
        return {"type": "group", "groupId": event.get("item_id"), "traits": properties}
    return _of_person(event, properties, settings)


def _of_person(event: dict[str, Any], properties: dict[str, Any], settings: CollectorSettings) -> Record | Bad:
    person = _person(event, properties)
    if isinstance(person, Bad):
        return person
    account = next((properties[n] for n in settings.account_properties if properties.get(n) is not None), None)
    told = {name: value for name, value in properties.items() if name not in ("$is_login_id", "$token")}
    match event.get("type"):
        case "track":
            verb, named = _named(event.get("event"), told)
            return {"type": verb, **named, **person, "groupId": account, "properties": told}
        case "track_signup":
            return {"type": "identify", **person, "groupId": account}
        case "profile_set":
            return {"type": "identify", **person, "groupId": account, "traits": told}
        case "track_id_bind":
            return {"type": "alias", **person}
        case kind:
            return Bad(DeadLetterReason.UNKNOWN_TYPE, f"type: {str(kind)[:80]!r} is none of Sensors'")


def _named(name: Any, properties: dict[str, Any]) -> tuple[str, Record]:
    """The verb of an event, and the field that names what was done."""
    if not isinstance(name, str) or name not in _VIEWS:
        return "track", {"event": name}
    verb, titles = _VIEWS[name]
    return verb, {"name": next((properties[title] for title in titles if properties.get(title)), None)}


def _person(event: dict[str, Any], properties: dict[str, Any]) -> Record | Bad:
    """Whose event it is, by the fields of a Segment call."""
    distinct = event.get("distinct_id")
    if event.get("type") == "track_signup":
        return {"userId": distinct, "anonymousId": event.get("original_id")}
    identities = event.get("identities")
    if isinstance(identities, dict) and identities:
        return _identified(identities)
    if properties.get("$is_login_id") is True:
        return {"userId": distinct, "anonymousId": event.get("anonymous_id")}
    login = event.get("login_id")
    if login is not None:
        return {"userId": login, "anonymousId": event.get("anonymous_id")}
    return {"anonymousId": distinct}


def _identified(identities: dict[str, Any]) -> Record | Bad:
    known = {_LOGIN, _EMAIL, _PHONE, *_DEVICES}
    visitors = [value for kind, value in identities.items() if kind not in known]
    if len(visitors) > 2:
        return Bad(DeadLetterReason.INVALID, "identities: of visitors' ids at most two are read at a time")
    anonymous, previous = [*visitors, None, None][:2]
    reached = {"email": identities.get(_EMAIL), "phone": identities.get(_PHONE)}
    device = next((identities[kind] for kind in _DEVICES if kind in identities), None)
    context: Record = {"traits": {name: value for name, value in reached.items() if value is not None}}
    if device is not None:
        context["device"] = {"id": device}
    return {"userId": identities.get(_LOGIN), "anonymousId": anonymous, "previousId": previous, "context": context}


def _unbound(events: list[Any], index: int, arrival: Arrival) -> Decided | Bad:
    """What parts identities: one from whomever it is bound to, from its time on; two from each other for good.

    What events said of them still stands in the log.
    """
    event = events[index]
    if not arrival.secret:
        return Bad(DeadLetterReason.INVALID, "type: track_id_unbind needs a secret key; this one may be in browsers")
    identities = event.get("identities")
    pairs = list(identities.items()) if isinstance(identities, dict) else []
    if len(pairs) not in (1, 2) or not all(isinstance(value, str) for _, value in pairs):
        return Bad(DeadLetterReason.INVALID, "identities: track_id_unbind names one to unbind, or two to part; as text")
    named = [identifier(_PARTED.get(kind, IdentifierType.ANONYMOUS_ID), value) for kind, value in pairs]
    names = [name for name in named if name is not None]
    if len(names) < len(named):
        return Bad(DeadLetterReason.INVALID, "identities: one of them is a value that names nobody")
    kind, at = OperationKind.CANNOT_LINK, arrival.received_at
    try:
        if len(names) == 1:
            kind, at = OperationKind.UNBIND, _unbound_at(events, index, at)
        operation_id = named_by(event)
    except (ValueError, TypeError, OverflowError) as error:
        return Bad(DeadLetterReason.INVALID, f"event: {error}")
    try:
        made = new_operation(
            kind,
            *names,
            tenant=arrival.tenant or arrival.default,
            actor="collector",
            reason="track_id_unbind",
            now=at,
        )
        return Decided(replace(made, operation_id=operation_id))
    except (ValueError, OverflowError) as error:
        return Bad(DeadLetterReason.INVALID, f"identities: {error}")


def _unbound_at(events: list[Any], index: int, received_at: datetime) -> datetime:
    """Up to when an unbind ends what was said of its identity: all of its own millisecond, too.

    Unless that is bound anew in that millisecond, as programs do: then the order of the body tells what came first.
    Raises ``ValueError`` or ``OverflowError`` where the times cannot be read.
    """
    event = events[index]
    at = happened_at(_time(event.get("time")), _time(event.get("_flush_time")), received_at)
    ((kind, value),) = event["identities"].items()
    for other in events[index + 1 : index + 1 + _NEAR]:
        if not isinstance(other, dict) or other.get("time") != event.get("time"):
            break
        named = other.get("identities")
        if other.get("type") == "track_id_bind" and isinstance(named, dict) and named.get(kind) == value:
            return at - timedelta(milliseconds=1)
    return at


def _time(value: Any) -> Any:
    """Milliseconds as a time; anything else as it is, for intake to judge."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return value
