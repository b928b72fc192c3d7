"""The accounts of a book, each with its people, contract and fate, planned before the first event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp
from random import Random

from ebbtide.streams.simulator.catalogue import (
    CSMS,
    FEATURES,
    INDUSTRIES,
    NAME_FORMS,
    NAME_HEADS,
    NAME_TAILS,
    PLANS,
    REGIONS,
    Plan,
    Region,
)
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.contract import Outcome, Term, pick, plan_terms
from ebbtide.streams.simulator.episode import Episode, EpisodeType
from ebbtide.streams.simulator.lead import Lead, arriving_leads
from ebbtide.streams.simulator.people import Person, make_person, make_team
from ebbtide.streams.simulator.planting import plant
from ebbtide.streams.simulator.season import Season

# Signals §7 calls a user of 30 % or more dominant; key people get 32 to 50 % where their hours allow it.
KEY_SHARE = (0.32, 0.5)
MOST_INTENSITY = 5.0
API_USERS = 0.12
PAY_PER_USE = 0.15


@dataclass(frozen=True)
class Account:
    """One customer or lead with its whole plan. Days count from the start of the book and may be negative."""

    index: int
    group_id: str
    name: str
    domain: str
    industry: str
    region: Region
    offset_hours: int
    plan: Plan
    tier: str
    csm: str
    fit: float
    level: float
    weights: tuple[float, ...]
    pay_per_use: bool
    seats: int
    people: tuple[Person, ...]
    terms: tuple[Term, ...]
    episodes: tuple[Episode, ...]
    lead: Lead | None

    @property
    def crm_account_id(self) -> str:
        """The id the CRM knows the account by."""
        return f"001{self.group_id[5:]}"

    @property
    def billing_id(self) -> str:
        """The id the billing system knows the account by."""
        return f"cus_{self.group_id[5:]}"

    @cached_property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The days ``[from, to)`` on which its people can use the product, trial included."""
        spans = [(self.lead.arrives, self.lead.until)] if self.lead else []
        for term in self.terms:
            if spans and spans[-1][1] == term.starts:
                spans[-1] = (spans[-1][0], term.ends)
            else:
                spans.append((term.starts, term.ends))
        return tuple(spans)

    @property
    def signed(self) -> int | None:
        """The day of the first contract within the book; None for an opening account and an unsigned lead."""
        return self.lead.signs if self.lead else None

    @property
    def is_account(self) -> bool:
        """Whether it ever had a contract: everything but an unsigned lead."""
        return self.lead is None or self.lead.signs is not None

    def churns(self) -> Iterator[Term]:
        """The terms that end in a churn."""
        return (term for term in self.terms if term.outcome is Outcome.CHURNED)

    def name_on(self, day: int) -> str:
        """The name the account goes by on ``day``."""
        renames = [e for e in self.episodes if e.type is EpisodeType.RENAME and e.starts <= day]
        return renames[-1].detail if renames else self.name


def _company(rng: Random) -> str:
    return f"{rng.choice(NAME_HEADS)} {rng.choice(NAME_TAILS)} {rng.choice(NAME_FORMS)}"


def _domain(name: str, index: int) -> str:
    head = name.split(maxsplit=1)[0]
    slug = head.lower() if head.isascii() else "cn"
    return f"{slug}-{name.split()[1].lower()}{index}.example"


