import errno
import os
import socket

import pytest

from application.settings.listening import why_not_listening


def failure(code: int) -> OSError:
    return OSError(code, os.strerror(code))


@pytest.mark.parametrize(
    ("error", "host", "port", "said"),
    [
        (failure(errno.EADDRINUSE), "127.0.0.1", 8000, "PORT=8001"),
        (failure(errno.EADDRINUSE), "127.0.0.1", 65_535, "PORT=65534"),
        (failure(errno.EACCES), "127.0.0.1", 80, "choose one from 1024 to 65535"),
        (failure(errno.EADDRNOTAVAIL), "192.0.2.1", 8000, "HOST is '192.0.2.1'"),
        (socket.gaierror(-2, "unknown"), "no-such-host", 8000, "HOST is 'no-such-host'"),
        (failure(errno.EMFILE), "127.0.0.1", 8000, "Too many open files"),
    ],
)
def test_each_reason_is_one_sentence_with_its_remedy(
    error: OSError, host: str, port: int, said: str
) -> None:
    told = why_not_listening(host, port, error)
    assert said in told
    assert "\n" not in told
