"""What producers send: Segment-spec behaviour and native CRM facts, as they come.

Unknown *extra* fields are allowed here (SDKs add their own); wrong types are not.
Source of the behaviour format: Segment spec. The fields of facts are declared in ``facts``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationInfo,
    field_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from ebbtide.schemas.base import Text, UtcDatetime
from ebbtide.schemas.facts import FACTS, FactError, read

_RAW = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


def _id_as_text(value: object) -> object:
    """Databases hand out integer ids and SDKs pass them on as numbers; ``42`` and ``"42"`` are one id."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


RawId = Annotated[
    str,
    Field(max_length=1024),
    BeforeValidator(_id_as_text, json_schema_input_type=Annotated[str, Field(max_length=1024)] | int),
]


class RawContext(BaseModel):
    """The parts of a Segment ``context`` that Ebbtide reads."""

    model_config = _RAW

    group_id: RawId | None = Field(None, alias="groupId")
    traits: dict[str, Any] | None = None
    device: dict[str, Any] | None = None
    source: Annotated[str, Field(max_length=256)] | None = None
    machine: bool | None = None


class RawBehaviour(BaseModel):
    """One Segment-spec call: ``track identify group page screen alias``."""

    model_config = _RAW

    type: Literal["track", "identify", "group", "page", "screen", "alias"]
    message_id: Annotated[str, Field(max_length=256)] | None = Field(None, alias="messageId")
    event: Annotated[str, Field(max_length=256)] | None = None
    name: Annotated[str, Field(max_length=1024)] | None = None
    user_id: RawId | None = Field(None, alias="userId")
    anonymous_id: RawId | None = Field(None, alias="anonymousId")
    previous_id: RawId | None = Field(None, alias="previousId")
    group_id: RawId | None = Field(None, alias="groupId")
    timestamp: UtcDatetime | None = None
    original_timestamp: UtcDatetime | None = Field(None, alias="originalTimestamp")
    sent_at: UtcDatetime | None = Field(None, alias="sentAt")
    received_at: UtcDatetime | None = Field(None, alias="receivedAt")
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: RawContext | None = None
    tenant: Text | None = None


FactType = Literal[
    "account.upserted",
    "account.merged",
    "contact.upserted",
    "contact.left",
    "lead.upserted",
    "lead.converted",
    "deal.opened",
    "deal.updated",
    "deal.won",
    "deal.lost",
    "contract.signed",
    "renewal.closed",
    "invoice.overdue",
    "invoice.paid",
    "ticket.opened",
    "ticket.closed",
    "survey.answered",
    "touchpoint",
    "channel.spend",
    "source.heartbeat",
]


FACT_ERROR = "fact_fields"
"""Type of the error that fields of a fact are wrong; its message names them."""


@final
class RawFact(BaseModel):
    """One native CRM fact: a dotted type, the subject's identifiers under ``ids``, its fields under ``data``."""

    model_config = _RAW

    type: FactType
    id: Text
    occurred_at: UtcDatetime
    received_at: UtcDatetime | None = None
    source: Text
    ids: dict[str, RawId] = Field(default_factory=dict)
    data: dict[str, Any] = Field(default_factory=dict, validate_default=True)
    tenant: Text | None = None

    @field_validator("data")
    @classmethod
    def _fields(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """The fields as the type of the fact declares them, under their own names."""
        kind = info.data.get("type")
        if kind is None:
            # The type is at fault already.
            return data
        try:
            return read(kind, data)
        except FactError as error:
            raise PydanticCustomError(FACT_ERROR, "{told}", {"told": error.told("data")}) from None

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler(schema)
        cases = handler.resolve_ref_schema(found)["allOf"] = []
        for fields in dict.fromkeys(FACTS.values()):
            kinds = [kind for kind, theirs in FACTS.items() if theirs is fields]
            data = handler(fields.__pydantic_core_schema__)
            then = {"properties": {"data": data}, **({"required": ["data"]} if "required" in data else {})}
            cases.append({"if": {"properties": {"type": {"enum": kinds}}}, "then": then})
        return found


@final
class RawPunctuation(BaseModel):
    """Says that a raw partition holds nothing older than ``to`` any more: the end of a backfill.

    ``observe`` asks every customer to be scored at that instant.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["watermark.advanced"]
    to: UtcDatetime
    observe: bool = True


RawRecord = Annotated[RawBehaviour | RawFact | RawPunctuation, Field(discriminator="type")]
raw_record: TypeAdapter[RawBehaviour | RawFact | RawPunctuation] = TypeAdapter(RawRecord)
