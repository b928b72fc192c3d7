"""Page: what may be sent, what is read from it, and why a record is left out or refused."""

from __future__ import annotations

from typing import Any

from ebbtide.models.churn.attributes import MOST_CATEGORIES, MOST_NAMES, OTHER
from ebbtide.models.identity.identifiers import ACCOUNT_TYPES, PERSON_TYPES
from ebbtide.models.intake.facts import ABOUT_PEOPLE, IN_PROPERTIES, OF_PEOPLE
from ebbtide.models.policy import IntakePolicy
from ebbtide.models.profile.facts import TRAITS
from ebbtide.models.profile.history import FIRST_TOUCH, KEPT
from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.schemas.facts import FACTS, GREATEST_ATTRIBUTE, LONGEST_ATTRIBUTE, TRAITS_OF, WORDING, FactFields
from ebbtide.streams.reference.markdown import code, first_sentence, table
from ebbtide.streams.reference.markdown import page as markdown_page

_VERBS = {
    "track": "an action: counts as activity, under `event`; or a CRM fact, see below",
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
    DeadLetterReason.INVALID: "a field has the wrong type, length, range or name of a value; `detail` names it",
    DeadLetterReason.MISSING_IDENTIFIER: "nothing says whom it is about",
    DeadLetterReason.CLOCK_AHEAD: "event time too far after the receipt, or a receipt or punctuation in the future",
    DeadLetterReason.CLOCK_BEHIND: "event time too far before the receipt",
    DeadLetterReason.UNKNOWN_CUSTOMER: "`feedback` about a customer that is not known, or is part of another by now",
}
_IGNORED = {
    "tombstone": "a record without a value",
    "unresolved": "all its identifiers are blocked values such as `null` or `anonymous`",
}


def page() -> str:
    """The page ``input.md``."""
    policy = IntakePolicy()
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
        "A fact names its subject under `ids` (below) and its fields under `data`. Whatever is wrong with them makes a "
        "dead letter whose `detail` says it: `data.outcome: 'renewd' is none of renewed, expanded, downgraded, "
        "churned`. A null or blank value is an empty column and sets nothing. Fields that are not named here are let "
        "through and not read. Beside the strict form this is read, because it can mean one thing only:",
        "\n".join(f"- {wording}" for wording in WORDING),
        _segment(),
        _attributes(),
        *(_fact(fields) for fields in dict.fromkeys(FACTS.values())),
        "What is kept in history is counted by profile and account. Of it, `renewal.closed` decides labels: `outcome: "
        "churned` ends a contract.",
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


def _fact(fields: type[FactFields]) -> str:
    kinds = [kind for kind, declared in FACTS.items() if declared is fields]
    kept = [f"{code(kind)} ({_most(kind)})" for kind in kinds if kind in KEPT]
    schema = fields.model_json_schema()
    required = schema.get("required", ())
    blocks = [
        "### " + ", ".join(map(code, kinds)),
        first_sentence(fields.__doc__) + (f" Kept in history: {', '.join(kept)}." if kept else ""),
        table(
            ("field", "type", "required", "meaning", "trait"),
            (
                (code(name), _type(field), "yes" if name in required else "", field["description"], _trait(kinds, name))
                for name, field in schema["properties"].items()
            ),
        ),
    ]
    if fields.also:
        names = ", ".join(f"{code(other)} for {code(name)}" for other, name in fields.also.items())
        blocks.append(f"Also read: {names}.")
    return "\n\n".join(blocks)


def _segment() -> str:
    read = ", ".join(map(code, IN_PROPERTIES))
    people = " and ".join(map(code, OF_PEOPLE))
    about = " and ".join(code(f"{prefix}*") for prefix in ABOUT_PEOPLE)
    calls = " and ".join(f"those of `{call}` as the fields of {code(kind)}" for call, kind in TRAITS_OF.items())
    return (
        "The same in Segment spec: a `track` call whose event is the name of a fact, as below or in words with "
        "capitals (`deal.won`, `Deal Won`), is that fact and no activity. Its properties are the fields; the subject "
        f"is `userId`, `anonymousId`, `groupId` or `context.groupId`, with {read} among the properties, and in {about} "
        f"facts {people} "
        f"too. Of traits, {calls} are read where they fit; one that does not is left out, and the call counts. "
        "`EBBTIDE_INTAKE__PRODUCT_EVENTS` names events of your product that are called like a fact and are none."
    )


def _attributes() -> str:
    kinds = ", ".join(code(kind) for kind, declared in FACTS.items() if "attributes" in declared.model_fields)
    return (
        f"The `attributes` of {kinds} and of the calls read as one of these are the only other fields that the churn "
        "score goes by, beside behaviour: what you know of a customer and think may tell, under names of your own. "
        f"Names and texts have at most {LONGEST_ATTRIBUTE} characters, numbers lie within ± {GREATEST_ATTRIBUTE:,.0f}. "
        "The object holds from the time of its fact until the next one, and is replaced whole: what that leaves out is "
        "not known any more, so send it from one place, and `{}` to take all back. An account is scored by its own, a "
        "person without an account by those of the contact or lead. Of a model they are the first "
        f"{MOST_NAMES} that it learned from, each with its first {MOST_CATEGORIES} texts; all others of an attribute "
        f"are {code(OTHER)} to it. Do not send what is decided by the outcome, such as a status `cancelled`: the score "
        "would go by it."
    )


def _most(kind: str) -> str:
    if kind == FIRST_TOUCH:
        return "the first that names a channel, of every lead"
    most = KEPT[kind]
    return "all" if most is None else f"the newest {most}"


def _trait(kinds: list[str], field: str) -> str:
    """The trait that the field sets by some of the types, if it does."""
    traits = {TRAITS.get(kind, {}).get(field) for kind in kinds}
    return ", ".join(code(trait) for trait in sorted(trait for trait in traits if trait))


def _type(schema: dict[str, Any]) -> str:
    [schema] = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    if "enum" in schema:
        return ", ".join(map(code, schema["enum"]))
    if "pattern" in schema:
        return "ISO 4217 code"
    if "format" in schema:
        return "time"
    if schema["type"] == "object":
        return f"object of up to {schema['maxProperties']} texts, numbers and booleans"
    kind = {"string": "text", "integer": "whole number", "number": "number"}[schema["type"]]
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None and least == -most:
        return f"{kind}, ± {most:,.0f} at most"
    bounds = [f"{sign} {bound:,.0f}" for sign, bound in (("≥", least), ("≤", most)) if bound is not None]
    return ", ".join([kind, *bounds])
