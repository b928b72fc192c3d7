"""Page: the alerts and their reasons."""

from __future__ import annotations

import re

from ebbtide.models.alerting import conditions
from ebbtide.models.alerting.declarations import DECLARATIONS
from ebbtide.models.alerting.growth import growth_wording
from ebbtide.models.alerting.verdict import Reason
from ebbtide.schemas.alert import AlertState, Severity
from ebbtide.streams.reference.markdown import code, first_sentence, table
from ebbtide.streams.reference.markdown import page as markdown_page

_REASONS = {
    Reason.NO_BASELINE: "too little history to compare with",
    Reason.WITHIN_USUAL: "activity is back within the usual",
    Reason.RECOVERED: "activity is back above the leaving threshold",
    Reason.AWAKE: "the customer is not silent any more by its own rhythm",
    Reason.RETURNED: "the customer was active again",
    Reason.WENT_TO_SLEEP: "the customer fell silent again",
    Reason.LEFT: "the silence became so long that the alert `left` takes over",
    Reason.NOT_IN_DANGER: "the score left the danger tier",
    Reason.NO_LOGIN: "active again, but without a login",
    Reason.EXPIRED: "open for as long as `EBBTIDE_ALERT__WARM_RETURN_DAYS` allows",
    Reason.MOVED: "everything the customer did counts for another customer now",
    Reason.HYSTERESIS: "between the thresholds: neither opens nor closes",
}
_GROWTH = {
    "drivers": [{"module": "{first}", "share_of_growth": 0.4}, {"module": "{second}", "share_of_growth": 0.2}],
    "look_alikes": [{}, {}, {}],
}
_STATES = {
    AlertState.OPEN: "it fired; there is one open alert per customer and type",
    AlertState.UPDATED: "its severity changed, or the evidence of a part of a day was corrected at the end of the day",
    AlertState.RESOLVED: "the condition ended; `resolved_reason` says why",
}


def _readable(template: str) -> str:
    """``{days:day}`` as `{days} days`, ``{share: %}`` as `{share} %`."""
    plural = re.sub(r"\{(\w+):([a-z ]{2,})\}", r"{\1} \2s", template)
    return plural.replace(": %}", "} %")


def page() -> str:
    """The page ``alerts.md``."""
    types = [
        (code(kind), declared.kind.value, first_sentence(getattr(conditions, kind.value).__doc__), code(declared.play))
        for kind, declared in DECLARATIONS.items()
    ]
    words = [(code(kind), _readable(declared.en), declared.zh) for kind, declared in DECLARATIONS.items()]
    return markdown_page(
        "Alerts",
        "Topic `alerts`, contract [Alert](contracts.md#alert). Thresholds are [settings](settings.md).",
        table(("type", "kind", "fires when", "play"), types),
        "## Wording",
        "The first reason of an alert, filled in from its `evidence`; in `reasons_en` and `reasons_zh`. Unless it is "
        "resolved, that of a risk is followed by [those of the score](../guides/read-a-score.md) of the same instant.",
        table(("type", "English", "Chinese"), words),
        "That of a surge goes on with what its evidence knows of the modules that drove it and of customers to offer "
        "the first of them to:",
        table(("English", "Chinese"), [growth_wording(_GROWTH)]),
        "## States",
        table(("state", "meaning"), ((code(state), _STATES[state]) for state in AlertState)),
        "Severities: " + ", ".join(code(severity) for severity in Severity) + ".",
        "## Why an alert is not open",
        "Every condition answers with a reason; that of a resolved alert is its `resolved_reason`.",
        table(("reason", "meaning"), ((code(reason), _REASONS[reason]) for reason in Reason)),
    )
