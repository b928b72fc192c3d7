"""Records in words, for chats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import quote

from ebbtide.models.delivery.message import Message
from ebbtide.models.delivery.target import Language, Target
from ebbtide.schemas.deliveries import DeliveryKind

Quoted = Callable[[str], str]
SIGNS: Final = {"critical": "🔴", "warning": "🟠", "info": "🔵"}
_STATES: Final[dict[Language, dict[str, str]]] = {
    "en": {"open": "", "updated": "update: ", "resolved": "resolved: "},
    "zh": {"open": "", "updated": "更新:", "resolved": "已解除:"},
}
_WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "owner": "Owner", "play": "Do", "at_stake": "At stake", "risk": "Churn risk", "unknown": "cannot be scored",
        "more": "and {count} more", "digest": "{count} updates", "record": "record updated", "gone": "is no more",
    },
    "zh": {
        "owner": "负责人", "play": "建议动作", "at_stake": "涉及金额", "risk": "流失概率", "unknown": "无法评分",
        "more": "另有{count}条", "digest": "{count}条动态", "record": "档案已更新", "gone": "已不存在",
    },
}  # fmt: skip


def title(message: Message, target: Target) -> str:
    """One line: whom it is about and what happened."""
    data, words = message.data(), _WORDS[target.language]
    name = _name(message, data)
    if message.kind is DeliveryKind.ALERT:
        reasons = data.get("reasons_zh" if target.language == "zh" else "reasons_en") or [data.get("type", "")]
        state = _STATES[target.language].get(str(data.get("state")), "")
        return f"{SIGNS.get(message.severity, '')} {name}: {state}{reasons[0]}".strip()
    if message.kind is DeliveryKind.SCORE:
        p_churn = data.get("p_churn")
        told = words["unknown"] if p_churn is None else f"{words['risk']} {p_churn:.0%} ({message.tier})"
        return f"{name}: {told}"
    return f"{name}: {words['gone' if message.value is None else 'record']}"


def details(message: Message, target: Target) -> list[str]:
    """The lines below the title."""
    data, words = message.data(), _WORDS[target.language]
    lines = []
    if message.kind is DeliveryKind.ALERT:
        reasons = data.get("reasons_zh" if target.language == "zh" else "reasons_en") or []
        lines += [str(reason) for reason in reasons[1:4]]
        stake = data.get("at_stake")
        if isinstance(stake, dict):
            lines.append(f"{words['at_stake']}: {stake.get('amount', 0):,.0f} {stake.get('currency', '')}")
        lines += [f"{words[name]}: {data[name]}" for name in ("owner", "play") if data.get(name)]
    if page := address(message, target):
        lines.append(page)
    return lines


def digest_title(messages: Sequence[Message], target: Target) -> str:
    """The heading of several messages in one."""
    return f"Ebbtide: {_WORDS[target.language]['digest'].format(count=len(messages))}"


def address(message: Message, target: Target) -> str:
    """The customer's page, if the settings name one."""
    if not target.link or message.customer_id is None:
        return ""
    return target.link.replace("{customer_id}", quote(message.customer_id, safe=""))


def text(messages: Sequence[Message], target: Target, most_bytes: int, quoted: Quoted) -> str:
    """One with details; of several a line each. At most so many bytes of UTF-8; what is left out is told.

    ``quoted`` takes from a line what the chat would read as a sign of its own, not as text.
    """
    if len(messages) == 1:
        said = [title(messages[0], target), *details(messages[0], target)]
        return _cut("\n".join(quoted(line) for line in said), most_bytes)
    lines, left = [digest_title(messages, target)], most_bytes - 64
    left -= len(lines[0].encode())
    for number, message in enumerate(messages):
        line = _cut(quoted(title(message, target)), 400)
        left -= len(line.encode()) + 1
        if left < 0:
            return "\n".join([*lines, _WORDS[target.language]["more"].format(count=len(messages) - number)])
        lines.append(line)
    return "\n".join(lines)


def _name(message: Message, data: dict[str, Any]) -> str:
    named = data.get("customer_name")
    if not named and message.kind is DeliveryKind.RECORD:
        named = data.get("fields", {}).get("name", {}).get("value")
    return str(named or message.customer_id or message.tenant)


def _cut(said: str, most_bytes: int) -> str:
    encoded = said.encode()
    return said if len(encoded) <= most_bytes else encoded[: most_bytes - 3].decode(errors="ignore") + "…"
