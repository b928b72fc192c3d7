"""Chats: Slack, Feishu, DingTalk, WeCom. One message each, or a digest where more wait than the chat allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ebbtide.models.delivery.answer import (
    DELIVERED,
    Answer,
    Blame,
    Verdict,
    by_status,
    error_code,
    throttled,
    unauthorised,
)  # fmt: skip
from ebbtide.models.delivery.formats.format import Format, Judge
from ebbtide.models.delivery.message import Message
from ebbtide.models.delivery.signature import dingtalk_sign, feishu_sign
from ebbtide.models.delivery.target import Request, Target, json_headers
from ebbtide.models.delivery.wording import digest_title, text, title

DIGEST = 20
"""Messages that one text tells of at most; the rest goes into the next."""


def ask_slack(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """An incoming webhook. Slack's own signs must not be read out of a customer's name."""
    said = text(messages, target, 35_000).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _post(target, {"text": said})


def ask_feishu(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """A bot's webhook; signed by time and secret where the bot asks for that."""
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": text(messages, target, 18_000)}}
    if target.secrets:
        at_s = now_ms // 1000
        body |= {"timestamp": str(at_s), "sign": feishu_sign(target.secrets[0], at_s)}
    return _post(target, body)


def ask_dingtalk(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """A robot's webhook; signed in the query where the robot asks for that."""
    heading = title(messages[0], target) if len(messages) == 1 else digest_title(messages, target)
    content = text(messages, target, 18_000).replace("\n", "\n\n")
    url = target.url
    if target.secrets:
        joint = "&" if "?" in url else "?"
        url += f"{joint}timestamp={now_ms}&sign={dingtalk_sign(target.secrets[0], now_ms)}"
    return _post(target, {"msgtype": "markdown", "markdown": {"title": heading[:100], "text": content}}, url)


def ask_wecom(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """A group robot's webhook: 4,096 bytes of Markdown at most."""
    return _post(target, {"msgtype": "markdown", "markdown": {"content": text(messages, target, 4_000)}})


def _post(target: Target, body: dict[str, Any], url: str | None = None) -> Request:
    return Request("POST", url or target.url, json_headers(target), msgspec.json.encode(body))


def judge_slack(answer: Answer, messages: Sequence[Message], target: Target) -> list[Verdict]:
    """`ok` is well; Slack says everything else by status, of an archived channel with 410 or 404."""
    verdict = by_status(answer) or (DELIVERED if answer.body.strip() == b"ok" else error_code(answer.text()))
    return [verdict] * len(messages)


def _judge_by_code(fields: tuple[str, ...], too_often: frozenset[int], not_ours: frozenset[int]) -> Judge:
    """Of services that answer 200 whatever happened, with a code in the body: 0 is well."""

    def verdict(answer: Answer) -> Verdict:
        body, said = answer.json(), answer.text()
        codes = [body[field] for field in fields if field in body] if isinstance(body, dict) else []
        if not codes:
            return error_code(f"no {fields[0]} in {said or 'an empty body'}")
        if codes[0] == 0:
            return DELIVERED
        if codes[0] in too_often:
            return throttled(said)
        return unauthorised(said) if codes[0] in not_ours else error_code(said, Blame.REQUEST)

    def judge(answer: Answer, messages: Sequence[Message], target: Target) -> list[Verdict]:
        return [by_status(answer) or verdict(answer)] * len(messages)

    return judge


def _chat(ask: Any, judge: Judge, per_minute: int, burst: int) -> Format:
    return Format(ask, judge, most=DIGEST, merges=True, per_second=per_minute / 60, burst=burst)


# Of the services' pages: Slack one message a second and channel; Feishu 100 a minute and 5 a second; DingTalk and WeCom
# 20 a minute. Some room is left for what others post.
SLACK = _chat(ask_slack, judge_slack, 50, 3)
FEISHU = _chat(
    ask_feishu,
    _judge_by_code(("code", "StatusCode"), frozenset({11232, 11233}), frozenset({19001, 19021, 19022})),
    80,
    4,
)
DINGTALK = _chat(
    ask_dingtalk, _judge_by_code(("errcode",), frozenset({130101, 130102, 410100}), frozenset({300001, 310000})), 18, 5
)
WECOM = _chat(
    ask_wecom, _judge_by_code(("errcode",), frozenset({45009, 45033, -1}), frozenset({93000, 40001, 93008})), 18, 5
)
