"""Draw the pictures that the companions learn from, and encode them to latents.

    python -m tools.demo_companions.prepare --folder F

Works in parts and skips those that are there, so it resumes, and several processes can share the
work (`--worker 0/2`).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray

from tools.demo_checkpoint.loading import load_pipeline
from tools.demo_checkpoint.networks import autocast, device
from tools.demo_checkpoint.pictures import Scene, draw, random_scene
from tools.demo_checkpoint.training.encode import scene_to_json
from tools.demo_checkpoint.training.progress import start_log
from tools.demo_companions.blueprint import as_blueprint
from tools.demo_companions.concept import draw_concept, random_concept
from tools.demo_companions.outlines import outline_map

__all__ = ["CHECKPOINT", "PARTS", "main", "prepare"]

CHECKPOINT: Final = Path("ai-models/demo.safetensors")
PARTS: Final[dict[int, int]] = {128: 16, 256: 2}
"""The number of parts of each size, by the pixels of a side."""
PICTURES: Final = 100
"""The number of scenes of a part."""
_FLAT_SHARE: Final = 0.5
_CONCEPT_SHARE: Final = 4
"""One picture of the concept for so many scenes."""


def prepare(
    folder: Path,
    autoencoder: AutoencoderKL,
    *,
    parts: list[tuple[int, int]],
    pictures: int = PICTURES,
    seed: int = 31,
) -> None:
    """Write the parts (side, number) that are missing: `part-<side>-<number>.npz`.

    Its arrays are latents as the autoencoder makes them, float16 (pictures, 4, side / 8, side / 8):
    `plain`, `half` and `full` (blueprints of strength 0.5 and 1), `concept` (fewer pictures); the
    packed bits `maps`; and `scenes` and `concepts`, JSON in bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = start_log(folder, "prepare")
    for side, number in parts:
        path = folder / f"part-{side}-{number:02}.npz"
        if path.exists():
            continue
        numbers = [seed, side, number]
        arrays = _part(autoencoder, np.random.default_rng(numbers), side, pictures)
        arrays |= _concept(autoencoder, np.random.default_rng([*numbers, 1]), side, pictures)
        fresh = path.with_suffix(".writing")
        with fresh.open("wb") as file:
            np.savez(file, **arrays)
        fresh.replace(path)
        log.info("%s", path.name)


def _part(
    autoencoder: AutoencoderKL, rng: np.random.Generator, side: int, pictures: int
) -> dict[str, NDArray[Any]]:
    scenes = [random_scene(rng, flat_share=_FLAT_SHARE) for _ in range(pictures)]
    drawn = [draw(scene, width=side, height=side) for scene in scenes]
    shown = json.dumps([scene_to_json(scene) for scene in scenes])
    return {
        "plain": _encoded(autoencoder, drawn),
        "half": _encoded(autoencoder, _blueprints(scenes, side, 0.5)),
        "full": _encoded(autoencoder, _blueprints(scenes, side, 1.0)),
        "maps": np.packbits(np.stack([outline_map(each) for each in drawn]), axis=-1),
        "scenes": np.frombuffer(shown.encode(), dtype=np.uint8),
    }


def _blueprints(scenes: list[Scene], side: int, strength: float) -> list[NDArray[np.uint8]]:
    return [as_blueprint(each, width=side, height=side, strength=strength) for each in scenes]


def _concept(
    autoencoder: AutoencoderKL, rng: np.random.Generator, side: int, pictures: int
) -> dict[str, NDArray[Any]]:
    scenes = [random_concept(rng) for _ in range(-(-pictures // _CONCEPT_SHARE))]
    drawn = [draw_concept(scene, width=side, height=side) for scene in scenes]
    shown = json.dumps([scene_to_json(scene) for scene in scenes])
    return {
        "concept": _encoded(autoencoder, drawn),
        "concepts": np.frombuffer(shown.encode(), dtype=np.uint8),
    }


@torch.no_grad()
def _encoded(autoencoder: AutoencoderKL, pictures: list[NDArray[np.uint8]]) -> NDArray[np.float16]:
    where = next(autoencoder.parameters()).device
    latents = []
    for picture in pictures:
        pixels = torch.from_numpy(picture).to(where).permute(2, 0, 1)[None].float() / 127.5 - 1
        with autocast(where):
            latent = autoencoder.encode(pixels).latent_dist.mode()[0]
        latents.append(latent.half().cpu().numpy())
    return np.stack(latents)


def main() -> None:
    """Read the command line and prepare this worker's parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--worker", default="0/1", help="this one's share: number/count")
    options = parser.parse_args()
    worker, workers = map(int, options.worker.split("/"))
    parts = [(side, number) for side, count in PARTS.items() for number in range(count)]
    autoencoder = load_pipeline(options.checkpoint).vae.to(device())
    prepare(options.folder, autoencoder, parts=parts[worker::workers])


if __name__ == "__main__":
    main()
