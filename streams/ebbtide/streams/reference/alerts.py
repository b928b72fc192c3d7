"""Page: the alerts and their reasons."""

from __future__ import annotations

import re

from ebbtide.models.alerting.declarations import DECLARATIONS
from ebbtide.models.alerting.growth import growth_wording
from ebbtide.models.alerting.ops import OPS
from ebbtide.models.alerting.verdict import Reason
from ebbtide.models.alerting.wording import plural
from ebbtide.models.policy import SERVICE_TIERS, CorePolicy
from ebbtide.models.triage.tenant import DISMISSED
from ebbtide.schemas.alert import AlertState, Severity, SuppressionReason
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
    Reason.EXPIRED: "open for as long as its setting allows",
    Reason.MOVED: "everything the customer did counts for another customer now",
    Reason.HYSTERESIS: "between the thresholds: neither opens nor closes",
    Reason.OFF: "the type is switched off (`EBBTIDE_ALERT__OFF`)",
    Reason.BLIND: "nobody can see what the customer does: neither opens nor closes",
    Reason.NOT_SCORED: "the customer has no score",
    Reason.IN_DANGER: "the score is in the danger tier",
    Reason.NO_CONTRACT: "the end of no contract is known",
    Reason.NOT_DUE: "the end of the contract is far",
    Reason.TERM_TOO_SHORT: "the term is so short that its end is always near",
    Reason.EXCELLENT: "the score is in the excellent tier, and was in the weeks before",
    Reason.RENEWED: "a renewal closed, or a new contract was signed",
    Reason.CHURNED: "the contract ended by a churn",
    Reason.ENDED: "the end of the contract has passed; nothing was heard of it",
    Reason.FEW_TICKETS: "few tickets are open, and none of top severity for too long",
    Reason.NO_ANSWER: "nobody answered so",
    Reason.ANSWERED_BETTER: "the person answered better",
    Reason.ANSWERED_WORSE: "the person answered worse",
    Reason.UNHAPPY_COLLEAGUE: "somebody else would not recommend the product",
    Reason.NOT_HEALTHY: "the score is not excellent, or was not in the weeks before: neither opens nor closes",
    Reason.TROUBLED: "a ticket or an invoice comes first: neither opens nor closes",
    Reason.PAID: "no invoice is overdue for so long (any more)",
    Reason.NO_PROCESS: "in a stage that nothing must follow",
    Reason.MOVED_ON: "the stage of the journey ended",
    Reason.NOT_KNOWN: "too few customers are in the stage to tell what is usual",
    Reason.NOT_LONGER: "the stage lasts no longer than for others",
    Reason.NO_LEAD: "the customer is no open lead (any more)",
    Reason.LOWER_PRIORITY: "the lead has a lower priority",
    Reason.FEW_SEATS: "few seats are licensed, or none are known",
    Reason.NOT_FULL: "seats are free",
    Reason.SHRINKS: "the customer is in decline: neither opens nor closes",
    Reason.MOVED_BACK: "the customer moved back to where it stood, or further",
    Reason.NOT_SETTLED: "the cell before had not lasted: neither opens nor closes",
    Reason.WITHIN_NOISE: "no more than the customer's own noise: does not open",
    Reason.USUAL_SILENCE: "silent no longer than it was before now and then: does not open",
    Reason.NO_RHYTHM: "too few active days to know a rhythm: does not open",
    Reason.CAMPAIGN: "a campaign brought it: does not open",
    Reason.FLEET_DOWN: "it rested on days on which, as is known since, the whole fleet was down",
    Reason.UNSEEN: "part of the window could not be seen: neither opens nor closes",
    Reason.STOOD_IN: "another key person is there",
    Reason.SMALL_MOVE: "the move leads to nothing that asks for a deed: neither opens nor closes",
}
_GROWTH = {
    "drivers": [{"module": "{first}", "share_of_growth": 0.4}, {"module": "{second}", "share_of_growth": 0.2}],
    "look_alikes": [{}, {}, {}],
}
_SUPPRESSED = {
    SuppressionReason.BUDGET: "the owner's budget of the day went to more important ones; it is in the digest",
    SuppressionReason.COVERED: "another alert that is open tells the same story",
    SuppressionReason.FLEET_DROP: "the whole fleet does less",
    SuppressionReason.DISMISSED: "somebody dismissed one of this type and customer",
    SuppressionReason.SNOOZED: "somebody wants to hear of it later",
}
_STATES = {
    AlertState.OPEN: "it fired; there is one open alert per customer and type",
    AlertState.UPDATED: "its severity, its step (the days before a contract's end), or the person that it is about "
    "changed, or the evidence of a part of a day was corrected at the end of the day",
    AlertState.RESOLVED: "the condition ended; `resolved_reason` says why",
}


