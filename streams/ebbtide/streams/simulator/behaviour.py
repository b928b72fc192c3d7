"""What the users of the whole book do on one day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebbtide.schemas.base import DAY_MS
from ebbtide.streams.simulator import wording
from ebbtide.streams.simulator.config import HOUR_MS
from ebbtide.streams.simulator.episode import EpisodeType
from ebbtide.streams.simulator.people import PATTERN_DAYS
from ebbtide.streams.simulator.population import LOGIN, Floats, Ints, Population

USE_STREAM = 1
# Events of an active day of a user of average intensity, and how uneven the days are (gamma shape; at this mean 1.5
# gives two and a half times the variance of a Poisson count).
EVENTS_A_DAY = 3.2
UNEVENNESS = 1.5
ACCOUNT_NOISE_SHAPE = 8.0
# When an account does less, people come on fewer days (this power of the level) and do less on each (the rest).
FREQUENCY_POWER = 0.6
MOST_CHANCE = 0.97
LOGIN_SHARE = 0.75
MACHINE_EVENTS_A_DAY = 8.0
GAP_MS = 75_000
NOTHING, NEEDS_GROUP, NEEDS_SIGN_IN = 0, 1, 2


@dataclass
class Rows:
    """Events before delivery: the head of each JSON line, its true time and the error of its client's clock."""

    heads: list[str]
    at_ms: Ints
    skew_ms: Ints


