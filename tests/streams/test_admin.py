"""The admin port: what probes and Prometheus see."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from ebbtide.streams.admin import AdminPortError, AdminServer, installed_version
from ebbtide.streams.metrics import Metrics


class Service:
    """What the admin port tells about, under the test's control."""

    def __init__(self) -> None:
        self.metrics = Metrics(CollectorRegistry())
        self.not_ready: Callable[[], list[str]] = list
        self.unhealthy: Callable[[], list[str]] = list

    def admin(self, port: int = 0) -> AdminServer:
        return AdminServer(
            self.metrics,
            not_ready=self._ask_not_ready,
            unhealthy=self._ask_unhealthy,
            service="worker",
            port=port,
        )

    def _ask_not_ready(self) -> list[str]:
        return self.not_ready()

    def _ask_unhealthy(self) -> list[str]:
        return self.unhealthy()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[aiohttp.ClientSession]:
    admin = service.admin()
    port = await admin.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield session
    await admin.stop()


async def test_healthy_and_ready(client: aiohttp.ClientSession) -> None:
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        async with client.get(path) as answer:
            assert answer.status == 200
            assert await answer.json() == {"status": status, "reasons": []}


async def test_not_ready_says_why_and_stays_healthy(client: aiohttp.ClientSession, service: Service) -> None:
    service.not_ready = lambda: ["tables are being recovered: 1200 records to go"]
    async with client.get("/readyz") as answer:
        assert answer.status == 503
        assert await answer.json() == {
            "status": "not_ready",
            "reasons": ["tables are being recovered: 1200 records to go"],
        }
    async with client.get("/healthz") as answer:
        assert answer.status == 200


async def test_unhealthy_says_why(client: aiohttp.ClientSession, service: Service) -> None:
    service.unhealthy = lambda: ["no progress for 60 s"]
    async with client.get("/healthz") as answer:
        assert (answer.status, (await answer.json())["reasons"]) == (503, ["no progress for 60 s"])


async def test_a_check_that_fails_is_a_reason(client: aiohttp.ClientSession, service: Service) -> None:
    def broken() -> list[str]:
        raise LookupError("no such table")

    service.not_ready = broken
    async with client.get("/readyz") as answer:
        assert answer.status == 503
        assert "no such table" in (await answer.json())["reasons"][0]


async def test_metrics_in_both_formats(client: aiohttp.ClientSession, service: Service) -> None:
    service.metrics.records_in.labels("events").inc(3)
    async with client.get("/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        families = {family.name for family in text_string_to_metric_families(await answer.text())}
    assert {"ebbtide_records_in", "ebbtide_build_info"} <= families
    async with client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        text = await answer.text()
    assert 'ebbtide_records_in_total{topic="events"} 3.0' in text
    assert text.endswith("# EOF\n")


async def test_version(client: aiohttp.ClientSession) -> None:
    async with client.get("/version") as answer:
        said = await answer.json()
    assert said["service"] == "worker"
    assert said["version"] == installed_version()
    assert said["python"].startswith("3.")


async def test_nothing_else_is_served(client: aiohttp.ClientSession) -> None:
    async with client.get("/table/customers/acme/") as answer:
        assert answer.status == 404
    async with client.post("/healthz") as answer:
        assert answer.status == 405


async def test_a_taken_port_is_named(service: Service) -> None:
    first = service.admin()
    port = await first.start()
    second = Service().admin(port)
    with pytest.raises(AdminPortError, match=f"admin port {port} on 127.0.0.1 cannot be opened"):
        await second.start()
    await first.stop()
    assert await second.start() == port
    await second.stop()
    await second.stop()
