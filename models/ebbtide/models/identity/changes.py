"""What settling the identity graph changes: owners for everybody, refusals and shared values for the audit."""

from __future__ import annotations

from typing import NamedTuple

from ebbtide.models.identity.evidence import Pair


class OwnerChange(NamedTuple):
    """From ``epoch`` on the identifier belongs to the owner of ``anchor``. All three names are identifier keys."""

    identifier: str
    previous: str
    anchor: str
    epoch: int


class RefusalChange(NamedTuple):
    """Why the link of a pair was and is refused; None where it is not.

    ``limit:<type>``, ``cannot_link``, ``size``, or ``unbound``.
    """

    pair: Pair
    previous: str | None
    reason: str | None


class BarredChange(NamedTuple):
    """Why an identifier linked and links nobody: ``shared``, ``blocked``, or None where it does."""

    identifier: str
    previous: str | None
    reason: str | None


class Audit(NamedTuple):
    """What a settling changed besides owners, each sorted."""

    refusals: list[RefusalChange]
    barred: list[BarredChange]
