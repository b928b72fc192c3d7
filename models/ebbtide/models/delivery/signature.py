"""Signatures by the Standard Webhooks specification, and those of the chat services."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote_plus

from standardwebhooks.webhooks import Webhook


def webhook_headers(message_id: str, at_s: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``: one signature by every secret.

    A receiver that knows any of the secrets takes it, so that they can be changed on both sides one after the other.
    """
    at, text = datetime.fromtimestamp(at_s, UTC), body.decode()
    signed = " ".join(Webhook(secret).sign(message_id, at, text) for secret in secrets)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(at_s)}
    return {**headers, "webhook-signature": signed} if signed else headers


def feishu_sign(secret: str, at_s: int) -> str:
    """Feishu's: an HMAC of nothing, keyed by time and secret."""
    return _base64(hmac.new(f"{at_s}\n{secret}".encode(), b"", hashlib.sha256))


def dingtalk_sign(secret: str, at_ms: int) -> str:
    """DingTalk's, encoded for a query."""
    return quote_plus(_base64(hmac.new(secret.encode(), f"{at_ms}\n{secret}".encode(), hashlib.sha256)))


def _base64(digest: hmac.HMAC) -> str:
    return base64.b64encode(digest.digest()).decode()