def _readable(template: str) -> str:
    """``{days:day}`` as `{days} days`, ``{share: %}`` as `{share} %`."""
    plurals = re.sub(r"\{(\w+):([a-z ]{2,})\}", lambda found: f"{{{found[1]}}} {plural(found[2])}", template)
    return plurals.replace(": %}", "} %")


def _default(name: str) -> str:
    """A setting by the names of its group and field, with its default."""
    group, field = name.split(".")
    value = getattr(getattr(CorePolicy(), group), field)
    shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
    return f"{code(f'EBBTIDE_{group.upper()}__{field.upper()}')} {shown}"


def page() -> str:
    """The page ``alerts.md``."""
    types = [
        (
            code(kind),
            declared.kind.value,
            first_sentence(declared.condition.__doc__),
            declared.guards,
            declared.severity,
            declared.resolves,
        )
        for kind, declared in DECLARATIONS.items()
    ]
    plays = [
        (
            code(kind),
            *(f"{code(play)} → {code(route)}" for play, route in zip(declared.plays, declared.routes, strict=True)),
        )
        for kind, declared in DECLARATIONS.items()
    ]
    defaults = [(code(kind), "; ".join(map(_default, declared.settings))) for kind, declared in DECLARATIONS.items()]
    words = [
        (code(kind), _readable(told.en), told.zh)
        for kind, declared in DECLARATIONS.items()
        for told in declared.words.values()
    ]
    return markdown_page(
        "Alerts",
        "Topic `alerts`, contract [Alert](contracts.md#alert). One alert of a type is open per customer.",
        table(("type", "kind", "fires when", "but only with these guards", "severity", "resolves when"), types),
        "## What to do, and who does it",
        "The `play` and the `route` of an alert, by the tier of service of the customer [FX]. "
        "`EBBTIDE_ALERT__PLAYS` names other plays.",
        table(("type", *SERVICE_TIERS), plays),
        "## Default settings",
        "All are in [settings](settings.md). Those of `EBBTIDE_ALERT__…` may differ by segment "
        "(`EBBTIDE_ALERT__SEGMENTS`); `EBBTIDE_ALERT__OFF` switches types off.",
        table(("type", "goes by"), defaults),
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
        "## Why nobody is told",
        "`suppressed.reason` of an alert that is for the record: [who is told of "
        "which](../guides/answer-an-alert.md). One that somebody dismissed is resolved with the reason "
        f"{code(DISMISSED)}.",
        table(("reason", "meaning"), ((code(reason), _SUPPRESSED[reason]) for reason in SuppressionReason)),
        "## To whoever runs Ebbtide",
        "Alerts of kind `ops` are about no customer; their `route` is `ops`, and they are told whatever the budget.",
        table(
            ("type", "fires when", "resolves when", "play"),
            ((code(kind), declared.fires, declared.resolves, code(declared.play)) for kind, declared in OPS.items()),
        ),
        table(
            ("type", "English", "Chinese"),
            (
                (code(kind), _readable(words.en), words.zh)
                for kind, declared in OPS.items()
                for words in (declared.words, declared.over)
            ),
        ),
    )
