"""Export the averaged weights of all three networks as one checkpoint file.

python -m tools.demo_checkpoint.export --folder /tmp/demo --output ai-models/demo.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.demo_checkpoint.bundle import write_bundle
from tools.demo_checkpoint.training.encode import load_autoencoder
from tools.demo_checkpoint.training.progress import load_state
from tools.demo_checkpoint.training.unet import Denoiser

__all__ = ["export", "main"]


def export(folder: Path, output: Path) -> None:
    """Write the checkpoint; raises FileNotFoundError if a stage has stored no state yet."""
    state = load_state(folder / "unet.pt")
    if state is None:
        raise FileNotFoundError(f"{folder}/unet.pt is missing; run training.unet first")
    denoiser = Denoiser()
    denoiser.load_state_dict(state["average"])
    vae = load_autoencoder(folder)
    if sharper := load_state(folder / "decoder.pt"):
        vae.load_state_dict(sharper["average"])
    vae.register_to_config(scaling_factor=round(state["scale"], 5))
    write_bundle(output, vae=vae, unet=denoiser.unet, text_encoder=denoiser.text_encoder)


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    export(options.folder, options.output)
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
