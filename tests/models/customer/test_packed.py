"""A customer as a table value: read again it is the same, and small."""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode
from math import log, log1p
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.alerting.lifecycle import OpenAlert, alert_id
from ebbtide.models.churn.attributes import Attributes
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.features import features as compute
from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.customer import Customer, Observation, Published
from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.customer.packing.columns import (
    Names,
    Tail,
    pack_bits,
    pack_pairs,
    pack_weeks,
    unpack_bits,
    unpack_pairs,
    unpack_weeks,
)
from ebbtide.models.customer.packing.scores import pack_scores, unpack_scores
from ebbtide.models.customer.packing.vectors import pack_vectors, unpack_vectors
from ebbtide.models.customer.packing.words import WORDS
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.share import Share
from ebbtide.models.identity.identifiers import canonical_id, profile_id, profile_id_of
from ebbtide.models.standing.hysteresis import Held
from ebbtide.schemas.alert import AlertType
from ebbtide.schemas.events import Identifier, IdentifierType, subject_key
from ebbtide.schemas.profile_state import Trait

DAYS = st.sets(st.integers(15_000, 25_000), max_size=40)


@given(DAYS)
def test_days_by_weeks(days: set[int]) -> None:
    assert unpack_weeks(*pack_weeks(days)) == sorted(days)


def test_a_working_week_is_a_byte() -> None:
    assert pack_weeks(range(4 + 7 * 10, 4 + 7 * 10 + 5)) == (10, bytes([0b11111]))
    assert pack_weeks([4, 4 + 15]) == (0, bytes([1, 0, 2]))
    assert pack_weeks([]) == (0, b"")


@given(st.lists(st.booleans()))
def test_flags(flags: list[bool]) -> None:
    assert unpack_bits(pack_bits(flags), len(flags)) == flags
    assert len(pack_bits(flags)) <= (len(flags) + 7) // 8


@given(st.lists(st.tuples(st.integers(-2, 40), st.integers(-(2**40), 2**40))))
def test_pairs_of_counts(pairs: list[tuple[int, int]]) -> None:
    numbers, others = [number for number, _ in pairs], [other for _, other in pairs]
    assert unpack_pairs(pack_pairs(numbers, others)) == (numbers, others)


def test_small_counts_are_a_byte_for_two() -> None:
    assert pack_pairs([3, 14, 15], [0, 14, 2]) == [bytes([0x30, 0xEE, 0xF2]), [15]]


DAY_MS = 86_400_000


@given(
    st.lists(st.integers(-(2**40), 2**40)),
    st.lists(st.one_of(st.integers(-1, 2**42), st.integers(0, 2**20).map(lambda minute: minute * 60_000))),
    st.lists(
        st.one_of(
            st.text(),
            st.uuids().map(str),
            st.uuids().map(lambda uuid: str(uuid)[:18]),
            st.uuids().map(lambda uuid: uuid.hex.upper()),
        )
    ),
)
def test_what_is_put_into_the_tail_is_taken_from_it(numbers: list[int], times: list[int], ids: list[str]) -> None:
    tail = Tail()
    left = tail.put_low(numbers, 2), tail.put_times(times), tail.put_ids(ids)
    read = Tail(tail.packed)
    assert (read.take_low(left[0], 2), read.take_times(left[1]), read.take_ids(left[2])) == (numbers, times, ids)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0123456789abcdef0123456789abcdef", 16),
        ("01234567-89ab-cdef-0123-456789abcdef", 16),
        ("01234567-89ab-5def", 8),
        ("0123456789abcdef01", 0),
        ("01234567-89ab5-def", 0),
        ("0123456789ABCDEF0123456789ABCDEF", 0),
        ("0123456789abcdef-0123456789abcde", 0),
        ("0123-45678-9ab-cdef-0123-456789abcd", 0),
        ("012345678-9ab-cdef-0123-456789abcdef", 0),
        ("0123456789abcdef0123456789abcdeg", 0),
        ("u1", 0),
    ],
)
def test_ids_in_hexadecimal_are_half_as_long(text: str, size: int) -> None:
    tail = Tail()
    left = tail.put_ids([text])
    assert len(tail.packed) == size
    assert Tail(tail.packed).take_ids(left) == [text]


