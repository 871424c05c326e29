"""Read torch files in a process of its own; report the outcome, the time and the memory of each.

    python -m tests.contract.hostile.pickle_child FILE ...

Prints a line of JSON for each file. Only Linux reports the peak of a process's memory and can
reset it.
"""

import json
import sys
import time
from pathlib import Path

from adapters.diffusion.loading.weights import read_weights
from domain.errors import ModelNotLoadable
from domain.models.record import ModelRecord


def peak_bytes() -> int:
    """Return the largest resident memory since the last reset."""
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024


def main() -> None:
    for name in sys.argv[1:]:
        path = Path(name)
        model = ModelRecord("ab" * 32, path.name, path.stat().st_size, name, path.suffix)
        Path("/proc/self/clear_refs").write_text("5")
        before, began = peak_bytes(), time.process_time()
        try:
            ended = f"{len(read_weights(model))} tensors"
        except ModelNotLoadable as error:
            ended = str(error)
        seconds, taken = time.process_time() - began, peak_bytes() - before
        print(json.dumps({"name": path.stem, "ended": ended, "seconds": seconds, "bytes": taken}))


if __name__ == "__main__":
    main()
