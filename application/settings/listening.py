"""Says why the service cannot listen, and what to do about it."""

import errno
import socket

__all__ = ["why_not_listening"]


def why_not_listening(host: str, port: int, error: OSError) -> str:
    """A sentence with the reason that `bind` or `listen` gave for this address, and the remedy."""
    if isinstance(error, socket.gaierror):
        return f"HOST is '{host}', which is not the name of a machine; {_GOOD_HOSTS}"
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65_535 else port - 1
        return (
            f"port {port} of {host} is taken, by another program or by this service, started "
            f"before; stop that one, or choose another port, such as PORT={other}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"this user may not listen on port {port}; choose one from 1024 to 65535, such as "
            "PORT=8000, and let a reverse proxy have the low one"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"HOST is '{host}', which is not an address of this machine; {_GOOD_HOSTS}"
    return f"the service cannot listen on {host}, port {port}: {error.strerror or error}"


_GOOD_HOSTS = "set 127.0.0.1 for programs of this machine alone, or 0.0.0.0 for all its addresses"
