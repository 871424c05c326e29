"""Try hostile model files without a time limit: `make fuzz`, or

    python -m tests.fuzz [--seconds N] [--from SEED]

A seed whose file is handled wrongly is printed; add it to kept_seeds.json together with the fix.
"""

import argparse
import sys
import time

from tests.fuzz.corpora import COUNTS
from tests.fuzz.running import run

_ROUND = 200


def main() -> int:
    parser = argparse.ArgumentParser(description="try hostile model files")
    parser.add_argument(
        "--seconds", type=float, help="stop after this many seconds; by default at Ctrl-C"
    )
    parser.add_argument("--from", dest="first", type=int, default=max(COUNTS.values()))
    options = parser.parse_args()
    began, first, wrong = time.monotonic(), options.first, 0
    try:
        while options.seconds is None or time.monotonic() - began < options.seconds:
            for kind in COUNTS:
                for how in ("listed", "loaded"):
                    outcome = run(kind, how, first, first + _ROUND)
                    ends = ", ".join(f"{count} {end}" for end, count in outcome.ends.items())
                    print(
                        f"{kind} {how}, seeds {first} to {first + _ROUND - 1}: {ends}", flush=True
                    )
                    for seed, problem in outcome.wrong.items():
                        wrong += 1
                        print(f"  WRONG: {kind} {how}, seed {seed}: {problem}", flush=True)
            first += _ROUND
    except KeyboardInterrupt:
        pass
    print(f"{wrong} files were handled wrongly")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
