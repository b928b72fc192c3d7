"""E-mail addresses and phone numbers: gone, or under a key, wherever they stand."""

import json
import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.schemas.events import Event, EventKind, Identifier, IdentifierType
from ebbtide.streams.settings import Settings, SettingsError, load_settings
from ebbtide.streams.sinks.clickhouse.choose import personal_data
from ebbtide.streams.sinks.personal_data import KEPT, PersonalData, PersonalDataMode
from ebbtide.streams.sinks.pipelines import pipelines
from ebbtide.streams.sinks.record import RecordMeta
from support.history import NOON, alert, customer_record

HASH = PersonalData(PersonalDataMode.HASH, b"one key of sixteen")
OTHER = PersonalData(PersonalDataMode.HASH, b"another key of sixteen")
DROP = PersonalData(PersonalDataMode.DROP)
META = RecordMeta("t", 1, 17, 0)

ADDRESSES = st.from_regex(r"[a-z0-9._+-]{1,20}@[a-z0-9-]{1,20}\.[a-z]{2,5}", fullmatch=True)
NUMBERS = st.from_regex(r"\+[1-9][0-9]{9,13}", fullmatch=True)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.text(max_size=20), ADDRESSES, NUMBERS)
STRUCTURES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("write to Jane.Doe+x@acme.example, please", "write to [email], please"),
        ("<jane@acme.example>", "<[email]>"),
        ("?mail=jane%40acme.example&x=1", "?mail=[email]&x=1"),
        ("关键人jane@acme.example已流失", "[email]"),
        ("call +44 20 7946 0000 now", "call [phone] now"),
        ("(+1 (555) 010-9999)", "([phone])"),
        ("+8613800138000", "[phone]"),
        ("a@", "a@"),
        ("1+1=2, +5 %, C++20, 2025-01-06", "1+1=2, +5 %, C++20, 2025-01-06"),
        ("seats 40, order 00441234567890", "seats 40, order 00441234567890"),
        ("", ""),
    ],
)
def test_what_looks_like_one_is_one(text: str, dropped: str) -> None:
    assert DROP.text(text) == dropped
    assert KEPT.text(text) == text


@given(STRUCTURES, ADDRESSES, NUMBERS)
def test_nothing_of_it_is_left_and_the_rest_stays(structure: object, address: str, number: str) -> None:
    value = {"a": structure, "note": f"of {address}", "deep": [{"x": [f"to {number}."]}], address: 1}
    for personal in (HASH, DROP):
        shown = orjson.dumps(personal.structure(value)).decode()
        assert address not in shown
        assert number not in shown
    assert KEPT.structure(value) is value


@given(STRUCTURES)
def test_once_hidden_is_hidden_for_good(structure: object) -> None:
    for personal in (HASH, DROP):
        once = personal.structure(structure)
        assert personal.structure(once) == once


@given(ADDRESSES, ADDRESSES)
def test_a_hash_joins_and_tells_apart(one: str, other: str) -> None:
    shown = HASH.identifier("email", one)
    assert shown == HASH.identifier("email", f" {one.upper()} ") == HASH.text(one)
    assert (HASH.identifier("email", other) == shown) == (one == other)
    assert OTHER.identifier("email", one) != shown


def test_a_number_has_one_hash_however_it_is_written() -> None:
    spelt = {HASH.identifier("phone", each) for each in ("+44 20 7946 0000", "+442079460000", "+44-20-7946-0000")}
    assert len(spelt) == 1
    assert HASH.structure({"mobilePhone": 442079460000, "Tel.": "+44 20 7946 0000"}) == {
        "mobilePhone": spelt.copy().pop(),
        "Tel.": spelt.pop(),
    }
    assert DROP.structure({"phone": "020 7946 0000", "phone_verified": True}) == {"phone": None, "phone_verified": True}


def test_a_long_text_costs_its_length() -> None:
    began = time.perf_counter()
    DROP.text("x" * 300_000 + "@" + "+1" * 100_000)
    assert time.perf_counter() - began < 5


