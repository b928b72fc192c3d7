"""Which customer a row of another file is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ebbtide.streams.evaluation.rows import read

_ACCOUNT_KEYS = ("group_id", "groupId")
_PERSON_KEYS = ("user_id", "userId", "anonymous_id", "anonymousId")


class Customers:
    """Finds customers by the identifiers that a replay says belong to them."""

    def __init__(self, directory: Path) -> None:
        self._accounts: dict[str, str] = {}
        self._people: dict[str, list[str]] = {}
        for account in read(directory / "accounts.ndjson", dict[str, Any]):
            self._accounts[account["customer_id"]] = account["customer_id"]
            for identifier in account["identifiers"]:
                self._accounts[identifier["value"]] = account["customer_id"]
        for person in read(directory / "persons.ndjson", dict[str, Any]):
            for identifier in person["identifiers"]:
                self._people[identifier["value"]] = person["customers"]

    def of(self, row: dict[str, Any]) -> list[str]:
        """Customers a row is about: its account where it names a known one, else its person's."""
        context = row.get("context")
        for key in _ACCOUNT_KEYS:
            value = row.get(key) or (context.get(key) if isinstance(context, dict) else None)
            if value is not None and str(value) in self._accounts:
                return [self._accounts[str(value)]]
        for key in (*_PERSON_KEYS, "customer", "customer_id"):
            value = str(row.get(key))
            if value in self._people:
                return self._people[value]
            if value in self._accounts:
                return [self._accounts[value]]
        return []
