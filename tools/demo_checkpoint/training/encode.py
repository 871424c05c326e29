"""Draw the denoiser's pictures and encode them: latents and scenes on disk, once for all training.

    python -m tools.demo_checkpoint.training.encode --folder /tmp/demo

Works in parts and skips those that are there, so it resumes, and several processes can share the
work (`--worker 0/2`).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from diffusers import AutoencoderKL

from tools.demo_checkpoint.networks import autocast, device, make_autoencoder
from tools.demo_checkpoint.pictures import Scene, draw, random_scene
from tools.demo_checkpoint.scenes.flat_scenes import FlatScene
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene
from tools.demo_checkpoint.training.progress import load_state, start_log

__all__ = ["SIZES", "load_autoencoder", "main", "scene_from_json", "scene_to_json"]

PART: Final = 100

# How many parts of each size (width, height) to make. A large picture costs as much as several
# small ones: words are learned at 128, the look of a picture at 256, and the other sizes teach the
# model to fill other frames.
SIZES: Final[dict[tuple[int, int], int]] = {
    (128, 128): 200,
    (256, 256): 60,
    (384, 256): 14,
    (256, 384): 14,
    (512, 256): 12,
    (256, 512): 12,
    (384, 384): 5,
    (512, 512): 12,
}


def parts() -> list[tuple[int, int, int]]:
    """Return all parts to make (width, height, number); every size always has its share."""
    shares = [
        ((number + 0.5) / count, width, height, number)
        for (width, height), count in SIZES.items()
        for number in range(count)
    ]
    return [(width, height, number) for _, width, height, number in sorted(shares)]


def scene_to_json(scene: Scene) -> dict[str, Any]:
    """A scene as JSON values."""
    values = asdict(scene)
    if isinstance(scene, LandscapeScene):
        values["features"] = sorted(scene.features)
    return values


def scene_from_json(values: dict[str, Any]) -> Scene:
    """Read back the output of scene_to_json."""
    if "features" in values:
        return LandscapeScene(values["time"], frozenset(values["features"]), values["seed"])
    return FlatScene(**values)


def load_autoencoder(folder: Path) -> AutoencoderKL:
    """Load the trained autoencoder's averaged weights."""
    state = load_state(folder / "autoencoder.pt")
    if state is None:
        raise FileNotFoundError(
            f"{folder}/autoencoder.pt is missing; run training.autoencoder first"
        )
    model = make_autoencoder()
    model.load_state_dict(state["average"])
    return model.eval()


@torch.no_grad()
def encode_part(
    model: AutoencoderKL, rng: np.random.Generator, width: int, height: int, path: Path
) -> None:
    """Draw and encode PART pictures of one size, as float16 (PART, 4, height / 8, width / 8)."""
    scenes = [random_scene(rng) for _ in range(PART)]
    latents = []
    where = next(model.parameters()).device
    for scene in scenes:
        picture = torch.from_numpy(draw(scene, width=width, height=height)).to(where)
        batch = (picture.permute(2, 0, 1)[None].float() / 127.5 - 1).to(
            memory_format=torch.channels_last
        )
        with autocast(where):
            latent = model.encode(batch).latent_dist.mode()[0]
        latents.append(latent.half().cpu())
    path.with_suffix(".json").write_text(json.dumps([scene_to_json(scene) for scene in scenes]))
    fresh = path.with_suffix(".writing")
    with fresh.open("wb") as file:
        np.save(file, torch.stack(latents).numpy())
    fresh.replace(path)


def main() -> None:
    """Read the command line and encode this worker's parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument(
        "--worker", default="0/1", help="which share of the parts to make: number/count"
    )
    parser.add_argument("--only", help="make this size alone, as 128x128")
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    worker, workers = map(int, options.worker.split("/"))
    target = options.folder / "latents"
    target.mkdir(exist_ok=True)
    log = start_log(options.folder, f"encode-{worker}")
    model = load_autoencoder(options.folder).to(device(), memory_format=torch.channels_last)
    for width, height, number in parts()[worker::workers]:
        path = target / f"{width}x{height}-{number:03}.npy"
        if path.exists() or options.only not in (None, f"{width}x{height}"):
            continue
        rng = np.random.default_rng([options.seed, width, height, number])
        encode_part(model, rng, width, height, path)
        log.info("%s", path.name)


if __name__ == "__main__":
    main()
