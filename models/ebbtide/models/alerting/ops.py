"""Alerts to whoever runs Ebbtide: about no customer, but about what is heard of all of them (signals §7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from ebbtide.models.alerting.lifecycle import alert_id
from ebbtide.models.alerting.wording import Words
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.sources import SourceBook
from ebbtide.schemas.alert import Alert, AlertCandidate, AlertKind, AlertState, AlertType, Severity
from ebbtide.schemas.base import DAY_MS

ROUTE = "ops"
BACK, UP_AGAIN = "back", "up_again"


class OpsDeclaration(NamedTuple):
    """What is fixed for a type: when it fires, what to do, the words of its reason and of its end."""

    fires: str
    resolves: str
    play: str
    words: Words
    over: Words


OPS: dict[AlertType, OpsDeclaration] = {
    AlertType.SOURCE_BLIND: OpsDeclaration(
        "Nothing is heard of a source for longer than its heartbeats allow.",
        "it is heard again",
        "mend_the_source",
        Words(
            "nothing is heard of source {source} since {heard_at}: its customers cannot be scored, and no alert on "
            "what they do opens",
            "自{heard_at}起未收到数据源{source}的消息：其客户无法评分，也不会因其行为触发告警",
        ),
        Words(
            "source {source} is heard again; nothing was since {heard_at}", "数据源{source}已恢复（自{heard_at}起中断）"
        ),
    ),
    AlertType.FLEET_DROP: OpsDeclaration(
        "The whole fleet did less on a day than on the same weekday of the weeks before.",
        "the fleet does as much as usual",
        "find_the_common_cause",
        Words(
            "the whole fleet does less: {percent} % of its usual activity on {day}; alerts on customers that share it "
            "are held back",
            "全体客户活跃度下降：{day}仅为平时的{percent}%；由此引起的单个告警暂不发送",
        ),
        Words(
            "the whole fleet is back to its usual activity, after {days:day} from {day} on",
            "全体客户活跃度已恢复正常（自{day}起持续{days}天）",
        ),
    ),
}
"""Types that are about no customer."""


def ops_alert(
    tenant: str,
    alert_type: AlertType,
    evidence: dict[str, Any],
    *,
    episode: str,
    state: AlertState,
    at: datetime,
    version: int,
    resolved_reason: str | None = None,
) -> Alert:
    """An alert of kind ops; ``episode`` tells it from others of its type."""
    declared = OPS[alert_type]
    reason_en, reason_zh = (declared.over if state is AlertState.RESOLVED else declared.words).of(evidence)
    return Alert.unchecked(
        alert_id=alert_id(tenant, alert_type, episode),
        tenant=tenant,
        kind=AlertKind.OPS,
        type=alert_type,
        customer_id=None,
        customer_name=None,
        person_id=None,
        state=state,
        severity=Severity.WARNING,
        occurred_at=at,
        version=version,
        evidence=evidence,
        contributions=[],
        p_churn=None,
        confidence=1.0,
        reasons_en=[reason_en],
        reasons_zh=[reason_zh],
        play=declared.play,
        owner=None,
        route=ROUTE,
        at_stake=None,
        suppressed=None,
        resolved_reason=resolved_reason,
        priority=0.0,
        deliver_at=None,
        escalated_at=None,
        response=None,
    )


def source_candidates(book: SourceBook, tenant: str, day: int) -> Iterator[AlertCandidate]:
    """Sources that went blind at grid instant ``day``, and those that are back; each is told once."""
    for source in book.sources(tenant):
        before, now = book.dark_since(tenant, source, day - 1), book.dark_since(tenant, source, day)
        if (before is None) == (now is None):
            continue
        since_ms = now if before is None else before
        assert since_ms is not None, "one of the two"
        heard_at = from_ms(since_ms).strftime("%Y-%m-%dT%H:%M:%SZ")
        alert = ops_alert(
            tenant,
            AlertType.SOURCE_BLIND,
            {"source": source, "heard_at": heard_at},
            episode=f"{source}/{since_ms}",
            state=AlertState.RESOLVED if now is None else AlertState.OPEN,
            at=from_ms(day * DAY_MS),
            version=day,
            resolved_reason=BACK if now is None else None,
        )
        yield AlertCandidate.unchecked(alert=alert, instant=alert.occurred_at, worth=None)
