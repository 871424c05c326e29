"""The sockets that the service listens on, or one sentence that says why it cannot."""

from typing import Any

from gunicorn.sock import TCP6Socket, TCPSocket
from gunicorn.systemd import listen_fds
from gunicorn.util import is_ipv6

from application.settings.listening import why_not_listening

__all__ = ["listen"]


def listen(server: Any) -> None:
    """Give a gunicorn server its listening sockets before it creates them itself.

    gunicorn would try five times, one second apart, and print two lines for each try. Sockets from
    outside (systemd, an upgrade) and Unix sockets are left to gunicorn.

    Raises SystemExit with the reason and the remedy.
    """
    addresses = server.cfg.address
    given = server.master_pid or listen_fds(unset_environment=False)
    if given or server.LISTENERS or not all(isinstance(each, tuple) for each in addresses):
        return
    listeners = []
    for host, port in addresses:
        kind = TCP6Socket if is_ipv6(host) else TCPSocket
        try:
            listeners.append(kind((host, port), server.cfg, server.log))
        except OSError as error:
            raise SystemExit(f"Error: {why_not_listening(host, port, error)}") from None
    server.LISTENERS = listeners
