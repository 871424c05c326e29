"""The common part of every benchmark program: choose, run, print, store."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.report import RESULTS, Row, machine, machine_kind, markdown, store

__all__ = ["parser_of", "run"]

Benchmark = Callable[[argparse.Namespace, Path], Iterable[Row]]
"""Measures in a folder of its own, with the options."""


def parser_of(
    name: str, description: str | None, benchmarks: Mapping[str, Benchmark]
) -> argparse.ArgumentParser:
    """Return a parser with the options that all programs share; `name` adds its own."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.set_defaults(program=name)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=tuple(benchmarks),
        help=f"some of {', '.join(benchmarks)}",
    )  # fmt: skip
    parser.add_argument("--store", action="store_true", help="keep the rows in benchmarks/results")
    parser.add_argument("--machine", help="its kind, for the name of the stored file")
    parser.add_argument("--folder", help="where the files are made; a temporary folder by default")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="below 1: smaller and fewer, unjudged"
    )
    return parser


def run(
    parser: argparse.ArgumentParser,
    benchmarks: Mapping[str, Benchmark],
    arguments: Sequence[str] | None = None,
) -> int:
    """Run the chosen benchmarks, print and store each result; return 1 if a bound is not kept."""
    options = parser.parse_args(arguments)
    if options.store and options.scale != 1:
        parser.error(f"--scale is {options.scale}; only results with --scale 1 can be stored")
    folder = Path(options.folder or tempfile.gettempdir())
    facts = machine(folder)
    path = RESULTS / f"{options.program}-{options.machine or machine_kind()}.json"
    rows: list[Row] = []
    for name in options.only or benchmarks:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="ai-inference-benchmark-", dir=folder) as own:
            found = list(benchmarks[name](options, Path(own)))
        rows += found
        if options.store:
            store(path, found, facts)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(markdown(rows, facts))
    if options.store:
        print(f"\nstored in {path}")
    return 1 if any(row.passed is False for row in rows) else 0
