"""Small replay directories, written by hand. Days count from 2025-01-01; a replay ends on day 360."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

ENDS = 360
_numbers = count(1)


def day(number: float) -> datetime:
    """Midnight UTC of a day, or a time within it."""
    return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number)


def at(number: float | None) -> str | None:
    """The same as text; None stays None."""
    return None if number is None else day(number).isoformat()


def write(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """NDJSON."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def alert(customer: str | None, type: str, on: float, **more: Any) -> dict[str, Any]:
    """A record that opens an alert of its own id, told to kim."""
    return {
        "alert_id": f"alert-{next(_numbers)}",
        "kind": "risk",
        "type": type,
        "customer_id": customer,
        "person_id": None,
        "state": "open",
        "version": 1,
        "occurred_at": at(on),
        "owner": "kim",
        "suppressed": None,
        **more,
    }


def later(record: dict[str, Any], on: float, state: str, **more: Any) -> dict[str, Any]:
    """A further record of the same alert."""
    return {
        **record,
        "occurred_at": at(on),
        "state": state,
        "version": record["version"] + 1,
        "suppressed": None,
        **more,
    }


def score(customer: str, on: float, p_churn: float = 0.2, tier: str = "normal", version: int = 1) -> dict[str, Any]:
    """A published score."""
    return {
        "customer_id": customer,
        "occurred_at": at(on),
        "version": version,
        "p_churn": p_churn,
        "tier": tier,
        "contributions": [],
    }


def account(customer: str, churned: float | None = None, since: float = -100, **more: Any) -> dict[str, Any]:
    """A row of a truth file."""
    return {
        "row": "account",
        "customer": f"group-{customer}",
        "group_id": f"group-{customer}",
        "churned_at": at(churned),
        "causeless": None if churned is None else False,
        "contracts": [{"starts_at": at(since)}],
        **more,
    }


def episode(type: str, starts: float, ends: float, onset: float | None = None) -> dict[str, Any]:
    """What was planted on an account."""
    return {"type": type, "starts_at": at(starts), "ends_at": at(ends), "onset_at": at(onset)}


def write_replay(
    directory: Path,
    customers: str,
    alerts: Iterable[dict[str, Any]],
    *,
    scores: Iterable[dict[str, Any]] = (),
    cadences: dict[str, float] | None = None,
    owners: Iterable[str] = (),
) -> Path:
    """The files of a replay from day 0 to day 360; each customer is a letter."""
    directory.mkdir(exist_ok=True)
    rows = [
        score(customer, number, version=version) for version, number in enumerate((0, ENDS)) for customer in customers
    ]
    write(directory / "scores.ndjson", [*rows, *scores])
    write(directory / "alerts.ndjson", alerts)
    write(directory / "persons.ndjson", [])
    write(
        directory / "accounts.ndjson",
        [{"customer_id": c, "identifiers": [{"type": "group_id", "value": f"group-{c}"}]} for c in customers],
    )
    records = [
        {"customer_id": customer, "fields": {"cadence_days": {"value": cadence}}}
        for customer, cadence in (cadences or {}).items()
    ]
    records += [{"customer_id": f"of-{owner}", "fields": {"owner": {"value": owner}}} for owner in owners]
    write(directory / "customer-records.ndjson", records)
    (directory / "summary.json").write_text(json.dumps({"until": at(ENDS)}), encoding="utf-8")
    return directory
