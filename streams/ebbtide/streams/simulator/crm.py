"""The facts of the CRM and billing system: accounts, contacts, leads, contracts, renewals, deals, touchpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from ebbtide.schemas.base import DAY_MS
from ebbtide.streams.simulator.agenda import Agenda, Due
from ebbtide.streams.simulator.book import Account
from ebbtide.streams.simulator.catalogue import FEATURES, TRAINERS
from ebbtide.streams.simulator.config import HOUR_MS
from ebbtide.streams.simulator.contract import Outcome, Term
from ebbtide.streams.simulator.episode import Episode
from ebbtide.streams.simulator.fact import (
    Fact,
    account_data,
    account_ids,
    contact_data,
    contact_ids,
    lead_ids,
    midnight,
)
from ebbtide.streams.simulator.lead import Lead, LeadKind
from ebbtide.streams.simulator.people import Person
from ebbtide.streams.simulator.population import Population

CALL_EVERY_DAYS = {"strategic": 14, "middle": 45}
SURVEY_EVERY_DAYS = 90
INVOICE_EVERY_DAYS = 30
LATE_PAYER = 0.05
# Noon of every region lies on the same day in UTC: what the truth dates must not slip to the day beside.
NOON = 12.0


class Crm:
    """Words the entries of the agenda on their day, and puts what follows from them on it."""

    def __init__(self, population: Population, agenda: Agenda) -> None:
        self._population = population
        self._config = population.book.config
        self._agenda = agenda
        self._words: dict[str, Callable[[Account, Due, int, Random], Iterator[Fact]]] = {
            "open": self._open,
            "join": self._join,
            "leave": self._leave,
            "sign": self._sign,
            "close": self._close,
            "upsell": self._upsell,
            "rename": self._rename,
            "training": self._training,
            "campaign": self._campaign,
            "lead": self._lead,
            "convert": self._convert,
            "lose": self._lose,
            "kickoff": self._kickoff,
            "call": self._call,
            "invoice": self._invoice,
            "paid": self._paid,
        }

    def word(self, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        """The facts of one entry. Entries that are not the CRM's give none."""
        words = self._words.get(due.what)
        if words is not None:
            yield from words(self._population.accounts[due.account], due, day, rng)

    def office_hours(self, account: Account, day: int, rng: Random, *, hour: float | None = None) -> int:
        """A time of the account's working day."""
        local = rng.uniform(8.5, 17.5) if hour is None else hour
        return self._config.start_ms + day * DAY_MS + int((local - account.offset_hours) * HOUR_MS)

    def _open(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        # The CRM is connected on the first day: all that it knows comes in within ten minutes.
        at = self._config.start_ms + rng.randrange(300_000)
        data = account_data(account, account.name, account.terms[0])
        yield Fact(at, "account.upserted", "crm", account_ids(account), data)
        for number, person in enumerate(p for p in account.people if p.joins <= 0 and not p.machine):
            data = contact_data(person)
            yield Fact(at + 1_000 + 50 * number, "contact.upserted", "crm", contact_ids(account, person), data)
        yield Fact(
            at + 10_000, "contract.signed", "crm", account_ids(account), self._contract(account, account.terms[0])
        )
        self._follow(account, day, rng)
        term = account.terms[0]
        first = term.starts + INVOICE_EVERY_DAYS * (-term.starts // INVOICE_EVERY_DAYS + 1)
        self._agenda.add(first, Due("invoice", account.index, term))

    def _follow(self, account: Account, day: int, rng: Random) -> None:
        every = CALL_EVERY_DAYS.get(account.tier)
        if every:
            self._agenda.add(day + rng.randint(1, every), Due("call", account.index))
        self._agenda.add(day + rng.randint(5, SURVEY_EVERY_DAYS), Due("survey", account.index))

    def _contract(self, account: Account, term: Term) -> dict[str, object]:
        return {
            "contract_id": f"{account.group_id}-ct{term.number}",
            "start": midnight(self._config, term.starts),
            "end": midnight(self._config, term.ends),
            "value": term.value,
            "currency": "USD",
            "seats": term.seats,
        }

    def _join(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        assert isinstance(due.about, Person)
        if self._population.is_open(account.index):
            at = self.office_hours(account, day, rng)
            yield Fact(at, "contact.upserted", "crm", contact_ids(account, due.about), contact_data(due.about))

    def _leave(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        assert isinstance(due.about, Person)
        if self._population.is_open(account.index):
            at = self.office_hours(account, day, rng)
            yield Fact(at, "contact.left", "crm", contact_ids(account, due.about), {"role": due.about.role})

    def _sign(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        term = due.about
        assert isinstance(term, Term)
        if term.number == 0 and account.lead is None:
            return
        at = self.office_hours(account, day, rng, hour=NOON + 0.5)
        earlier = [other for other in account.terms if other.number == term.number - 1]
        if earlier and earlier[0].seats != term.seats:
            data = account_data(account, account.name_on(day), term)
            yield Fact(at - 60_000, "account.upserted", "crm", account_ids(account), data)
        yield Fact(at, "contract.signed", "crm", account_ids(account), self._contract(account, term))
        self._agenda.add(day + min(INVOICE_EVERY_DAYS, term.ends - day - 1), Due("invoice", account.index, term))

    def _close(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        term = due.about
        assert isinstance(term, Term)
        following = next((t for t in account.terms if t.starts == term.ends), None)
        data: dict[str, object] = {
            "outcome": term.outcome.value,
            "value": following.value if following else term.value,
            "currency": "USD",
            "contract_id": f"{account.group_id}-ct{term.number}",
        }
        if term.reason:
            data["reason"] = term.reason
        at = self.office_hours(account, day, rng, hour=NOON)
        yield Fact(at, "renewal.closed", "crm", account_ids(account), data)
        if term.outcome is Outcome.EXPANDED:
            deal = {"deal_id": f"{account.group_id}-up{term.number}", "stage": "closed_won", "amount": data["value"]}
            yield Fact(at - 1_000, "deal.won", "crm", account_ids(account), {**deal, "currency": "USD"})

    def _upsell(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        term = due.about
        assert isinstance(term, Term)
        if day <= term.starts:
            return
        data = {"deal_id": f"{account.group_id}-up{term.number}", "stage": "proposal", "amount": term.value}
        at = self.office_hours(account, day, rng)
        yield Fact(at, "deal.opened", "crm", account_ids(account), {**data, "currency": "USD"})

    def _rename(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        assert isinstance(due.about, Episode)
        term = next(t for t in account.terms if t.starts <= day < t.ends)
        at = self.office_hours(account, day, rng, hour=NOON)
        yield Fact(at, "account.upserted", "crm", account_ids(account), account_data(account, due.about.detail, term))

    def _training(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        episode = due.about
        assert isinstance(episode, Episode)
        assert episode.feature is not None
        data = {"kind": "training", "feature": FEATURES[episode.feature].module, "trainer": rng.choice(TRAINERS)}
        yield self._touch(account, day, rng, data, hour=8.5)

    def _campaign(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        assert isinstance(due.about, Episode)
        data = {"kind": "campaign", "id": due.about.detail}
        # A campaign goes out before people come to work, so that what follows is what it caused.
        yield self._touch(account, day, rng, data, hour=5.0)

    def _kickoff(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        yield self._touch(account, day, rng, {"kind": "kickoff"})

    def _call(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        every = CALL_EVERY_DAYS[account.tier]
        self._agenda.add(day + rng.randint(every * 3 // 4, every * 5 // 4), Due("call", account.index))
        if self._population.is_open(account.index) and self._config.at(day).weekday() < 5:
            kind = "visit" if rng.random() < 0.15 else "call"
            yield self._touch(account, day, rng, {"kind": kind, "by": account.csm})

    def _touch(
        self, account: Account, day: int, rng: Random, data: dict[str, str], *, hour: float | None = None
    ) -> Fact:
        ids = account_ids(account)
        return Fact(self.office_hours(account, day, rng, hour=hour), "touchpoint", "crm", ids, data)

    def _lead(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        lead = due.about
        assert isinstance(lead, Lead)
        at = self.office_hours(account, day, rng, hour=NOON)
        data = {
            "name": account.people[0].name,
            "company": account.name,
            "channel": lead.channel.name,
            "keyword": lead.channel.keyword,
            "owner": lead.owner,
            "status": "trial",
            "region": account.region.name,
            "trial_start": midnight(self._config, lead.arrives),
        }
        yield Fact(at, "lead.upserted", "crm", lead_ids(account), data)
        if lead.kind is not LeadKind.FADES:
            yield Fact(at + HOUR_MS, "deal.opened", "crm", lead_ids(account), self._deal(account, "qualified"))

    def _deal(self, account: Account, stage: str) -> dict[str, object]:
        amount = account.terms[0].value if account.terms else account.seats * account.plan.price_per_seat
        lead = account.lead.lead_id if account.lead else account.group_id
        return {"deal_id": f"deal-{lead}", "stage": stage, "amount": amount, "currency": "USD"}

    def _convert(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        at = self.office_hours(account, day, rng, hour=NOON)
        person, term = account.people[0], account.terms[0]
        yield Fact(at, "account.upserted", "crm", account_ids(account), account_data(account, account.name, term))
        yield Fact(at + 1_000, "contact.upserted", "crm", contact_ids(account, person), contact_data(person))
        ids = {**lead_ids(account), **contact_ids(account, person)}
        yield Fact(
            at + 2_000, "lead.converted", "crm", ids, {"channel": account.lead.channel.name if account.lead else ""}
        )
        yield Fact(at + 3_000, "deal.won", "crm", account_ids(account), self._deal(account, "closed_won"))
        self._agenda.add(day + rng.randint(1, 7), Due("kickoff", account.index))
        self._follow(account, day, rng)

    def _lose(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        lead = due.about
        assert isinstance(lead, Lead)
        at = self.office_hours(account, day, rng)
        if lead.kind is not LeadKind.FADES:
            reason = rng.choice(("price", "competitor", "no_decision"))
            yield Fact(
                at, "deal.lost", "crm", lead_ids(account), {**self._deal(account, "closed_lost"), "reason": reason}
            )

    def _invoice(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        term = due.about
        assert isinstance(term, Term)
        if not self._population.is_open(account.index):
            return
        months = max(1.0, (term.ends - term.starts) / INVOICE_EVERY_DAYS)
        number = f"inv-{account.index:06d}-{day:04d}"
        amount = f"{term.value / months:.2f}"
        # Whoever is about to leave pays late more often.
        unhappy = self._population.multiplier[account.index] < 0.7
        delay = rng.randint(8, 45) if rng.random() < LATE_PAYER * (3 if unhappy else 1) else 0
        at = self.office_hours(account, day, rng)
        data = {"invoice_id": number, "amount": float(amount), "currency": "USD", "due_at": midnight(self._config, day)}
        ids = {**account_ids(account), "billing_id": account.billing_id}
        if delay:
            yield Fact(at + DAY_MS // 2, "invoice.overdue", "billing", ids, data)
            self._agenda.add(day + delay, Due("paid", account.index, (number, amount)))
        else:
            yield Fact(at, "invoice.paid", "billing", ids, data)
        if day + INVOICE_EVERY_DAYS < term.ends:
            self._agenda.add(day + INVOICE_EVERY_DAYS, Due("invoice", account.index, term))

    def _paid(self, account: Account, due: Due, day: int, rng: Random) -> Iterator[Fact]:
        assert isinstance(due.about, tuple)
        number, amount = str(due.about[0]), float(str(due.about[1]))
        ids = {**account_ids(account), "billing_id": account.billing_id}
        data = {"invoice_id": number, "amount": amount, "currency": "USD"}
        yield Fact(self.office_hours(account, day, rng), "invoice.paid", "billing", ids, data)
