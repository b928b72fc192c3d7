"""Endpoints in the settings: every fault at once, secrets hidden, samples of the guide valid."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from ebbtide.streams.deliver.look import fault_of
from ebbtide.streams.deliver.policy import choice_of, dispatch_policy
from ebbtide.streams.deliver.run import chosen
from ebbtide.streams.deliver.secrets import SecretError, target_of
from ebbtide.streams.deliver.settings import DeliverSettings, EndpointSettings
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import SettingsError, load_settings
from support.docs import ROOT
from support.receiver import SECRET, Receiver

GOOD: dict[str, Any] = {"url": "https://hooks.example.com/x", "secrets": [SECRET]}
CRM: dict[str, Any] = {
    "url": "https://api.hubapi.com", "format": "hubspot", "token": "secret-token", "id_field": "ebbtide_id",
    "properties": {"churn": "p_churn"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "either url or url_file is needed"),
        ({**GOOD, "url_file": "/x"}, "either url or url_file is needed"),
        ({**GOOD, "url": "http://hooks.example.com"}, "must be https; set allow_http"),
        ({**GOOD, "url": "ftp://hooks.example.com"}, "must begin with https"),
        ({**GOOD, "url": "https://"}, "must begin with https"),
        ({**GOOD, "url": "https://[::1"}, "no address"),
        ({**GOOD, "url": "https://a:b@hooks.example.com"}, "must hold no user name"),
        ({"url": "https://hooks.example.com"}, "Standard Webhooks are signed"),
        ({**GOOD, "format": "slack"}, "slack has no signature"),
        ({**GOOD, "batch": 2}, "standard takes one record a request"),
        ({**GOOD, "format": "cloudevents", "batch": 150}, "cloudevents takes 100 at most"),
        ({**GOOD, "allow": ["not a host!"]}, "is no host, address or network"),
        ({**GOOD, "token": "x"}, "token: only for CRMs"),
        ({**GOOD, "misspelt": 1}, "misspelt"),
        ({**GOOD, "timeout_seconds": 0}, "timeout_seconds"),
        ({**CRM, "token": None}, "one of token_file, token and login is needed"),
        ({**CRM, "id_field": ""}, "id_field: name the CRM's field"),
        ({**CRM, "properties": {}}, "properties: name at least one field"),
        ({**CRM, "properties": {"a": "no_such_field"}}, "have no no_such_field"),
        ({**CRM, "topics": ["customer-records", "alerts"]}, "none is set by alerts"),
        ({**CRM, "topics": ["scores"], "id_from": "anchor"}, "only customer-records have an anchor"),
        (
            {**CRM, "token": None, "login": {"url": "http://x.example", "client_id": "1", "client_secret": "2"}},
            "login.url: must be https",
        ),
        (
            {**CRM, "token": None, "login": {"url": "https://x.example", "client_id": "1"}},
            "client_secret_file is needed",
        ),
    ],
)
def test_what_is_wrong_is_said_and_no_secret_is_told(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError) as caught:
        EndpointSettings.model_validate(given)
    messages = "; ".join(f"{error['loc']}: {error['msg']}" for error in caught.value.errors())
    assert fault in messages
    assert SECRET not in messages
    assert "secret-token" not in messages


def test_all_faults_come_at_once_with_the_name_of_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoints = {"crm": {"url": "http://x.example"}, "Chat": GOOD, "lake": {**GOOD, "format": "smoke"}}
    monkeypatch.setenv("EBBTIDE_DELIVER__ENDPOINTS", json.dumps(endpoints))
    with pytest.raises(SettingsError) as caught:
        load_settings()
    for part in ("deliver.endpoints.crm", "must be https", "are signed", "deliver.endpoints.Chat", "lake.format"):
        assert part in str(caught.value)


def test_addresses_and_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBBTIDE_DELIVER__ENDPOINTS", json.dumps({"crm": GOOD}))
    settings = load_settings()
    assert "hooks.example.com" not in settings.model_dump_json()
    assert SECRET not in repr(settings)
    assert chosen(settings, ()) == ["crm"]
    with pytest.raises(EbbtideError, match="no such endpoint: lake; there are crm"):
        chosen(settings, ("lake",))


def test_none_set_is_one_clear_error() -> None:
    with pytest.raises(EbbtideError, match="no endpoint is set"):
        chosen(load_settings(), ())


def test_every_sample_of_the_guide_is_valid() -> None:
    guide = (ROOT / "docs" / "guides" / "deliver.md").read_text(encoding="utf-8")
    found: dict[str, Any] = {}
    for block in re.findall(r"^```yaml\n(.*?)^```", guide, re.MULTILINE | re.DOTALL):
        values = yaml.safe_load(block)
        endpoints = values["deliver"]["endpoints"] if "deliver" in values else values
        found |= {} if "secret_files" in endpoints else endpoints
    settings = DeliverSettings.model_validate({"endpoints": found})
    assert {one.format for one in settings.endpoints.values()} == {
        "standard", "cloudevents", "hubspot", "salesforce", "fxiaoke", "slack", "feishu", "dingtalk", "wecom",
    }  # fmt: skip


def test_the_file_of_docker_compose_is_valid() -> None:
    file = ROOT / "deploy" / "deliver" / "ebbtide.yml"
    assert load_settings(file).deliver.endpoints == {}
    uncommented = re.sub(r"^  #  ", "    ", file.read_text(encoding="utf-8").replace("{}", ""), flags=re.MULTILINE)
    assert DeliverSettings.model_validate(yaml.safe_load(uncommented)["deliver"]).endpoints["crm"]


def test_a_format_knows_what_it_is_told_and_how_fast() -> None:
    standard, crm = EndpointSettings.model_validate(GOOD), EndpointSettings.model_validate(CRM)
    chat = EndpointSettings.model_validate({"url": "https://hooks.slack.com/x", "format": "slack"})
    assert standard.told == ("scores", "alerts", "customer-records")
    assert (crm.told, chat.told) == (("customer-records",), ("alerts",))
    policies = [dispatch_policy(one, DeliverSettings()) for one in (standard, crm, chat)]
    assert [policy.batch for policy in policies] == [1, 100, 20]
    assert [policy.merges for policy in policies] == [False, False, True]
    assert policies[2].per_second < 1
    assert choice_of(crm).gone is False
    assert choice_of(crm).anchors == frozenset()


def test_secrets_come_from_files_and_must_be_some(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://hooks.example.com/y\n")
    (tmp_path / "key").write_text(SECRET + "\n")
    given = {"url_file": tmp_path / "url", "secret_files": [tmp_path / "key"]}
    target = target_of("crm", EndpointSettings.model_validate(given))
    assert (target.url, target.secrets) == ("https://hooks.example.com/y", (SECRET,))
    assert SECRET not in repr(EndpointSettings.model_validate(given))
    for content, fault in ((b"", "is empty"), (b"c2hvcnQ=", "not 24 or more bytes"), (b"\xff\xfe", "is no text")):
        (tmp_path / "key").write_bytes(content)
        with pytest.raises(SecretError, match=fault):
            target_of("crm", EndpointSettings.model_validate(given))
    (tmp_path / "key").unlink()
    with pytest.raises(SecretError, match="endpoint crm: secret_files: cannot read"):
        target_of("crm", EndpointSettings.model_validate(given))
    (tmp_path / "url").write_text("http://hooks.example.com")
    with pytest.raises(SecretError, match="must be https"):
        target_of("crm", EndpointSettings.model_validate(given))


def test_the_doctor_looks_without_sending() -> None:
    with Receiver() as receiver:
        house = {"url": receiver.url, "secrets": [SECRET], "allow_http": True}
        host, fault = fault_of("crm", EndpointSettings.model_validate({**house, "allow": ["127.0.0.1"]}))
        assert (host, fault) == ("127.0.0.1", None)
        _, fault = fault_of("crm", EndpointSettings.model_validate(house))
        assert fault == "127.0.0.1 is at 127.0.0.1, which is not a public address"
        _, fault = fault_of("crm", EndpointSettings.model_validate({**house, "url": "http://no.invalid"}))
        assert fault is not None
        assert fault.startswith("no.invalid: ")
        _, fault = fault_of("crm", EndpointSettings.model_validate({**house, "secrets": ["c2hvcnQ="]}))
        assert fault is not None
        assert "24 or more bytes" in fault
        assert receiver.received == []
