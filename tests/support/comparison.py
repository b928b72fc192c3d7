"""Comparing what a live deployment published with what a replay wrote."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ebbtide.schemas.topics import Topic
from support.live import Live, ndjson
from support.said import said

_NAMES = ("tenant", "customer_id", "alert_id", "version", "observed_at", "revision", "as_of")


def assert_equal_to_replay(deployment: Live, replayed: Path) -> None:
    """Every score, alert, training example and fleet statistics, and the final records, are those of the replay."""
    _none(differences(held(deployment), final(ndjson(replayed / "customer-records.ndjson"))), "customer-records")
    for topic in (Topic.FLEET_STATS, Topic.STATE_CHANGES, Topic.ALERTS, Topic.TRAINING_EXAMPLES, Topic.SCORES):
        published = everything(deployment.published(topic))
        _none(differences(published, everything(ndjson(replayed / f"{topic.topic_name}.ndjson"))), topic.topic_name)


def _none(found: list[str], where: str) -> None:
    assert not found, "\n".join([where, *found])


def held(deployment: Live) -> dict[str, dict[str, Any]]:
    """The final record of every customer that still has one."""
    records, gone = deployment.published(Topic.CUSTOMER_RECORDS), deployment.tombstones(Topic.CUSTOMER_RECORDS)
    return final(record for record in records if record["version"] > gone.get(record["customer_id"], -1))


def final(records: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The newest record of every customer. A record's version is a position in its partition, so it is left out."""
    newest: dict[str, dict[str, Any]] = {}
    for record in records:
        known = newest.get(record["customer_id"])
        if known is None or record["version"] >= known["version"]:
            newest[record["customer_id"]] = record
    return {key: said(record) for key, record in newest.items()}


def everything(records: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """All records by what makes them one; a repeat must be equal to the first."""
    known: dict[str, dict[str, Any]] = {}
    for record in records:
        key = " ".join(str(record.get(name)) for name in _NAMES)
        assert known.setdefault(key, record) == record
    return known


def differences(live_: dict[str, dict[str, Any]], replay_: dict[str, dict[str, Any]]) -> list[str]:
    """What differs, field by field, in a form that a person can read; the first dozen."""
    found = [f"only live: {live_[key]}" for key in live_.keys() - replay_.keys()]
    found += [f"only replay: {replay_[key]}" for key in replay_.keys() - live_.keys()]
    found += [
        f"{key} {path}: live {mine}, replay {theirs}"
        for key in sorted(live_.keys() & replay_.keys())
        for path, mine, theirs in _unequal("", live_[key], replay_[key])
    ]
    return found[:12]


def _unequal(path: str, mine: Any, theirs: Any) -> Iterable[tuple[str, Any, Any]]:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in mine.keys() | theirs.keys():
            yield from _unequal(f"{path}.{key}", mine.get(key), theirs.get(key))
    elif mine != theirs:
        yield path, mine, theirs
