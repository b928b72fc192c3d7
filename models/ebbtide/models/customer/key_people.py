"""Which people of an account carry it, and which of them are gone (signals §7).

Who is key is decided at observation instants, and is a function of the series and the roles as of them: nothing of it
is stored. A key person is gone after a silence of three own cadences in whole days, or by a `contact.left`.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from ebbtide.models.churn.grid import last_observation_day
from ebbtide.models.customer.cadence import Cadence, cadence_of, instant_of, silence
from ebbtide.models.customer.series import EVENTS
from ebbtide.models.customer.share import Share
from ebbtide.models.customer.usual_silence import usual_longest
from ebbtide.models.policy import CorePolicy
from ebbtide.models.standing.contacts import LEFT, WATCHED_DAYS, Role
from ebbtide.models.standing.unseen import Unseen, all_seen
from ebbtide.schemas.base import DAY_MS

if TYPE_CHECKING:
    from ebbtide.models.customer.customer import Customer
    from ebbtide.models.customer.view import View

_WEEK = 7
_USUAL_WEEKS = 4
_PAST_DAYS = 98
"""So far back from its last active day a person's own rhythm is looked at: less than is kept of anybody."""

_ALIVE_DAYS = 28
"""Most days over which the account is asked whether it goes on. With what they are held against, 112 days are kept."""

_NO_ROLE = ("", None)
_KEY_PERSON, _END_USER = Role.KEY_PERSON, Role.END_USER


class Gone(NamedTuple):
    """A key person who is gone, from grid instant ``since_day`` on.

    ``share`` is that of the account's activity in the weeks up to ``last_day``, the last active one; ``silent_days``
    were whole calendar days. ``told``: the CRM said so.
    """

    since_day: int
    profile_id: str
    person: str
    last_day: int
    share: float
    own: Cadence
    silent_days: int
    told: bool


class Patience(NamedTuple):
    """A person's own rhythm up to its last active day, and the silence, in the rhythm's days, that is a loss."""

    own: Cadence
    lost_after: float


class Watched:
    """Key people as of the observation instant ``day``: the ``share`` of each by profile.

    Before ``quiet_until`` the silence of none of them is a loss.
    """

    __slots__ = ("_min_days", "day", "quiet_until", "share")

    def __init__(self, day: int, share: dict[str, float], min_days: int) -> None:
        self.day, self.share, self._min_days = day, share, min_days
        self.quiet_until = 0

    def hear(self, profile_id: str, day: int) -> None:
        """Somebody was active on a day, and maybe later: whoever is watched may come by another rhythm now."""
        if profile_id in self.share:
            self.quiet_until = min(self.quiet_until, day + self._min_days + 1)


