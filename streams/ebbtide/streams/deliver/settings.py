"""What `ebbtide deliver` has to be told: endpoints by name."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from ebbtide.models.customer.fields import FIELDS
from ebbtide.models.delivery.formats.registry import FORMATS, FormatName
from ebbtide.models.delivery.properties import OF_ALERTS, OF_RECORDS, OF_SCORES
from ebbtide.models.delivery.schedule import GAPS_S
from ebbtide.schemas.alert import AlertKind, Severity
from ebbtide.schemas.deliveries import EndpointName
from ebbtide.schemas.score import HealthTier

DeliveredTopic = Literal["scores", "alerts", "customer-records"]
CHATS = ("slack", "feishu", "dingtalk", "wecom")
CHINESE = ("feishu", "dingtalk", "wecom", "fxiaoke")
_FIELDS_OF: dict[DeliveredTopic, frozenset[str]] = {
    "scores": OF_SCORES,
    "alerts": OF_ALERTS,
    "customer-records": OF_RECORDS | {field.name for field in FIELDS},
}
_HOST = re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LoginSettings(_Part):
    """How a CRM's token is got, and got anew before it ends: by OAuth client credentials, or Fxiaoke's own way."""

    url: str = Field(description="Where tokens are given out; https.")
    client_id: str = Field(description="Client id, or Fxiaoke's app id.")
    client_secret: SecretStr | None = Field(None, description="Client or app secret; better its file.")
    client_secret_file: Path | None = Field(None, description="File with it.")
    permanent_code: SecretStr | None = Field(None, description="Fxiaoke's permanent code; better its file.")
    permanent_code_file: Path | None = Field(None, description="File with it.")

    @model_validator(mode="after")
    def _has_secret(self) -> Self:
        if self.client_secret is None and self.client_secret_file is None:
            raise ValueError("client_secret_file is needed")
        return self


class EndpointSettings(_Part):
    """One receiver. Files are read again when they change, so that secrets can be rotated without a restart."""

    url: SecretStr | None = Field(
        None, description="Where to send: a CRM's root address, or the whole one. It may hold a secret."
    )
    url_file: Path | None = Field(None, description="File with it.")
    format: FormatName = Field("standard", description="How it is spoken to.")
    topics: tuple[DeliveredTopic, ...] = Field(
        (), description="What it is told of; none is all for standard and cloudevents, alerts for chats, "
        "customer-records for CRMs."
    )  # fmt: skip
    alert_kinds: tuple[AlertKind, ...] = Field((), description="Only alerts of these kinds; none is all.")
    severities: tuple[Severity, ...] = Field((), description="Only alerts of these severities; none is all.")
    routes: tuple[str, ...] = Field((), description="Only alerts of these routes; none is all.")
    tiers: tuple[HealthTier, ...] = Field((), description="Only scores and records of these health tiers; none is all.")
    tenants: tuple[str, ...] = Field((), description="Only these tenants; none is all.")
    include_suppressed: bool = Field(False, description="Tell alerts too that are held back.")
    begin: Literal["oldest", "newest"] = Field(
        "oldest", description="Where a new endpoint begins: with what the topics still hold, or with what comes next."
    )
    max_age_hours: Annotated[float, Field(gt=0, le=2_160)] | None = Field(
        96.0, description="An alert is not told any more after so long; it is a dead letter then. None tells any."
    )
    secrets: tuple[SecretStr, ...] = Field(
        (), description="What signs, newest first: `whsec_…` in base64; each gives a signature. Better by files."
    )
    secret_files: tuple[Path, ...] = Field((), description="Files with one secret each, newest first.")
    token: SecretStr | None = Field(None, description="A CRM's access token; better its file.")
    token_file: Path | None = Field(None, description="File with it.")
    login: LoginSettings | None = Field(None, description="How to get a token, instead of a fixed one.")
    rate_per_second: Annotated[float, Field(gt=0, le=10_000)] | None = Field(
        None, description="Requests a second on average; none takes what the format's service allows."
    )
    burst: Annotated[int, Field(ge=1, le=10_000)] | None = Field(None, description="Requests at once beyond it.")
    batch: Annotated[int, Field(ge=1, le=200)] | None = Field(
        None, description="Records a request; none takes the format's most, and 1 for cloudevents. For chats: messages "
        "of a digest."
    )  # fmt: skip
    retry_gaps_seconds: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        GAPS_S,
        description="Waits between the attempts at a record, each a tenth longer or shorter by chance. The default is "
        "the table of the Standard Webhooks specification: ten attempts in three days.",
    )
    concurrency: Annotated[int, Field(ge=1, le=256)] = Field(16, description="Requests at a time.")
    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = Field(15.0, description="For a whole request.")
    max_body_bytes: Annotated[int, Field(ge=1_024, le=16_777_216)] = Field(
        1_048_576, description="A record that makes a longer request is a dead letter."
    )
    allow: tuple[str, ...] = Field(
        (), description="In-house hosts, addresses or networks that it may be at: `crm.internal`, `10.1.0.0/16`."
    )
    allow_http: bool = Field(False, description="Let it be asked without encryption.")
    ca_file: Path | None = Field(None, description="Certificate authority; none takes the system's.")
    headers: dict[str, str] = Field({}, description="Further headers; not for secrets.")
    code_field: str = Field(
        "", description="Field of a JSON answer that tells an error although the status is 200; 0, ok and success are "
        "none. For standard and cloudevents."
    )  # fmt: skip
    language: Literal["en", "zh"] | None = Field(None, description="Of chats; none goes by the format.")
    link: str = Field("", description="Address of a customer's page for chats, with `{customer_id}` in it.")
    object: str = Field("", description="A CRM's object; none is companies, Account or AccountObj.")
    id_field: str = Field("", description="Its field that identifies a customer; for fxiaoke `_id` unless set.")
    id_from: Literal["customer_id", "anchor"] = Field(
        "customer_id", description="What stands in that field: our customer id, or the record's anchor."
    )
    anchors: tuple[str, ...] = Field((), description="With `anchor`: only these types, such as `crm_account_id`.")
    properties: dict[str, str] = Field({}, description="A CRM's fields, and which of ours each is set to.")
    corp_id: str = Field("", description="Fxiaoke's `corpId`.")
    user_id: str = Field("", description="Fxiaoke's `currentOpenUserId`.")

    @property
    def told(self) -> tuple[DeliveredTopic, ...]:
        """The topics, as given or by the format."""
        if self.topics:
            return self.topics
        if self.format in CHATS:
            return ("alerts",)
        return ("customer-records",) if FORMATS[self.format].crm else ("scores", "alerts", "customer-records")

    @field_validator("allow")
    @classmethod
    def _is_host_or_network(cls, allow: tuple[str, ...]) -> tuple[str, ...]:
        for entry in allow:
            if not _network(entry) and not _HOST.match(entry.lower()):
                raise ValueError(f"{entry!r} is no host, address or network")
        return allow

    @model_validator(mode="after")
    def _fits_format(self) -> Self:
        faults = [*self._address_faults(), *self._secret_faults(), *self._crm_faults()]
        if self.format in ("standard", "fxiaoke") and (self.batch or 1) > 1:
            faults.append(f"batch: {self.format} takes one record a request")
        if (self.batch or 1) > FORMATS[self.format].most:
            faults.append(f"batch: {self.format} takes {FORMATS[self.format].most} at most")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _address_faults(self) -> list[str]:
        if (self.url is None) == (self.url_file is None):
            return ["either url or url_file is needed"]
        faults = [] if self.url is None else address_faults("url", self.url.get_secret_value(), self.allow_http)
        return faults + ([] if self.login is None else address_faults("login.url", self.login.url, self.allow_http))

    def _secret_faults(self) -> list[str]:
        if self.format == "standard" and not (self.secrets or self.secret_files):
            return ["secret_files: Standard Webhooks are signed; `openssl rand -base64 32` makes a secret"]
        if (self.secrets or self.secret_files) and self.format not in ("standard", "cloudevents", "feishu", "dingtalk"):
            return [f"secrets: {self.format} has no signature"]
        return []

    def _crm_faults(self) -> list[str]:
        crm = FORMATS[self.format].crm
        if not crm:
            only = ("properties", "object", "id_field", "token", "token_file", "login")
            return [f"{name}: only for CRMs" for name in only if name in self.model_fields_set and getattr(self, name)]
        faults = [
            f"properties: none is set by {topic}; leave it out of topics"
            for topic in self.told
            if self.properties and not _FIELDS_OF[topic] & set(self.properties.values())
        ]
        if sum(given is not None for given in (self.token, self.token_file, self.login)) != 1:
            faults.append("one of token_file, token and login is needed")
        if not self.id_field and self.format != "fxiaoke":
            faults.append("id_field: name the CRM's field that holds the identifier; it must be unique there")
        if not self.properties:
            faults.append('properties: name at least one field, such as {"churn_risk": "p_churn"}')
        if self.id_from == "anchor" and self.told != ("customer-records",):
            faults.append("id_from: only customer-records have an anchor")
        known = frozenset().union(*(_FIELDS_OF[topic] for topic in self.told))
        unknown = sorted({field for field in self.properties.values() if field not in known})
        faults += [f"properties: the records of {', '.join(self.told)} have no {field}" for field in unknown]
        return faults


class DeliverSettings(_Part):
    """Webhooks: `ebbtide deliver`."""

    endpoints: dict[EndpointName, EndpointSettings] = Field(
        {},
        description="Receivers by name: small letters, digits, dashes. The name is the cursor; another begins anew.",
    )
    max_waiting: Annotated[int, Field(ge=100)] = Field(
        10_000, description="Records of an endpoint in memory; beyond it its topics are not read on."
    )
    max_waiting_bytes: Annotated[int, Field(ge=1_048_576)] = Field(
        67_108_864, description="The same, in bytes of the records."
    )
    park_after_seconds: Annotated[float, Field(gt=0)] = Field(
        60.0, description="A record that waits longer for its next attempt is parked, and holds back nobody's offset."
    )
    max_parked: Annotated[int, Field(ge=0)] = Field(
        5_000, description="Records of an endpoint that wait for a later attempt; beyond it they are dead letters."
    )
    flush_seconds: Annotated[float, Field(gt=0, le=10)] = Field(
        0.25, description="What is done is written down and committed so often; a crash repeats no more than this."
    )


def address_faults(name: str, url: str, allow_http: bool) -> list[str]:
    """What is wrong with an address. The address itself may be a secret, and is not told."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return [f"{name}: no address: {error}"]
    if parts.scheme not in ("https", "http") or not host:
        return [f"{name}: must begin with https:// and name a host"]
    if parts.scheme == "http" and not allow_http:
        return [f"{name}: must be https; set allow_http if it really cannot be"]
    if parts.username or parts.password:
        return [f"{name}: must hold no user name or password"]
    return []


def _network(entry: str) -> Any:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None
