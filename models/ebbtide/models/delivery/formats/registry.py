"""All formats by the name that settings know them by."""

from __future__ import annotations

from typing import Final, Literal

from ebbtide.models.delivery.formats.chats import DINGTALK, FEISHU, SLACK, WECOM
from ebbtide.models.delivery.formats.cloudevents import CLOUDEVENTS
from ebbtide.models.delivery.formats.format import Format
from ebbtide.models.delivery.formats.fxiaoke import FXIAOKE
from ebbtide.models.delivery.formats.hubspot import HUBSPOT
from ebbtide.models.delivery.formats.salesforce import SALESFORCE
from ebbtide.models.delivery.formats.standard import STANDARD

FormatName = Literal[
    "standard", "cloudevents", "hubspot", "salesforce", "fxiaoke", "slack", "feishu", "dingtalk", "wecom"
]

FORMATS: Final[dict[FormatName, Format]] = {
    "standard": STANDARD,
    "cloudevents": CLOUDEVENTS,
    "hubspot": HUBSPOT,
    "salesforce": SALESFORCE,
    "fxiaoke": FXIAOKE,
    "slack": SLACK,
    "feishu": FEISHU,
    "dingtalk": DINGTALK,
    "wecom": WECOM,
}
