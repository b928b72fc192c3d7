"""One simulated book, read once for all tests of this folder."""

from __future__ import annotations

import pytest

from ebbtide.streams.simulator.config import BookConfig
from streams.simulator.simulated import Simulated, read


@pytest.fixture(scope="session")
def simulated() -> Simulated:
    return read(BookConfig(customers=200, days=150, seed=11, intensity=0.5, leads_per_month=0.08))
