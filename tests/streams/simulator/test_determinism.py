"""The same settings give the same bytes, in any process; a longer book begins like a shorter one."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from ebbtide.schemas.base import DAY_MS
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import arrivals, simulate, truth, write

SMALL = BookConfig(customers=12, days=20, seed=3, leads_per_month=0.5)

DIGEST = """
import hashlib, orjson
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import simulate, truth
config = BookConfig(customers=12, days=20, seed=3, leads_per_month=0.5)
digest = hashlib.sha256()
for line in simulate(config):
    digest.update(line)
for row in truth(config):
    digest.update(orjson.dumps(row))
print(digest.hexdigest())
"""


def digest(config: BookConfig) -> str:
    found = hashlib.sha256()
    for line in simulate(config):
        found.update(line)
    for row in truth(config):
        found.update(orjson.dumps(row))
    return found.hexdigest()


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_fresh_processes_agree_whatever_their_hash_seed(hash_seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == digest(SMALL)


def test_another_seed_is_another_book() -> None:
    assert digest(SMALL) != digest(replace(SMALL, seed=4))


@pytest.mark.parametrize(("short", "long"), [(15, 45), (40, 170)])
def test_a_longer_book_begins_with_the_shorter_one(short: int, long: int) -> None:
    config = BookConfig(customers=10, days=short, seed=8, leads_per_month=0.6)
    ends = config.start_ms + short * DAY_MS
    longer = arrivals(replace(config, days=long))
    beginning = []
    for arrival in longer:
        if arrival.received_ms >= ends:
            break
        beginning.append(arrival)
    assert beginning == [arrival for arrival in arrivals(config) if arrival.received_ms < ends]


def test_write_gives_the_lines_the_truth_and_progress(tmp_path: Path) -> None:
    reports: list[int] = []
    plain, packed = tmp_path / "book.ndjson", tmp_path / "book.ndjson.gz"
    count = write(SMALL, plain, tmp_path / "truth.ndjson", reports.append)
    assert plain.read_bytes() == b"".join(line + b"\n" for line in simulate(SMALL))
    assert reports[-1] == count == plain.read_bytes().count(b"\n")
    rows = [orjson.loads(line) for line in (tmp_path / "truth.ndjson").read_bytes().splitlines()]
    assert rows == list(truth(SMALL))
    write(SMALL, packed)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    again = tmp_path / "again.ndjson.gz"
    write(SMALL, again)
    assert again.read_bytes() == packed.read_bytes()
