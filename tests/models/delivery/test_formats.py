"""What goes over the wire: every format against what was read and accepted before, and signatures by their packages."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ebbtide.models.delivery.formats.registry import FORMATS, FormatName
from ebbtide.models.delivery.message import Message, Position, gone
from ebbtide.models.delivery.properties import properties, values
from ebbtide.models.delivery.target import Target
from ebbtide.models.delivery.wording import text, title
from support.delivered import alert, record, score
from support.goldens import check_golden

NOW = 1_737_600_000_000
KEYS = ("whsec_" + base64.b64encode(b"n" * 32).decode(), base64.b64encode(b"o" * 32).decode())
PROPERTIES = (("churn", "p_churn"), ("tier", "health_tier"), ("why", "alert_reason_en"), ("seats", "seats"),
              ("features", "top_features"), ("unknown", "admin"), ("renews", "next_renewal_at"))  # fmt: skip
TARGET = Target(
    "crm", "https://receiver.example.com/hook", token="token", headers=(("X-House", "1"),), object="Company",
    link="https://console.example.com/c/{customer_id}", id_field="ebbtide_id", properties=PROPERTIES, corp_id="corp",
    user_id="user",
)  # fmt: skip
CHATS: Final[tuple[FormatName, ...]] = ("slack", "feishu", "dingtalk", "wecom")
GONE = gone(Position("customer-records", 0, 0), "acme", "default", 9, NOW)


@pytest.mark.parametrize("name", FORMATS)
def test_requests_are_what_was_accepted(name: FormatName) -> None:
    spec = FORMATS[name]
    told: list[list[Message]] = [[score()], [alert()], [record()]]
    told += [[GONE]] if spec.gone else []
    told += [[alert("a"), record("b")]] if spec.most > 1 else []
    found = []
    for messages in told:
        request = spec.ask(messages, TARGET, NOW)
        body = json.loads(request.body)
        if name in ("standard", "cloudevents"):
            for event in body if isinstance(body, list) else [body]:
                event["data"] = sorted(event["data"])
        found.append({"method": request.method, "url": request.url, "headers": request.headers, "body": body})
    check_golden(f"delivery-{name}", found)


def test_the_data_are_the_bytes_of_the_topic() -> None:
    for name in ("standard", "cloudevents"):
        assert score().data_json() in FORMATS[name].ask([score()], TARGET, NOW).body


@pytest.mark.parametrize("name", ["standard", "cloudevents"])
def test_either_of_two_secrets_verifies(name: FormatName, monkeypatch: pytest.MonkeyPatch) -> None:
    now = int(datetime.now(UTC).timestamp())
    target = Target("crm", "https://receiver.example.com", secrets=KEYS)
    request = FORMATS[name].ask([record(owner="天津")], target, now * 1000)
    for key in KEYS:
        assert Webhook(key).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(base64.b64encode(b"x" * 32).decode()).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(KEYS[0]).verify(request.body + b" ", request.headers)


def test_without_a_secret_events_carry_no_signature() -> None:
    headers = FORMATS["cloudevents"].ask([score()], TARGET, NOW).headers
    assert not [name for name in headers if name.startswith("webhook")]
    assert "webhook-signature" not in FORMATS["standard"].ask([score()], TARGET, NOW).headers


def test_chats_are_signed_as_their_services_say() -> None:
    target = Target("chat", "https://oapi.dingtalk.com/robot/send?access_token=x", secrets=("SEC1",))
    query = parse_qs(urlsplit(FORMATS["dingtalk"].ask([alert()], target, NOW).url).query)
    expected = hmac.new(b"SEC1", f"{NOW}\nSEC1".encode(), hashlib.sha256).digest()
    assert query["timestamp"] == [str(NOW)]
    assert base64.b64decode(query["sign"][0]) == expected
    plain = FORMATS["dingtalk"].ask([alert()], Target("chat", "https://x.example", secrets=("SEC1",)), NOW)
    assert plain.url.startswith("https://x.example?timestamp=")
    body = json.loads(FORMATS["feishu"].ask([alert()], target, NOW).body)
    keyed = hmac.new(f"{NOW // 1000}\nSEC1".encode(), b"", hashlib.sha256).digest()
    assert (body["timestamp"], base64.b64decode(body["sign"])) == (str(NOW // 1000), keyed)


@pytest.mark.parametrize(
    ("name", "customer", "said"),
    [
        ("slack", "<!channel> & Co", "&lt;!channel&gt; &amp; Co"),
        ("feishu", '<at user_id="all">x</at>', "＜at user_id=“all”"),
        ("wecom", "<@all> [x](https://evil.example)", "＜@all> [x] (https://evil.example)"),
        ("dingtalk", "![x](https://evil.example)\n# y", "![x] (https://evil.example) # y"),
    ],
)
def test_nothing_is_read_out_of_a_name(name: FormatName, customer: str, said: str) -> None:
    """Nobody is called, nothing linked or shown, by what a customer is named."""
    for messages in ([alert(customer_name=customer)], [alert(customer_name=customer), alert("other")]):
        told = _told(json.loads(FORMATS[name].ask(messages, TARGET, NOW).body))
        assert said.replace("“", '"').replace("”", '"') in told


def _told(body: dict[str, Any]) -> str:
    found: str = (
        body.get("text") or (body.get("content") or body["markdown"]).get("text") or body["markdown"]["content"]
    )
    return found


@given(st.lists(st.text(max_size=3_000), min_size=1, max_size=25), st.text(max_size=3_000))
def test_chats_get_no_more_than_they_take(names: list[str], reason: str) -> None:
    """Slack 40,000 characters, Feishu and DingTalk 20,000 bytes, WeCom 4,096 bytes."""
    told = [alert(f"c{n}", customer_name=name * 9, reasons_en=[reason * 9] * 4) for n, name in enumerate(names)]
    for messages in (told, told[:1]):
        asked = {name: FORMATS[name].ask(messages, TARGET, NOW).body for name in CHATS}
        assert len(_told(json.loads(asked["slack"]))) <= 40_000
        assert len(asked["feishu"]) <= 20_000
        assert len(asked["dingtalk"]) <= 20_000
        assert len(_told(json.loads(asked["wecom"])).encode()) <= 4_096


@pytest.mark.parametrize(
    ("name", "most", "seconds"),
    [
        ("hubspot", 100, 10),
        ("fxiaoke", 100, 20),
        ("feishu", 100, 60),
        ("feishu", 5, 1),
        ("dingtalk", 20, 60),
        ("wecom", 20, 60),
    ],
)
def test_the_pace_stays_within_what_a_service_allows(name: FormatName, most: int, seconds: int) -> None:
    spec = FORMATS[name]
    assert int(spec.burst + spec.per_second * seconds) <= most


def test_fxiaoke_gets_an_id_of_each_request() -> None:
    """`thirdTraceId`: a UUID of version 4, another for every request."""
    asked = [FORMATS["fxiaoke"].ask([record()], TARGET, NOW + later) for later in (0, 0, 1)]
    first, same, other = (UUID(parse_qs(urlsplit(one.url).query)["thirdTraceId"][0]) for one in asked)
    assert (first, first.version) == (same, 4)
    assert other != first


def test_fxiaoke_has_a_path_for_objects_of_users_own_and_times_in_milliseconds() -> None:
    target = Target("crm", "https://x.example", object="object_Hk2p1__c", id_field="_id",
                    properties=(("renews__c", "next_renewal_at"), ("scored__c", "scored_at")))  # fmt: skip
    asked = FORMATS["fxiaoke"].ask([record()], target, NOW)
    assert asked.url.partition("?")[0] == "https://x.example/cgi/crm/custom/v2/data/update"
    assert json.loads(asked.body)["data"]["object_data"]["renews__c"] == 1_767_657_600_000
    empty = record(fields={"next_renewal_at": {"value": None}})
    assert json.loads(FORMATS["fxiaoke"].ask([empty], target, NOW).body)["data"]["object_data"]["renews__c"] is None


def test_a_digest_tells_what_it_leaves_out() -> None:
    many = [alert(f"c{number}", customer_name="名" * 40) for number in range(200)]
    said = text(many, TARGET, 4_000, str)
    assert len(said.encode()) <= 4_000
    shown = said.count("名" * 40)
    assert said.endswith(f"and {200 - shown} more")
    assert said.startswith("Ebbtide: 200 updates")


def test_a_long_message_is_cut_within_its_bytes() -> None:
    said = text([alert(reasons_en=["天" * 5_000])], TARGET, 1_000, str)
    assert len(said.encode()) <= 1_000
    assert said.endswith("…")


def test_words_in_both_languages() -> None:
    chinese = Target("chat", "https://x.example", language="zh")
    assert title(alert(state="resolved"), TARGET).startswith("🟠 Acme Ltd: resolved: silent for 14 days")
    assert title(alert(state="resolved"), chinese).startswith("🟠 Acme Ltd: 已解除:已沉默14天")
    assert title(alert(reasons_en=[], customer_name=None, severity="?"), TARGET) == "acme: asleep"
    assert title(score(p_churn=None), TARGET) == "acme: cannot be scored"
    assert title(GONE, TARGET) == "acme: is no more"
    assert title(alert(None, customer_name=None), chinese).startswith("🟠 default: ")  # type: ignore[arg-type]
    assert "https" not in text([alert(at_stake=None, owner=None)], chinese, 9_000, str)


def test_a_crm_gets_plain_values() -> None:
    told = record(
        fields={
            "top_features": {"value": ["export", "search"]},
            "value_90d": {"value": {"amount": 3.5, "currency": "USD"}},
            "key_person": {"value": {"name": "Jane"}},
            "next_renewal_at": {"value": {"at": "2026", "days": 3}},
        }
    )
    names = ("top_features", "value_90d", "key_person", "next_renewal_at")
    target = Target("crm", "https://x.example", properties=tuple((name, name) for name in names))
    assert list(properties(told, target).values()) == ["export, search", 3.5, "Jane", "at: 2026, days: 3"]
    assert values(alert(reasons_zh=[]))["alert_reason_zh"] is None


def test_an_anchor_may_be_what_the_crm_knows() -> None:
    target = Target("crm", "https://x.example", id_from="anchor", id_field="_id", object="AccountObj")
    body = json.loads(FORMATS["fxiaoke"].ask([record()], target, NOW).body)
    assert body["data"]["object_data"]["_id"] == "acme"
