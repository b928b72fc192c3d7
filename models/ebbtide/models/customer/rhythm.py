"""Cadence and silence of a customer as of a grid instant."""

from __future__ import annotations

import msgspec

from ebbtide.models.customer.cadence import Cadence, Gaps, SilenceState, silence, silence_state
from ebbtide.models.customer.view import View
from ebbtide.models.policy import CadencePolicy


class Rhythm(msgspec.Struct, frozen=True):
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
    return _own(view, view.series.count_before(day), policy)


def _own(view: View, end: int, policy: CadencePolicy) -> Cadence:
    """The cadence by the first ``end`` active days."""
    series, gaps = view.series, view.gaps
    if (
        gaps is not None
        and gaps.disorder == series.disorder
        and (
            # Most customers on most days: nothing was added since, or one day.
            gaps.end == end or (0 < gaps.end == end - 1 and gaps.move(series))
        )
    ):
        return gaps.own
    gaps = view.gaps = Gaps(series, end, policy)
    return gaps.own


def rhythm(view: View, day: int, policy: CadencePolicy, blind: int = 0) -> Rhythm | None:
    """The rhythm as of ``day``; None for who was never active before. ``blind`` days after the last are left out."""
    series = view.series
    end = series.count_before(day)
    if end == 0:
        return None
    last_day = series.days[end - 1]
    own = _own(view, end, policy)
    silent = silence(last_day, day - blind, own) if blind else silence(last_day, day, own)
    return Rhythm(last_day, own, silent, silence_state(silent, own, policy), blind)
