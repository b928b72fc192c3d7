"""`ebbtide fleet show` on a real broker: what two workers told of a book of facts is what a replay of it tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import require_kafka_or_skip
from support.business import with_business
from support.histories import DAYS, history
from support.live import command, drain, live
from support.raw import at

SEED = 5
SETTINGS = {
    "EBBTIDE_FLEET__MIN_SEGMENT": "1",
    "EBBTIDE_ECONOMICS__MIN_RENEWALS": "1",
    "EBBTIDE_ECONOMICS__MIN_ANSWERS": "1",
    "EBBTIDE_TRAINING__WEEKS": "2",
}


@pytest.mark.kafka
def test_the_topic_shows_what_a_replay_shows(tmp_path: Path) -> None:
    require_kafka_or_skip()
    book, out = tmp_path / "book.ndjson", tmp_path / "out"
    book.write_text("".join(json.dumps(body) + "\n" for body in with_business(SEED, history(SEED), DAYS)))
    command("replay", str(book), "--out", str(out), timeout=120, **SETTINGS)
    expected = json.loads(command("fleet", "show", "--dir", str(out), "--json", timeout=60, **SETTINGS).stdout)
    assert expected["segments"][""]["economics"]["lifetime"] is not None
    assert expected["channels"]
    assert expected["trainings"]
    assert expected["leads"]
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 4, **SETTINGS) as deployment:
        early = deployment.run("fleet", "show")
        assert (early.returncode, early.stderr.count("\n")) == (1, 1)
        assert "no fleet statistics of tenant default yet" in early.stderr
        for name in ("one", "two"):
            deployment.worker(name)
        sent = deployment.run("send", str(book))
        assert sent.returncode == 0, sent.stderr
        drain(deployment, at(DAYS + 1))
        shown = deployment.run("fleet", "show", "--json")
        assert shown.returncode == 0, shown.stderr
        assert json.loads(shown.stdout) == expected
        page = deployment.run("fleet", "show")
        assert page.returncode == 0, page.stderr
        assert "\x1b" not in page.stdout
        assert max(map(len, page.stdout.splitlines())) <= 100
        for title in ("SEGMENTS", "CHANNELS", "TRAININGS", "MODULES", "LEADS"):
            assert f"\n{title}" in page.stdout
