"""Tries hostile files in child processes, each with a memory limit and a time limit."""

import json
import resource
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field

from tests.paths import ROOT

__all__ = ["Outcome", "run"]

_ADDRESS_SPACE = 4 * 2**30
_SECONDS = 600


@dataclass(slots=True)
class Outcome:
    """How the files of some seeds were handled.

    Attributes:
        ends: The number of files by outcome.
        wrong: The error by seed.
    """

    ends: Counter[str] = field(default_factory=Counter)
    wrong: dict[int, str] = field(default_factory=dict)


def run(kind: str, how: str, first: int, last: int) -> Outcome:
    """Try the seeds from `first` up to `last`; a seed that ends its process is wrong, and skipped.

    Args:
        kind: A kind of `COUNTS`.
        how: `listed`, or `loaded` by torch and its family.
        first: The first seed.
        last: The one after the last seed.
    """
    outcome = Outcome()
    while first < last:
        first = _child(kind, how, first, last, outcome)
    return outcome


def _child(kind: str, how: str, first: int, last: int, outcome: Outcome) -> int:
    """Run one child; return the seed to continue with."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.child", kind, how, str(first), str(last)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            preexec_fn=_limited,
        )
        text, ended = done.stdout, f"ended its process with status {done.returncode}"
    except subprocess.TimeoutExpired as error:
        text, ended = error.stdout or b"", f"took more than {_SECONDS} s"
    begun = None
    for line in text.decode().splitlines():
        seed, *rest = json.loads(line)
        begun = seed if not rest else None
        if rest:
            outcome.ends[rest[0]] += 1
            if rest[1] is not None:
                outcome.wrong[seed] = rest[1]
            first = seed + 1
    if begun is not None:
        outcome.wrong[begun] = ended
        return int(begun) + 1
    if first < last:
        raise RuntimeError(f"the child {ended} before it tried seed {first}")
    return first


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