def test_whole_minutes_need_no_tail() -> None:
    tail = Tail()
    assert tail.put_times([DAY_MS, 3 * DAY_MS + 60_000]) == [[1, 2], [0, 1]]
    assert tail.packed == b""
    tail.put_times([1])
    assert tail.packed == b"\x01\0\0"


def test_names_have_places_in_the_order_they_came() -> None:
    names = Names()
    assert [names.place(name) for name in "abcab"] == [0, 1, 2, 0, 1]
    assert list(names.places) == ["a", "b", "c"]


def test_the_words_belong_to_the_layout() -> None:
    """Values that were stored with these words cannot be read with others: change them with the layout's number."""
    assert (zlib.crc32(WORDS), len(WORDS)) == (CRC, LENGTH)


CRC, LENGTH = 1183321955, 1770


def features(rng: Random) -> bytes:
    """Mostly logarithms of counts."""
    return struct.pack(
        f"<{len(NAMES)}f", *(log1p(rng.randrange(50)) for _ in NAMES[1:]), rng.choice((log1p(3), 0.1234))
    )


def random_share(rng: Random, number: int, settled: int) -> Share:
    days = rng.sample(range(settled - 150, settled + 2), rng.choice((0, 1, 20)))
    share = Share(
        rng.choice(("user_id", "anonymous_id")),
        f"user-{number}",
        rng.randrange(9),
        rng.choice((0, settled * 86_400_000 + 1)),
        rng.randrange(1_000_000),
        partition=rng.randrange(4),
        detached=rng.random() < 0.1,
        by_domain=rng.random() < 0.1,
    )
    for day in days:
        first = rng.randrange(80_000)
        logins = rng.choice(([-1, -1], [first, first], [first + 5, first + 90]))
        orders = rng.randrange(2) * (number % 2)
        share.days[day] = [rng.randrange(1, 30), rng.randrange(3), rng.randrange(9), orders, orders * -5]
        share.days[day] += [first, first + rng.randrange(6_000), *logins]
    share.totals = [sum(bucket[field] for bucket in share.days.values()) + rng.choice((0, 7)) for field in range(5)]
    share.totals.append(rng.randrange(3))
    share.accepted = share.totals[0] + rng.randrange(3)
    share.old_days = sorted(rng.sample(range(settled - 400, settled - 150), rng.choice((0, 30))))
    share.old_core = [day for day in share.old_days if rng.random() < 0.5]
    share.old_last, share.old_login = rng.choice(((-1, -1), (86_400 * (settled - 200) + 77, 86_400 * (settled - 201))))
    share.thin_from = rng.choice((0, settled - 98))
    share.uses = {day: {rng.choice("abc"): rng.randrange(1, 9), "x": 1} for day in days[:9]}
    share.uses_from = settled - 30
    share.sources = {day: ["web"] if rng.random() < 0.5 else ["app", "web"] for day in days[:2]}
    for name in rng.sample(("name", "plan", "seats", "custom"), rng.randrange(4)):
        times = sorted(rng.sample(range(1, 99), rng.randrange(1, 4)))
        values = ["x", 1, None, [1, {"a": 2.5}]]
        share.traits[name] = [Trait(rng.choice(values), at_ms, rng.getrandbits(32), "crm") for at_ms in times]
    for _ in range(rng.randrange(4)):
        data = rng.choice(
            ({}, {"ticket_id": "t", "severity": "low"}, {"severity": "low", "ticket_id": 3}, {"score": 9.5})
        )
        at_ms = settled * 86_400_000 - rng.randrange(9**9)
        share.outcomes[f"m{rng.getrandbits(40):x}"] = (rng.choice(("ticket.opened", "touchpoint")), at_ms, dict(data))
    return share


