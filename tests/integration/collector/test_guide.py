"""The snippets of the guide do what it says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from support.collecting import CollectorProcess, collecting, raw_records
from support.docs import ROOT
from support.sdk_environments import python_with

pytestmark = pytest.mark.kafka
GUIDE = (ROOT / "docs" / "guides" / "send-with-your-sdk.md").read_text(encoding="utf-8")
ANSWERS = (ROOT / "docs" / "guides" / "answer-an-alert.md").read_text(encoding="utf-8")
SNIPPETS = {
    "segment_analytics_python": "import segment.analytics",
    "analytics_python": "import analytics\n",
    "rudder_sdk_python": "import rudderstack.analytics",
    "posthog_sdk": "from posthog",
    "sensors_analytics_sdk": "from sensorsanalytics",
}
"""The SDKs, each with how its snippet begins."""
TENANT = "guide"


@pytest.fixture(scope="module")
def collector(broker: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorProcess]:
    keys = {"WRITE_KEYS": f'{{"{TENANT}": ["write-4c1f"]}}', "SECRET_KEYS": f'{{"{TENANT}": ["secret-9a7e"]}}'}
    with collecting(broker.bootstrap, tmp_path_factory.mktemp("collector"), **keys) as process:
        yield process


def test_every_snippet_is_run() -> None:
    found = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert sorted(found) == sorted(map(snippet, SNIPPETS))


def snippet(sdk: str) -> str:
    """The one that begins as the SDK's does."""
    (text,) = re.findall(rf"^```python\n({re.escape(SNIPPETS[sdk])}.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    return str(text)


@pytest.mark.parametrize("sdk", SNIPPETS)
def test_a_snippet_sends(sdk: str, collector: CollectorProcess, broker: KafkaBroker, tmp_path: Path) -> None:
    text = snippet(sdk)
    assert "http://127.0.0.1:8080" in text
    assert "YOUR_WRITE_KEY" in text
    program = tmp_path / "snippet.py"
    program.write_text(text.replace("http://127.0.0.1:8080", collector.url).replace("YOUR_WRITE_KEY", "write-4c1f"))
    before = {record["messageId"] for record in raw_records(broker.bootstrap, TENANT)}
    done = subprocess.run(
        [str(python_with(sdk)), str(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    sent = [r for r in raw_records(broker.bootstrap, TENANT) if r["messageId"] not in before]
    tracked = [record for record in sent if record["type"] == "track"]
    assert [record["event"].replace(" ", "") for record in tracked] == ["ReportExported"]
    assert tracked[0]["userId"] == "u1"
    assert "acme" in (tracked[0].get("groupId"), tracked[0].get("context", {}).get("groupId"))


@pytest.mark.parametrize(
    ("page", "path", "topic"),
    [(GUIDE, "/v1/crm", Topic.RAW_CRM), (ANSWERS, "/v1/feedback", Topic.FEEDBACK)],
)
def test_a_line_of_curl_is_taken(
    page: str, path: str, topic: Topic, collector: CollectorProcess, broker: KafkaBroker
) -> None:
    (line,) = re.findall(rf"^(curl http://127\.0\.0\.1:8080{path} .*?)^```", page, re.MULTILINE | re.DOTALL)
    command = line.replace("http://127.0.0.1:8080", collector.url)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30, check=False)
    assert '"success":true' in done.stdout, done.stdout + done.stderr
    assert raw_records(broker.bootstrap, TENANT, topic)