class Behaviour:
    """Product use, day by day. ``day`` must be called in order."""

    def __init__(self, population: Population) -> None:
        self._people = population
        self._config = population.book.config
        self._parts = wording.event_parts()
        self._machine_part = wording.machine_part()
        size = len(population.people)
        self._needs = np.where(population.machine, NEEDS_GROUP, NEEDS_SIGN_IN)
        self._tails: list[str] = [""] * size
        self._devices: list[str] = [""] * size
        self._device_until: Ints = np.zeros(size, dtype=np.int64)

    def day(self, day: int) -> Rows:
        """All events of local day ``day``, in no order."""
        people = self._people
        rng = np.random.default_rng([self._config.seed, USE_STREAM, day])
        people.advance(day)
        self._note_changes(day)
        active, counts = self.draw(day, rng)
        times, row_user, first = self._times(day, rng, active, counts)
        heads = self._heads(rng, row_user, first)
        rows = self._sign_ins(day, rng, active, times[first])
        tails = self._tails
        users = row_user.tolist()
        heads = [f"{head},{tails[user]}" for head, user in zip(heads, users, strict=True)]
        skew = people.skew
        extra_at = np.array([at for _, at, _ in rows], dtype=np.int64)
        extra_skew = np.array([skew[user] for _, _, user in rows], dtype=np.int64)
        return Rows(
            heads + [head for head, _, _ in rows],
            np.concatenate([times, extra_at]),
            np.concatenate([skew[row_user], extra_skew]),
        )

    def draw(self, day: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """The users who are active on a day to which the population advanced, and how many events each has."""
        people = self._people
        levels = people.levels(day, rng, ACCOUNT_NOISE_SHAPE)
        present = people.present(day)
        chance, mean = self.expectation(day, levels, present)
        acts = rng.random(len(present)) < chance
        counts = 1 + rng.poisson(rng.gamma(UNEVENNESS, np.maximum(mean[acts] - 1, 0) / UNEVENNESS))
        return present[acts], counts

    def expectation(self, day: int, levels: Floats, present: Ints) -> tuple[Floats, Floats]:
        """Chance to be active today and mean events if so, for each user present. Their product follows the level."""
        people, intensity = self._people, self._config.intensity
        weekday = self._config.at(day).weekday() + 7 * ((day // 7) % 2)
        habit = people.pattern[present, weekday % PATTERN_DAYS]
        machine = people.machine[present]
        level = levels[people.owner[present]] * people.book.season.factor(day) * intensity
        level = np.where(machine, intensity, level)
        chance = np.minimum(MOST_CHANCE, habit * level**FREQUENCY_POWER)
        mean = np.where(machine, MACHINE_EVENTS_A_DAY, EVENTS_A_DAY * people.intensity[present])
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.nan_to_num(mean * level * habit / chance)
        back = [people.first_person[index] for index in people.returning]
        if back:
            forced = np.isin(present, back)
            chance = np.where(forced, 1.0, chance)
            mean = np.where(forced, EVENTS_A_DAY, mean)
        return chance, mean

    def _times(self, day: int, rng: np.random.Generator, active: Ints, counts: Ints) -> tuple[Ints, Ints, Ints]:
        """Time and user of every event, and the row of each user's first event."""
        people = self._people
        row_user = np.repeat(active, counts)
        first = np.cumsum(counts) - counts
        # People start around their usual hour; one pause in sixteen is a long one (a meeting, lunch).
        begins = np.clip(people.hour[active] + rng.normal(0, 1.5, len(active)), 6.0, 20.0)
        gaps = rng.exponential(GAP_MS, len(row_user))
        gaps = np.where(rng.random(len(row_user)) < 1 / 16, gaps + rng.uniform(0.5, 2.0, len(row_user)) * HOUR_MS, gaps)
        gaps[first] = 0
        elapsed = np.cumsum(gaps)
        elapsed -= np.repeat(elapsed[first], counts)
        local = np.minimum(np.repeat(begins, counts) * HOUR_MS + elapsed, 23.5 * HOUR_MS + elapsed % HOUR_MS / 2)
        local -= people.offset[row_user] * HOUR_MS
        all_day = rng.random(len(row_user)) * DAY_MS
        times = np.where(people.machine[row_user], all_day, local)
        return self._config.start_ms + day * DAY_MS + times.astype(np.int64), row_user, first

    def _heads(self, rng: np.random.Generator, row_user: Ints, first: Ints) -> list[str]:
        people = self._people
        cumulative = people.cumulative[people.owner[row_user]]
        choice = (rng.random(len(row_user))[:, None] > cumulative).sum(axis=1)
        back = {int(people.first_person[index]) for index in people.returning}
        logs_in = rng.random(len(first)) < LOGIN_SHARE
        if back:
            logs_in |= np.isin(row_user[first], list(back))
        # Whoever signs in anew has just logged in.
        logs_in |= self._needs[row_user[first]] == NEEDS_SIGN_IN
        choice[first[logs_in]] = LOGIN
        part = choice * wording.VARIANTS + rng.integers(0, wording.VARIANTS, len(row_user))
        heads = [self._parts[number] for number in part.tolist()]
        for row in np.flatnonzero(people.machine[row_user]).tolist():
            heads[row] = self._machine_part
        return heads

    def _note_changes(self, day: int) -> None:
        """A new contract or name shows in the next session's ``group`` call; an old device is replaced."""
        people = self._people
        for index, episode in people.active:
            if episode.starts != day:
                continue
            if episode.type is EpisodeType.RENAME:
                mine = slice(people.first_person[index], people.first_person[index] + 2)
                self._needs[mine] = np.maximum(self._needs[mine], NEEDS_GROUP)
        for index in people.signing:
            mine = people.owner == index
            self._needs[mine] = np.maximum(self._needs[mine], NEEDS_GROUP)
        worn = (self._device_until > 0) & (self._device_until <= day)
        self._needs[worn] = NEEDS_SIGN_IN

    def _sign_ins(self, day: int, rng: np.random.Generator, active: Ints, first_at: Ints) -> list[tuple[str, int, int]]:
        """``(head, time, user)`` of the calls that come before the first event of a new user, device or contract."""
        people = self._people
        rows: list[tuple[str, int, int]] = []
        for position in np.flatnonzero(self._needs[active] != NOTHING).tolist():
            user = int(active[position])
            person, account = people.people[user], people.owner_of(user)
            at = int(first_at[position])
            in_account = account.lead is None or (account.lead.signs is not None and account.lead.signs <= day)
            if self._needs[user] == NEEDS_SIGN_IN:
                rows.extend(self._new_device(day, rng, user, at, in_account=in_account))
            tail = wording.user_part(account, person, self._devices[user], in_account=in_account)
            self._tails[user] = tail
            if in_account:
                rows.append((f"{wording.group(account, account.name_on(day))},{tail}", at - 2_000, user))
            self._needs[user] = NOTHING
        return rows

    def _new_device(
        self, day: int, rng: np.random.Generator, user: int, at: int, *, in_account: bool
    ) -> list[tuple[str, int, int]]:
        people = self._people
        person, account = people.people[user], people.owner_of(user)
        used_before = bool(self._devices[user])
        device = rng.bytes(16).hex()
        draws = rng.random(5)
        self._devices[user] = device
        self._device_until[user] = day + person.device_days
        rows = []
        if person.anonymous_first or used_before or account.lead is not None:
            bare = f'"anonymousId":"{device}",{wording.context(account, in_account=False)}'
            for number in range(1 + int(draws[0] * 3)):
                name = ("Pricing", "Docs", "Home")[number]
                rows.append((f"{wording.page(name)},{bare}", at - 20_000 - int(draws[1 + number] * 600_000), user))
        tail = wording.user_part(account, person, device, in_account=in_account)
        if draws[4] < 0.05:
            # Old SDKs alias the device to the user before they identify.
            alias = f'"type":"alias","previousId":"{device}","userId":"{person.user_id}"'
            rows.append((f"{alias},{wording.context(account, in_account=False)}", at - 6_000, user))
        rows.append((f"{wording.identify(person)},{tail}", at - 5_000, user))
        return rows
