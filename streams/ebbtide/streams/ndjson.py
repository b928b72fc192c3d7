"""Lines of an NDJSON file, plain or gzipped, or of standard input."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import cast

from ebbtide.streams.errors import EbbtideError

STDIN = "-"
_BLOCK_BYTES = 262_144


def open_lines(name: str) -> BufferedIOBase:
    """The file's lines as bytes; ``-`` is standard input. Raises ``EbbtideError`` where it cannot be read."""
    if name == STDIN:
        return cast("BufferedIOBase", sys.stdin.buffer)
    path = Path(name)
    try:
        if path.suffix == ".gz":
            return cast("BufferedIOBase", gzip.open(path, "rb"))
        return path.open("rb")
    except OSError as error:
        raise EbbtideError(f"cannot read {path}: {error.strerror}") from None


def read_lines(name: str) -> Iterator[bytes]:
    """Non-empty lines without their line break."""
    try:
        with open_lines(name) as lines:
            cut = b""
            while block := lines.read1(_BLOCK_BYTES):
                text = cut + block
                whole = text.split(b"\n")
                cut = whole.pop()
                if b"\r" in text:
                    whole = [line.rstrip(b"\r") for line in whole]
                yield from filter(None, whole)
            if cut := cut.rstrip(b"\r"):
                yield cut
    except (EOFError, gzip.BadGzipFile) as error:
        raise EbbtideError(f"{name}: damaged gzip file: {error}") from None
