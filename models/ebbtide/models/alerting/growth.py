"""What a surge's reason says beside its numbers: which modules drove it, and how many customers could follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def growth_wording(evidence: Mapping[str, Any]) -> tuple[str, str]:
    """The rest of the reason in English and Chinese, from the ``drivers`` and ``look_alikes`` of the evidence.

    Empty where none are known.
    """
    drivers = evidence.get("drivers", ())
    if not drivers:
        return "", ""
    modules = [driver["module"] for driver in drivers]
    percent = round(100 * sum(driver["share_of_growth"] for driver in drivers))
    en = f"; above all in {_listed(modules)} ({percent} % of the growth)"
    zh = f"，以{'、'.join(modules)}最为突出（占增长的{percent}%）"
    alike = len(evidence.get("look_alikes", ()))
    if alike:
        who = "1 look-alike does" if alike == 1 else f"{alike} look-alikes do"
        en += f"; {who} not use {modules[0]} yet"
        zh += f"；{alike}家相似客户尚未使用{modules[0]}"
    return en, zh


def _listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
