"""Keys: where they stand, what they open, and that nobody listens to the world without any."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from ebbtide.streams.collector.keys import OPEN, KeyRing, key_of_body, key_of_head
from ebbtide.streams.collector.settings import CollectorSettings
from ebbtide.streams.settings import SettingsError, load_settings


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        (basic("key:"), {}, "key"),
        (basic("key"), {}, "key"),
        ({"Authorization": "bearer  key "}, {}, "key"),
        ({}, {"token": "key"}, "key"),
        ({}, {"writeKey": "key"}, "key"),
        ({"Authorization": "Basic ***"}, {}, None),
        ({"Authorization": "Basic /w=="}, {}, None),
        (basic(":secret"), {}, None),
        ({}, {"token": ""}, None),
        ({"Authorization": "Digest x"}, {}, None),
    ],
)
def test_a_key_outside_the_body(headers: dict[str, str], query: dict[str, str], expected: str | None) -> None:
    assert key_of_head(headers, query) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"writeKey": "key"}, "key"),
        ({"api_key": "key", "batch": []}, "key"),
        ([{"token": "key"}], "key"),
        ([], None),
        ({"writeKey": 3}, None),
        ("key", None),
    ],
)
def test_a_key_in_the_body(body: Any, expected: str | None) -> None:
    assert key_of_body(body) == expected


def test_a_key_opens_its_tenant_and_what_is_its_kind() -> None:
    ring = KeyRing(CollectorSettings(write_keys={"a": ("w",), "b": ("x", "y")}, secret_keys={"a": ("s",)}))
    opened = {key: ring.access(key) for key in ("w", "y", "s")}
    assert {key: (found.tenant, found.secret) for key, found in opened.items() if found} == {
        "w": ("a", False),
        "y": ("b", False),
        "s": ("a", True),
    }
    assert ring.access("z") is None
    assert ring.access(None) is None
    assert KeyRing(CollectorSettings()).access(None) == OPEN


def test_keys_come_by_file_and_are_shown_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys"
    file.write_text('{"acme": ["geheim"]}\n')
    monkeypatch.setenv("EBBTIDE_COLLECTOR__WRITE_KEYS_FILE", str(file))
    settings = load_settings()
    ring = KeyRing(settings.collector)
    assert (found := ring.access("geheim")) is not None
    assert found.tenant == "acme"
    assert "geheim" not in repr(settings)
    assert "geheim" not in str(settings.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        ({"HOST": "0.0.0.0"}, "no keys are set, and 0.0.0.0 can be reached from elsewhere"),
        ({"HOST": "collector.example"}, "no keys are set"),
        ({"WRITE_KEYS": '{"a": ["k"], "b": ["k"]}'}, "a key of tenant b is given twice"),
        ({"WRITE_KEYS": '{"a": ["k"]}', "SECRET_KEYS": '{"a": ["k"]}'}, "a key of tenant a is given twice"),
        ({"WRITE_KEYS": '{"a": [" "]}'}, "a key of tenant 'a' is empty"),
        ({"WRITE_KEYS": "k"}, "EBBTIDE_COLLECTOR__WRITE_KEYS: no JSON"),
        ({"PORT": "70000"}, "collector.port"),
    ],
)
def test_wrong_settings_are_told(variables: dict[str, str], fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"EBBTIDE_COLLECTOR__{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert fault in str(caught.value)


def test_a_file_that_is_no_json_is_told_without_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys"
    file.write_text("geheim")
    monkeypatch.setenv("EBBTIDE_COLLECTOR__SECRET_KEYS_FILE", str(file))
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "no JSON, Expecting value at character 1" in str(caught.value)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_this_machine_needs_no_keys(host: str) -> None:
    assert CollectorSettings(host=host).host == host


def test_with_keys_it_may_listen_to_the_world() -> None:
    assert CollectorSettings(host="0.0.0.0", write_keys={"a": ("k",)}).write_keys