def random_customer(seed: int) -> Customer:
    rng = Random(seed)
    settled = rng.choice((None, 20_000))
    shares = {}
    for number in range(rng.choice((0, 1, 5))):
        share = random_share(rng, number, 20_000)
        subject = subject_key("t", Identifier(IdentifierType(share.subject_type), share.subject_value))
        shares["another" if number == 3 else profile_id(subject)] = share
    score = None
    sets: list[Attributes] = [{}, {"plan": "pro", "paid": True}, {"seats": 1.0}, {"seats": True}]
    told = rng.choice((sets[:1], sets))
    if rng.random() < 0.7:
        vector = struct.unpack(f"<{len(NAMES)}f", features(rng))
        parts = tuple(rng.random() for _ in range(len(NAMES)))
        own = rng.choice(told)
        of_own = tuple(rng.random() for _ in own)
        score = Published(3, rng.random(), rng.random(), -1.5, parts, vector, "normal", "champion-7", own, of_own)
    old_days = sorted(rng.sample(range(15_000, 19_000), rng.choice((0, 50))))
    return Customer(
        f"c{seed}",
        "t",
        "group_id",
        "acme",
        shares,
        old_days,
        [day for day in old_days if rng.random() < 0.3],
        rng.choice(list(SilenceState)),
        score,
        rng.choice((None, "normal")),
        score_version=rng.randrange(5),
        states={"journey": Held("served", 19_000, rng.choice((None, "renewed")))},
        is_lead=rng.random() < 0.5,
        relationship=rng.choice((None, 0.0, 55.5)),
        alerts={"asleep": OpenAlert("a", "1", 5, 6, "warning", {"silence_days": 3, "x": None})},
        observations=[
            Observation(
                19_900 + 7 * n,
                features(rng),
                rng.random(),
                f"champion-{rng.randrange(2)}",
                dict(rng.choice(told)),
                *((rng.choice((0, 1, 40)), rng.choice((None, False, True))) if n < labelled else ()),
            )
            for labelled in (rng.randrange(5),)
            for n in range(rng.choice((0, 1, 13)))
        ],
        settled_day=settled,
        told=rng.choice((None, b"", b"12345678")),
    )


@pytest.mark.parametrize("seed", range(60))
def test_what_is_read_is_what_was_written(seed: int) -> None:
    customer = random_customer(seed)
    value = encode(customer)
    found = decode(value)
    assert encode(found) == value
    expected = random_customer(seed)
    assert encode(expected) == value, "writing must change nothing"
    for share in expected.shares.values():
        # Times of days that nobody evaluates any more are told of the newest one alone.
        for day, bucket in share.days.items():
            if expected.settled_day is not None and day < expected.settled_day - 1:
                share.old_last = max(share.old_last, day * 86_400 + bucket[6])
                share.old_login = max(share.old_login, day * 86_400 + bucket[8] if bucket[8] >= 0 else -1)
                bucket[5:] = [-1] * 4
    assert list(found.shares) == list(expected.shares)
    assert found == expected


def test_a_long_value_is_pressed_otherwise() -> None:
    rng = Random(1)
    customer = Customer("c", "t", "group_id", "acme")
    for number in range(30):
        days = sorted(rng.sample(range(20_000, 20_300), 60))
        share = Share("user_id", f"u{number}", 1, 86_400_000 * 20_300, number, 60, 0)
        share.days = {day: [rng.randint(1, 99), 0, rng.randint(0, 9), 0, 0, -1, -1, -1, -1] for day in days}
        share.traits = {"mail": [Trait(f"u{number}@acme.com", 5, 6, "crm")]}
        share.outcomes = {rng.randbytes(16).hex(): ("touchpoint", 7, {"kind": "call"})}
        customer.shares[profile_id_of("t", "user_id", f"u{number}")] = share
    few = Customer("c", "t", "group_id", "acme", shares=dict(list(customer.shares.items())[:3]))
    assert [encode(one)[0] for one in (few, customer)] == [6, 7]
    for one in (few, customer):
        again = decode(encode(one))
        assert encode(again) == encode(one)
        assert [share.outcomes for share in again.shares.values()] == [s.outcomes for s in one.shares.values()]
        assert [sorted(share.days) for share in again.shares.values()] == [list(s.days) for s in one.shares.values()]


