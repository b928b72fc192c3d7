"""Secrets of an endpoint, from the settings or from files that may change while we run."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from pydantic import SecretStr

from ebbtide.models.delivery.target import Target
from ebbtide.streams.deliver.settings import EndpointSettings, address_faults
from ebbtide.streams.errors import EbbtideError

_OBJECTS = {"hubspot": "companies", "salesforce": "Account", "fxiaoke": "AccountObj"}


class SecretError(EbbtideError):
    """A secret cannot be used; the message names the endpoint and the setting, never the secret."""


def target_of(name: str, settings: EndpointSettings) -> Target:
    """The endpoint as its format needs it, with the secrets as they are now. Raises ``SecretError``."""
    url = _one(name, "url_file", settings.url, settings.url_file)
    if faults := address_faults("url_file", url, settings.allow_http):
        raise SecretError(f"endpoint {name}: {faults[0]}")
    secrets = [secret.get_secret_value() for secret in settings.secrets]
    secrets += [read_secret(name, "secret_files", path) for path in settings.secret_files]
    if settings.format in ("standard", "cloudevents"):
        for secret in secrets:
            _check_key(name, secret)
    chinese = settings.format in ("feishu", "dingtalk", "wecom", "fxiaoke")
    return Target(
        name=name,
        url=url,
        secrets=tuple(secrets),
        headers=tuple(settings.headers.items()),
        language=settings.language or ("zh" if chinese else "en"),
        link=settings.link,
        code_field=settings.code_field,
        object=settings.object or _OBJECTS.get(settings.format, ""),
        id_field=settings.id_field or ("_id" if settings.format == "fxiaoke" else ""),
        id_from=settings.id_from,
        properties=tuple(settings.properties.items()),
        corp_id=settings.corp_id,
        user_id=settings.user_id,
    )


def read_secret(endpoint: str, setting: str, path: Path) -> str:
    """The content of a file, without its last line break."""
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretError(f"endpoint {endpoint}: {setting}: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretError(f"endpoint {endpoint}: {setting}: {path} is no text") from None
    if not secret:
        raise SecretError(f"endpoint {endpoint}: {setting}: {path} is empty")
    return secret


def _one(endpoint: str, setting: str, given: SecretStr | None, path: Path | None) -> str:
    if given is not None:
        return given.get_secret_value()
    return "" if path is None else read_secret(endpoint, setting, path)


def _check_key(endpoint: str, secret: str) -> None:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_") + "==", validate=False)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 16:
        raise SecretError(
            f"endpoint {endpoint}: a secret is not 24 or more bytes in base64; `openssl rand -base64 32` makes one"
        )


class Watched:
    """Says when any of some files was written anew."""

    def __init__(self, settings: EndpointSettings) -> None:
        login = settings.login
        paths = [settings.url_file, settings.token_file, *settings.secret_files]
        paths += [] if login is None else [login.client_secret_file, login.permanent_code_file]
        self._paths = [path for path in paths if path is not None]
        self._seen = self._look()

    def changed(self) -> bool:
        """Whether one is another than at the last look."""
        now = self._look()
        changed, self._seen = now != self._seen, now
        return changed

    def _look(self) -> list[tuple[int, int] | None]:
        found: list[tuple[int, int] | None] = []
        for path in self._paths:
            try:
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_ino))
            except OSError:
                found.append(None)
        return found
