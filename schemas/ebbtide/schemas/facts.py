"""The CRM facts and their fields, declared once: the checks, the JSON Schema and the page ``input.md`` come from here.

Fields that are not declared are let through as they come. A null or blank value is an empty column and sets nothing.
Where a CRM's export writes a value in another way and it can mean one thing only, it is read so; ``WORDING`` says how.
Source of the fact types: signals §1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from ebbtide.schemas.base import as_utc

WORDING = (
    "a whole number where text is due is its digits",
    'a number may be text of digits with a point, such as `"1240.50"`; separators and symbols are refused',
    "a time is RFC 3339, or a plain date such as `2026-01-06`, which is its midnight in UTC",
    "case, spaces and dashes do not matter in named values: `Key Person` is `key_person`",
    "a severity `medium` is `normal`, and `urgent` is `critical`",
    "a currency may be in lower case",
)
"""What is read beside the strict form."""

_DECIMAL = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?")
_TIME = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?)?")
_SEVERITIES = {"medium": "normal", "urgent": "critical"}
MOST_ATTRIBUTES = 32
"""Names of attributes in one fact; of one customer that count."""
LONGEST_ATTRIBUTE = 64
"""Characters of the name of an attribute, and of a text that is its value."""
GREATEST_ATTRIBUTE = 1e12

_SHOWN = 60
"""Characters of a wrong value that its fault shows."""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _as_text(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else value


def _as_number(value: object) -> object:
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise PydanticCustomError("number", "{shown} is no number", {"shown": _shown(value)})


def _as_whole(value: object) -> object:
    number = _as_number(value)
    if isinstance(number, float) and not number.is_integer():
        raise PydanticCustomError("whole", "{shown} is no whole number", {"shown": _shown(value)})
    return number


def _as_time(value: object) -> str:
    if isinstance(value, str) and _TIME.fullmatch(value.strip()):
        try:
            return as_utc(datetime.fromisoformat(value.strip().upper())).astimezone(UTC).isoformat()[:-6] + "Z"
        except ValueError:
            pass
    raise PydanticCustomError("time", "{shown} is no date or RFC 3339 time", {"shown": _shown(value)})


def _as_name(value: object) -> object:
    return re.sub(r"[\s_-]+", "_", value.strip().lower()) if isinstance(value, str) else value


def _as_severity(value: object) -> object:
    name = _as_name(value)
    return _SEVERITIES.get(name, name) if isinstance(name, str) else name


def _as_currency(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _as_attributes(value: object) -> object:
    """What says nothing is left out; the first that is wrong is named."""
    if not isinstance(value, dict):
        raise PydanticCustomError("attributes", "{shown} is no object", {"shown": _shown(value)})
    found: dict[str, bool | float | str] = {}
    for given, told in value.items():
        name = given.strip()
        if told is None or (isinstance(told, str) and not told.strip()):
            continue
        if not 1 <= len(name) <= LONGEST_ATTRIBUTE:
            raise PydanticCustomError(
                "attributes",
                "{shown} is no name of 1 to {most} characters",
                {"shown": _shown(given), "most": LONGEST_ATTRIBUTE},
            )
        found[name] = _as_attribute(name, told)
    if len(found) > MOST_ATTRIBUTES:
        raise PydanticCustomError(
            "attributes", "has {count} names, more than {most}", {"count": len(found), "most": MOST_ATTRIBUTES}
        )
    return found


def _as_attribute(name: str, value: object) -> bool | float | str:
    fault = "is no text, number or boolean"
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        text = value.strip()
        if len(text) <= LONGEST_ATTRIBUTE:
            return text
        fault = f"has more than {LONGEST_ATTRIBUTE} characters"
    elif isinstance(value, int | float):
        # Not the other way round: NaN is within no bounds.
        if abs(value) <= GREATEST_ATTRIBUTE:
            return float(value)
        fault = f"is no number from -{GREATEST_ATTRIBUTE:g} to {GREATEST_ATTRIBUTE:g}"
    raise PydanticCustomError(
        "attributes", "{shown} of {name} {fault}", {"shown": _shown(value), "name": _shown(name), "fault": fault}
    )


Words = Annotated[str, Field(min_length=1, max_length=1024), BeforeValidator(_as_text)]
Count = Annotated[int, Field(ge=0, le=10**9), BeforeValidator(_as_whole)]
Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_as_number)]
Amount = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False), BeforeValidator(_as_number)]
Cost = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False), BeforeValidator(_as_number)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$"), BeforeValidator(_as_currency)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}), BeforeValidator(_as_time)]
AttributeText = Annotated[str, Field(min_length=1, max_length=LONGEST_ATTRIBUTE)]
AttributeNumber = Annotated[float, Field(ge=-GREATEST_ATTRIBUTE, le=GREATEST_ATTRIBUTE)]
Attributes = Annotated[
    dict[AttributeText, bool | AttributeNumber | AttributeText],
    Field(max_length=MOST_ATTRIBUTES),
    BeforeValidator(
        _as_attributes,
        json_schema_input_type=Annotated[
            dict[AttributeText, bool | AttributeNumber | AttributeText | None], Field(max_length=MOST_ATTRIBUTES)
        ],
    ),
]
Role = Annotated[Literal["key_person", "admin", "end_user"], BeforeValidator(_as_name)]

_CURRENCY = Field(None, description="Currency of the money beside it, such as USD.")
_ATTRIBUTES = Field(None, description="Facts of your own that the churn score may use, by name.")


class FactFields(BaseModel):
    """Base of the declarations. ``also`` are other names under which CRMs send a field."""

    model_config = ConfigDict(frozen=True, extra="allow")
    also: ClassVar[Mapping[str, str]] = {}


class AccountFields(FactFields):
    """What the CRM knows of an account; what is absent stays as it was."""

    also = {"licensed_seats": "seats", "owner_csm": "owner", "csm": "owner"}

    name: Words | None = Field(None, description="Its name; may change, identifies nobody.")
    industry: Words | None = Field(None, description="Its industry.")
    tier: Words | None = Field(None, description="Tier of service: strategic, middle, or anything else.")
    owner: Words | None = Field(None, description="Its CSM.")
    region: Words | None = Field(None, description="Its region.")
    seats: Count | None = Field(None, description="Licensed seats.")
    employees: Count | None = Field(None, description="People who work there.")
    parent: Words | None = Field(None, description="Id of the account that it belongs to.")
    plan: Words | None = Field(None, description="The plan that it is on.")
    mrr: Amount | None = Field(None, description="Monthly recurring revenue.")
    currency: Currency | None = _CURRENCY
    attributes: Attributes | None = _ATTRIBUTES


class MergeFields(FactFields):
    """The account became part of another; its identifiers belong together from now on."""

    into: Words = Field(description="Id of the account that remains.")


class ContactFields(FactFields):
    """A person who works at the account, or no longer does."""

    name: Words | None = Field(None, description="Name of the person.")
    role: Role | None = Field(None, description="What the person is to the vendor.")
    title: Words | None = Field(None, description="Job title.")
    attributes: Attributes | None = _ATTRIBUTES


class LeadFields(FactFields):
    """Somebody who may become a customer."""

    also = {"lead_source": "channel"}

    name: Words | None = Field(None, description="Name of the person.")
    company: Words | None = Field(None, description="Name of the company.")
    channel: Words | None = Field(None, description="Channel that the lead came by.")
    keyword: Words | None = Field(None, description="Keyword, or what the channel calls it.")
    owner: Words | None = Field(None, description="Who sells to it.")
    status: Words | None = Field(None, description="Status, as the CRM calls it.")
    region: Words | None = Field(None, description="Its region.")
    trial_start: Time | None = Field(None, description="When its trial began.")
    attributes: Attributes | None = _ATTRIBUTES


class ConversionFields(FactFields):
    """A lead became a contact of an account."""

    also = {"lead_source": "channel"}

    channel: Words | None = Field(None, description="Channel that the lead came by.")
    keyword: Words | None = Field(None, description="Keyword, or what the channel calls it.")


class DealFields(FactFields):
    """A sale under way, won or lost."""

    also = {"value": "amount"}

    deal_id: Words = Field(description="Id of the deal.")
    stage: Words | None = Field(None, description="Stage, as the CRM calls it.")
    amount: Amount | None = Field(None, description="Money of the deal.")
    currency: Currency | None = _CURRENCY
    reason: Words | None = Field(None, description="Why it was won or lost.")


class ContractFields(FactFields):
    """A contract was signed, also for a renewal."""

    also = {
        "start_at": "start",
        "start_date": "start",
        "end_at": "end",
        "end_date": "end",
        "amount": "value",
        "licensed_seats": "seats",
    }

    contract_id: Words | None = Field(None, description="Id of the contract.")
    start: Time | None = Field(None, description="From when it holds.")
    end: Time | None = Field(None, description="Until when: the next renewal.")
    value: Amount | None = Field(None, description="Money of the whole term.")
    currency: Currency | None = _CURRENCY
    seats: Count | None = Field(None, description="Seats that it licenses.")

    @model_validator(mode="after")
    def _has_a_term(self) -> Self:
        # Text of one length and form: it sorts as its times do, but for fractions of a second.
        if self.start is not None and self.end is not None and self.end[:19] < self.start[:19]:
            raise PydanticCustomError(
                "term", "end {end} is before start {start}", {"end": self.end, "start": self.start}
            )
        return self


class RenewalFields(FactFields):
    """A renewal came to its end, one way or the other; `churned` ends the contract."""

    also = {"status": "outcome", "result": "outcome", "amount": "value"}

    outcome: Annotated[Literal["renewed", "expanded", "downgraded", "churned"], BeforeValidator(_as_name)] = Field(
        description="How it ended."
    )
    value: Amount | None = Field(None, description="Money of the new term, or what was lost.")
    currency: Currency | None = _CURRENCY
    contract_id: Words | None = Field(None, description="Id of the contract that ended.")
    reason: Annotated[Literal["natural", "product", "not_target", "other"], BeforeValidator(_as_name)] | None = Field(
        None, description="Why it churned."
    )


class InvoiceFields(FactFields):
    """An invoice was paid, or is overdue."""

    also = {"due": "due_at", "due_date": "due_at"}

    invoice_id: Words = Field(description="Id of the invoice.")
    amount: Amount | None = Field(None, description="Money of the invoice.")
    currency: Currency | None = _CURRENCY
    due_at: Time | None = Field(None, description="When it was due.")


class TicketFields(FactFields):
    """A support ticket was opened or closed."""

    also = {"priority": "severity"}

    ticket_id: Words = Field(description="Id of the ticket.")
    severity: Annotated[Literal["low", "normal", "high", "critical"], BeforeValidator(_as_severity)] | None = Field(
        None, description="How bad it is."
    )
    subject: Words | None = Field(None, description="What it is about.")


class SurveyFields(FactFields):
    """Somebody answered a survey."""

    kind: Annotated[Literal["nps", "csat"], BeforeValidator(_as_name)] = Field(description="Which survey.")
    score: Number = Field(description="NPS: a whole number, 0 to 10. CSAT: 1 to 5.")

    @model_validator(mode="after")
    def _is_on_the_scale(self) -> Self:
        least, most = (0, 10) if self.kind == "nps" else (1, 5)
        if not least <= self.score <= most or (self.kind == "nps" and not self.score.is_integer()):
            whole = "a whole number " if self.kind == "nps" else ""
            raise PydanticCustomError(
                "scale",
                "score {score} of {kind} is not {whole}from {least} to {most}",
                {"score": f"{self.score:g}", "kind": self.kind, "whole": whole, "least": least, "most": most},
            )
        return self


class TouchpointFields(FactFields):
    """Somebody of the vendor was in touch with the customer, or a campaign reached it."""

    also = {"campaign_id": "id", "campaign": "id"}

    kind: Annotated[
        Literal[
            "call",
            "visit",
            "meeting",
            "email",
            "demo",
            "kickoff",
            "delivery",
            "training",
            "review",
            "campaign",
            "other",
        ],
        BeforeValidator(_as_name),
    ] = Field(description="What it was.")
    feature: Words | None = Field(None, description="Module that was trained.")
    trainer: Words | None = Field(None, description="Who trained.")
    id: Words | None = Field(None, description="Id of the campaign.")
    by: Words | None = Field(None, description="Who was in touch.")


class SpendFields(FactFields):
    """Money spent on a channel up to that time. About nobody: `ids` are not read."""

    channel: Words = Field(description="The channel.")
    keyword: Words | None = Field(None, description="Keyword, or what the channel calls it.")
    amount: Cost = Field(description="What it cost.")
    currency: Currency | None = _CURRENCY
    clicks: Count | None = Field(None, description="Clicks for it.")


class HeartbeatFields(FactFields):
    """A source says that it is alive. About nobody: `ids` are not read."""

    also = {
        "expected_interval_s": "expected_interval_seconds",
        "expected_interval": "expected_interval_seconds",
        "interval_seconds": "expected_interval_seconds",
    }

    source: Words | None = Field(None, description="The source, as its events call it; else who sent the fact.")
    expected_interval_seconds: Annotated[int, Field(ge=1, le=31 * 86_400), BeforeValidator(_as_whole)] = Field(
        description="When the next heartbeat is due, seconds."
    )


FACTS: dict[str, type[FactFields]] = {
    "account.upserted": AccountFields,
    "account.merged": MergeFields,
    "contact.upserted": ContactFields,
    "contact.left": ContactFields,
    "lead.upserted": LeadFields,
    "lead.converted": ConversionFields,
    "deal.opened": DealFields,
    "deal.updated": DealFields,
    "deal.won": DealFields,
    "deal.lost": DealFields,
    "contract.signed": ContractFields,
    "renewal.closed": RenewalFields,
    "invoice.overdue": InvoiceFields,
    "invoice.paid": InvoiceFields,
    "ticket.opened": TicketFields,
    "ticket.closed": TicketFields,
    "survey.answered": SurveyFields,
    "touchpoint": TouchpointFields,
    "channel.spend": SpendFields,
    "source.heartbeat": HeartbeatFields,
}
"""Every type of fact, with its fields."""

TRAITS_OF = {"group": "account.upserted", "identify": "contact.upserted"}
"""Segment calls whose traits are read as the fields of a fact, those that fit: SDKs mean other things by them too."""


class FactError(ValueError):
    """Fields of a fact are wrong. ``faults`` has each with what is wrong; a fault of several fields has no name."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {fault}" for field, fault in faults))
        self.faults = faults

    def told(self, under: str) -> str:
        """All faults on one line, as the sender knows the fields: ``data.outcome: …``."""
        return "; ".join(f"{under}.{field}: {fault}" if field else f"{under}: {fault}" for field, fault in self.faults)


