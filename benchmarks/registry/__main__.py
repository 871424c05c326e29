"""How fast the model registry is: `python -m benchmarks.registry [--only NAME …] [--store]`.

Run it on an otherwise idle machine. It needs some 10 GB of disk space while it runs, and as much
free memory, so that the files stay in the page cache.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.program import Benchmark, parser_of, run
from benchmarks.registry.files import Plan
from benchmarks.registry.hashing import hashing, memory
from benchmarks.registry.loading import load
from benchmarks.registry.loading_memory import loading_memory
from benchmarks.registry.scanning import restart, scan
from benchmarks.registry.service import listing
from benchmarks.registry.switching import switches
from benchmarks.registry.trees import header, tree
from benchmarks.report import Row

__all__ = ["main"]


def _planned(function: Callable[[Plan, Path], Iterable[Row]]) -> Benchmark:
    def benchmark(options: argparse.Namespace, folder: Path) -> Iterable[Row]:
        plan = Plan(scale=options.scale, busy_bytes=int(options.busy_gb * 1e9), large=options.large)
        return function(plan, folder)

    return benchmark


_BENCHMARKS: Mapping[str, Benchmark] = {
    function.__name__: _planned(function)
    for function in (
        *(hashing, restart, scan, tree, header, listing, memory),
        *(load, loading_memory, switches),
    )
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen benchmarks, print and store; return 1 if a bound is not kept."""
    parser = parser_of("registry", __doc__, _BENCHMARKS)
    parser.add_argument(
        "--busy-gb", type=float, default=20, help="hashed while the listing is requested"
    )
    parser.add_argument(
        "--large", action="store_true", help="switch among checkpoints of 2.1 GB too (minutes)"
    )
    return run(parser, _BENCHMARKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
