"""Lines of an NDJSON file, plain or gzipped, or of standard input."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from ebbtide.streams.errors import EbbtideError

STDIN = "-"


def open_lines(name: str) -> BinaryIO:
    """The file's lines as bytes; ``-`` is standard input. Raises ``EbbtideError`` where it cannot be read."""
    if name == STDIN:
        return sys.stdin.buffer
    path = Path(name)
    try:
        if path.suffix == ".gz":
            return cast("BinaryIO", gzip.open(path, "rb"))
        return path.open("rb")
    except OSError as error:
        raise EbbtideError(f"cannot read {path}: {error.strerror}") from None


def read_lines(name: str) -> Iterator[bytes]:
    """Non-empty lines without their line break."""
    try:
        with open_lines(name) as lines:
            for line in lines:
                stripped = line.rstrip(b"\r\n")
                if stripped:
                    yield stripped
    except (EOFError, gzip.BadGzipFile) as error:
        raise EbbtideError(f"{name}: damaged gzip file: {error}") from None
