"""What the bytes of a picture depend on beside the code of this project."""

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

__all__ = ["PINNED", "fingerprint"]

PINNED: Mapping[str, str] = {
    # https://docs.pytorch.org/docs/stable/notes/multiprocessing.html and aten/src/ATen/native/
    # DispatchStub.cpp: the instructions of torch's own kernels.
    "ATEN_CPU_CAPABILITY": "avx2",
    # https://uxlfoundation.github.io/oneDNN/dev_guide_cpu_dispatcher_control.html
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    # Intel's "Conditional Numerical Reproducibility": the same on every x86 CPU, AMD's too.
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
"""The environment of the process that draws: the instructions that most x86 CPUs have, and one
thread."""


def fingerprint() -> dict[str, dict[str, Any]]:
    """What decides the pixels, and what beside that decides the bytes of a file.

    Where both are those of the references, the bytes must be equal.
    """
    import torch
    from PIL import features

    return {
        "pixels": {
            "machine": platform.machine(),
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "threads": torch.get_num_threads(),
            # Its compiler, and the versions of MKL and oneDNN in it.
            "build of torch": _short(torch.__config__.show()),
            **{
                name: version(name).partition("+")[0]
                for name in ("torch", "diffusers", "transformers", "numpy")
            },
        },
        "files": {
            "pillow": version("pillow"),
            **{name: features.version(name) for name in ("zlib", "jpg", "webp")},
        },
    }


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
