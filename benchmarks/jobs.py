"""What the jobs reach: `python -m benchmarks.jobs [--only NAME …] [--store]`.

`load`: 200 requests of 32 clients with random cancels, none lost and none drawn twice.
`kills`: 20 SIGKILLs at random moments, after which every accepted job is finished all the same.
`scheduling`: what a job costs beside its drawing.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.jobs_kills import kills
from benchmarks.jobs_load import load
from benchmarks.jobs_scheduling import scheduling
from benchmarks.report import RESULTS, Row, machine, machine_kind, markdown, store

__all__ = ["main"]

_BENCHMARKS: Mapping[str, Callable[[Path, float], Iterable[Row]]] = {
    function.__name__: function for function in (scheduling, load, kills)
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for, print and store; 1 when a bound is not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=tuple(_BENCHMARKS))
    parser.add_argument("--store", action="store_true", help="keep the rows in benchmarks/results")
    parser.add_argument("--scale", type=float, default=1.0, help="below 1: fewer, unjudged")
    options = parser.parse_args(arguments)
    if options.store and options.scale != 1:
        parser.error("what is stored must be measured with --scale 1")
    folder = Path(tempfile.gettempdir())
    facts = machine(folder)
    rows: list[Row] = []
    for name in options.only or _BENCHMARKS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="ai-inference-benchmark-", dir=folder) as own:
            rows += _BENCHMARKS[name](Path(own), options.scale)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(markdown(rows, facts))
    if options.store:
        path = RESULTS / f"jobs-{machine_kind()}.json"
        store(path, rows, facts)
        print(f"\nstored in {path}")
    return 1 if any(row.passed is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
