"""Settings of `ebbtide collector`."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

Keys = dict[str, tuple[SecretStr, ...]]


class CollectorSettings(BaseModel):
    """The HTTP door."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on; any other than loopback needs keys.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8080, description="Port to listen on; 0 takes a free one.")
    write_keys: Keys = Field(
        default_factory=dict,
        description='Keys by tenant, `{"acme": ["key", …]}`; better `EBBTIDE_COLLECTOR__WRITE_KEYS_FILE`. They may be '
        "in browsers and apps, and open what SDKs send. Without any key of either kind everybody on this machine may "
        "send everything, to the tenant that the record names.",
    )
    secret_keys: Keys = Field(
        default_factory=dict,
        description="Keys by tenant for servers alone: they may also send CRM facts (`/v1/crm`) and feedback "
        "(`/v1/feedback`), and part identities; better `EBBTIDE_COLLECTOR__SECRET_KEYS_FILE`.",
    )
    allowed_origins: tuple[str, ...] = Field(
        ("*",), description="Origins of the web pages that may send, such as `https://app.example.com`; `*` is any."
    )
    group_types: tuple[str, ...] = Field(
        ("company", "organization", "account", "customer"),
        description="What PostHog's groups and Sensors' items are called that are accounts; the first that is there "
        "counts.",
    )
    account_properties: tuple[str, ...] = Field(
        ("group_id", "groupId", "company_id", "account_id"),
        description="Properties of Sensors' events and profiles that name the account; the first that is there counts.",
    )
    max_batch_bytes: Annotated[int, Field(ge=1_024, le=64 << 20)] = Field(
        500 << 10, description="Greatest body, unpacked, of Segment calls and of CRM facts."
    )
    max_large_batch_bytes: Annotated[int, Field(ge=1_024, le=64 << 20)] = Field(
        4 << 20, description="Greatest body, unpacked, of RudderStack, PostHog and Sensors, whose batches are larger."
    )
    max_batch_events: Annotated[int, Field(ge=1, le=100_000)] = Field(5_000, description="Most events of one body.")
    max_in_flight_bytes: Annotated[int, Field(ge=1 << 20)] = Field(
        64 << 20, description="Bodies in hand at a time, unpacked; beyond that the answer is 503."
    )
    events_per_second: Annotated[float, Field(gt=0)] = Field(
        20_000, description="Events that a key may send in a second, over time; beyond that the answer is 429."
    )
    burst_seconds: Annotated[float, Field(ge=1, le=3_600)] = Field(
        10, description="Seconds' worth of events that a key which was quiet may send at once."
    )
    acknowledge_seconds: Annotated[float, Field(ge=0.5, le=60)] = Field(
        10, description="How long a request waits for the broker until the answer is 503. SDKs give up after 15."
    )
    read_seconds: Annotated[float, Field(ge=1, le=600)] = Field(
        30, description="How long a client may take to send its body."
    )
    retry_after_seconds: Annotated[int, Field(ge=1, le=3_600)] = Field(
        5, description="What a 503 tells the client to wait."
    )

    @field_validator("write_keys", "secret_keys", mode="before")
    @classmethod
    def _from_file(cls, value: Any) -> Any:
        """A secret file brings text."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(
                f'no JSON, {error.msg} at character {error.pos + 1}; write {{"tenant": ["key"]}}'
            ) from None

    @model_validator(mode="after")
    def _is_closed(self) -> Self:
        seen: set[str] = set()
        for keys in (self.write_keys, self.secret_keys):
            for tenant, theirs in keys.items():
                for key in theirs:
                    value = key.get_secret_value()
                    if not value.strip() or not tenant.strip():
                        raise ValueError(f"a key of tenant {tenant!r} is empty, or the tenant is")
                    if value in seen:
                        raise ValueError(f"a key of tenant {tenant} is given twice: it stands for one tenant and right")
                    seen.add(value)
        if not seen and not is_loopback(self.host):
            raise ValueError(
                f"no keys are set, and {self.host} can be reached from elsewhere: anybody could send anything. Set "
                "write_keys and secret_keys, or listen on 127.0.0.1"
            )
        return self


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
