"""How many lines a book will have, without writing them, and the intensity that gives a wanted number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ebbtide.streams.simulator.behaviour import ACCOUNT_NOISE_SHAPE, USE_STREAM, Behaviour
from ebbtide.streams.simulator.book import Book
from ebbtide.streams.simulator.care import Care
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.population import Population

LEAST, MOST = 0.02, 50.0
# Calls that a new user brings beside its events, later devices included: pages, identify, group (measured: 2.9 a user
# over 30 days, 3.2 over 90, 4.3 over 180; 5 % of the lines of a million-event book).
SIGN_IN_LINES = 3.4
ROUNDS = 12


def expected_lines(book: Book) -> float:
    """Expected number of lines of a book."""
    config = book.config
    use = 0.0
    people = Population(book)
    behaviour = Behaviour(people)
    care = Care(people)
    facts = 0
    seen = np.zeros(len(people.people))
    for day in range(config.days):
        people.advance(day)
        # The draws of the book itself: in a small book the luck of one large account weighs more than 5 %.
        levels = people.levels(day, np.random.default_rng([config.seed, USE_STREAM, day]), ACCOUNT_NOISE_SHAPE)
        present = people.present(day)
        chance, mean = behaviour.expectation(day, levels, present)
        use += float((chance * np.maximum(mean, 1.0)).sum())
        seen[present] = 1 - (1 - seen[present]) * (1 - chance)
        facts += sum(1 for _ in care.day(day))
    return (use + SIGN_IN_LINES * float(seen.sum()) + facts) * (1 + config.duplicate_share)


def solve_intensity(config: BookConfig, lines: int) -> float:
    """The intensity at which a book has about ``lines`` lines, by bisection on the logarithm.

    Raises ``ValueError`` when the number lies outside what any intensity gives.
    """
    low, high = LEAST, MOST
    book = Book(config)

    def count(intensity: float) -> float:
        book.config = replace(config, intensity=intensity)
        return expected_lines(book)

    if not count(low) <= lines <= count(high):
        raise ValueError(
            f"{lines} events do not fit {config.customers} customers over {config.days} days; "
            "change the days or the number of customers"
        )
    guess = 1.0
    for _ in range(ROUNDS):
        found = count(guess)
        if abs(found / lines - 1) < 0.003:
            break
        low, high = (guess, high) if found < lines else (low, guess)
        # Lines grow almost in proportion to intensity; a secant step, kept inside the bracket.
        step = guess * lines / found
        guess = step if low < step < high else (low * high) ** 0.5
    return round(guess, 4)
