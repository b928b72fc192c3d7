"""A seeded book and its replay, shared by the tests of the whole."""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path

import pytest

from ebbtide.streams.replay import replay
from ebbtide.streams.settings import load_settings
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import write

DAYS = 75
BOOK = BookConfig(customers=40, seed=11, days=DAYS)
SETTINGS = {
    "EBBTIDE_LABEL__HORIZON_DAYS": "21",
    # The book's latest arrivals come two days late; within the bound, nothing may depend on the order.
    "EBBTIDE_TIME__LATENESS_SECONDS": str(3 * 86_400),
}
UNTIL = BOOK.start.astimezone(UTC) + timedelta(days=DAYS + 3)


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A customer book as raw events."""
    path = tmp_path_factory.mktemp("book") / "book.ndjson"
    write(BOOK, path, None, None)
    return path


@pytest.fixture(scope="session")
def replayed(book: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book's replay."""
    out = tmp_path_factory.mktemp("replayed")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        replay([str(book)], out, load_settings(), until=UNTIL)
    return out
