"""What a customer record says, whenever it was told: one is sent only where it says something new."""

from __future__ import annotations

from typing import Any


def said(record: dict[str, Any]) -> dict[str, Any]:
    """The record without its version, and without the instant it was built for."""
    as_of = record["as_of"]
    fields = {
        name: {part: value for part, value in field.items() if part != "as_of" or value != as_of}
        for name, field in record["fields"].items()
    }
    return {
        **{name: value for name, value in record.items() if name not in {"version", "as_of", "fields"}},
        "fields": fields,
    }
