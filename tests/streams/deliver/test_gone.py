"""410 Gone with a real Kafka: it holds over restarts, hand-overs and kill -9, until somebody enables the endpoint."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ebbtide.schemas.deliveries import DeliveryStatus
from ebbtide.streams.cli import root
from ebbtide.streams.doctor import Status, examine
from ebbtide.streams.metrics import Metrics
from support.deliveries import alert, deliver_settings, delivering, endpoint, ledger, publish, score, until
from support.receiver import SECRET, Receiver

pytestmark = pytest.mark.kafka


def disabled(metrics: Metrics, name: str) -> bool:
    return bool(metrics.delivery_endpoint_state.labels(name, "disabled")._value.get() == 1)


class Operator:
    """The command line beside a running `ebbtide deliver`."""

    def __init__(self, home: Path, bootstrap: str, group: str, given: dict[str, Any]) -> None:
        self.file = home / "ebbtide.yml"
        self.file.write_text(json.dumps({"deliver": {"endpoints": given}}))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EBBTIDE_")}
        self.env = kept | {"EBBTIDE_BROKER__URL": f"kafka://{bootstrap}", "EBBTIDE_WORKER__APP_ID": group}
        self.env |= {"EBBTIDE_ADMIN__PORT": "0", "EBBTIDE_WORKER__SESSION_TIMEOUT_SECONDS": "6"}
        self._log = home / "out"

    async def says(self, *words: str) -> Result:
        asked = ["deliveries", *words, "--settings", str(self.file)]
        return await asyncio.to_thread(lambda: CliRunner().invoke(root, asked, env=self.env, catch_exceptions=False))

    def starts(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ebbtide.streams.cli", "deliver", "--settings", str(self.file)]
        return subprocess.Popen(command, env=self.env, stdout=self._log.open("ab"), stderr=subprocess.STDOUT)

    def said(self) -> str:
        return self._log.read_text()


def given(url: str, tenant: str) -> dict[str, Any]:
    return {"url": url, "tenants": [tenant], "allow": ["127.0.0.1"], "allow_http": True, "secrets": [SECRET]}


@pytest.mark.timeout(120)
async def test_killed_and_taken_over_it_stays_disabled_until_somebody_enables_it(
    bootstrap: str, tenant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then all that waited arrives, in order, and the next start needs to be told nothing."""
    name = f"crm-{tenant}"
    with Receiver(script=lambda _: "410") as receiver:
        settings = deliver_settings(bootstrap, {name: endpoint(receiver.url, tenant, concurrency=1)})
        operator = Operator(tmp_path, bootstrap, settings.worker.app_id, {name: given(receiver.url, tenant)})
        customers = [f"c{number}" for number in range(5)]
        await publish(settings, [alert(tenant, one, 1) for one in customers])
        process = operator.starts()
        try:
            await until(lambda: f"{name} answered 410 Gone" in operator.said(), "it is disabled", 40)
            await asyncio.sleep(0.5)
        finally:
            process.kill()
            process.wait()
        asked = len(receiver.received)
        assert 1 <= asked <= 5, "each once at most, all at a time"

        receiver.script = lambda _: ""
        await publish(settings, [alert(tenant, one, version) for version in (2, 3) for one in customers])
        async with delivering(settings) as metrics:  # waits for the dead member's session to end, and takes over
            waits = metrics.delivery_waiting_records.labels(name)._value
            await until(lambda: waits.get() == 15, "all is read", 40)
            await asyncio.sleep(1.5)
            assert disabled(metrics, name)
            assert len(receiver.received) == asked, "not asked again"

            listed = await operator.says("list", "--endpoint", name)
            assert f"{name} answered 410 Gone" in listed.stderr
            assert f"ebbtide deliveries enable {name}" in listed.stderr
            monkeypatch.setenv("EBBTIDE_BROKER__URL", f"kafka://{bootstrap}")
            checks = {check.name: check for check in await asyncio.to_thread(examine, operator.file)}
            assert checks[f"endpoint {name}"].status is Status.FAIL
            assert "410 Gone" in checks[f"endpoint {name}"].found

            assert "is enabled" in (await operator.says("enable", name)).stdout
            await until(lambda: len(receiver.taken()) == 15, "all that waited")
            await until(lambda: not disabled(metrics, name), "and the metric says so")
        assert receiver.versions() == {("alert", one): [1, 2, 3] for one in customers}
        assert "is not disabled" in (await operator.says("enable", name)).stdout
        assert (await operator.says("list", "--endpoint", name)).stderr == ""
        async with delivering(settings) as metrics:  # enabled for good
            await publish(settings, [score(tenant, "c0", 9)])
            await until(lambda: len(receiver.taken()) == 16, "what comes next")
    assert {line.status for line in ledger(settings, tenant)} == {DeliveryStatus.RETRYING, DeliveryStatus.DELIVERED}


async def test_another_address_is_asked(bootstrap: str, tenant: str) -> None:
    with Receiver(script=lambda _: "410") as old, Receiver() as new:
        settings = deliver_settings(bootstrap, {"moved": endpoint(old.url, tenant)})
        await publish(settings, [alert(tenant, "c1", 1)])
        async with delivering(settings) as metrics:
            await until(lambda: disabled(metrics, "moved"), "it is disabled")
            await asyncio.sleep(0.6)
        moved = {"moved": endpoint(new.url, tenant)}
        async with delivering(settings.model_copy(update={"deliver": type(settings.deliver)(endpoints=moved)})):
            await until(lambda: len(new.taken()) == 1, "what waited")
