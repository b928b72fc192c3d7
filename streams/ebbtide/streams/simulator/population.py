"""All accounts and users as columns, so that one day of the whole book is a few array operations."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from ebbtide.streams.simulator.book import Account, Book
from ebbtide.streams.simulator.catalogue import FEATURES, ORDER_WEIGHT, PAGE_WEIGHT, REGIONS
from ebbtide.streams.simulator.episode import Episode, EpisodeType
from ebbtide.streams.simulator.people import PATTERN_DAYS, Person

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

PAGE = len(FEATURES)
ORDER = PAGE + 1
LOGIN = ORDER + 1
# Habit drifts slowly: a half-life of about three weeks, 20 % either way.
DRIFT_KEPT, DRIFT_SPREAD = 0.97, 0.2
# A trained or driving feature that the account did not use before starts from this weight.
FRESH_WEIGHT = 0.5
SURGE_WEIGHT = 5.0


class Population:
    """Who is there on a day and how active. ``advance`` must be called for every day in order."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.accounts = book.accounts
        self.people: list[Person] = []
        owners: list[int] = []
        for account in self.accounts:
            self.people.extend(account.people)
            owners.extend([account.index] * len(account.people))
        people = self.people
        self.owner: Ints = np.array(owners, dtype=np.int64)
        self.joins: Ints = np.array([p.joins for p in people], dtype=np.int64)
        self.leaves: Ints = np.array([p.leaves for p in people], dtype=np.int64)
        self.pattern: Floats = np.array([p.pattern for p in people], dtype=np.float64).reshape(-1, PATTERN_DAYS)
        self.intensity: Floats = np.array([p.intensity for p in people], dtype=np.float64)
        self.hour: Floats = np.array([p.hour for p in people], dtype=np.float64)
        self.skew: Ints = np.array([p.skew_ms for p in people], dtype=np.int64)
        self.machine: Bools = np.array([p.machine for p in people], dtype=np.bool_)
        self.offset: Floats = np.array([self.accounts[o].offset_hours for o in owners], dtype=np.float64)
        sources = [region.source for region in REGIONS]
        self._source: Ints = np.array([sources.index(a.region.source) for a in self.accounts], dtype=np.int64)
        self._sources = sources
        self._level: Floats = np.array([a.level for a in self.accounts], dtype=np.float64)
        self._arrives: Ints = np.array([a.lead.arrives if a.lead else 0 for a in self.accounts], dtype=np.int64)
        self._drift: Floats = np.zeros(len(self.accounts))
        self._open: Bools = np.zeros(len(self.accounts), dtype=np.bool_)
        self._weights = np.array([_weights(a) for a in self.accounts], dtype=np.float64)
        self.cumulative: Floats = np.cumsum(self._weights, axis=1) / self._weights.sum(axis=1, keepdims=True)
        self._schedule(book)
        self.active: list[tuple[int, Episode]] = []
        self.multiplier: Floats = np.ones(len(self.accounts))
        self.returning: set[int] = set()
        self.signing: list[int] = []
        self.first_person = np.searchsorted(self.owner, np.arange(len(self.accounts)))

    def _schedule(self, book: Book) -> None:
        self._starts: defaultdict[int, list[tuple[int, Episode]]] = defaultdict(list)
        self._signs: defaultdict[int, list[int]] = defaultdict(list)
        self._opens: defaultdict[int, list[int]] = defaultdict(list)
        self._closes: defaultdict[int, list[int]] = defaultdict(list)
        for account in book.accounts:
            for episode in account.episodes:
                if episode.ends >= 0:
                    self._starts[max(0, episode.starts)].append((account.index, episode))
            if account.signed is not None:
                self._signs[account.signed].append(account.index)
            for opens, closes in account.spans:
                if closes > 0:
                    self._opens[max(0, opens)].append(account.index)
                    self._closes[closes].append(account.index)

    def advance(self, day: int) -> None:
        """Open and close accounts, start and end episodes."""
        self.signing = self._signs.pop(day, [])
        self._open[self._closes.pop(day, [])] = False
        self._open[self._opens.pop(day, [])] = True
        self.returning.clear()
        going: list[tuple[int, Episode]] = []
        for index, episode in self.active:
            if episode.ends > day:
                going.append((index, episode))
                continue
            self._level[index] *= episode.after
            if episode.type is EpisodeType.SURGE:
                self._turn(index, episode, 1 / SURGE_WEIGHT)
            elif episode.type is EpisodeType.WARM_RETURN:
                self.returning.add(index)
        for index, episode in self._starts.pop(day, []):
            going.append((index, episode))
            if episode.type is EpisodeType.SURGE:
                self._turn(index, episode, SURGE_WEIGHT)
            elif episode.type is EpisodeType.TRAINING:
                self._turn(index, episode, episode.factor)
        self.active = going
        self.multiplier = np.ones(len(self.accounts))
        for index, episode in going:
            self.multiplier[index] *= episode.multiplier(day)

    def _turn(self, index: int, episode: Episode, factor: float) -> None:
        if episode.feature is None:
            return
        row = self._weights[index]
        row[episode.feature] = max(row[episode.feature], FRESH_WEIGHT) * factor
        self.cumulative[index] = np.cumsum(row) / row.sum()

    def known(self, day: int) -> int:
        """How many accounts and leads have arrived; they are the first ones of every column."""
        return int(np.count_nonzero(self._arrives <= day))

    def is_open(self, index: int) -> bool:
        """Whether the account may use the product today."""
        return bool(self._open[index])

    def levels(self, day: int, rng: np.random.Generator, noise_shape: float) -> Floats:
        """Activity per account relative to a plain one: level, drift, episodes, and the day's own luck."""
        known = self.known(day)
        drift = self._drift[:known]
        drift *= DRIFT_KEPT
        drift += rng.normal(0, DRIFT_SPREAD * np.sqrt(1 - DRIFT_KEPT**2), known)
        levels = np.zeros(len(self.accounts))
        luck = rng.gamma(noise_shape, 1 / noise_shape, known)
        levels[:known] = self._level[:known] * np.exp(drift) * luck * self.multiplier[:known]
        return levels

    def usual_levels(self, day: int) -> Floats:
        """The same without episodes and luck, once ``levels`` of the day are drawn."""
        known = self.known(day)
        levels = np.zeros(len(self.accounts))
        levels[:known] = self._level[:known] * np.exp(self._drift[:known])
        return levels

    def present(self, day: int) -> Ints:
        """Indices of the users who may be active on ``day``: there, on an open account, on a source that delivers."""
        blind = self.book.season.silent_sources(day)
        reachable = self._open
        for number, source in enumerate(self._sources):
            if source in blind:
                reachable = reachable & (self._source != number)
        return np.flatnonzero((self.joins <= day) & (self.leaves > day) & reachable[self.owner])

    def owner_of(self, user: int) -> Account:
        """The account of a user."""
        return self.accounts[int(self.owner[user])]


def _weights(account: Account) -> list[float]:
    weights = list(account.weights)
    # Nobody stays with an analytics product without any analysis.
    weights[0] = max(weights[0], FEATURES[0].weight * 0.3)
    return [*weights, PAGE_WEIGHT, ORDER_WEIGHT if account.pay_per_use and account.is_account else 0.0]
