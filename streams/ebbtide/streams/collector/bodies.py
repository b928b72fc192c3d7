"""From the bytes of a request to JSON, whatever they are, within a limit."""

from __future__ import annotations

import binascii
import zlib
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson
from pydantic_core import from_json

from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.streams.collector.answers import RequestError

_GZIP = b"\x1f\x8b"
_PACKED = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """The body without its content encoding. Never makes more than ``most`` bytes and one. Raises ``RequestError``.

    What begins as gzip does is unpacked without a word about it, too: PostHog's browser SDK says none, lest the browser
    ask leave first.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _inflated(body, _PACKED["gzip"], most) if body.startswith(_GZIP) else body
    if name not in _PACKED:
        raise RequestError(
            415, "unsupported_encoding", f"Content-Encoding {name[:40]!r}: send gzip, deflate or nothing"
        )
    return _inflated(body, _PACKED[name], most)


def _inflated(body: bytes, window: int, most: int) -> bytes:
    found = b""
    try:
        # gzip allows several members, one after the other.
        while body and len(found) <= most:
            stream = zlib.decompressobj(window)
            found += stream.decompress(body, most + 1 - len(found))
            if len(found) > most:
                break
            if not stream.eof:
                raise RequestError(400, "bad_encoding", "the packed body ends early")
            body = stream.unused_data
    except zlib.error as error:
        raise RequestError(400, "bad_encoding", f"the packed body cannot be unpacked: {error}") from None
    if len(found) > most:
        raise too_large(most)
    return found


def too_large(most: int) -> RequestError:
    """The answer to a body beyond a limit, in bytes."""
    return RequestError(413, "batch_too_large", f"the body has more than {most} bytes; send smaller batches")


def parsed(body: bytes) -> Any:
    """The JSON. Raises ``RequestError`` with what intake would say of such a record."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        # Python's SDKs write NaN, which pydantic reads and orjson does not; it is null from here on.
        return orjson.loads(orjson.dumps(from_json(body, allow_inf_nan=True)))
    except TypeError as error:
        raise RequestError(400, DeadLetterReason.INVALID, f"body: {error}") from None
    except ValueError as error:
        try:
            body.decode()
        except UnicodeDecodeError as bad:
            raise RequestError(400, DeadLetterReason.NOT_UTF8, f"byte {bad.start}: {bad.reason}") from None
        raise RequestError(400, DeadLetterReason.NOT_JSON, str(error)[:500]) from None


def form(body: bytes) -> Mapping[str, str]:
    """The fields of a URL-encoded form; of several of one name the first."""
    try:
        text = body.decode("ascii")
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=100).items()}
    except ValueError:
        raise RequestError(400, DeadLetterReason.INVALID, "the body is no URL-encoded form") from None


def from_base64(value: str, most: int) -> bytes:
    """The bytes of a base64 field, unpacked where they are gzip. Raises ``RequestError``."""
    try:
        # A plus sign that nobody escaped became a blank.
        found = b64decode(value.replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(400, DeadLetterReason.INVALID, f"no base64: {error}") from None
    return _inflated(found, _PACKED["gzip"], most) if found.startswith(_GZIP) else found
