"""Connections that wait for their client, counted by the client's address."""

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from typing import Any

__all__ = ["WaitingConnections", "neighbourhood"]

_IPV6_SHARED_BITS = 64
"""The part of an IPv6 address that names a network; a host may use every address of it (RFC 4291,
section 2.5.1).
"""


def neighbourhood(client: Any) -> str:
    """Return the address that a connection counts for; one for all clients of a Unix socket.

    Args:
        client: The address from `socket.accept`.
    """
    if not isinstance(client, tuple):
        return ""
    try:
        address = ip_address(str(client[0]).partition("%")[0])
    except ValueError:
        return str(client[0])
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{int(address) >> _IPV6_SHARED_BITS:x}/{_IPV6_SHARED_BITS}"
    return str(address)


class WaitingConnections:
    """The bytes that each connection has sent of its next request, the longest waiting first.

    Only the main thread of a worker may use it.

    Args:
        most_of_one: How many connections of one address may wait.
    """

    def __init__(self, most_of_one: int) -> None:
        self._most_of_one = most_of_one
        self._received: dict[Any, bytearray] = {}
        self._counts: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._received)

    def __len__(self) -> int:
        return len(self._received)

    def add(self, conn: Any, received: bytearray) -> None:
        """Add a waiting connection, which has already sent these bytes."""
        self._received[conn] = received
        self._counts[neighbourhood(conn.client)] += 1

    def get(self, conn: Any) -> bytearray | None:
        """Return what a waiting connection has sent; None if it does not wait."""
        return self._received.get(conn)

    def pop(self, conn: Any) -> bytearray:
        """Remove a waiting connection. Return what it has sent."""
        address = neighbourhood(conn.client)
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]
        return self._received.pop(conn)

    def one_too_many(self, client: Any) -> Any | None:
        """Return the longest waiting connection of an address that has too many, or None."""
        address = neighbourhood(client)
        if self._counts[address] <= self._most_of_one:
            return None
        return next(conn for conn in self._received if neighbourhood(conn.client) == address)

    def of_most_crowded(self) -> Any:
        """Return the longest waiting connection of the address that has the most. There must be
        one.
        """
        # Among equals `max` returns the first one, which has waited longest.
        return max(self._received, key=lambda conn: self._counts[neighbourhood(conn.client)])
