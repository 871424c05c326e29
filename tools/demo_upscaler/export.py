"""Export the averaged weights as one upscaler file.

python -m tools.demo_upscaler.export --folder F --output ai-models/demo-2x.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file

from tools.demo_checkpoint.training.progress import load_state

__all__ = ["export", "main"]

# Keys of the «modelspec» metadata standard that model managers read, and the service too.
_SPEC: Final = {
    "modelspec.sai_model_spec": "1.0.0",
    "modelspec.title": "Demo upscaler: twice the size",
    "modelspec.description": (
        "Doubles the sides of pictures that the demo checkpoint draws: flat shapes and simple "
        "landscapes. It was trained on drawings alone, so it does little for photographs."
    ),
    "modelspec.architecture": "srvgg-net-compact",
    "modelspec.implementation": "https://github.com/xinntao/Real-ESRGAN",
    "modelspec.license": "CC0-1.0",
}


def export(folder: Path, output: Path) -> None:
    """Write the upscaler; raises FileNotFoundError if the training has stored no state yet."""
    state = load_state(folder / "upscaler.pt")
    if state is None:
        raise FileNotFoundError(f"{folder}/upscaler.pt is missing; run tools.demo_upscaler.train")
    halved = {name: each.to(torch.float16).contiguous() for name, each in state["average"].items()}
    output.parent.mkdir(parents=True, exist_ok=True)
    save_file(halved, output, metadata=_SPEC)


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    export(options.folder, options.output)
    print(f"{options.output}: {options.output.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
