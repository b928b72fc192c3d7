"""Which episodes an account lives through. Renewals bring their own; the others come by chance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from ebbtide.streams.simulator.catalogue import TEACHABLE
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.contract import Outcome, Term
from ebbtide.streams.simulator.episode import EXCLUSIVE, Episode, EpisodeType
from ebbtide.streams.simulator.season import CAMPAIGN_REACH, Season

BLOCK_DAYS = 60
# Two weeks of habit on either side, so that an episode can be told from its neighbours.
MARGIN_DAYS = 14
CAUSELESS_WINDOW_DAYS = 100
# Chances per account and block of 60 days: about 0.3 slumps, 0.25 surges, 0.2 returns and lost key people a year.
BLOCK_CHANCES = (
    (EpisodeType.SLUMP, 0.05),
    (EpisodeType.SURGE, 0.04),
    (EpisodeType.WARM_RETURN, 0.035),
    (EpisodeType.KEY_PERSON_LOSS, 0.035),
)
TRAINING_CHANCE = {"strategic": 0.35, "middle": 0.2, "small": 0.05}
RENAME_CHANCE = 0.008
KEY_LOSS_BEFORE_CHURN = 0.25


def _is_free(taken: Iterable[Episode], starts: int, ends: int, margin: int = MARGIN_DAYS) -> bool:
    return all(
        ends + margin <= other.starts or other.ends + margin <= starts for other in taken if other.type in EXCLUSIVE
    )


def plant(
    config: BookConfig, season: Season, index: int, terms: tuple[Term, ...], tier: str, *, source: str
) -> list[Episode]:
    """Episodes of one account in the order of their start."""
    episodes = list(_churns(config, index, terms))
    for episode in _resizes(config, index, terms):
        if _is_free(episodes, episode.starts, episode.ends, margin=0):
            episodes.append(episode)
    for episode in _by_chance(config, index, tier):
        if not any(term.starts + 30 <= episode.starts < term.ends for term in _stretches(terms)):
            continue
        if episode.type in EXCLUSIVE and not _is_free(episodes, episode.starts, episode.ends):
            continue
        if episode.type is EpisodeType.WARM_RETURN and _is_disturbed(config, season, episode.ends, source):
            continue
        if episode.type is EpisodeType.KEY_PERSON_LOSS and any(e.type is episode.type for e in episodes):
            continue
        episodes.append(episode)
    episodes.extend(_campaigns(config, season, index, terms, episodes))
    return sorted(episodes, key=lambda e: (e.starts, e.type))


def _stretches(terms: Iterable[Term]) -> list[Term]:
    """Terms merged over renewals: the spans in which the account is a customer."""
    merged: list[Term] = []
    for term in terms:
        if merged and merged[-1].ends == term.starts:
            merged[-1] = Term(term.number, merged[-1].starts, term.ends, term.value, term.seats, term.outcome)
        else:
            merged.append(term)
    return merged


def _is_disturbed(config: BookConfig, season: Season, day: int, source: str) -> bool:
    weekend = config.at(day).weekday() >= 5
    return weekend or source in season.silent_sources(day) or season.factor(day) < 0.6


def _churns(config: BookConfig, index: int, terms: Iterable[Term]) -> Iterator[Episode]:
    previous_end: int | None = None
    for term in terms:
        rng = Random(f"{config.seed}:account:{index}:churn:{term.number}")
        if previous_end is not None and previous_end < term.starts:
            yield Episode(EpisodeType.WON_BACK, term.starts, term.starts + 1)
        previous_end = term.ends
        if term.outcome is not Outcome.CHURNED:
            continue
        if term.causeless:
            yield Episode(EpisodeType.CAUSELESS_CHURN, term.ends - CAUSELESS_WINDOW_DAYS, term.ends)
            continue
        starts = term.ends - rng.randint(28, 70)
        # The floor is what is left on the last day: from near silence to a third of the habit.
        yield Episode(EpisodeType.DECLINE, starts, term.ends, factor=rng.uniform(0.03, 0.33))
        if rng.random() < KEY_LOSS_BEFORE_CHURN:
            left = starts - rng.randint(0, 10)
            yield Episode(EpisodeType.KEY_PERSON_LOSS, left, left + 28, detail=_how(rng))


def _how(rng: Random) -> str:
    return "told" if rng.random() < 0.6 else "silent"


def _resizes(config: BookConfig, index: int, terms: Iterable[Term]) -> Iterator[Episode]:
    for term in terms:
        rng = Random(f"{config.seed}:account:{index}:resize:{term.number}")
        if term.outcome is Outcome.EXPANDED and rng.random() < 0.7:
            starts = term.ends - rng.randint(25, 50)
            ends = starts + rng.randint(21, 35)
            yield Episode(EpisodeType.SURGE, starts, ends, rng.uniform(2.4, 3.6), 1.3, rng.choice(TEACHABLE))
        elif term.outcome is Outcome.DOWNGRADED and rng.random() < 0.8:
            factor = rng.uniform(0.4, 0.65)
            yield Episode(EpisodeType.DOWNGRADE, term.ends - rng.randint(28, 50), term.ends, factor, factor)


def _by_chance(config: BookConfig, index: int, tier: str) -> Iterator[Episode]:
    for block in range(config.days // BLOCK_DAYS + 1):
        rng = Random(f"{config.seed}:account:{index}:block:{block}")
        first = block * BLOCK_DAYS
        draw, starts = rng.random(), first + rng.randrange(BLOCK_DAYS)
        for kind, chance in BLOCK_CHANCES:
            if draw < chance:
                yield _chance_episode(rng, kind, starts)
                break
            draw -= chance
        if rng.random() < TRAINING_CHANCE[tier]:
            day = first + rng.randrange(BLOCK_DAYS)
            yield Episode(EpisodeType.TRAINING, day, day + 28, factor=4.0, feature=rng.choice(TEACHABLE))
        if rng.random() < RENAME_CHANCE:
            day = first + rng.randrange(BLOCK_DAYS)
            yield Episode(EpisodeType.RENAME, day, day + 1)


def _chance_episode(rng: Random, kind: EpisodeType, starts: int) -> Episode:
    match kind:
        case EpisodeType.SLUMP:
            return Episode(kind, starts, starts + rng.randint(16, 32), rng.uniform(0.15, 0.45))
        case EpisodeType.SURGE:
            return Episode(
                kind, starts, starts + rng.randint(18, 32), rng.uniform(2.4, 3.6), feature=rng.choice(TEACHABLE)
            )
        case EpisodeType.WARM_RETURN:
            return Episode(kind, starts, starts + rng.randint(24, 49), 0.0)
    return Episode(kind, starts, starts + 28, detail=_how(rng))


def _campaigns(
    config: BookConfig, season: Season, index: int, terms: Iterable[Term], episodes: list[Episode]
) -> Iterator[Episode]:
    stretches = _stretches(terms)
    quiet = [e for e in episodes if e.type in {EpisodeType.WARM_RETURN, EpisodeType.CAUSELESS_CHURN}]
    for campaign in season.campaigns:
        rng = Random(f"{config.seed}:account:{index}:{campaign.campaign_id}")
        reached = rng.random() < CAMPAIGN_REACH and any(t.starts <= campaign.day < t.ends - 7 for t in stretches)
        if reached and _is_free(quiet, campaign.day, campaign.day + 7, margin=0):
            # Signals §2: what happens within seven days of a campaign is inflated.
            yield Episode(
                EpisodeType.CAMPAIGN,
                campaign.day,
                campaign.day + 7,
                factor=rng.uniform(1.6, 2.8),
                detail=campaign.campaign_id,
            )