def read(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a fact under their own names, each as JSON of its type; empty ones are left out.

    What comes out goes in unchanged. Raises ``FactError`` that names every field at fault, KeyError for a type that
    there is not.
    """
    declared = FACTS[kind]
    try:
        fields = declared.model_validate(_named(data, declared.also))
    except ValidationError as error:
        raise FactError([_fault(one) for one in error.errors(include_url=False)]) from None
    found = {name: value for name, value in fields.__dict__.items() if value is not None}
    return {**found, **(fields.__pydantic_extra__ or {})}


def fitting(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Like ``read``, without the fields at fault: for traits, which mean other things elsewhere too."""
    try:
        return read(kind, data)
    except FactError as error:
        also, wrong = FACTS[kind].also, {field for field, _ in error.faults}
        return read(kind, {name: value for name, value in data.items() if also.get(name, name) not in wrong})


def _named(data: Mapping[str, Any], also: Mapping[str, str]) -> dict[str, Any]:
    """The fields that say something, under their own names; where a field comes under several, its own goes first."""
    found = {
        name: value
        for name, value in data.items()
        if value is not None and not (isinstance(value, str) and not value.strip())
    }
    for name in [name for name in found if name in also]:
        if also[name] not in found:
            found[also[name]] = found.pop(name)
    return found


def _fault(error: ErrorDetails) -> tuple[str, str]:
    field, value, bounds = ".".join(map(str, error["loc"])), _shown(error["input"]), error.get("ctx", {})
    match error["type"]:
        case "missing":
            fault = "is required"
        case "literal_error":
            choices = re.findall(r"'(\w+)'", bounds["expected"])
            fault = f"{value} is none of {', '.join(choices)}"
        case "greater_than_equal":
            fault = f"{value} is less than {bounds['ge']:,.0f}"
        case "less_than_equal":
            fault = f"{value} is more than {bounds['le']:,.0f}"
        case "string_type":
            fault = f"{value} is no text"
        case "string_too_long":
            fault = f"has more than {bounds['max_length']:,} characters"
        case "string_pattern_mismatch":
            fault = f"{value} is no ISO 4217 code such as USD"
        case "finite_number" | "float_type":
            fault = f"{value} is no number"
        case _:
            fault = error["msg"]
    return field, fault
