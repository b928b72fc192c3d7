"""Laws of the identity graph (identity §4) over small dense graphs."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.identity_laws import LAWS, Case, digest, generated, run

TESTS = Path(__file__).resolve().parents[2]

every_law = pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)


@every_law
@settings(max_examples=60, deadline=None)
@given(case=st.randoms(use_true_random=False).map(generated))
def test_law(law: Callable[[Case], None], case: Case) -> None:
    law(case)


def test_no_process_is_like_another_but_the_owners_are() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", "from support.identity_laws import digest; print(digest())"],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(TESTS)},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        ).stdout.strip()
        for seed in ("0", "1", "4242")
    }
    assert found == {digest()}


def test_nothing_waits_for_a_collector() -> None:
    """A worker collects rarely: what is clustered anew must die by its reference count."""
    cases = [generated(Random(seed)) for seed in range(40)]
    gc.collect()
    gc.disable()
    try:
        graphs = [run(case) for case in cases]
        assert gc.collect() == 0
        assert any(graph.refused for graph in graphs)
    finally:
        gc.enable()
