"""How fast `ebbtide deliver` pushes, against a bare client loop; and whether a dead endpoint delays another.

    ebbtide bench webhook

*Bare loop*: aiohttp's client, as many requests at a time, the same signed bodies to the same receiver from memory: no
Kafka, no order, no ledger. *Alone* and *beside a dead one* are times from the publishing of an alert until the receiver
has it, at the same pace in the same run: once with the healthy endpoint only, once with one more that takes
connections and never answers. Each in turns, several times; the best round of each counts.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import orjson

from ebbtide.models.delivery.formats.standard import ask
from ebbtide.models.delivery.message import Position, read
from ebbtide.models.delivery.target import Target
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.brokers.ports import free_ports
from ebbtide.streams.brokers.process import LeashedProcess
from ebbtide.streams.demo.stack import settings_for
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.sender import started_producer
from ebbtide.streams.topics import create_topics
from ebbtide.streams.transport import Output

RECORDS = 4_000
CONCURRENCY = 32
PACE = 100
"""Alerts a second of which the times are taken."""
SECONDS = 6.0
ROUNDS = 3
MOST_RATIO = 1.2
"""A dead endpoint makes the slowest hundredth of a healthy one's deliveries a fifth later at most."""
PATIENCE_S = 120.0
SECRET = "whsec_" + "YmVuY2g" * 6 + "aa"


