"""Renew the references of `tests/contract/kept_pictures/test_pictures_stay.py`.

    python -m tests.contract.kept_pictures             of new cases, or of this machine's bytes
    python -m tests.contract.kept_pictures --changed   of pictures that were meant to change

The first refuses where a picture is not as it was. Each draws for about a minute.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.contract.kept_pictures import references
from tests.contract.kept_pictures.cases import CASES
from tests.contract.kept_pictures.drawing import draw_in_a_process


def main(arguments: list[str]) -> int:
    """Draw every case and write the references. Returns the exit status."""
    if arguments not in ([], ["--changed"]):
        print(__doc__, file=sys.stderr)
        return 2
    with TemporaryDirectory() as folder:
        drawn = draw_in_a_process(Path(folder))
    if not arguments and references.PATH.exists():
        old = references.load()
        changed = [
            f"{case.name}: {difference}"
            for case in CASES
            if case.name in old["cases"]
            for difference in references.differences(drawn, old, case.name, dtype=case.dtype)
        ]
        if changed:
            print("These pictures are not as they were:", *changed, sep="\n", file=sys.stderr)
            print("Where that is meant: --changed", file=sys.stderr)
            return 1
    references.save(drawn)
    print(f"{references.PATH} holds {len(drawn['cases'])} cases, made with {drawn['made_with']}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
