"""Free TCP ports on the loopback interface."""

import socket
from contextlib import ExitStack

from ebbtide.streams.brokers.broker import PortInUseError

HOST = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """`count` different ports that nobody listens on now; a rival may still take one before it is used."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def require_free(port: int) -> None:
    """Raise PortInUseError when somebody listens on `port`."""
    with socket.socket() as probe:
        # As Java's server sockets do: connections that linger after a kill -9 do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortInUseError(
                f"port {port} on {HOST} cannot be used ({error.strerror}): "
                "stop the program that listens there, or choose another port"
            ) from error


def accepts(port: int) -> bool:
    """Whether a connection to `port` is accepted at once."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((HOST, port)) == 0
