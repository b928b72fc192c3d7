"""Page: what is summed up over all customers."""

from __future__ import annotations

from ebbtide.models.fleet.contribution import COUNTERS, METRICS
from ebbtide.models.fleet.stats import STEPS
from ebbtide.streams.reference.markdown import code, table
from ebbtide.streams.reference.markdown import page as markdown_page


def page() -> str:
    """The page ``fleet.md``."""
    return markdown_page(
        "Fleet",
        "What all customers of a tenant add up to at an observation instant, per segment: topic `fleet-stats`, "
        "contract [FleetStats](contracts.md#fleetstats), `fleet-stats.ndjson` of a replay. Anonymous visitors are left "
        "out; only whole UTC days before the instant count.",
        "## Metrics",
        f"Of each the quantiles {code(STEPS[0])}, {code(STEPS[1])} … {code(STEPS[-1])}, within "
        "`EBBTIDE_FLEET__ACCURACY` of the exact ones.",
        table(("metric", "meaning"), ((code(name), meaning) for name, meaning in METRICS.items())),
        "## Counters",
        "A counter that counted nobody is left out.",
        table(("counter", "customers that"), ((code(name), meaning) for name, meaning in COUNTERS.items())),
    )
