"""Page: what may be sent, what is read from it, and why a record is left out or refused."""

from __future__ import annotations

from typing import get_args

from ebbtide.models.identity.identifiers import ACCOUNT_TYPES, PERSON_TYPES
from ebbtide.models.policy import IntakePolicy
from ebbtide.models.profile.facts import ALIASES, OUTCOMES, TRAITS
from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.schemas.raw import FactType
from ebbtide.streams.reference.markdown import code, table
from ebbtide.streams.reference.markdown import page as markdown_page

_VERBS = {
    "track": "an action: counts as activity, under `event`",
    "page": "a page view: counts as activity, under `name`",
    "screen": "a screen view: counts as activity, under `name`",
    "identify": "who a user is: links its identifiers; `traits` are read",
    "group": "which account a user belongs to; `traits` are read",
    "alias": "two ids of one person: links `userId` and `previousId`",
}
_REFUSED = {
    DeadLetterReason.TOO_LARGE: "more bytes than `EBBTIDE_INTAKE__MAX_BYTES`",
    DeadLetterReason.NOT_UTF8: "the bytes are no UTF-8; the letter keeps them in base64",
    DeadLetterReason.NOT_JSON: "no JSON",
    DeadLetterReason.UNKNOWN_TYPE: "`type` is missing, or none of those above",
    DeadLetterReason.INVALID: "a field has the wrong type or length; `detail` names it",
    DeadLetterReason.MISSING_IDENTIFIER: "nothing says whom it is about",
    DeadLetterReason.CLOCK_AHEAD: "event time too far after the receipt, or a receipt or punctuation in the future",
    DeadLetterReason.CLOCK_BEHIND: "event time too far before the receipt",
}
_IGNORED = {
    "tombstone": "a record without a value",
    "unresolved": "all its identifiers are blocked values such as `null` or `anonymous`",
    "source.heartbeat": "accepted by the format; nothing reads it yet",
    "channel.spend": "accepted by the format; nothing reads it yet",
}


def page() -> str:
    """The page ``input.md``."""
    policy = IntakePolicy()
    names = ", ".join(f"{code(other)} for {code(name)}" for other, name in ALIASES.items())
    return markdown_page(
        "Input",
        "One JSON object a record, on `raw-behavior` or `raw-crm` or in a file for `ebbtide replay`. Either topic "
        "takes every kind. Fields: [RawBehaviour](contracts.md#rawbehaviour), [RawFact](contracts.md#rawfact), "
        "[RawPunctuation](contracts.md#rawpunctuation).",
        "## Behaviour: Segment spec",
        table(("`type`", "is"), ((code(verb), doc) for verb, doc in _VERBS.items())),
        "A user is `userId`, else `anonymousId`; the account is `groupId` or `context.groupId`. With `context.machine: "
        "true` an event is the use of an API key or integration, and no sign of life of a human. Time is `timestamp`; "
        "else `receivedAt - (sentAt - originalTimestamp)`; else `originalTimestamp`; else the receipt.",
        "## CRM facts",
        "A fact names its subject under `ids` (below) and its fields under `data`. A null sets nothing. "
        f"Also read: {names}.",
        table(("`type`", "fields read", "kept in history"), (_fact(kind) for kind in get_args(FactType))),
        "Facts whose fields are not read are accepted, counted and deduplicated; nothing is computed from them yet. "
        "Of the history, `renewal.closed` decides labels: `outcome: churned` ends a contract.",
        "## Identifiers",
        "People: " + ", ".join(map(code, PERSON_TYPES)) + ". Accounts: " + ", ".join(map(code, ACCOUNT_TYPES)) + ". "
        "The strongest (first) one is the subject. Values such as `null`, `anonymous`, `0` and role mailboxes name "
        "nobody.",
        "## Refused: dead letters",
        f"Limits: {policy.max_bytes:,} bytes, {policy.max_ahead_seconds:,} s ahead of the receipt, "
        f"{policy.max_age_days:,} days behind it. The receipt is `receivedAt` (`received_at`), else when the broker "
        "took the record. Counted in `ebbtide_dead_lettered_total` by reason.",
        table(("reason", "what is wrong"), ((code(reason), _REFUSED[reason]) for reason in DeadLetterReason)),
        "## Ignored",
        "Understood and left out on purpose, counted in `ebbtide_ignored_total` by reason.",
        table(("reason", "what it was"), ((code(reason), doc) for reason, doc in _IGNORED.items())),
        "## Punctuation",
        '`{"type": "watermark.advanced", "to": "2025-06-30T00:00:00Z"}` says that its partition holds nothing older '
        "any more, and asks for everybody's score at that instant (`observe`, true by default). It closes a backfill; "
        "`ebbtide send --until T` sends one to every partition.",
    )


def _fact(kind: str) -> tuple[str, str, str]:
    return code(kind), ", ".join(map(code, TRAITS.get(kind, ()))), "yes" if kind in OUTCOMES else ""
