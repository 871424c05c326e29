"""Try the files of many seeds in one process, and print each seed before its trial.

    python -m tests.fuzz.child KIND listed|loaded FIRST LAST

Prints two lines of JSON for each seed: before the trial an array of the seed alone, after it an
array of the seed, the outcome and what is wrong.
"""

import json
import sys

from tests.fuzz.trial import LISTED, measured, resident


def main() -> None:
    kind, how, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    meter = None
    if how == "loaded":
        meter = resident if sys.platform == "linux" else None
        from tests.fuzz.loading import LOADED

        trial = LOADED[kind]
    else:
        trial = LISTED[kind]
    for seed in range(first, last):
        print(json.dumps([seed]), flush=True)
        print(json.dumps([seed, *measured(trial, seed, meter=meter)]), flush=True)


if __name__ == "__main__":
    main()
