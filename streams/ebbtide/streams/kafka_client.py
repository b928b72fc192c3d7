"""How kafka-python and aiokafka connect under our settings."""

from __future__ import annotations

import ssl
from typing import Any

from ebbtide.streams.settings import Settings


def client_settings(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for clients of both libraries: servers, TLS, log-in."""
    broker = settings.broker
    protocol = ("SASL_" if broker.username else "") + ("SSL" if broker.tls else "PLAINTEXT")
    values: dict[str, Any] = {"bootstrap_servers": broker.bootstrap.split(","), "security_protocol": protocol}
    if broker.tls:
        values["ssl_context"] = ssl.create_default_context(cafile=broker.ca_file)
    if broker.username:
        values["sasl_mechanism"] = broker.mechanism
        values["sasl_plain_username"] = broker.username
        values["sasl_plain_password"] = broker.password.get_secret_value() if broker.password else ""
    return values
