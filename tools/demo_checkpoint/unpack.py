"""Unpack an exported checkpoint into a training folder, the inverse of export.

    python -m tools.demo_checkpoint.unpack ai-models/demo.safetensors --folder /tmp/demo

Then run training.encode and training.unet. The autoencoder and the latents' scale do not change;
its decoder is already sharpened, so skip training.decoder. An export contains no optimizer state;
it builds up again within some hundred steps.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

from tools.demo_checkpoint.loading import load_pipeline
from tools.demo_checkpoint.networks import SCHEDULER_CONFIG
from tools.demo_checkpoint.training.progress import save_state
from tools.demo_checkpoint.training.unet import Denoiser

__all__ = ["main", "unpack"]

_OF_THE_SCHEDULE = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule")


def unpack(checkpoint: Path, folder: Path) -> None:
    """Write the states that training.encode, training.unet and export read.

    Warns if the checkpoint was trained with another noise schedule than the one that `export`
    writes: until a training has adapted it, an export of it draws wrong pictures.

    Raises FileExistsError if a training has started already.
    """
    if (folder / "unet.pt").exists():
        raise FileExistsError(f"{folder}/unet.pt exists already")
    pipeline = load_pipeline(checkpoint)
    other = {
        name: value
        for name in _OF_THE_SCHEDULE
        if (value := pipeline.scheduler.config.get(name)) != SCHEDULER_CONFIG[name]
    }
    if other:
        warnings.warn(f"{checkpoint} was trained with {other}; continue its training", stacklevel=2)
    denoiser = Denoiser()
    denoiser.unet.load_state_dict(pipeline.unet.state_dict())
    denoiser.text_encoder.load_state_dict(pipeline.text_encoder.state_dict())
    folder.mkdir(parents=True, exist_ok=True)
    save_state(folder / "autoencoder.pt", {"average": pipeline.vae.state_dict()})
    weights, scale = denoiser.state_dict(), pipeline.vae.config.scaling_factor
    state = {"model": weights, "average": weights, "scale": scale, "step": 0}
    save_state(folder / "unet.pt", state)


def main() -> None:
    """Read the command line and unpack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    unpack(options.checkpoint, options.folder)


if __name__ == "__main__":
    main()
