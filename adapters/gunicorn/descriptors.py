"""File descriptors: each connection needs one, and the system limits them per process."""

import contextlib
import resource

__all__ = ["connections_within_limit"]

_OWN = 80
"""Descriptors of the service itself: databases, images, model files, watchers, libraries."""


def connections_within_limit(wanted: int, *, needed: int) -> int:
    """Raise the soft limit of this process, and return how many connections fit.

    Args:
        wanted: The best number of connections.
        needed: The smallest number of connections: one for each thread.

    Raises:
        SystemExit: fewer than `needed` fit; the message names the remedy.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < wanted + _OWN:
        target = wanted + _OWN if hard == unlimited else min(hard, wanted + _OWN)
        with contextlib.suppress(
            ValueError, OSError
        ):  # macOS may refuse a value that `hard` allows
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    fitting = wanted if soft == unlimited else min(wanted, soft - _OWN)
    if fitting < needed:
        raise SystemExit(
            f"Error: MAX_WAITING and MAX_STREAMS need {needed + _OWN} open files, and the limit of "
            f"this process is {soft}. Raise it (ulimit -n {wanted + _OWN}; LimitNOFILE= in a unit "
            "of systemd), or lower MAX_WAITING and MAX_STREAMS."
        )
    return fitting
