"""How fast images are drawn: `python -m benchmarks.speed [--only NAME …] [--store]`.

`steps`: a step, a decoding and the memory of SD 1.5 shapes, against diffusers plain and tuned.
`overhead`: `/v1/infer` against the same tuned pipeline called directly. `start`: the first image
after a start, against importing the libraries and drawing it. `prompts`: the cost of the text
encoder when a prompt is repeated. `pictures`: drawing from a picture of one MiB, against diffusers
called directly, and reading a photo. `loras`: a step with a LoRA of 150 MB, and its first use.
`fidelity`: how far each fast path is from float32, in pixels and in the judge's score. `clients`:
sixteen clients at once, against one after another.

Run it on an otherwise idle machine. `steps` and `loras` write a checkpoint of 2 GB.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.program import Benchmark, parser_of, run
from benchmarks.report import Row
from benchmarks.speed.fidelity import fidelity
from benchmarks.speed.loras import loras
from benchmarks.speed.pictures import pictures
from benchmarks.speed.prompts import prompts
from benchmarks.speed.service import clients, overhead
from benchmarks.speed.start import start
from benchmarks.speed.steps import steps

__all__ = ["main"]


def _scaled(function: Callable[[Path, float], Iterable[Row]]) -> Benchmark:
    def benchmark(options: argparse.Namespace, folder: Path) -> Iterable[Row]:
        return function(folder, options.scale)

    return benchmark


_BENCHMARKS: Mapping[str, Benchmark] = {
    "steps": lambda options, folder: steps(folder, options.scale, rounds=options.rounds),
    **{
        function.__name__: _scaled(function)
        for function in (overhead, start, prompts, pictures, loras, fidelity, clients)
    },
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen benchmarks, print and store; return 1 if a bound is not kept."""
    parser = parser_of("speed", __doc__, _BENCHMARKS)
    parser.add_argument(
        "--rounds", type=int, default=2, help="new processes for each way of `steps`, by turns"
    )
    return run(parser, _BENCHMARKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