def test_a_layout_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match=r"customer layout b'\\x02' is unknown; this version reads 6 and 7"):
        decode(b"\x02" + encode(Customer("c", "t", "group_id", "acme"))[1:])


STORED = (
    "BlVVsY7CMAy12ytI3HITI4LtxmNn6Q/wDxyCDQmEEH/AbLuFFt1UQLrfyJC1X8QAjgWiKI6V2JbjDO+9bNfEQjV9oKF6w0NTvF7AuEymi5nB6gGx"
    "5gj1eFA+1e1N8s7b2e//fBNka220Ygzwok6j0j+PkVTLalVkXH9+M3r8Eo8pZYzO5TziHkNYmu4cQ7qfhauHgutxVxwwinMkVzhIEguAIARvdhRA"
    "OW2GKIgcKiNLJIn6XGNWrtFor81iG0DfZ451hB8qGflD9yXV7zOIdrjpTg4ak1b7GTnNh2zakOtUaqWjHIi8HtkR0R1wEetWo7f05ivRJExdk7oi"
    "fxMDBgUAAAYAAAAHAAA="
)


def test_a_value_that_was_stored_once_can_be_read() -> None:
    """A change of the layout needs a number of its own; this value must stay readable under number 6."""
    customer = decode(b64decode(STORED))
    share, stranger = customer.shares.values()
    assert (customer.customer_id, customer.tier, customer.settled_day) == ("c", "normal", 20_001)
    assert share == Share(
        "user_id",
        "u1",
        1,
        2,
        3,
        4,
        5,
        totals=[9, 1, 2, 0, 0, 0],
        days={20_000: [4, 1, 1, 0, 0, 60, 90, 60, 60]},
        old_days=[19_000],
        old_core=[19_000],
        uses={20_000: {"funnels": 3}},
        uses_from=19_971,
        sources={20_000: ["web"]},
        traits={"name": [Trait("Acme", 5, 6, "crm")]},
        outcomes={"f1": ("touchpoint", 7, {"kind": "call"})},
    )
    assert stranger == Share(
        "anonymous_id",
        "eb56a3b7f4e62bd1244c5d93ba227f13",
        2,
        86_400_000 * 19_991,
        9,
        3,
        5,
        totals=[3, 0, 0, 0, 0, 0],
        old_last=86_400 * 19_990 + 70_000,
        sources={19_990: ["web"]},
    )


def vector_of(days: list[int], day: int) -> bytes:
    """The features of somebody with some events on each day."""
    series = DaySeries()
    for number, active in enumerate(days):
        series.put(active, [number % 7 + 1, 1, number % 3, 0, 0, -1, -1, -1, -1])
    vector = compute(series, day, 3.5)
    assert vector is not None
    return struct.pack(f"<{len(NAMES)}f", *vector)


@given(st.sets(st.integers(0, 900), min_size=2), st.integers(901, 950))
def test_features_follow_from_whole_numbers(days: set[int], day: int) -> None:
    """All but the recency in cadences, which are not always whole: four bytes for each that does not follow."""
    vector = vector_of(sorted(days), day)
    packed = pack_vectors([vector])
    assert unpack_vectors(packed) == [vector]
    assert set(packed[2]) <= {NAMES.index("recency_per_cadence")}


@pytest.mark.parametrize("days", [[7], [5, 6, 7]])
def test_features_of_few_days_are_kept(days: list[int]) -> None:
    vector = vector_of(days, 8)
    assert unpack_vectors(pack_vectors([vector, vector])) == [vector, vector]


@given(st.lists(st.binary(min_size=4 * len(NAMES), max_size=4 * len(NAMES))))
def test_vectors_are_kept_to_the_bit_whatever_they_are(vectors: list[bytes]) -> None:
    assert unpack_vectors(pack_vectors(vectors)) == vectors


