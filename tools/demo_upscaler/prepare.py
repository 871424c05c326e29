"""Draw the pairs of pictures that the training cuts its crops from.

    python -m tools.demo_upscaler.prepare --folder F

Works in parts and skips those that are there, so it resumes, and several processes can share the
work (`--worker 0/2`).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import numpy as np
from diffusers import AutoencoderKL

from tools.demo_checkpoint.loading import load_pipeline
from tools.demo_checkpoint.networks import device
from tools.demo_checkpoint.training.progress import start_log
from tools.demo_upscaler.pairs import draw_pair

__all__ = ["main", "prepare"]

CHECKPOINT: Final = Path("ai-models/demo.safetensors")
PARTS: Final = 10
PICTURES: Final = 60
"""The number of pairs of a part."""


def prepare(
    folder: Path,
    autoencoder: AutoencoderKL,
    *,
    seed: int = 11,
    parts: range = range(PARTS),
    pictures: int = PICTURES,
) -> None:
    """Write the parts that are missing: `pairs-<number>.npz` with the arrays `small`, `large`."""
    log = start_log(folder, "prepare")
    for number in parts:
        path = folder / f"pairs-{number:02}.npz"
        if path.exists():
            continue
        rng = np.random.default_rng([seed, number])
        pairs = [draw_pair(rng, autoencoder) for _ in range(pictures)]
        small, large = (np.stack(each) for each in zip(*pairs, strict=True))
        fresh = path.with_suffix(".writing")
        with fresh.open("wb") as file:
            np.savez(file, small=small, large=large)
        fresh.replace(path)
        log.info("%s", path.name)


def main() -> None:
    """Read the command line and draw this worker's parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--worker", default="0/1", help="this one's share: number/count")
    options = parser.parse_args()
    worker, workers = map(int, options.worker.split("/"))
    autoencoder = load_pipeline(options.checkpoint).vae.to(device())
    parts = range(worker, PARTS, workers)
    prepare(options.folder, autoencoder, seed=options.seed, parts=parts)


if __name__ == "__main__":
    main()
