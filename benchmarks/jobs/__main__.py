"""How fast and safe jobs are: `python -m benchmarks.jobs [--only NAME …] [--store]`.

`scheduling`: the cost of a job without its drawing. `listing`: `GET /v1/jobs` over 10,000 finished
jobs. `batches`: eight jobs of equal shape in flight, for each largest batch, against the same jobs
one after another. `load`: 200 requests of 32 clients with random cancels; none may be lost, none
drawn twice. `kills`: 20 SIGKILLs at random moments, after which every accepted job must still
finish.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.jobs.batches import batches
from benchmarks.jobs.kills import kills
from benchmarks.jobs.listing import listing
from benchmarks.jobs.load import load
from benchmarks.jobs.scheduling import scheduling
from benchmarks.program import Benchmark, parser_of, run
from benchmarks.report import Row

__all__ = ["main"]


def _scaled(function: Callable[[Path, float], Iterable[Row]]) -> Benchmark:
    def benchmark(options: argparse.Namespace, folder: Path) -> Iterable[Row]:
        return function(folder, options.scale)

    return benchmark


_BENCHMARKS: Mapping[str, Benchmark] = {
    function.__name__: _scaled(function) for function in (scheduling, listing, batches, load, kills)
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen benchmarks, print and store; return 1 if a bound is not kept."""
    return run(parser_of("jobs", __doc__, _BENCHMARKS), _BENCHMARKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
