"""Unmodified SDKs from PyPI and npm send to the collector; the persons come out right, and nothing is sent twice."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from ebbtide.schemas.identity import IdentityOperation
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from support.browsing import browser, serving
from support.collecting import CollectorProcess, collecting, persons, persons_with, raw_records
from support.sdk_environments import PACKAGES, STORIES, python_with

pytestmark = pytest.mark.kafka
TENANTS = [*PACKAGES, "analytics_next", "posthog_js"]
EMAIL = "jane@acme.example"


@pytest.fixture(scope="module")
def collector(broker: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorProcess]:
    write = json.dumps({tenant: [f"key-{tenant}"] for tenant in TENANTS})
    secret = json.dumps({tenant: [f"secret-{tenant}"] for tenant in ("unbind",)})
    directory = tmp_path_factory.mktemp("collector")
    with collecting(broker.bootstrap, directory, WRITE_KEYS=write, SECRET_KEYS=secret) as process:
        yield process


def names(person: dict[str, Any]) -> set[str]:
    return {f"{one['type']}/{one['value']}" for one in person["identifiers"]}


@pytest.mark.parametrize("sdk", PACKAGES)
def test_an_sdk_tells_its_stories(sdk: str, collector: CollectorProcess, broker: KafkaBroker, tmp_path: Path) -> None:
    program = [str(python_with(sdk)), str(STORIES / f"{sdk}.py"), collector.url, f"key-{sdk}"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    records = raw_records(broker.bootstrap, sdk)
    ids = [record["messageId"] for record in records]
    assert len(ids) == len(set(ids)), "something was sent twice: an answer was not understood"
    told = persons(records, tmp_path / "replay")
    # identity.md §5, case 1, with an alias and an e-mail; then case 4: one computer, nobody logs out.
    assert {name: names(person) for name, person in told.items()} == {
        "user_id/U1": {"user_id/U1", "anonymous_id/A1", "anonymous_id/old-visitor", f"email/{EMAIL}"},
        "user_id/V1": {"user_id/V1", "anonymous_id/B1"},
        "user_id/V2": {"user_id/V2"},
    }
    assert {name: person["events"] for name, person in told.items()} == {
        "user_id/U1": 7,
        "user_id/V1": 2,
        "user_id/V2": 2,
    }
    assert {record["groupId"] for record in records if record["type"] == "group"} == {"acme"}


def test_sensors_binds_and_unbinds(collector: CollectorProcess, broker: KafkaBroker) -> None:
    story = STORIES / "sensors_analytics_unbind.py"
    program = [str(python_with("sensors_analytics_sdk")), str(story), collector.url, "secret-unbind"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    records = raw_records(broker.bootstrap, "unbind")
    decided = [
        IdentityOperation.from_json(orjson.dumps(record))
        for record in raw_records(broker.bootstrap, "unbind", Topic.IDENTITY_LINKS)
    ]
    assert [(one.kind, one.identifier.key) for one in decided] == [
        ("unbind", "phone/18700000001"),
        ("unbind", f"email/{EMAIL}"),
        ("unbind", "phone/18700000002"),
        ("unbind", "phone/18700000003"),
    ]
    for mixed in (records, records[::-1]):
        told = persons_with(mixed, decided)
        assert {name: (names(person), person["events"]) for name, person in told.items()} == {
            "user_id/U1": ({"user_id/U1", "phone/18700000002"}, 4),
            "user_id/U2": ({"user_id/U2", "phone/18700000001"}, 3),
            "phone/18700000003": ({"phone/18700000003"}, 1),
        }


@pytest.mark.parametrize(
    ("sdk", "api", "delivery"),
    [("analytics_next", "/v1", "single"), ("analytics_next", "/v1", "batching"), ("posthog_js", "", "")],
)
def test_a_page_tells_it_with_a_browser_sdk(
    sdk: str, api: str, delivery: str, collector: CollectorProcess, broker: KafkaBroker, tmp_path: Path
) -> None:
    chromium = browser()
    before = {record["messageId"] for record in raw_records(broker.bootstrap, sdk)}
    address = f"127.0.0.1:{collector.port}{api}"
    with serving() as site:
        title = chromium.title_of(f"{site}/{sdk}.html?key=key-{sdk}&api={address}&delivery={delivery}", tmp_path)
    assert title == "sent"
    records = [r for r in raw_records(broker.bootstrap, sdk) if r["messageId"] not in before]
    assert [record["type"] for record in sorted(records, key=lambda record: record["originalTimestamp"])] == [
        "page", "track", "identify", "group", "track", "alias",
    ]  # fmt: skip
    (visitor,) = {record["anonymousId"] for record in records}
    told = persons(records, tmp_path / "replay")
    assert {name: (names(person), person["events"]) for name, person in told.items()} == {
        "user_id/U1": ({"user_id/U1", f"anonymous_id/{visitor}", "anonymous_id/old-visitor", f"email/{EMAIL}"}, 6)
    }
