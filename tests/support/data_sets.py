"""Real and simulated histories that are not part of the repository: who reads one skips where it is absent."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from support.cohort import EPOCH_ORDINAL

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
SAMPLE = ROOT / "deploy" / "sample"


def rows(name: str) -> Iterator[dict[str, str]]:
    """Rows of a gzipped CSV file."""
    path = SAMPLE / name if (SAMPLE / name).exists() else DATA / name
    if not path.exists():
        pytest.skip(f"{path} is absent: this test needs the real data set, which is not part of the repository")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def day_of(text: str) -> int:
    """Days since 1970-01-01 of an ISO date."""
    return date.fromisoformat(text).toordinal() - EPOCH_ORDINAL
