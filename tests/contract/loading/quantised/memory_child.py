"""Load a checkpoint in a process of its own; report the memory that it took.

    python -m tests.contract.loading.quantised.memory_child FILE DTYPE

Prints JSON:

- `peak`: the largest number of bytes in anonymous pages while the file was loaded, beyond those
  before. Pages of the mapped file do not count: `statm` (proc_pid_statm(5)) tells the resident
  pages and those of files, and a thread reads it a thousand times a second.
- `kept`: the same number afterwards.
- `model`: the bytes of the pipeline's tensors.
- `layer`: the bytes of the largest one.
"""

import json
import os
import sys
import threading
from pathlib import Path

import torch

from adapters.diffusion.devices.device import find_device
from adapters.diffusion.loading.loader import load_pipeline
from benchmarks.memory import give_back
from domain.models.record import ModelRecord
from tests.contract.conftest import DEMO_MODEL
from tests.contract.loading.quantised.files import record

_PAGE = os.sysconf("SC_PAGE_SIZE")


class _Sampler(threading.Thread):
    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self.ended.wait(0.001):
            self.peak = max(self.peak, anonymous())


def anonymous() -> int:
    _, resident, shared, *_ = Path("/proc/self/statm").read_text().split()
    return (int(resident) - int(shared)) * _PAGE


def load(model: ModelRecord, dtype: str) -> list[torch.Tensor]:
    pipeline = load_pipeline(model, find_device("cpu", dtype))
    modules = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    return [tensor for module in modules for tensor in (*module.parameters(), *module.buffers())]


def main() -> None:
    path, dtype = Path(sys.argv[1]), sys.argv[2]
    load(DEMO_MODEL, dtype)  # what a first load imports stays
    give_back()
    before = anonymous()
    sampler = _Sampler()
    sampler.start()
    tensors = load(record(path), dtype)
    sampler.ended.set()
    sampler.join()
    report = {
        "peak": sampler.peak - before,
        "kept": anonymous() - before,
        "model": sum(tensor.nbytes for tensor in tensors),
        "layer": max(tensor.nbytes for tensor in tensors),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
