"""Cadence and silence of a customer as of a grid instant."""

from __future__ import annotations

from typing import NamedTuple

from ebbtide.models.customer.cadence import Cadence, SilenceState, cadence, silence, silence_state
from ebbtide.models.customer.view import View
from ebbtide.models.policy import CadencePolicy


class Rhythm(NamedTuple):
    """The last active day, the own cadence, and the silence since: in the cadence's days, and as a state.

    ``blind`` of the calendar days since then nobody could see the customer; they are no silence.
    """

    last_day: int
    own: Cadence
    silent: int
    state: SilenceState
    blind: int = 0


def own_cadence(view: View, day: int, policy: CadencePolicy) -> Cadence:
    """The cadence as of ``day``; the view keeps the one that was asked for last, maybe of another day."""
    series, known = view.series, view.cadence
    end = series.count_before(day)
    if known is not None and known[0] == end and known[1] == series.changes:
        # Most customers on most days: nothing was added since.
        return known[2]
    own = cadence(series, day, policy)
    view.cadence = (end, series.changes, own)
    return own


def rhythm(view: View, day: int, policy: CadencePolicy, blind: int = 0) -> Rhythm | None:
    """The rhythm as of ``day``; None for who was never active before. ``blind`` days after the last are left out."""
    series = view.series
    end = series.count_before(day)
    if end == 0:
        return None
    last_day = series.days[end - 1]
    own = own_cadence(view, day, policy)
    silent = silence(last_day, day - blind, own) if blind else silence(last_day, day, own)
    return Rhythm(last_day, own, silent, silence_state(silent, own, policy), blind)
