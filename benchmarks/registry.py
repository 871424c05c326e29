"""What the model registry reaches: `python -m benchmarks.registry [--only NAME …] [--store]`.

Run it on a machine that does nothing else. It needs some 10 GB of disk for the time it runs, and
as much memory free, so that what should lie in the page cache does.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.registry_files import Plan
from benchmarks.registry_hashing import hashing, memory
from benchmarks.registry_loading import load
from benchmarks.registry_scanning import restart, scan
from benchmarks.registry_service import listing
from benchmarks.registry_switching import switches
from benchmarks.report import RESULTS, Row, machine, machine_kind, markdown, store

__all__ = ["main"]

_BENCHMARKS: Mapping[str, Callable[[Plan, Path], Iterable[Row]]] = {
    function.__name__: function
    for function in (hashing, restart, scan, listing, memory, load, switches)
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that were asked for, print and store; 1 when a bound is not kept."""
    parser = _parser()
    options = parser.parse_args(arguments)
    plan = Plan(scale=options.scale, busy_bytes=int(options.busy_gb * 1e9), large=options.large)
    if options.store and not plan.judged:
        parser.error(f"--scale is {options.scale}; what is stored must be measured with 1")
    folder = Path(options.folder or tempfile.gettempdir())
    facts = machine(folder)
    rows: list[Row] = []
    for name in options.only or _BENCHMARKS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="ai-inference-benchmark-", dir=folder) as own:
            rows += _BENCHMARKS[name](plan, Path(own))
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(markdown(rows, facts))
    if options.store:
        path = RESULTS / f"registry-{options.machine or machine_kind()}.json"
        store(path, rows, facts)
        print(f"\nstored in {path}")
    return 1 if any(row.passed is False for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.registry", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=tuple(_BENCHMARKS),
        help=f"some of {', '.join(_BENCHMARKS)}",
    )  # fmt: skip
    parser.add_argument("--store", action="store_true", help="keep the rows in benchmarks/results")
    parser.add_argument("--machine", help="its kind, for the name of the stored file")
    parser.add_argument("--folder", help="where the files are made; a temporary folder by default")
    parser.add_argument(
        "--busy-gb", type=float, default=20, help="hashed while the listing is asked for"
    )
    parser.add_argument(
        "--large", action="store_true", help="switch among checkpoints of 2.1 GB too (minutes)"
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="below 1: smaller files and fewer, unjudged"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
