"""The vendor's world: plans, regions, event vocabulary, channels, name parts."""

from __future__ import annotations

from dataclasses import dataclass


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@dataclass(frozen=True)
class Plan:
    """A price plan. ``monthly_hazard`` is the churn probability per month of an account of average fit."""

    name: str
    share: float
    seats: tuple[int, int]
    price_per_seat: float
    monthly_hazard: float
    term_days: tuple[tuple[int, float], ...]
    tiers: tuple[tuple[str, float], ...]


# Hazards average 3.2 % a month over the shares: small plans churn most, enterprise least. As bad
# fits leave first and newcomers stay a while, a book of 2,000 loses 2.7 % of its accounts a month (measured).
PLANS = (
    Plan("starter", 0.36, (3, 7), 29.0, 0.042, ((30, 0.65), (91, 0.15), (365, 0.2)), (("small", 1.0),)),
    Plan("growth", 0.36, (6, 16), 45.0, 0.032, ((30, 0.25), (91, 0.25), (365, 0.5)), (("small", 0.4), ("middle", 0.6))),
    Plan("scale", 0.2, (12, 36), 60.0, 0.02, ((91, 0.25), (365, 0.75)), (("middle", 0.8), ("strategic", 0.2))),
    Plan("enterprise", 0.08, (30, 90), 75.0, 0.012, ((365, 1.0),), (("strategic", 1.0),)),
)


@dataclass(frozen=True)
class Region:
    """Where accounts are. ``source`` is the regional data plane that delivers their events."""

    name: str
    source: str
    offset_hours: tuple[int, ...]
    share: float


REGIONS = (
    Region("emea", "product-eu", (0, 1, 2), 0.3),
    Region("americas", "product-us", (-8, -6, -5, -3), 0.4),
    Region("apac", "product-apac", (8, 8, 8, 9), 0.3),
)
PRODUCT_SOURCES = tuple(region.source for region in REGIONS)
CRM_SOURCES = ("crm", "billing", "helpdesk", "survey", "ads")


@dataclass(frozen=True)
class Feature:
    """A product event: its module, how often it is used, and the share of accounts that adopted it."""

    event: str
    module: str
    weight: float
    adopted: float
    extra: tuple[str, ...] = ("",)


_ROWS = tuple(f',"rows":{rows},"duration_ms":{ms}' for rows, ms in ((12, 210), (80, 340), (430, 510), (2600, 1240)))
_PANELS = tuple(f',"panels":{n}' for n in (4, 6, 9, 14))
_FORMATS = tuple(f',"format":"{name}"' for name in ("csv", "xlsx", "pdf", "png"))

# The first six are the shipped virtual event `query` (signals §2). Weights: half of all use is core use.
FEATURES = (
    Feature("event_analysis", "events", 3.0, 0.95, _ROWS),
    Feature("funnel_analysis", "funnels", 1.6, 0.7, _ROWS),
    Feature("retention_analysis", "retention", 1.2, 0.55, _ROWS),
    Feature("revisit_analysis", "revisit", 0.5, 0.3, _ROWS),
    Feature("overview", "overview", 2.2, 1.0, _PANELS),
    Feature("query", "explore", 1.0, 0.45, _ROWS),
    Feature("dashboard_viewed", "dashboards", 3.5, 0.95, _PANELS),
    Feature("dashboard_created", "dashboards", 0.3, 0.7, _PANELS),
    Feature("report_exported", "reports", 0.9, 0.6, _FORMATS),
    Feature("alert_created", "alerts", 0.25, 0.4),
    Feature("segment_saved", "segments", 0.6, 0.5),
    Feature("user_invited", "admin", 0.12, 0.9),
    Feature("settings_changed", "admin", 0.2, 0.9),
    Feature("data_imported", "ingestion", 0.4, 0.35, _ROWS),
    Feature("chart_shared", "sharing", 0.6, 0.6, _FORMATS),
    Feature("comment_added", "sharing", 0.4, 0.45),
    Feature("experiment_viewed", "experiments", 0.7, 0.25),
    Feature("session_replay_watched", "replay", 0.8, 0.25),
)
CORE = 6
PAGE_WEIGHT = 2.0
ORDER_WEIGHT = 0.5
PAGES = ("Home", "Dashboards", "Funnels", "Retention", "Settings", "Docs")
ORDER_AMOUNTS = (19.0, 45.5, 80.0, 120.0, 200.0, 350.0, 49.0, 900.0)
# What trainers teach and surges are about: modules that not everyone uses yet.
TEACHABLE = (1, 2, 3, 5, 8, 10, 16, 17)

INDUSTRIES = ("retail", "finance", "software", "media", "education", "logistics", "health", "manufacturing")
CSMS = tuple(f"csm-{name}" for name in ("ada", "bo", "chen", "dina", "emre", "fei", "gita", "hugo", "ines", "jun"))
SALES = ("sales-kim", "sales-leo", "sales-mia", "sales-nils")
TRAINERS = ("trainer-ou", "trainer-pia", "trainer-quan")


@dataclass(frozen=True)
class Channel:
    """Where leads come from. ``display`` has the clicks and no deals: the case of signals §5, channel truth."""

    name: str
    keyword: str
    share: float
    signs: float
    clicks_per_lead: int
    cost_per_click: float


CHANNELS = (
    Channel("search", "product analytics", 0.25, 0.45, 60, 2.4),
    Channel("search", "funnel tool", 0.15, 0.4, 55, 2.9),
    Channel("webinar", "retention masterclass", 0.15, 0.5, 25, 5.0),
    Channel("referral", "partner", 0.12, 0.6, 10, 3.0),
    Channel("social", "saas growth", 0.13, 0.25, 90, 1.1),
    Channel("display", "banner", 0.2, 0.05, 400, 0.6),
)

NAME_HEADS = _words(
    "Acme Alba Arbor Aster Birch Blue Bright Cedar Clear Cobalt Coral Crest Delta Ember Falcon Fern Flint "
    "Harbor Hazel Indigo Iron Juniper Kestrel Lark Lumen Maple Meridian Nimbus North Nova Oak Onyx Orbit Pine "
    "Quartz Raven River Sable Silver Slate Sparrow Stone Summit Terra Tidal Umber Vale Vertex Willow Zephyr 明日 "
    "远山 海川 星辰"
)
NAME_TAILS = _words(
    "Analytics Bank Books Capital Care Clinics Commerce Foods Freight Games Health Labs Learning Logistics "
    "Media Metals Mobility Motors Networks Outfitters Pay Retail Robotics Software Stores Studios Systems "
    "Travel Works"
)
NAME_FORMS = ("Ltd", "GmbH", "Inc", "Co", "SA", "BV")
FIRST_NAMES = _words(
    "Ana Ben Carla Dmitri Elena Farid Grace Hana Ivan Julia Kai Lena Marco Nadia Omar Priya Quinn Rosa Sven "
    "Tara Uma Viktor Wei Xin Yuki Zoe 伟 芳 娜 敏"
)
LAST_NAMES = _words(
    "Adler Brandt Costa Diaz Evans Fischer Gupta Haddad Ito Jensen Kim Lopez Meyer Nakamura Okafor Park Rossi "
    "Silva Tanaka Ueda Vogel Wang Xu Yilmaz Zhang"
)