def make_account(config: BookConfig, season: Season, index: int, lead: Lead | None = None) -> Account:
    """Plan one account from the seed and its index alone."""
    rng = Random(f"{config.seed}:account:{index}")
    plan = rng.choices(PLANS, [p.share if lead is None or p.share > 0.3 else 0.02 for p in PLANS])[0]
    region = rng.choices(REGIONS, [r.share for r in REGIONS])[0]
    name, fit = _company(rng), rng.gauss(0, 1)
    seats, tier = rng.randint(*plan.seats), pick(rng, plan.tiers)
    signed = lead.signs if lead else None
    terms: tuple[Term, ...] = ()
    if lead is None or signed is not None:
        terms = tuple(plan_terms(config, index, plan, fit=fit, seats=seats, signed=signed))
    episodes = plant(config, season, index, terms, tier, source=region.source)
    if lead:
        episodes = sorted([*lead.episodes(), *episodes], key=lambda e: (e.starts, e.type))
    domain = "gmail.com" if lead and lead.free_mail else _domain(name, index)
    return Account(
        index=index,
        group_id=f"acct-{index:06d}",
        name=name,
        domain=domain,
        industry=rng.choice(INDUSTRIES),
        region=region,
        offset_hours=rng.choice(region.offset_hours),
        plan=plan,
        tier=tier,
        csm=rng.choice(CSMS),
        fit=fit,
        # Heavy-tailed between accounts; a good fit uses the product somewhat more.
        level=exp(rng.gauss(-0.45, 0.6) + 0.12 * fit),
        weights=tuple(f.weight * exp(rng.gauss(0, 0.5)) * (rng.random() < f.adopted) for f in FEATURES),
        pay_per_use=rng.random() < PAY_PER_USE,
        seats=seats,
        people=tuple(_people(config, index, domain, plan, seats, lead, terms, episodes)),
        terms=terms,
        episodes=tuple(_named(rng, episode) for episode in episodes),
        lead=lead,
    )


def _named(rng: Random, episode: Episode) -> Episode:
    return replace(episode, detail=_company(rng)) if episode.type is EpisodeType.RENAME else episode


def _people(
    config: BookConfig,
    index: int,
    domain: str,
    plan: Plan,
    seats: int,
    lead: Lead | None,
    terms: tuple[Term, ...],
    episodes: list[Episode],
) -> Iterator[Person]:
    rng = Random(f"{config.seed}:account:{index}:people")
    prefix, skew = f"u{index:06d}", config.clock_skew_share
    signed = lead.signs if lead else None
    joins = None if lead is None else lead.arrives if signed is None else signed
    team = list(make_team(rng, prefix, domain, seats=seats, joins=joins, skew_share=skew))
    if lead:
        team[0] = replace(team[0], joins=lead.arrives)
        tries_too = rng.random() < 0.4
        if tries_too:
            team[1] = replace(team[1], joins=lead.arrives + 3)
        if not terms:
            team = team[: 1 + tries_too]
    others = sum(person.weekly_rate for person in team[1:])
    share = rng.uniform(*KEY_SHARE)
    wanted = others * share / (1 - share) / (sum(team[0].pattern) / 2)
    team[0] = replace(team[0], intensity=min(MOST_INTENSITY, max(team[0].intensity, wanted)))
    loss = next((e for e in episodes if e.type is EpisodeType.KEY_PERSON_LOSS), None)
    successor, gap = rng.random() < 0.6, rng.randint(18, 40)
    if loss is not None:
        team[0] = replace(team[0], leaves=loss.starts, told=loss.detail == "told")
        doomed = any(term.outcome is Outcome.CHURNED and term.ends - loss.starts < 100 for term in terms)
        if successor and not doomed:
            joins = loss.starts + gap
            team.append(make_person(rng, f"{prefix}90", domain, "key_person", joins=joins, skew_share=skew))
    yield from team
    if rng.random() < API_USERS and plan.name != "starter" and terms:
        robot = make_person(rng, f"{prefix}99", domain, "end_user", joins=signed or 0, skew_share=0.0)
        yield replace(
            robot, name="API key", machine=True, anonymous_first=False, pattern=(0.98,) * 14, device_days=1_000_000
        )


class Book:
    """Everything that is decided before the first event: the season and all accounts, leads last."""

    def __init__(self, config: BookConfig) -> None:
        self.config = config
        self.season = Season(config)
        self.accounts = [make_account(config, self.season, index) for index in range(config.customers)]
        for lead in arriving_leads(config):
            self.accounts.append(make_account(config, self.season, len(self.accounts), lead))