def run(*, records: int = RECORDS, pace: int = PACE, seconds: float = SECONDS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure both. Rates are a second, times are seconds."""
    with tempfile.TemporaryDirectory(prefix="ebbtide-bench-") as directory, ExitStack() as stack:
        home = Path(directory)
        broker = stack.enter_context(KafkaBroker())
        (port,) = free_ports(1)
        receiver = LeashedProcess(
            [sys.executable, "-m", "ebbtide.streams.bench.webhook_receiver", str(port)], log=home / "receiver", cwd=home
        )
        stack.callback(receiver.kill)
        bench = _Bench(home, broker.bootstrap, f"http://127.0.0.1:{port}")
        create_topics(bench.settings)
        return asyncio.run(bench.measured(records, pace, seconds, rounds))


def render(result: dict[str, Any]) -> str:
    """The result as a table."""
    return "\n".join(
        [
            f"{'deliveries/s':<22} {'ebbtide':>9} {'bare loop':>10} {'ratio':>6}",
            f"{'':<22} {result['per_s']:>9,.0f} {result['bare_per_s']:>10,.0f} {result['ratio']:>6.2f}",
            f"{'ms to the receiver':<22} {'alone':>9} {'beside a dead one':>18} {'ratio':>6}",
            *(
                f"{name:<22} {result[f'alone_{name}_s'] * 1000:>9.1f} {result[f'beside_{name}_s'] * 1000:>18.1f} "
                f"{result[f'{name}_ratio']:>6.2f}"
                for name in ("p50", "p99")
            ),
            f"{result['records']:,} alerts of as many customers, {result['concurrency']} requests at a time; "
            f"{result['pace']} a second for the times; load average {result['load_average']:.1f}; "
            f"Python {result['python']}",
        ]
    )


def fault(result: dict[str, Any]) -> str | None:
    """What must not be, or None: an endpoint that waits for another."""
    ratio = result["p99_ratio"]
    if ratio <= MOST_RATIO:
        return None
    return (
        f"beside a dead endpoint 99 % of alerts took {ratio:.2f} times as long as alone, and at most {MOST_RATIO:g} is "
        f"right; at a load average of {result['load_average']:.1f} measure again on a quiet machine"
    )


class _Bench:
    def __init__(self, home: Path, bootstrap: str, url: str) -> None:
        self._home = home
        self._url = url
        self.settings = settings_for(f"kafka://{bootstrap}")
        self._bootstrap = bootstrap
        self._group = f"bench-{uuid4().hex[:8]}"
        self._version = 0

    async def measured(self, records: int, pace: int, seconds: float, rounds: int) -> dict[str, Any]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as session:
            await self._receiver(session)
            rates, bare = [], []
            for _ in range(rounds):
                bare.append(await self._bare(session, records))
                rates.append(await self._pushed(session, records))
            times: dict[str, list[list[float]]] = {"alone": [], "beside": []}
            for _ in range(rounds):
                for name, dead in (("alone", False), ("beside", True)):
                    times[name].append(await self._timed(session, pace, seconds, dead=dead))
        spread = {f"{name}_{p}_s": min(_percentile(each, share) for each in found) for name, found in times.items()
                  for p, share in (("p50", 0.5), ("p99", 0.99))}  # fmt: skip
        return {
            "records": records,
            "concurrency": CONCURRENCY,
            "pace": pace,
            "per_s": max(rates),
            "bare_per_s": max(bare),
            "ratio": max(rates) / max(bare),
            **spread,
            "p50_ratio": spread["beside_p50_s"] / spread["alone_p50_s"],
            "p99_ratio": spread["beside_p99_s"] / spread["alone_p99_s"],
            "load_average": os.getloadavg()[0],
            "python": platform.python_version(),
        }

    async def _bare(self, session: aiohttp.ClientSession, records: int) -> float:
        target = Target("bench", f"{self._url}/hook", secrets=(SECRET,))
        source = Position(Topic.ALERTS.topic_name, 0, 0)
        asked = []
        for output in self._alerts(records):
            message = read(source, (output.key or b"").decode(), output.value or b"", 0)
            asked.append(ask([message], target, time.time_ns() // 1_000_000))
        waiting = iter(asked)

        async def loop() -> None:
            for request in waiting:
                async with session.post(request.url, data=request.body, headers=request.headers) as answer:
                    await answer.read()

        await asyncio.gather(*(loop() for _ in range(CONCURRENCY)))
        return await self._rate(session, records)

    async def _pushed(self, session: aiohttp.ClientSession, records: int) -> float:
        """From the first that arrives to the last; all lie in Kafka before."""
        await self._publish(self._alerts(records))
        with self._delivering(dead=False):
            await self._arrived(session, records)
        return await self._rate(session, records)

    async def _timed(self, session: aiohttp.ClientSession, pace: int, seconds: float, *, dead: bool) -> list[float]:
        with self._delivering(dead=dead):
            await self._publish(self._alerts(100))
            await self._arrived(session, 100)
            await asyncio.sleep(3.0)  # by then the dead one is known to be dead
            await self._tell(session)
            producer = await started_producer(self.settings)
            try:
                count, began = 0, time.monotonic()
                while count < pace * seconds:
                    await producer.send_all(self._alerts(max(1, pace // 20)))
                    count += max(1, pace // 20)
                    await asyncio.sleep(max(0.0, began + count / pace - time.monotonic()))
            finally:
                await producer.stop()
            await self._arrived(session, count)
            found: list[float] = (await self._tell(session))["delays_s"]
            return found

    def _alerts(self, count: int) -> Iterator[Output]:
        """Each of another customer, about as long as real ones."""
        self._version += 1
        for number in range(count):
            customer = f"customer-{self._version}-{number}"
            value = {
                "alert_id": customer, "tenant": "bench", "kind": "risk", "type": "asleep", "customer_id": customer,
                "customer_name": "Acme Ltd", "person_id": None, "state": "open", "severity": "warning",
                "occurred_at": "2025-01-23T00:00:00Z", "version": 1, "evidence": {"sent_at": time.time()},
                "contributions": [{"feature": f"feature_{n}", "value": n / 7, "contribution": 0.0} for n in range(24)],
                "p_churn": 0.29, "reasons_en": ["silent for 14 days"], "reasons_zh": ["已沉默14天"], "play": "check_in",
                "owner": "csm-ines", "route": "csm", "at_stake": None,
            }  # fmt: skip
            yield Output(Topic.ALERTS.topic_name, customer.encode(), orjson.dumps(value))

    async def _publish(self, outputs: Iterator[Output]) -> None:
        producer = await started_producer(self.settings)
        try:
            await producer.send_all(outputs)
        finally:
            await producer.stop()

    @contextmanager
    def _delivering(self, *, dead: bool) -> Iterator[None]:
        """`ebbtide deliver` as a user runs it. The dead endpoint begins anew each time, with all that there is."""
        common = {"allow": ["127.0.0.1"], "allow_http": True, "secrets": [SECRET], "topics": ["alerts"],
                  "concurrency": CONCURRENCY, "rate_per_second": 10_000, "burst": 10_000}  # fmt: skip
        endpoints = {"healthy": {**common, "url": f"{self._url}/hook"}}
        if dead:
            endpoints[f"dead-{uuid4().hex[:6]}"] = {**common, "url": f"{self._url}/dead", "timeout_seconds": 1}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EBBTIDE_")}
        env = kept | {
            "EBBTIDE_BROKER__URL": f"kafka://{self._bootstrap}",
            "EBBTIDE_WORKER__APP_ID": self._group,
            "EBBTIDE_ADMIN__PORT": "0",
            "EBBTIDE_DELIVER__ENDPOINTS": orjson.dumps(endpoints).decode(),
        }
        process = LeashedProcess(
            [sys.executable, "-m", "ebbtide.streams.cli", "deliver"],
            log=self._home / "deliver",
            cwd=self._home,
            env=env,
        )
        try:
            yield
        finally:
            process.stop(timeout=20.0)

    async def _arrived(self, session: aiohttp.ClientSession, count: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            async with session.get(f"{self._url}/count") as answer:
                if await answer.json() >= count:
                    return
            if time.monotonic() > deadline:
                raise EbbtideError(f"not all of {count} arrived; {(self._home / 'deliver').read_text()[-2_000:]}")
            await asyncio.sleep(0.05)

    async def _rate(self, session: aiohttp.ClientSession, count: int) -> float:
        at = (await self._tell(session))["at"]
        return (count - 1) / (max(at) - min(at))

    async def _tell(self, session: aiohttp.ClientSession) -> dict[str, list[float]]:
        async with session.get(f"{self._url}/tell") as answer:
            told: dict[str, list[float]] = await answer.json()
            return told

    async def _receiver(self, session: aiohttp.ClientSession) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                await self._tell(session)
                return
            except aiohttp.ClientError:
                if time.monotonic() > deadline:
                    raise EbbtideError(f"the receiver did not start: {(self._home / 'receiver').read_text()}") from None
                await asyncio.sleep(0.1)


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