def test_features_that_are_no_counts_are_kept_to_the_bit() -> None:
    values = [log(n + 1.5) for n in range(len(NAMES))]
    frozen = struct.pack(f"<{len(NAMES)}f", *values)
    customer = Customer("c", "t", "group_id", "acme", observations=[Observation(20_000, frozen, 0.1, "m")] * 3)
    assert decode(encode(customer)).observations == customer.observations


def test_many_events_are_a_count_too() -> None:
    frozen = struct.pack(f"<{len(NAMES)}f", *([log1p(123_456)] * len(NAMES)))
    numbers = pack_vectors([frozen])[1]
    assert numbers[0] == numbers[8] == 123_456


@pytest.mark.parametrize(
    "versions", [["champion-7", "champion-9"], ["a-1", "b-2"], ["a-01"], ["a", "a-1"], ["7"], ["a", "b", "a"], []]
)
def test_versions_of_models(versions: list[str]) -> None:
    frozen = struct.pack(f"<{len(NAMES)}f", *[0.0] * len(NAMES))
    observations = [Observation(7 * n, frozen, 0.5, version) for n, version in enumerate(versions)]
    assert unpack_scores(pack_scores(None, observations)) == (None, observations)


TELCO = {f"column {n}": "No internet service" if n % 3 else 20.5 + n for n in range(19)}


def test_attributes_are_kept_once() -> None:
    """With those that hold now: thirteen weeks of predictions cost little more than one."""
    frozen = struct.pack(f"<{len(NAMES)}f", *[0.0] * len(NAMES))
    share = Share("group_id", "acme", traits={"attributes": [Trait(TELCO, 5, 6, "crm")]})

    def size(weeks: int, attributes: Attributes) -> int:
        observations = [Observation(7 * n, frozen, 0.5, "m", dict(attributes)) for n in range(weeks)]
        customer = Customer("c", "t", "group_id", "acme", {"p": share}, observations=observations)
        value = encode(customer)
        assert decode(value) == customer
        return len(value)

    assert size(1, TELCO) - size(1, {}) <= 24
    assert size(13, TELCO) - size(13, {}) <= 24


def test_a_customer_without_attributes_pays_a_byte_for_them() -> None:
    frozen = struct.pack(f"<{len(NAMES)}f", *[0.0] * len(NAMES))
    observation = Observation(7, frozen, 0.5, "m")
    assert pack_scores(None, [observation])[-1] == []
    other = Observation(7, frozen, 0.5, "m", {"plan": True})
    assert unpack_scores(pack_scores(None, [observation, other])) == (None, [observation, other])
    assert type(unpack_scores(pack_scores(None, [other]))[1][0].attributes["plan"]) is bool


def test_an_alert_has_the_id_of_its_episode() -> None:
    """It is not kept then, nor is that of the customer."""
    name = canonical_id("t", Identifier(IdentifierType.GROUP_ID, "acme"))
    known = alert_id(name, AlertType.ASLEEP, "7")
    customer = Customer("other", "t", "group_id", "acme", alerts={"asleep": OpenAlert(known, "7", 5, 6, "warning", {})})
    longer = len(encode(customer))
    customer.customer_id = name
    assert len(encode(customer)) < longer - 20
    assert decode(encode(customer)) == customer


def test_shares_keep_their_order() -> None:
    """Also where those of which only totals are left stand among others."""
    rng = Random(3)
    customer = random_customer(4)
    quiet = [
        Share("anonymous_id", f"{rng.getrandbits(128):032x}", n, 0, n, totals=[n] * 6, old_last=86_400 * n + 70_000)
        for n in range(40)
    ]
    busy = [random_share(rng, 10 + n, 20_000) for n in range(20)]
    quiet[0].uses_from, quiet[1].thin_from = 19_971, 19_901
    mixed: list[Share] = [*quiet, *busy]
    rng.shuffle(mixed)
    customer.settled_day = None
    customer.shares = {f"p{n}": share for n, share in enumerate(mixed)}
    found = decode(encode(customer))
    assert list(found.shares) == list(customer.shares)
    assert found == customer
