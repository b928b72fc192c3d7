"""Whether an endpoint wants anything at all: what its last 410, and what an operator said after it."""

from __future__ import annotations

import hashlib
from datetime import datetime

from ebbtide.models.delivery.answer import DETAIL
from ebbtide.schemas.deliveries import EndpointState


def is_disabled(state: EndpointState | None, url: str) -> bool:
    """Whether nothing is to be sent to that address. Who answered 410 at another one said nothing of this."""
    return state is not None and state.disabled and state.address == address_of(url)


def disabled(endpoint: str, url: str, said: str, at: datetime) -> EndpointState:
    """It answered 410 Gone."""
    return EndpointState(
        endpoint=endpoint, disabled=True, address=address_of(url), detail=said[:DETAIL] or None, decided_at=at
    )


def enabled(state: EndpointState, at: datetime) -> EndpointState:
    """An operator says that it is there again."""
    return state.model_copy(update={"disabled": False, "detail": None, "decided_at": at})


def address_of(url: str) -> str:
    """An address as a name that does not tell it: it may be a secret."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]
