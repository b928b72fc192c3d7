"""Whether a customer has a contract: signed, renewed, or ended by a renewal that churned (signals §1)."""

from __future__ import annotations

from ebbtide.models.standing.history import DatedFact, History

SIGNED, RENEWED = "contract.signed", "renewal.closed"
CHURNED, EXPANDED = "churned", "expanded"


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
    renewals = history.before(day, RENEWED)
    if not renewals:
        return None
    last = max([*renewals, *history.before(day, SIGNED)], key=lambda fact: (fact.at_ms, is_churn(fact)))
    return last.day if is_churn(last) else None
