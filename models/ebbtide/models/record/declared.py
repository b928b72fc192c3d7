"""What the record says of itself, declared for the field dictionary."""

from __future__ import annotations

from ebbtide.models.declared import Declared

DECLARED = (
    Declared(
        "follow_up_cadence_days", "Recommended days between two contacts, by tier and health.", "days", "now", "FX"
    ),
    Declared("data_completeness", "Known fields over those expected at this stage.", "share", "now", "FX"),
    Declared("missing_fields", "Fields expected at this stage that nobody told.", "names", "now", "FX"),
    Declared("freshness", "What a field's value is worth at its age: half after a half-life.", "share", "now", "FX"),
)