class KeyPeople:
    """Key people under one policy. Holds no state of any customer."""

    def __init__(self, policy: CorePolicy) -> None:
        self._policy = policy.key_person
        self._cadence, self._alert, self._every_days = policy.cadence, policy.alert, policy.observation.every_days
        self._min_actions = policy.baseline.min_actions

    def watched(self, customer: Customer, view: View, day: int) -> Watched:
        """Key people as of the newest observation instant up to ``day``."""
        observed, known = last_observation_day(day, self._every_days), view.key_people
        if known is None or known.day != observed:
            found = self._key_people(customer, view, observed)
            known = view.key_people = Watched(observed, found, self._policy.min_days)
        return known

    def gone(self, customer: Customer, view: View, day: int, unseen: Unseen = all_seen) -> Gone | None:
        """The key person who is gone as of ``day``, the one that is gone first; ``unseen`` days are no silence."""
        found = self._told(customer, view, day)
        watched = self.watched(customer, view, day)
        if day >= watched.quiet_until:
            # Who is known to come on a day from now on, and maybe at another rhythm since, is not missed sooner.
            due = day + self._policy.min_days + 1
            for profile_id, part in watched.share.items():
                share = customer.shares[profile_id]
                last = self._last_day(customer, view, profile_id, share, day)
                at = self._missed_from(view, profile_id, share, last, day)
                due = min(due, at)
                if at <= day:
                    silent = self._silent(view, day, profile_id, share, last, part, unseen)
                    if silent is not None:
                        found.append(silent)
            watched.quiet_until = due
        if not found:
            return None
        # One absence is one loss, however often it is told and whatever shows it: it begins with the first of them.
        first: dict[str, Gone] = {}
        for gone in sorted(found):
            first.setdefault(gone.profile_id, gone)
        for gone in first.values():
            is_open = day < gone.since_day + self._policy.open_days
            if is_open and not self.stands_in(customer, view, day, gone.profile_id, gone.last_day):
                return gone
        return None

    def next_due(self, customer: Customer, view: View, day: int) -> int | None:
        """The first instant after ``day`` at which the silence of a watched person may be a loss.

        From then on it is asked every day while it is watched: whether others go on, who stands in, and how many days
        nobody could see, which are no silence, may change unheard.
        """
        due: int | None = None
        for profile_id in self.watched(customer, view, day).share:
            share = customer.shares[profile_id]
            last = self._last_day(customer, view, profile_id, share, day)
            at = self._missed_from(view, profile_id, share, last, day)
            if at <= day:
                return day + 1
            if due is None or at < due:
                due = at
        return due

    def is_back(self, customer: Customer, view: View, day: int, profile_id: str, last_day: int) -> bool:
        """Whether a person was active after ``last_day``; one that is none of the account's any more is not lost."""
        share = customer.share(profile_id)
        last = None if share is None or share.detached else view.last_days.of(customer, profile_id, share, day)
        return last is None or last > last_day

    def stands_in(self, customer: Customer, view: View, day: int, profile_id: str, last_day: int) -> bool:
        """Whether somebody else became key person after ``last_day``, and was active since."""
        for key, (role, active) in view.roles(customer, day, without=_END_USER).items():
            if role == _KEY_PERSON and key != profile_id and active is not None and active > last_day:
                held = [trait for trait in customer.shares[key].traits["role"] if trait.at_ms < day * DAY_MS]
                if held[-1].at_ms // DAY_MS > last_day:
                    return True
        return False

    @staticmethod
    def _last_day(customer: Customer, view: View, profile_id: str, share: Share, day: int) -> int:
        last = view.last_days.of(customer, profile_id, share, day)
        assert last is not None, "who is watched was active"
        return last

    def _missed_from(self, view: View, profile_id: str, share: Share, last: int, day: int) -> int:
        """The first instant at which the silence of a watched person may be a loss; maybe too early after ``day``."""
        at = last + self._policy.min_days + 1
        if at <= day:
            patience = self._patience(view, profile_id, share, last)
            at = instant_of(last, patience.lost_after, patience.own)
        return at

    def _key_people(self, customer: Customer, view: View, day: int) -> dict[str, float]:
        roles = view.roles(customer, day, without=_END_USER)
        found: dict[str, float] = {}
        totals: dict[int, int] = {}
        for profile_id, last in view.last_days.since(customer, day, day - WATCHED_DAYS):
            share = customer.shares[profile_id]
            is_key = profile_id in roles and roles[profile_id][0] == _KEY_PERSON
            total = totals.get(last)
            if total is None:
                total = totals[last] = self._total(view, last)
            # Of most people all that they ever did is less than that.
            if share.days and (is_key or share.totals[EVENTS] / total >= self._policy.share):
                part = self._part(share, last, total)
                if is_key or part >= self._policy.share:
                    found[profile_id] = part
        return found if len(found) < len(customer.shares) else {}

    def _told(self, customer: Customer, view: View, day: int) -> list[Gone]:
        """Those of whom the CRM said lately that they left, and who were not active since."""
        history = view.history(customer)
        if not history.has(LEFT):
            return []
        # As far back as that, so that a loss which is over is not told again because it was told twice.
        facts = history.before(day, LEFT, since_day=day - WATCHED_DAYS - self._policy.open_days)
        found: list[Gone] = []
        for fact in facts:
            share = customer.shares.get(fact.person)
            last = None if share is None or share.detached else view.last_days.of(customer, fact.person, share, day)
            if share is None or last is None or last > fact.day:
                continue
            carried = last >= day - WATCHED_DAYS
            part = self._part(share, last, self._total(view, last)) if carried else 0.0
            role = fact.text("role") or view.roles(customer, day).get(fact.person, _NO_ROLE)[0]
            if role == _KEY_PERSON or part >= self._policy.share:
                own = self._patience(view, fact.person, share, last).own if carried else cadence_of([], self._cadence)
                silent = max(day - last - 1, 0)
                found.append(Gone(fact.day + 1, fact.person, share.subject_value, last, part, own, silent, told=True))
        return found

    def _silent(
        self, view: View, day: int, profile_id: str, share: Share, last: int, part: float, unseen: Unseen
    ) -> Gone | None:
        blind_days = unseen(last + 1)
        if day - blind_days - last <= self._policy.min_days:
            return None
        patience = self._patience(view, profile_id, share, last)
        if silence(last, day - blind_days, patience.own) < patience.lost_after:
            return None
        since = instant_of(last, patience.lost_after, patience.own) + blind_days
        if not self._is_alive(view, share, last, day):
            return None
        return Gone(since, profile_id, share.subject_value, last, part, patience.own, day - last - 1, told=False)

    def _patience(self, view: View, profile_id: str, share: Share, last: int) -> Patience:
        """A person's own rhythm up to its last active day, kept until it is active again.

        Its cadence is the mean gap, for a median of one day says little of who comes on three days a week; or so long
        that the usual longest gap, as often as it takes to be told of a customer, is no loss.
        """
        known = view.patience.get(profile_id)
        if known is not None and known[0] == last:
            return known[1]
        past = {day for days in (share.days, share.old_days) for day in days if last - _PAST_DAYS < day <= last}
        active = sorted(past)[-self._cadence.max_gaps - 1 :]
        own = cadence_of(active, self._cadence)
        if len(active) > max(self._cadence.min_gaps, 2):
            gaps = sorted(silence(before, after, own) for before, after in pairwise(active))
            usual = self._alert.asleep_gaps * usual_longest(gaps, self._alert.asleep_quantile)
            own = Cadence(max(own.gap, sum(gaps) / len(gaps), usual / self._policy.gaps), own.business)
        # The day after the last active one is the first that is missed.
        patience = Patience(own, max(self._policy.gaps * own.gap, self._policy.min_days) + 1)
        view.patience[profile_id] = last, patience
        return patience

    def _total(self, view: View, last: int) -> int:
        """What the account did in the weeks up to a person's last active day."""
        return view.series.window(EVENTS, last + 1, self._policy.window_days)

    def _part(self, share: Share, last: int, total: int) -> float:
        """A person's share of that; 0 of too little."""
        if total < self._min_actions:
            return 0.0
        days = share.days
        first = last + 1 - self._policy.window_days
        return sum([days[day][EVENTS] for day in range(first, last + 1) if day in days]) / total

    def _is_alive(self, view: View, share: Share, last: int, day: int) -> bool:
        """Whether the others do enough of their usual since: the mean of the same days in the four weeks before."""
        start = max(last + 1, day - _ALIVE_DAYS)
        others, first = 0, ceil((day - last - 1) / _WEEK)
        for week in range(first, first + _USUAL_WEEKS):
            began, ended = start - _WEEK * week, day - _WEEK * week
            others += view.series.window(EVENTS, ended, ended - began)
            others -= sum(share.days[known][EVENTS] for known in range(began, ended) if known in share.days)
        return others > 0 and view.series.window(EVENTS, day, day - start) >= self._policy.alive * others / _USUAL_WEEKS
