"""The numbers of value and of unit economics, declared for the field dictionary."""

from __future__ import annotations

from ebbtide.models.declared import Declared

_YEAR, _BASE = "365 days", "365 days of the segment"

DECLARED = (
    Declared("value_90d", "Revenue of orders.", "money", "90 days", "CRM"),
    Declared("rfm_cell", "Bins of recency, frequency and money, `R-F-M`, 1..5, 5 the best.", "cell", _YEAR, "CRM"),
    Declared("rfm_cluster", "Name of the cell's cluster, such as champions or at_risk.", "name", _YEAR, "CRM"),
    Declared("loyalty", "Class by number of orders: none to loyal.", "name", _YEAR, "CRM"),
    Declared("quadrant", "A to E by order frequency and order value.", "A, B, C, D, E", _YEAR, "CRM"),
    Declared("in_pareto", "Among the fewest customers that make 80 % of the value.", "yes or no", _YEAR, "CRM"),
    Declared("ltv", "Lifetime value: value per period × margin × lifetime.", "money", "lifetime", "FX"),
    Declared("renewal_rate", "Customers with a closed renewal that stayed, with interval and n.", "share", _BASE, "FX"),
    Declared("lifetime", "Periods until a customer leaves, 1 / (1 - renewal rate).", "periods", _BASE, "FX"),
    Declared("expansion_rate", "Customers with a closed renewal that expanded.", "share", _BASE, "FX"),
    Declared("referral_rate", "Customers that brought another one.", "share", "ever", "FX"),
    Declared("cac", "Spend over customers won, by channel and keyword.", "money", _YEAR, "FX"),
    Declared("ltv_to_cac", "LTV over CAC; healthy from 3.", "ratio", "lifetime", "FX"),
    Declared("nps", "Promoters less detractors.", "-100 to 100", "answers of the segment", "FX"),
    Declared("first_touch_channel", "Channel of the earliest lead fact.", "name", "ever", "SA, KJ"),
    Declared("channel_flagged", "Top quartile by clicks and bottom by deals.", "yes or no", _YEAR, "SA, KJ"),
    Declared(
        "training_effect",
        "Uses per week of the trained feature that training added, with interval.",
        "uses per week",
        "4 whole weeks before and after",
        "KJ",
    ),
)
