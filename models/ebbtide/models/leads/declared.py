"""The numbers of leads, declared for the field dictionary."""

from __future__ import annotations

from ebbtide.models.declared import Declared

DECLARED = (
    Declared("lead_priority", "A to D: which lead to call first.", "A, B, C, D", "since the trial began", "SA"),
    Declared("lead_rank", "Place among the leads of the same sales owner; 1 is first.", "rank", "now", "SA"),
    Declared("lead_trend", "Newest query rate over that since the trial began.", "ratio", "14 days", "SA"),
)
