"""Compare the upscaler with Lanczos' filter, on drawings that the training never saw.

    python -m tools.demo_upscaler.evaluate ai-models/demo-2x.safetensors

With `--sheet FILE` it also lays pictures side by side for people to look at. With `--checkpoint` it
measures pictures that the demo checkpoint draws.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from PIL import Image

from adapters.diffusion.devices.device import find_device
from adapters.diffusion.upscaling.loading import load_upscaler
from adapters.diffusion.upscaling.upscalers import Upscalers
from domain.generation.raster import Raster
from domain.models.record import ModelRecord
from tools.demo_checkpoint.loading import load_pipeline
from tools.demo_checkpoint.sampling import Order, Sampler
from tools.demo_upscaler.measures import edge_error, psnr, steepness
from tools.demo_upscaler.pairs import SCALE, held_out_scene, made_small

__all__ = ["Comparison", "compare", "main", "upscaler_of"]

_SEED: Final = 2027
_PROMPTS: Final = (
    "a beautiful landscape with mountains and a lake",
    "a red circle on a blue background",
    "snow on the mountains, pine trees and a lake at sunset",
    "a large yellow star on a purple background",
    "mountains, a full moon and stars at night",
    "a small green heart in the top left corner on white",
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Means over some pictures: of Lanczos' filter, and of the upscaler."""

    psnr: tuple[float, float]
    edge_error: tuple[float, float]


class _Enlarger:
    """Enlarges arrays in both ways."""

    def __init__(self, path: Path) -> None:
        device = find_device("cpu", "float32")
        model = ModelRecord("0" * 64, path.name, path.stat().st_size, str(path), ".safetensors")
        self._upscaler = load_upscaler(model, device)
        self._upscalers = Upscalers(device, lambda model_id: self._upscaler)

    def __call__(self, small: NDArray[np.uint8], *, lanczos: bool) -> NDArray[np.uint8]:
        height, width = small.shape[:2]
        raster = Raster(width, height, small.tobytes())
        upscaler = None if lanczos else self._upscaler
        large = self._upscalers.enlarge_by(raster, upscaler, SCALE)
        pixels = np.frombuffer(large.pixels, dtype=np.uint8)
        return pixels.reshape(large.height, large.width, 3)


def upscaler_of(path: Path) -> _Enlarger:
    """Return what enlarges arrays with the file at `path`, or with Lanczos' filter."""
    return _Enlarger(path)


def compare(enlarge: _Enlarger, count: int, autoencoder: AutoencoderKL | None) -> Comparison:
    """Compare on `count` held-out drawings.

    Without an autoencoder the small pictures are reduced drawings without faults. With one they
    have the faults of the training.
    """
    found = []
    for number in range(count):
        rng = np.random.default_rng([_SEED, number])
        small, large = made_small(held_out_scene(rng), rng, autoencoder)
        both = [enlarge(small, lanczos=is_lanczos) for is_lanczos in (True, False)]
        found.append([(psnr(each, large), edge_error(each, large)) for each in both])
    means = np.mean(found, axis=0)
    return Comparison(
        psnr=(float(means[0, 0]), float(means[1, 0])),
        edge_error=(float(means[0, 1]), float(means[1, 1])),
    )


def _drawn(checkpoint: Path) -> list[NDArray[np.uint8]]:
    sampler = Sampler(checkpoint, torch.float32)
    orders = [Order(prompt, seed) for seed, prompt in enumerate(_PROMPTS)]
    return [np.asarray(picture) for picture in sampler.draw(orders)]


def _print_drawn(enlarge: _Enlarger, pictures: Sequence[NDArray[np.uint8]]) -> None:
    print("\n| drawn by the checkpoint | steepness of Lanczos | of the upscaler | ratio |")
    print("|---|---|---|---|")
    for prompt, small in zip(_PROMPTS, pictures, strict=True):
        before, after = (steepness(enlarge(small, lanczos=each)) for each in (True, False))
        print(f"| {prompt} | {before:.2f} | {after:.2f} | {after / before:.2f} |")


def _sheet(enlarge: _Enlarger, pictures: Sequence[NDArray[np.uint8]], crop: int) -> Image.Image:
    """Lay a crop of each picture beside itself: as drawn with large pixels, Lanczos, upscaler.

    The crop is the one with the most contrast.
    """
    side = 2 * SCALE * crop
    sheet = Image.new("RGB", (3 * side, len(pictures) * side))
    for row, small in enumerate(pictures):
        starts = [range(0, extent - crop + 1, crop // 4) for extent in small.shape[:2]]
        top, left = max(
            itertools.product(*starts),
            key=lambda at: small[at[0] : at[0] + crop, at[1] : at[1] + crop].std(),
        )
        for column, lanczos in enumerate((None, True, False)):
            pixels, scale = small, 1
            if lanczos is not None:
                pixels, scale = enlarge(small, lanczos=lanczos), SCALE
            rows = slice(top * scale, (top + crop) * scale)
            cut = pixels[rows, left * scale : (left + crop) * scale]
            shown = Image.fromarray(cut).resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(shown, (column * side, row * side))
    return sheet


def main() -> None:
    """Read the command line, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("upscaler", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--checkpoint", type=Path, default=Path("ai-models/demo.safetensors"))
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    enlarge = upscaler_of(options.upscaler)
    autoencoder = load_pipeline(options.checkpoint).vae
    print("| held-out drawings | number | PSNR, dB: Lanczos, upscaler | edge error: both |")
    print("|---|---|---|---|")
    for label, each in (("reduced alone", None), ("with faults", autoencoder)):
        row = compare(enlarge, options.count, each)
        print(
            f"| {label} | {options.count} | {row.psnr[0]:.2f}, {row.psnr[1]:.2f} "
            f"| {row.edge_error[0]:.3f}, {row.edge_error[1]:.3f} |",
            flush=True,
        )
    pictures = _drawn(options.checkpoint)
    _print_drawn(enlarge, pictures)
    if options.sheet:
        _sheet(enlarge, pictures, crop=96).save(options.sheet)


if __name__ == "__main__":
    main()