def event(subject: Identifier) -> bytes:
    return Event(
        event_id="signup-jane@acme.example",
        tenant="default",
        kind=EventKind.IDENTITY,
        type="identify",
        name="identify",
        occurred_at=NOON,
        received_at=NOON,
        source="web",
        subject=subject,
        identifiers=[subject, Identifier(IdentifierType.PHONE, "+44 20 7946 0000")],
        properties={"email": "Jane@acme.example", "phone": "020 7946 0000", "plan": "team"},
    ).to_json()


@pytest.mark.parametrize("personal", [HASH, DROP], ids=["hash", "drop"])
def test_no_row_of_any_topic_has_one(personal: PersonalData) -> None:
    record = customer_record().model_copy(update={"anchor": Identifier(IdentifierType.EMAIL, "jane@acme.example")})
    told = alert().model_copy(update={"evidence": {"person": "jane@acme.example"}, "reasons_en": ["jane@acme.example"]})
    of = pipelines(personal)
    for topic, sent in (
        ("events", event(Identifier(IdentifierType.EMAIL, "jane@acme.example"))),
        ("events", event(Identifier(IdentifierType.USER_ID, "jane@acme.example"))),
        ("customer-records", record.to_json()),
        ("alerts", told.to_json()),
    ):
        row = dict(zip(of[topic].table.columns, of[topic].row(sent, META), strict=True))
        assert "jane@" not in str(row).lower()
        assert "7946" not in str(row)
        if topic == "events":
            assert row["profile_id"]
            assert row["event_id"] == ("t/1/17" if personal is DROP else row["event_id"])


def test_the_settings_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert personal_data(Settings()) == DROP
    monkeypatch.setenv("EBBTIDE_CLICKHOUSE__PERSONAL_DATA", "hash")
    with pytest.raises(SettingsError, match="needs personal_key with at least 16 characters"):
        load_settings()
    monkeypatch.setenv("EBBTIDE_CLICKHOUSE__PERSONAL_KEY", "one key of sixteen")
    assert personal_data(load_settings()) == HASH
    assert "one key" not in repr(personal_data(load_settings()))


def test_a_history_is_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBBTIDE_CLICKHOUSE__EMBEDDED", "history")
    assert load_settings().clickhouse.embedded is not None
    monkeypatch.setenv("EBBTIDE_CLICKHOUSE__HOST", "clickhouse")
    with pytest.raises(SettingsError, match="embedded names a directory, and host or port a server"):
        load_settings()


class Searching(PersonalData):
    """Searches each record, whatever stands in it."""

    __slots__ = ()

    def may_be_in(self, record: bytes) -> bool:
        return True


NAMES = st.sampled_from(["plan", "Phone", "mobile_phone", "note"]) | st.text(max_size=8)


@given(
    properties=st.dictionaries(NAMES, STRUCTURES, max_size=3),
    name=st.text(max_size=10) | ADDRESSES | NUMBERS,
    identifiers=st.lists(
        st.builds(Identifier, st.sampled_from(IdentifierType), st.text(min_size=1, max_size=10) | ADDRESSES | NUMBERS),
        min_size=1,
        max_size=3,
    ),
    escaped=st.booleans(),
)
def test_a_record_that_needs_no_search_is_recognised(
    properties: dict[str, object], name: str, identifiers: list[Identifier], *, escaped: bool
) -> None:
    event = Event(
        event_id=f"m-{name}",
        tenant="t",
        kind=EventKind.ACTIVITY,
        type="track",
        name=name,
        occurred_at=NOON,
        received_at=NOON,
        source="web",
        subject=identifiers[0],
        identifiers=identifiers,
        account=name or None,
        properties=properties,
    )
    record = event.to_json()
    if escaped:  # as a producer may that writes nothing but ASCII, and as none does that writes less
        record = json.dumps(json.loads(record)).replace("@", "\\u0040").replace("+", "\\u002b").encode()
    for personal in (KEPT, HASH, DROP):
        searching = Searching(personal.mode, personal.key)
        assert pipelines(personal)["events"].row(record, META) == pipelines(searching)["events"].row(record, META)
