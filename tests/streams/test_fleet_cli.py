"""`ebbtide fleet show`: what it reads, what it says, and what it refuses."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from ebbtide.schemas.base import Money
from ebbtide.schemas.fleet import (
    ChannelStats,
    EffectStats,
    FleetStats,
    KeywordStats,
    LifetimeStats,
    LtvStats,
    NpsStats,
    RateStats,
    SegmentEconomics,
    SegmentStats,
    Spend,
    TrainingStats,
)
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.cli import fleet as cli
from ebbtide.streams.cli.fleet_page import NARROWEST, page
from ebbtide.streams.cli.options import WIDTH
from ebbtide.streams.codec import TICK_KEY
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.published import from_topic
from ebbtide.streams.settings import BrokerSettings, Settings
from ebbtide.streams.transport import Output
from ebbtide.streams.transport.partitioner import partition_of
from support.brokers import create_topics
from support.identity_topics import send
from support.raw import at

PARTITIONS = 3
TOPIC = Topic.FLEET_STATS.topic_name
KNOWN = SegmentEconomics(
    renewal=RateStats(share=0.7, n=60, low=0.575, high=0.801),
    verdict="unsure",
    lifetime=LifetimeStats(periods=3.333, low=2.35, high=5.03),
    multiple=2.667,
    expansion=RateStats(share=0.25, n=60, low=0.158, high=0.372),
    referral=RateStats(share=0.2, n=30, low=0.095, high=0.373),
    nps=NpsStats(score=-12.4, n=25, low=-40, high=15),
    ltv=[
        LtvStats(currency="USD", customers=40, median=1_200, ltv=3_200, low=2_256, high=4_829),
        LtvStats(currency="EUR", customers=12, median=800, ltv=2_133, low=1_504, high=3_219),
    ],
)


def segment(customers: int, economics: SegmentEconomics | None = None, **fields: Any) -> SegmentStats:
    given = {"quantiles": {}, "counters": {}, "modules": {}, "share_dropping": None, "pareto_value": None} | fields
    return SegmentStats(customers=customers, economics=economics or SegmentEconomics(), **given)


def stats(day: int = 7, tenant: str = "default", **fields: Any) -> FleetStats:
    given = {"segments": {"": segment(80, KNOWN), "small": segment(20)}} | fields
    return FleetStats(tenant=tenant, as_of=at(day), accuracy=0.01, **given)


def written(directory: Path, *records: FleetStats) -> Path:
    (directory / "fleet-stats.ndjson").write_bytes(b"".join(one.to_json() + b"\n" for one in records))
    return directory


def run(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.command, ["show", "--dir", str(directory), *arguments])


def lines(directory: Path, *records: FleetStats, options: tuple[str, ...] = ()) -> list[str]:
    """The page, with one space between words."""
    done = run(written(directory, *records), *options)
    assert done.exit_code == 0, done.exception
    assert max(map(len, done.stdout.splitlines())) <= 100
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


def test_segments_with_their_economics(tmp_path: Path) -> None:
    found = lines(tmp_path, stats(14), stats(7, segments={"": segment(1)}), stats(21, "other"))
    assert found[0] == ("tenant default · as of 2025-01-20 · 80 customers: 0 active in 28 days, 0 left")
    assert "everybody 80 70 % of 60 57-80 % unsure 3.33 3,200 USD" in found
    assert "2,133 EUR" in found
    assert "small 20 – – too few – –" in found
    assert "everybody 25 % of 60 16-37 % 20 % of 30 10-37 % -12 of 25 –" in found
    assert "small – – – – – –" in found
    assert "60 of 80 customers in no segment, or in one too small to tell" in found
    assert "no lead came by a channel, and nothing was spent" in found
    assert "no training is old enough to tell what came of it" in found
    assert not any(line.startswith("LEADS") for line in found)


@pytest.mark.parametrize(
    ("verdict", "word"), [("healthy", "above"), ("unhealthy", "BELOW"), ("unsure", "unsure"), ("too_few", "too few")]
)
def test_the_renewal_rate_against_its_line(tmp_path: Path, verdict: str, word: str) -> None:
    economics = KNOWN.model_copy(update={"verdict": verdict, "ltv": []})
    dropping = segment(9, economics, share_dropping=0.25, counters={"comparable": 8, "active_28d": 6, "left": 2})
    found = lines(tmp_path, stats(segments={"": dropping}))
    assert f"everybody 9 70 % of 60 57-80 % {word} 3.33 –" in found
    assert "everybody 25 % of 60 16-37 % 20 % of 30 10-37 % -12 of 25 25 % of 8" in found
    assert found[0].endswith("9 customers: 6 active in 28 days, 2 left")
    assert not any("in no segment" in line for line in found)


def channel(name: str, **fields: Any) -> ChannelStats:
    given = {"clicks": 500, "spend": [Spend(currency="USD", amount_micros=900_000_000)], "leads": 4} | fields
    return ChannelStats(channel=name, **given)


def test_channels_with_the_flag_explained(tmp_path: Path) -> None:
    cost = {"paid": 3, "cac": Money(amount=300, currency="USD")}
    channels = [
        channel("display", clicks=9_000, flagged=True, keywords=[KeywordStats(keyword="", clicks=9_000)]),
        channel("search", **cost, ltv_to_cac=2.4, healthy=False, keywords=[KeywordStats(keyword="churn", clicks=5)]),
        channel("fair", **cost, ltv_to_cac=3.0, healthy=True, spend=[]),
    ]
    found = lines(tmp_path, stats(channels=channels))
    assert "display 9,000 900 USD 4 0 0 0 – – !" in found
    assert "search 500 900 USD 4 0 0 3 300 USD 2.4 low" in found
    assert "churn 5 – 0 0 0 0 – –" in found
    assert "fair 500 – 4 0 0 3 300 USD 3.0" in found
    text = " ".join(found)
    flag = "in the top quarter of channels by clicks (9,000), in the bottom quarter by deals (0)"
    assert f"! display only looks good: {flag}" in text
    assert "low below 3" in text
    # A keyword that is none says nothing that the channel does not.
    assert sum(line.startswith("display") for line in found) == 1


def test_trainings_modules_and_leads(tmp_path: Path) -> None:
    effect = EffectStats(uses=6.9, low=5.0, high=8.7, trained=71, untrained=40, proven=True)
    unproven = effect.model_copy(update={"low": -1.25, "proven": False})
    trainings = [
        TrainingStats(trained=71, against_customers=effect, against_features=unproven, against_both=None),
        TrainingStats(module="funnels", trained=3),
        TrainingStats(trainer="ou", trained=3),
    ]
    used = {f"m{n:02d}": 40 - n for n in range(14)}
    told = stats(
        trainings=trainings,
        segments={"": segment(80, modules=used)},
        leads={"": ["c9"], "kim": ["c1", "c2"], "l\u0007eo": ["c3"]},
    )
    found = lines(tmp_path, told)
    assert "all 71 +6.9 [5.0, 8.7]* +6.9 [-1.2, 8.7] too few" in found
    assert "module funnels 3 too few too few too few" in found
    assert "trainer ou 3 too few too few too few" in found
    assert f"m00 50 % {'█' * 15}" in found
    assert "and 2 more; --json has all" in found
    assert "owner open leads call first" in found
    assert [line for line in found if line.endswith(("c1", "c3", "c9"))] == ["kim 2 c1", "nobody 1 c9", "l\\x07eo 1 c3"]


def test_one_segment_beside_everybody(tmp_path: Path) -> None:
    told = stats(segments={"": segment(80), "b": segment(40), "small": segment(20, modules={"funnels": 5})})
    found = lines(tmp_path, told, options=("--segment", "small"))
    assert [line.split()[0] for line in found if line.endswith("–")] == ["everybody", "small"] * 2
    assert not any("in no segment" in line for line in found)
    assert "MODULES share of all customers of small who used it in 28 days" in found
    assert f"funnels 25 % {'█' * 8}" in found
    assert not any(line.startswith("CHANNELS") for line in found)
    refused = run(tmp_path, "--segment", "none")
    assert isinstance(refused.exception, EbbtideError)
    assert str(refused.exception) == (
        "there is no segment none as of 2025-01-13; those with enough customers: b, small"
    )


def test_keywords_that_are_not_shown_are_counted(tmp_path: Path) -> None:
    keywords = [KeywordStats(keyword=f"k{n}", clicks=9 - n) for n in range(4)] + [KeywordStats(keyword="")]
    found = lines(tmp_path, stats(channels=[channel("search", keywords=keywords)]))
    assert [line.split()[0] for line in found if line.startswith("k")] == ["k0", "k1", "k2"]
    assert "and 2 more" in found
    found = lines(tmp_path, stats(channels=[channel("search", keywords=[KeywordStats(keyword=""), keywords[0]])]))
    assert "no keyword 0 – 0 0 0 0 – –" in found


def test_nobody_and_one_customer(tmp_path: Path) -> None:
    empty = lines(tmp_path, stats(segments={"": segment(0)}))
    assert empty[0].startswith("tenant default · as of 2025-01-13 · 0 customers: 0 active")
    assert "everybody 0 – – too few – –" in empty
    assert "nobody used any" in empty
    one = lines(tmp_path, stats(segments={"": segment(1, modules={"funnels": 1})}))
    assert one[0].startswith("tenant default · as of 2025-01-13 · 1 customer: ")
    assert f"funnels 100 % {'█' * 30}" in one


@pytest.mark.parametrize("width", [NARROWEST, 90, WIDTH])
def test_at_any_width_no_number_is_cut_or_broken_and_the_names_give_way(width: int) -> None:
    """Numbers as great as those of a real book; a name may take several lines."""
    effect = EffectStats(uses=10.1, low=-14.3, high=115.9, trained=71, untrained=40, proven=True)
    told = stats(
        segments={"": segment(12_345, KNOWN, share_dropping=0.104, counters={"comparable": 9_777})},
        channels=[
            channel(
                "a channel with a long name",
                clicks=104_427,
                spend=[Spend(currency="USD", amount_micros=82_656_000_000)],
                cac=Money(amount=2_656, currency="USD"),
                ltv_to_cac=0.9,
                healthy=False,
                flagged=True,
            )
        ],
        trainings=[
            TrainingStats(
                module="experiments and more",
                trained=100,
                against_customers=effect,
                against_features=effect,
                against_both=effect,
            )
        ],
        leads={"kim": ["a810b43e-f418-52d5-9f1a-5b43d21d49db"]},
    )
    console = Console(file=StringIO(), width=width, highlight=False)
    console.print(page(told, width=width))
    assert isinstance(console.file, StringIO)
    rows = console.file.getvalue().splitlines()
    assert max(map(len, rows)) <= width
    text = "\n".join(" ".join(row.split()) for row in rows)
    assert "…" not in text
    for whole in (
        "12,345 70 % of 60 57-80 % unsure 3.33 3,200 USD",
        "25 % of 60 16-37 % 20 % of 30 10-37 % -12 of 25 10.4 % of 9,777",
        "104,427 82,656 USD 4 0 0 0 2,656 USD 0.9 low !",
        "100 +10.1 [-14.3, 115.9]* +10.1 [-14.3, 115.9]* +10.1 [-14.3, 115.9]*",
        "kim 1 a810b43e-f418-52d5-9f1a-5b43d21d49db",
    ):
        assert whole in text


def test_a_pipe_gets_no_colours_nor_does_who_wants_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, stats(segments={"": segment(9, KNOWN.model_copy(update={"verdict": "unhealthy"}))}))
    assert "\x1b" not in run(tmp_path).stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert re.search(r"\x1b\[31m *BELOW", run(tmp_path).stdout)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in run(tmp_path).stdout


def test_json_is_the_record_itself(tmp_path: Path) -> None:
    told = stats()
    written(tmp_path, told)
    assert json.loads(run(tmp_path, "--json").stdout) == json.loads(told.to_json())
    one = json.loads(run(tmp_path, "--json", "--segment", "small").stdout)
    assert list(one["segments"]) == ["small"]


def test_what_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    for arguments, word in (((), "has no fleet-stats.ndjson"), (("--tenant", "x"), "has no fleet-stats.ndjson")):
        assert word in str(run(tmp_path, *arguments).exception)
    written(tmp_path, stats())
    assert "no fleet statistics of tenant x yet" in str(run(tmp_path, "--tenant", "x").exception)
    (tmp_path / "fleet-stats.ndjson").write_text(f"{stats().to_json().decode()}\n{{}}\n")
    assert "fleet-stats.ndjson line 2 is no FleetStats of this version" in str(run(tmp_path).exception)


@pytest.mark.kafka
def test_the_newest_of_the_tenant_is_read_from_the_topic(kafka: KafkaBroker) -> None:
    settings = Settings(broker=BrokerSettings(url=f"kafka://{kafka.bootstrap}"))
    create_topics(kafka.bootstrap, {TOPIC: PARTITIONS})
    home = partition_of(b"t", PARTITIONS)
    records = [stats(14, "t"), stats(7, "t"), stats(21, "u")]
    send(
        settings,
        *(Output(TOPIC, one.tenant.encode(), one.to_json(), home) for one in records),
        Output(TOPIC, TICK_KEY, b"{}", home),
    )
    assert cli.newest(from_topic(settings, Topic.FLEET_STATS, FleetStats, "t")) == records[0]
    assert list(from_topic(settings, Topic.FLEET_STATS, FleetStats, "v")) == []
