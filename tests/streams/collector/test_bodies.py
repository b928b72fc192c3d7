"""Bytes into JSON: limits hold whatever comes, and each fault is told."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.streams.collector.answers import RequestError
from ebbtide.streams.collector.bodies import form, from_base64, parsed, unpacked
from ebbtide.streams.collector.formats.sensors import events_of

MOST = 10_000


def refused(call: Any) -> tuple[int, str]:
    with pytest.raises(RequestError) as caught:
        call()
    return caught.value.answer.status, caught.value.answer.reason


def status_of(call: Any) -> int:
    try:
        call()
    except RequestError as error:
        return error.answer.status
    return 200


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", " GZIP "])
def test_gzip_is_unpacked_of_several_members_too(encoding: str) -> None:
    assert unpacked(gzip.compress(b"ab") + gzip.compress(b"cd"), encoding, MOST) == b"abcd"


def test_deflate_and_plain_bodies() -> None:
    assert unpacked(zlib.compress(b"ab"), "deflate", MOST) == b"ab"
    assert unpacked(b"ab", "identity", MOST) == b"ab"
    assert unpacked(b"", "gzip", MOST) == b""
    assert unpacked(gzip.compress(b"ab"), "", MOST) == b"ab", "browsers say nothing of it"


def test_what_is_wrong_with_packed_bodies() -> None:
    packed = gzip.compress(b"a" * 500)
    assert refused(lambda: unpacked(packed[:-9], "gzip", MOST)) == (400, "bad_encoding")
    assert refused(lambda: unpacked(b"hello", "gzip", MOST)) == (400, "bad_encoding")
    assert refused(lambda: unpacked(packed + b"x", "gzip", MOST)) == (400, "bad_encoding")
    assert refused(lambda: unpacked(packed, "br", MOST)) == (415, "unsupported_encoding")
    bomb = gzip.compress(b"0" * 50_000_000)
    assert refused(lambda: unpacked(bomb, "gzip", MOST)) == (413, "batch_too_large")
    assert refused(lambda: unpacked(gzip.compress(b"0" * 6_000) * 2, "gzip", MOST)) == (413, "batch_too_large")
    assert len(unpacked(gzip.compress(b"0" * MOST), "gzip", MOST)) == MOST


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "", "br"]), st.integers(0, 50))
def test_no_bytes_get_through_otherwise(content: bytes, encoding: str, cut: int) -> None:
    for body in (content, gzip.compress(content)[:cut], zlib.compress(content)[:cut]):
        assert status_of(lambda body=body: parsed(unpacked(body, encoding, MOST))) in (200, 400, 413, 415)
        assert status_of(lambda body=body: events_of(body, MOST)) in (200, 400, 413)


def test_json_as_pythons_sdks_write_it() -> None:
    assert parsed(b'{"a": NaN, "b": [Infinity, 1]}') == {"a": None, "b": [None, 1]}


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"{", "not_json"), (b"", "not_json"), (b"\xff\xfe", "not_utf8"), (b'"\\ud800"', "not_json"),
     (b"[" * 5_000, "not_json"), (b'{"a": NaN, "b": 123456789012345678901234567890}', "invalid")],
)  # fmt: skip
def test_what_is_no_json(body: bytes, reason: str) -> None:
    assert refused(lambda: parsed(body)) == (400, reason)


def test_forms_of_sensors() -> None:
    packed = b64encode(gzip.compress(b'[{"a":1},{"b":2}]')).decode()
    assert events_of(urlencode({"data_list": packed, "gzip": 1}).encode(), MOST) == [{"a": 1}, {"b": 2}]
    plain = b64encode(b'{"a":1}').decode()
    assert events_of(urlencode({"data": plain}).encode(), MOST) == [{"a": 1}]
    # A plus sign that was not escaped.
    tricky = b64encode(b'{"a":"\xc3\xbb\xef\xbf\xbe>>>"}').decode()
    assert "+" in tricky
    assert events_of(b"data=" + tricky.encode(), MOST) == [{"a": "\u00fb\ufffe>>>"}]
    assert refused(lambda: events_of(b"gzip=1", MOST)) == (400, "invalid")
    assert refused(lambda: from_base64("%%%", MOST)) == (400, "invalid")
    assert refused(lambda: form(b"\xff=1")) == (400, "invalid")
    assert refused(lambda: form(b"&".join(b"a%d=1" % n for n in range(200)))) == (400, "invalid")
    bomb = b64encode(gzip.compress(b"0" * 20_000)).decode()
    assert refused(lambda: from_base64(bomb, MOST)) == (413, "batch_too_large")


def test_a_bomb_is_not_unpacked_to_see_how_large_it_is() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    tracemalloc.start()
    try:
        assert refused(lambda: unpacked(bomb, "gzip", MOST)) == (413, "batch_too_large")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
