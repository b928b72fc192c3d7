"""Chats: Slack, Feishu, DingTalk, WeCom. One message each, or a digest where more wait than the chat allows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ebbtide.models.delivery.answer import (
    DELIVERED,
    Answer,
    Blame,
    Verdict,
    by_status,
    error_code,
    rejected,
    throttled,
    unauthorised,
)  # fmt: skip
from ebbtide.models.delivery.formats.format import Ask, Format, Judge
from ebbtide.models.delivery.message import Message
from ebbtide.models.delivery.signature import dingtalk_sign, feishu_sign
from ebbtide.models.delivery.target import Request, Target, json_headers
from ebbtide.models.delivery.wording import digest_title, text, title

DIGEST = 20
"""Messages that one text tells of at most; the rest goes into the next."""
_BLANK = re.compile(r"[\x00-\x1f\x7f\s]+")


def _one_line(line: str) -> str:
    return _BLANK.sub(" ", line).strip()


def in_slack(line: str) -> str:
    """Slack's three signs: https://docs.slack.dev/messaging/formatting-message-text#escaping."""
    return _one_line(line).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def in_feishu(line: str) -> str:
    """``<at user_id="all">`` in a text calls everybody."""
    return _one_line(line).replace("<", "＜")


def in_markdown(line: str) -> str:
    """Neither a member called by ``<@name>`` nor a link or picture."""
    return _one_line(line).replace("<", "＜").replace("](", "] (")


def ask_slack(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """An incoming webhook. Slack cuts what is longer than 40,000 characters."""
    return _post(target, {"text": text(messages, target, 35_000, in_slack)})


def ask_feishu(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """A bot's webhook; signed by time and secret where the bot asks for that. 20 KB a request; JSON may double it."""
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": text(messages, target, 9_000, in_feishu)}}
    if target.secrets:
        at_s = now_ms // 1000
        body |= {"timestamp": str(at_s), "sign": feishu_sign(target.secrets[0], at_s)}
    return _post(target, body)


def ask_dingtalk(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """A robot's webhook; signed in the query where the robot asks for that. 20,000 bytes; JSON may double the text."""
    heading = title(messages[0], target) if len(messages) == 1 else digest_title(messages, target)
    content = text(messages, target, 9_000, in_markdown).replace("\n", "\n\n")
    url = target.url
    if target.secrets:
        joint = "&" if "?" in url else "?"
        url += f"{joint}timestamp={now_ms}&sign={dingtalk_sign(target.secrets[0], now_ms)}"
    return _post(target, {"msgtype": "markdown", "markdown": {"title": _one_line(heading)[:100], "text": content}}, url)


def ask_wecom(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """A group robot's webhook: 4,096 bytes of Markdown at most."""
    return _post(target, {"msgtype": "markdown", "markdown": {"content": text(messages, target, 4_000, in_markdown)}})


def _post(target: Target, body: dict[str, Any], url: str | None = None) -> Request:
    return Request("POST", url or target.url, json_headers(target), msgspec.json.encode(body))


def judge_slack(answer: Answer, messages: Sequence[Message], target: Target) -> list[Verdict]:
    """`ok` is well; Slack says everything else by status, of an archived channel with 410 or 404."""
    verdict = by_status(answer) or (DELIVERED if answer.body.strip() == b"ok" else error_code(answer.text()))
    return [verdict] * len(messages)


@dataclass(frozen=True, slots=True)
class Codes:
    """What the codes of a service mean that answers 200 whatever happened, with a code in one of ``fields``: 0 is well.

    ``pause_s`` is how long it keeps refusing one who was too fast; None where it does not say. ``keyword``: words by
    which a code of ``unauthorised`` tells that only this text lacks the word that the robot asks for.
    """

    fields: tuple[str, ...]
    too_often: frozenset[int]
    unauthorised: frozenset[int]
    busy: frozenset[int] = frozenset()
    never: frozenset[int] = frozenset()
    keyword: tuple[str, ...] = ()
    pause_s: float | None = None

    def judge(self, answer: Answer, messages: Sequence[Message], target: Target) -> list[Verdict]:
        """One for all."""
        return [by_status(answer) or self._verdict(answer, alone=len(messages) == 1)] * len(messages)

    def _verdict(self, answer: Answer, *, alone: bool) -> Verdict:
        body, said = answer.json(), answer.text()
        codes = [body[field] for field in self.fields if field in body] if isinstance(body, dict) else []
        if not codes:
            return error_code(f"no {self.fields[0]} in {said or 'an empty body'}")
        code = codes[0]
        if code == 0:
            return DELIVERED
        if code in self.too_often:
            return throttled(said, self.pause_s)
        if code in self.busy:
            return error_code(said)
        if code in self.unauthorised and not any(word in str(body).lower() for word in self.keyword):
            return unauthorised(said)
        return rejected(said) if code in self.never and alone else error_code(said, Blame.REQUEST)


def _chat(ask: Ask, judge: Judge, per_minute: int, burst: int) -> Format:
    return Format(ask, judge, most=DIGEST, merges=True, per_second=per_minute / 60, burst=burst)


# What the services document, and where it is written: decision 22. Slack takes one message a second and channel, Feishu
# 100 a minute and 5 a second, DingTalk and WeCom 20 a minute; burst and rate together stay below. DingTalk refuses ten
# minutes long whoever was faster.
SLACK = _chat(ask_slack, judge_slack, 50, 3)
FEISHU = _chat(
    ask_feishu,
    Codes(
        ("code", "StatusCode"), too_often=frozenset({11232, 11233}), unauthorised=frozenset({19001, 19021, 19022})
    ).judge,
    80,
    4,
)
DINGTALK = _chat(
    ask_dingtalk,
    Codes(
        ("errcode",),
        too_often=frozenset({130101, 130102, 410100}),
        unauthorised=frozenset({300001, 300005, 310000, 400013, 400101, 400102, 400106}),
        busy=frozenset({-1}),
        never=frozenset({430101, 430102, 430103, 430104}),
        keyword=("keyword", "关键词"),
        pause_s=600.0,
    ).judge,
    15,
    4,
)
WECOM = _chat(
    ask_wecom,
    Codes(
        ("errcode",),
        too_often=frozenset({45009, 45033}),
        unauthorised=frozenset({93000, 40001, 93008}),
        busy=frozenset({-1}),
        pause_s=60.0,
    ).judge,
    15,
    4,
)
