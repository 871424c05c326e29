"""How many connections fit into the limit of open files."""

import subprocess
import sys

import pytest

from tests.paths import ROOT

_PROGRAM = """
import resource
from adapters.gunicorn.descriptors import connections_within_limit
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(connections_within_limit({wanted}, needed={needed}))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def _run(**numbers: int) -> subprocess.CompletedProcess[str]:
    program = _PROGRAM.format(**numbers)
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "soft, hard, fitting, soft_then",
    [
        (256, 256, 176, 256),
        (256, 400, 320, 400),
        (256, 404, 324, 404),
        (256, 1024, 324, 404),
        (1024, 1024, 324, 1024),
        (192, 192, 112, 192),
    ],
)
def test_the_soft_limit_is_raised_as_far_as_the_hard_limit_allows(
    soft: int, hard: int, fitting: int, soft_then: int
) -> None:
    done = _run(soft=soft, hard=hard, wanted=324, needed=112)
    assert done.stdout.split() == [str(fitting), str(soft_then)]


def test_too_few_descriptors_end_the_start_with_the_remedy() -> None:
    done = _run(soft=100, hard=191, wanted=324, needed=112)
    assert (done.returncode, done.stdout) == (1, "")
    assert "MAX_WAITING" in done.stderr
    assert "ulimit -n 404" in done.stderr
