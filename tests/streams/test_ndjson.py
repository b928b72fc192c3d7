"""Lines of a file are the same however the blocks that are read fall."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.streams import ndjson


@given(st.lists(st.sampled_from([b"a", b"b", b"\r", b"\n", b"\r\n"]), max_size=12), st.integers(1, 5))
def test_lines_do_not_depend_on_blocks(pieces: list[bytes], block: int) -> None:
    text = b"".join(pieces)
    expected = [line for line in (line.rstrip(b"\r") for line in text.split(b"\n")) if line]
    with TemporaryDirectory() as directory, patch.object(ndjson, "_BLOCK_BYTES", block):
        path = Path(directory) / "lines"
        path.write_bytes(text)
        assert list(ndjson.read_lines(str(path))) == expected
