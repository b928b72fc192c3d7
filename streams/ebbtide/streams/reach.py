"""Whether somebody takes a connection: asked before a client waits half a minute for nobody."""

from __future__ import annotations

import socket

from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import Settings

CONNECT_S = 3.0
ALL_CONNECT_S = 5.0
"""For all bootstrap servers together."""
ANSWER_S = 15.0
"""For the first answer of a broker that takes connections; one that has just been started needs some seconds."""


def unreachable(server: str, within: float = CONNECT_S) -> str | None:
    """Why nobody takes a connection at ``host:port`` within so many seconds; None when somebody does."""
    host, _, port = server.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), within):
            return None
    except ValueError:
        return f"{server}: not host:port"
    except OSError as error:
        return f"{server}: {error.strerror or error}"


def require_broker(settings: Settings) -> None:
    """Raise ``EbbtideError`` where none of the bootstrap servers takes a connection."""
    servers = settings.broker.bootstrap.split(",")
    faults = []
    for server in servers:
        fault = unreachable(server, min(CONNECT_S, ALL_CONNECT_S / len(servers)))
        if fault is None:
            return
        faults.append(fault)
    raise EbbtideError(no_kafka("; ".join(faults)))


def no_kafka(fault: str) -> str:
    """What to tell the user; ``fault`` begins with the address."""
    return f"no Kafka at {fault}. Is it running, and is EBBTIDE_BROKER__URL right?"
