"""What happens around product use: tickets, surveys, advertising, and the heartbeats of the sources."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp
from random import Random

import numpy as np

from ebbtide.schemas.base import DAY_MS
from ebbtide.streams.simulator.agenda import Agenda, Due
from ebbtide.streams.simulator.book import Account
from ebbtide.streams.simulator.catalogue import CHANNELS, CRM_SOURCES, PRODUCT_SOURCES
from ebbtide.streams.simulator.config import HOUR_MS
from ebbtide.streams.simulator.contract import pick
from ebbtide.streams.simulator.crm import SURVEY_EVERY_DAYS, Crm
from ebbtide.streams.simulator.episode import EpisodeType
from ebbtide.streams.simulator.fact import Fact, account_ids, contact_ids
from ebbtide.streams.simulator.people import Person
from ebbtide.streams.simulator.population import Floats, Population

CARE_STREAM = 2
FACT_STREAM = "facts"
# About one ticket per account and four months; twice as many from accounts in decline.
TICKETS_A_DAY = 0.008
SEVERITIES = (("low", 0.35), ("normal", 0.45), ("high", 0.16), ("critical", 0.04))
NPS_ANSWERED = 0.45
CSAT_ANSWERED = 0.3
# Mean NPS of an average account is 7.7, in decline a point and a half less.
NPS_MEAN, NPS_FIT, NPS_DECLINE, NPS_SPREAD = 7.7, 1.1, 1.6, 1.5


class Care:
    """Everything but product events of one day. ``day`` must be called in order, after behaviour's."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._config = population.book.config
        self._agenda = Agenda(population.book)
        self._crm = Crm(population, self._agenda)
        self._rate: Floats = np.array([_ticket_rate(account) for account in population.accounts])

    def day(self, day: int) -> Iterator[Fact]:
        """All facts of ``day``."""
        rng = Random(f"{self._config.seed}:{FACT_STREAM}:{day}")
        declining = {i for i, e in self._population.active if e.type is EpisodeType.DECLINE}
        for due in self._agenda.take(day):
            account = self._population.accounts[due.account]
            if due.what == "survey":
                yield from self._survey(account, day, rng, unhappy=account.index in declining)
            elif due.what == "solve":
                yield from self._solve(account, due, day, rng, unhappy=account.index in declining)
            else:
                yield from self._crm.word(due, day, rng)
        yield from self._tickets(day, rng, declining)
        if day % 7 == 0:
            yield from self._advertising(day, rng)
        yield from self._heartbeats(day)

    def _someone(self, account: Account, day: int, rng: Random) -> Person | None:
        there = [p for p in account.people if not p.machine and p.joins <= day < p.leaves]
        return rng.choice(there) if there else None

    def _tickets(self, day: int, rng: Random, declining: set[int]) -> Iterator[Fact]:
        known = self._population.known(day)
        draws = np.random.default_rng([self._config.seed, CARE_STREAM, day])
        rate = self._rate[:known].copy()
        rate[list(declining)] *= 2.0
        for index in np.flatnonzero(draws.random(known) < rate).tolist():
            account = self._population.accounts[index]
            person = self._someone(account, day, rng)
            is_customer = account.lead is None or (account.lead.signs is not None and account.lead.signs <= day)
            if person is None or not is_customer or not self._population.is_open(index):
                continue
            ticket, severity = f"tk-{index:06d}-{day:04d}", pick(rng, SEVERITIES)
            at = self._crm.office_hours(account, day, rng)
            data = {"ticket_id": ticket, "severity": severity}
            yield Fact(at, "ticket.opened", "helpdesk", contact_ids(account, person), data)
            open_days = 1 + int(rng.expovariate(1 / 2.5))
            self._agenda.add(day + open_days, Due("solve", index, (ticket, severity)))

    def _solve(self, account: Account, due: Due, day: int, rng: Random, *, unhappy: bool) -> Iterator[Fact]:
        assert isinstance(due.about, tuple)
        data = {"ticket_id": due.about[0], "severity": due.about[1]}
        at = self._crm.office_hours(account, day, rng)
        yield Fact(at, "ticket.closed", "helpdesk", account_ids(account), data)
        if rng.random() < CSAT_ANSWERED:
            score = min(5, max(1, round(rng.gauss(3.2 if unhappy else 4.1, 0.9))))
            yield Fact(
                at + HOUR_MS, "survey.answered", "survey", account_ids(account), {"kind": "csat", "score": score}
            )

    def _survey(self, account: Account, day: int, rng: Random, *, unhappy: bool) -> Iterator[Fact]:
        self._agenda.add(day + SURVEY_EVERY_DAYS, Due("survey", account.index))
        person = self._someone(account, day, rng)
        if person is None or not self._population.is_open(account.index) or rng.random() > NPS_ANSWERED:
            return
        mean = NPS_MEAN + NPS_FIT * account.fit - (NPS_DECLINE if unhappy else 0.0)
        score = min(10, max(0, round(rng.gauss(mean, NPS_SPREAD))))
        at = self._crm.office_hours(account, day, rng)
        yield Fact(at, "survey.answered", "survey", contact_ids(account, person), {"kind": "nps", "score": score})

    def _advertising(self, day: int, rng: Random) -> Iterator[Fact]:
        leads_a_week = self._config.customers * self._config.leads_per_month * 7 / 30
        for channel in CHANNELS:
            clicks = max(1, round(leads_a_week * channel.share * channel.clicks_per_lead * rng.uniform(0.8, 1.2)))
            data = {
                "channel": channel.name,
                "keyword": channel.keyword,
                "clicks": clicks,
                "amount": round(clicks * channel.cost_per_click, 2),
                "currency": "USD",
            }
            yield Fact(self._config.start_ms + day * DAY_MS + 3 * HOUR_MS, "channel.spend", "ads", {}, data)

    def _heartbeats(self, day: int) -> Iterator[Fact]:
        silent = self._population.book.season.silent_sources(day)
        every = self._config.heartbeat_hours
        for hour in range(0, 24, every):
            at = self._config.start_ms + day * DAY_MS + hour * HOUR_MS + HOUR_MS // 60
            for source in (*PRODUCT_SOURCES, *CRM_SOURCES):
                if source not in silent:
                    yield Fact(
                        at, "source.heartbeat", source, {}, {"source": source, "expected_interval_s": every * 3600}
                    )


def _ticket_rate(account: Account) -> float:
    people = sum(not person.machine for person in account.people)
    return float(TICKETS_A_DAY * (people / 6) ** 0.7 * exp(-0.25 * account.fit))
