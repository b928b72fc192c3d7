"""The page of one customer: the whole of it as text, and what it says where there is little to say.

``UPDATE_GOLDEN=1 pytest tests/streams/test_customer_page.py`` writes the page anew; read it before you commit it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from io import StringIO
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.fields import FIELDS, RecordField
from ebbtide.models.customer.sources import SourceBook
from ebbtide.models.policy import AdoptionPolicy, CorePolicy
from ebbtide.models.portrait.portrait import Portrait, portrait
from ebbtide.schemas.customer_record import CustomerRecord, Field
from ebbtide.schemas.fleet import SourceHeartbeat
from ebbtide.streams.cli import customer_page
from ebbtide.streams.cli.customer_page import MOST_FACTS, MOST_MODULES, MOST_PEOPLE, page
from ebbtide.streams.cli.field_values import value_text
from ebbtide.streams.cli.language import Language
from ebbtide.streams.cli.options import WIDTH
from ebbtide.streams.cli.sparkline import BLOCKS, sparkline
from support.customers import SETTLED, acme, bucket, customer, share
from support.goldens import GOLDEN, UPDATE
from support.raw import DAY_0, at


def text_of(made: Customer, *, policy: CorePolicy | None = None, **asked: Any) -> str:
    """The page as it goes into a pipe."""
    return printed(portrait(made, DAY_0 + SETTLED, policy or CorePolicy()), **asked)


def printed(told: Portrait, **asked: Any) -> str:
    """The page of a portrait."""
    console = Console(file=StringIO(), width=WIDTH, highlight=False)
    console.print(page(told, "ebbtide-customers-changelog, partition 1, offset 2; found by id", **asked))
    assert isinstance(console.file, StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def section(text: str, title: str) -> str:
    """From a title to the next empty line."""
    return text[text.index(f"\n{title}") :].lstrip("\n").partition("\n\n")[0]


@pytest.mark.parametrize("sources", [False, True])
def test_the_whole_page(sources: bool) -> None:
    path = GOLDEN / ("customer-page-sources.txt" if sources else "customer-page.txt")
    found = text_of(acme(), sources=sources)
    if os.environ.get(UPDATE):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_reasons_in_chinese() -> None:
    found = text_of(acme(), language=Language.ZH)
    assert "why            流失概率38%，起点为27%：流失与留存之比×1.66" in section(found, "HEALTH")
    assert "沉默时长为其平时间隔的3.57倍：风险升高，流失与留存之比×2.12" in section(found, "HEALTH")
    assert "已沉默5天，而其自身节奏为每1.4天活跃一次" in section(found, "OPEN ALERTS")
    assert "以reports、export最为突出（占增长的88%）；2家相似客户尚未使用reports" in section(
        found, "OPEN ALERTS"
    ).replace("\n" + " " * 17, "")
    assert "相似且尚未使用reports：Hooli (82 %)、c-3 (41 %)" in section(found, "OPEN ALERTS")
    unknown = text_of(customer("anonymous_id/b-1", b=share("anonymous_id/b-1", {})), language=Language.ZH)
    assert "cannot score   anonymous: 尚不知其身份" in section(unknown, "HEALTH")


def test_nobody_is_said_to_be_alike_where_nobody_is() -> None:
    one = acme()
    one.alerts["surge"].evidence["look_alikes"] = []
    found = section(text_of(one), "OPEN ALERTS")
    assert "alike" not in found
    assert "above all in reports" in found


def test_no_line_is_wider_than_the_page_and_no_control_character_gets_through() -> None:
    found = text_of(acme(), sources=True)
    assert max(map(len, found.splitlines())) <= WIDTH
    assert all(character.isprintable() for line in found.splitlines() for character in line)


def test_what_the_vendor_tells_of_a_customer_is_among_the_reasons() -> None:
    made = acme()
    assert made.score is not None
    made.score.attributes = {"term": "month\x1b[31m", "size": 29.85}
    made.score.of_attributes = (-0.6, 0.9)
    found = section(text_of(made), "HEALTH")
    assert r"term is month\x1b[31m: raises the risk, odds × 2.46" in found
    assert "size is 29.9: lowers the risk, odds ÷ 1.82" in found


def test_a_customer_of_whom_nothing_is_known() -> None:
    found = text_of(customer("anonymous_id/b-1", b=share("anonymous_id/b-1", {})))
    assert found.startswith("b-1 ")
    assert "cannot score   anonymous: nobody knows who this is" in section(found, "HEALTH")
    assert "never active" in section(found, "RHYTHM")
    for title, said in (("OPEN ALERTS", "none"), ("MODULES", "none used"), ("FACTS", "none")):
        assert said in section(found, title)
    assert "0 % of what is expected at this stage; missing: name, region" in section(found, "DATA")
    assert "none in the last weeks" in section(found, "DATA")


def test_nobody_acted_in_an_account_that_only_the_crm_knows() -> None:
    made = customer("group_id/new", crm=share("group_id/new", {}, traits={"name": "New Ltd"}))
    found = text_of(made)
    assert "nobody" in section(found, "PEOPLE")
    assert "no activity of it counts" in section(found, "HEALTH")


def test_a_person_goes_by_its_own_name_and_an_account_never_by_that_of_a_person() -> None:
    ann = share("user_id/ann", {200: bucket()}, traits={"person_name": "Ann Lee"})
    assert text_of(customer("user_id/ann", ann=ann)).startswith("Ann Lee ")
    assert text_of(customer("group_id/acme", ann=ann)).startswith("acme ")


def test_a_rhythm_of_which_little_was_seen_is_called_so() -> None:
    ann = share("user_id/ann", {208: bucket()})
    rhythm = section(text_of(customer("user_id/ann", ann=ann)), "RHYTHM")
    assert "too little seen of its own; taken as active every 7 days" in rhythm
    assert "awake since 2025-08-02 · if silent asleep from 2025-08-16, left from 2025-09-24" in rhythm


def test_who_has_left() -> None:
    ann = share("user_id/ann", {day: bucket() for day in range(0, 20, 2)})
    rhythm = section(text_of(customer("user_id/ann", ann=ann)), "RHYTHM")
    assert "left since 2025-02-08 · asleep from 2025-01-28" in rhythm


def test_long_lists_are_cut_and_counted() -> None:
    uses = {f"module-{place:02}": 30 - place for place in range(MOST_MODULES + 14)}
    shares = {}
    for place in range(MOST_PEOPLE + 3):
        shares[str(place)] = share(f"user_id/{place:02}", {200: bucket()})
    shares["0"].uses = {DAY_0 + 200: uses}
    shares["0"].outcomes = {str(n): ("invoice.paid", n, {}) for n in range(MOST_FACTS + 5)}
    found = text_of(customer("group_id/acme", **shares))
    assert "and 2 more" in section(found, "MODULES")
    assert "3 more: --json names all" in section(found, "PEOPLE")
    assert "newest 10 of 15" in section(found, "FACTS")
    assert section(found, "FACTS").count("invoice.paid") == MOST_FACTS


def test_modules_on_sale_that_nobody_uses() -> None:
    policy = CorePolicy(adoption=AdoptionPolicy(modules=("dashboards", "cohorts")))
    assert "not yet used   cohorts" in section(text_of(acme(), policy=policy), "MODULES")


@pytest.fixture
def silenced() -> Portrait:
    """Acme, whose sources were heard last on Thursday, 2025-07-31, at noon; evaluated on until they were overdue."""
    made = acme()
    made.blind = True
    book = SourceBook(CorePolicy().sources)
    for source in ("web", "app"):
        heard = [at(day, 43_200) for day in range(180, 207)]
        for when in heard:
            book.put(SourceHeartbeat(tenant="default", source=source, occurred_at=when, interval_seconds=86_400))
    return portrait(made, DAY_0 + SETTLED, CorePolicy(), book=book)


def test_the_whole_page_of_a_customer_whose_sources_are_silent(silenced: Portrait) -> None:
    path = GOLDEN / "customer-page-blind.txt"
    found = printed(silenced)
    if os.environ.get(UPDATE):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_of_a_customer_that_cannot_be_seen_no_silence_is_claimed_and_no_date_of_one(silenced: Portrait) -> None:
    found = printed(silenced, sources=True)
    health, rhythm = section(found, "HEALTH"), section(found, "RHYTHM")
    assert "cannot score   source_blind: nothing is heard of app, web since 2025-07-31 12:00 (UTC)" in health
    assert "said before    38 % likely" in health
    assert "churn " not in health
    assert "silence        unknown" in rhythm
    assert "when it was seen last; what it is now nobody can say" in rhythm
    assert "if silent" not in found
    assert "soon" not in section(found, "STATES")
    assert "asleep since" not in found
    # The instant up to which it was seen: nothing after it is counted as days without activity.
    assert "as it was seen last, 2025-07-31" in section(found, "ACTIVITY")


def test_a_customer_of_whose_sources_no_heartbeat_is_kept() -> None:
    made = acme()
    made.blind = True
    health = section(text_of(made), "HEALTH")
    assert "cannot score   source_blind: nothing is heard of app, web, so nobody can say" in health


def test_weeks_whose_numbers_are_forgotten_are_unknown_not_empty() -> None:
    made = acme()
    jane = made.shares["jane"]
    jane.forget([day for day in jane.days if day < DAY_0 + 150])
    rows = [line for line in section(text_of(made), "ACTIVITY").splitlines() if "a week" in line]
    events, _, days, _ = rows
    assert events.endswith("· forgotten")
    assert "·" in events.partition(" weeks")[2].split()[0]
    assert "·" not in days


def test_also_names_the_other_customers_of_a_person() -> None:
    assert "acts also for  1, 2" in text_of(acme(), also=["1", "2"])


def test_every_field_of_the_record_is_on_the_page_that_tells_of_sources() -> None:
    found = section(text_of(acme(), sources=True), "SOURCES")
    assert all(f"\n  {field.name} " in found for field in FIELDS)


def test_a_field_that_no_other_part_says_appears_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = RecordField("life_stage", "name", "state", "A field that is new.")
    monkeypatch.setattr(customer_page, "FIELDS", (*FIELDS, declared))
    told = portrait(acme(), DAY_0 + SETTLED, CorePolicy())
    stage = Field.unchecked(value="growth", as_of=told.record.as_of, source="state")
    record = CustomerRecord.unchecked(**{**dict(told.record), "fields": {**told.record.fields, "life_stage": stage}})
    found = section(printed(replace(told, record=record)), "OTHER FIELDS")
    assert [line.split() for line in found.splitlines() if "life stage" in line] == [
        ["state", "life", "stage", "growth"]
    ]


@given(st.lists(st.none() | st.floats(-10, 1e9), max_size=60))
def test_a_sparkline_has_a_character_for_each_value_and_keeps_their_order(values: list[float | None]) -> None:
    line = sparkline(values)
    assert len(line) == len(values)
    known = [(value, BLOCKS.index(block)) for value, block in zip(values, line, strict=True) if value is not None]
    assert [block for value, block in zip(values, line, strict=True) if value is None] == ["·"] * (
        len(values) - len(known)
    )
    for value, height in known:
        assert (height == 0) == (value <= 0)
    assert [height for _, height in sorted(known)] == sorted(height for _, height in known)
    if known and max(known)[0] > 0:
        assert max(known)[1] == len(BLOCKS) - 1


def test_a_sparkline_by_hand() -> None:
    assert sparkline([0, 1, 7, 14, None]) == "▁▂▅█·"
    assert sparkline([0, 0]) == "▁▁"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "", "–"),
        ("", "", "–"),
        ([], "names", "–"),
        ({}, "", "–"),
        (0, "count", "0"),
        (False, "", "no"),
        (True, "", "yes"),
        (1_234, "count", "1,234"),
        (2.50, "money", "2.5"),
        (10.0, "", "10"),
        (0.0, "share", "0 %"),
        (0.131, "probability", "13.1 %"),
        (1, "share", "100 %"),
        (["surge", "asleep"], "names", "surge, asleep"),
        ({"score": 9, "kind": "nps"}, "", "score 9, kind nps"),
        ({"admin": {"known": 2, "active": 1}, "user": {}}, "", "admin (known 2, active 1), user –"),
        ("2025-09-30T00:00:00Z", "time", "2025-09-30"),
        ("2025-09-30T09:30:00.000Z", "", "2025-09-30 09:30"),
        ("2025-09-31T09:30:00Z", "time", "2025-09-31T09:30:00Z"),
        ("next year", "time", "next year"),
        ("a\x1b[2J", "text", "a\\x1b[2J"),
    ],
)
def test_values(value: Any, unit: str, text: str) -> None:
    assert value_text(value, unit) == text


@pytest.mark.parametrize(("tier", "style"), [("danger", "31"), ("excellent", "32")])
def test_colours_in_a_terminal_alone(tier: str, style: str) -> None:
    made = acme()
    assert made.score is not None
    made.score = msgspec.structs.replace(made.score, tier=tier)
    console = Console(file=StringIO(), width=WIDTH, highlight=False, force_terminal=True, color_system="standard")
    console.print(page(portrait(made, DAY_0 + SETTLED, CorePolicy()), "here"))
    assert isinstance(console.file, StringIO)
    assert f"\x1b[1;{style}m38 % likely within 90 days, tier {tier}" in console.file.getvalue()
    assert "\x1b" not in text_of(made)
