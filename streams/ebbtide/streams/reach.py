"""Whether a broker takes a connection and lets us in: asked before a client waits half a minute and says nothing."""

from __future__ import annotations

import asyncio
import socket
import ssl

from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.kafka_client import client_settings
from ebbtide.streams.settings import Settings

CONNECT_S = 3.0
ALL_CONNECT_S = 5.0
"""For all bootstrap servers together."""
HANDSHAKE_S = 1.0
"""For a broker to say something where TLS is only guessed."""
ANSWER_S = 15.0
"""For the first answer of a broker that takes connections; one that has just been started needs some seconds."""

TLS_ONLY = "it speaks TLS only; see EBBTIDE_BROKER__TLS and __CA_FILE"


def unreachable(server: str, within: float = CONNECT_S) -> str | None:
    """Why nobody takes a connection at ``host:port`` within so many seconds; None when somebody does."""
    try:
        with socket.create_connection(_address(server), within):
            return None
    except ValueError:
        return f"{server}: not host:port"
    except OSError as error:
        return f"{server}: {error.strerror or error}"


def require_broker(settings: Settings) -> None:
    """Raise ``EbbtideError`` where none of the bootstrap servers takes a connection, or lets us in."""
    servers = settings.broker.bootstrap.split(",")
    within = min(CONNECT_S, ALL_CONNECT_S / len(servers))
    faults, refusals = [], []
    for server in servers:
        fault = unreachable(server, within)
        if fault is not None:
            faults.append(fault)
            continue
        refusal = _refusal(settings, server)
        if refusal is None:
            return
        refusals.append(f"Kafka at {server} does not let us in: {refusal}")
    raise EbbtideError("; ".join(refusals) if refusals else _no_kafka("; ".join(faults)))


def unanswered(settings: Settings, error: object) -> EbbtideError:
    """What to tell the user where a broker took the connection, and never answered a client; ``error`` is its own."""
    broker = settings.broker
    for server in broker.bootstrap.split(","):
        if not broker.tls and _speaks_tls(server):
            return EbbtideError(f"Kafka at {server} does not let us in: {TLS_ONLY}")
    question = "Is it a Kafka" + ("" if broker.username else ", and does it want a log-in (EBBTIDE_BROKER__USERNAME)")
    return EbbtideError(f"{broker.bootstrap} takes connections, but answers us nothing: {error}. {question}?")


def _no_kafka(fault: str) -> str:
    return f"no Kafka at {fault}. Is it running, and is EBBTIDE_BROKER__URL right?"


def _refusal(settings: Settings, server: str) -> str | None:
    """Why a server that takes connections does not take us; None when it does, or when nothing is asked of us.

    aiokafka's own connection is asked for it: of all that a client says, only this names the cause.
    """
    broker = settings.broker
    if not broker.tls and not broker.username:
        return None
    from aiokafka.conn import create_conn  # noqa: PLC0415  (slow to import, and mostly not needed)
    from aiokafka.errors import KafkaError  # noqa: PLC0415

    known = client_settings(settings)
    del known["bootstrap_servers"]

    async def come_in() -> None:
        connection = await asyncio.wait_for(create_conn(*_address(server), **known), CONNECT_S)
        connection.close()

    try:
        asyncio.run(come_in())
    except (KafkaError, OSError, TimeoutError) as error:
        return TLS_ONLY if not broker.tls and _speaks_tls(server) else _told(error, settings)
    return None


def _told(error: BaseException, settings: Settings) -> str:
    broker, cause = settings.broker, error.__cause__ or error.__context__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        trusted = "the system's authorities" if broker.ca_file is None else str(broker.ca_file)
        return f"its certificate is not vouched for by {trusted} ({cause.verify_message}); see EBBTIDE_BROKER__CA_FILE"
    if isinstance(cause, ssl.SSLError):
        return f"it does not speak TLS ({cause.reason or cause}); see EBBTIDE_BROKER__TLS"
    if not broker.username:
        return str(error)
    return (
        f"no log-in as {broker.username} by {broker.mechanism} ({error}); see EBBTIDE_BROKER__PASSWORD and __MECHANISM"
    )


def _speaks_tls(server: str) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only whether it answers; nothing is sent
    try:
        with socket.create_connection(_address(server), HANDSHAKE_S) as plain, context.wrap_socket(plain):
            return True
    except (ValueError, OSError):
        return False


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host.strip("[]"), int(port)
