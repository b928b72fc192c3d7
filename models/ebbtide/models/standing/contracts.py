"""Whether a customer has a contract: signed, renewed, or ended by a renewal that churned (signals §1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from ebbtide.models.standing.history import DatedFact, History
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.profile_state import Trait

SIGNED, RENEWED = "contract.signed", "renewal.closed"
CHURNED, EXPANDED = "churned", "expanded"
START, END = "contract_start", "contract_end"
"""The traits that `contract.signed` sets."""


def renewal_outcome(fact: DatedFact) -> str:
    """`renewed`, `expanded`, `downgraded` or `churned`; also read from ``status`` and ``result``."""
    return fact.text("outcome") or fact.text("status") or fact.text("result")


def is_churn(fact: DatedFact) -> bool:
    """Whether the fact ends a contract."""
    return fact.type == RENEWED and renewal_outcome(fact) == CHURNED


def not_renewed_since(history: History, day: int) -> int | None:
    """UTC day on which the contract ended and none followed, as of grid day ``day``; None while one runs or none was.

    A churn counts as later than a signature or renewal in the same millisecond, as it does for labels.
    """
    last = history.newest(day, RENEWED)
    if last is None:
        return None
    signed = history.newest(day, SIGNED)
    if signed is not None and signed.at_ms > last.at_ms:
        return None
    at_once = history.before(day, RENEWED, since_day=last.day)
    return last.day if any(fact.at_ms == last.at_ms and is_churn(fact) for fact in at_once) else None


TERM_TRAITS = (START, END)


class Term(NamedTuple):
    """The term of the contract that was signed last, epoch milliseconds: when that was, and from when until when."""

    signed_ms: int
    start_ms: int
    end_ms: int

    @property
    def days(self) -> float:
        """Its length."""
        return (self.end_ms - self.start_ms) / DAY_MS


def term(traits: Mapping[str, Trait]) -> Term | None:
    """The term by the traits `contract_start` and `contract_end`; None where no end is known.

    Without a start of the same signature it begins when it was signed.
    """
    end = traits.get(END)
    end_ms = None if end is None else _time(end.value)
    if end is None or end_ms is None:
        return None
    start = traits.get(START)
    start_ms = _time(start.value) if start is not None and start.at_ms == end.at_ms else None
    return Term(end.at_ms, end.at_ms if start_ms is None else start_ms, end_ms)


def is_closed(history: History, running: Term, day: int, within_days: int) -> bool:
    """Whether a renewal closed, as of grid day ``day``, that is of this term: after it was signed, and no earlier than
    ``within_days`` before its end. What closes before that is the renewal of the term before, told late, or a change
    under way.
    """
    since_ms = max(running.signed_ms + 1, running.end_ms - within_days * DAY_MS)
    last = history.newest(day, RENEWED)
    return last is not None and last.at_ms >= since_ms


def _time(value: object) -> int | None:
    """A time, RFC 3339, as epoch milliseconds; without zone it is UTC. None where it is none."""
    return _read(str(value))


@lru_cache(maxsize=4_096)
def _read(value: str) -> int | None:
    # The same few dates are asked for every week of every contract.
    try:
        told = datetime.fromisoformat(value)
    except ValueError:
        return None
    return int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() * 1000)
