"""File descriptors: each connection is one, and the system gives a process only so many."""

import contextlib
import resource

__all__ = ["connections_within_limit"]

_OWN = 80
"""Of the service itself: databases, pictures, model files that are read, watchers, libraries."""


def connections_within_limit(wanted: int, *, needed: int) -> int:
    """Raise the soft limit of this process, and return how many connections fit.

    Args:
        wanted: Connections at best.
        needed: Connections at least: one for each thread.

    Raises:
        SystemExit: fewer than `needed` fit, with the remedy.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < wanted + _OWN:
        target = wanted + _OWN if hard == unlimited else min(hard, wanted + _OWN)
        with contextlib.suppress(ValueError, OSError):  # macOS may refuse what `hard` promises
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
