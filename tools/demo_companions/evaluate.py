"""Judge the companions: fixed prompts and seeds, figures from pixels, one table for each.

    python -m tools.demo_companions.evaluate --folder ai-models

Draws with diffusers. With `--sheets FOLDER` the judged pictures are kept for people to look at.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from tools.demo_checkpoint.judging.contact_sheet import contact_sheet
from tools.demo_checkpoint.networks import device, fast_dtype
from tools.demo_checkpoint.pictures import Scene, draw
from tools.demo_checkpoint.scenes.flat_scenes import FlatScene
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene
from tools.demo_companions.drawing import Drawer, Wanted, load_controlnet
from tools.demo_companions.export import CONCEPT_FILE, OUTLINES_FILE, STYLE_FILE
from tools.demo_companions.measures import aurora_share, blueprint_share, outline_agreement
from tools.demo_companions.outlines import outline_map
from tools.demo_upscaler.pairs import held_out_scene

__all__ = ["Evaluation", "main", "wanted_outlines"]

_SEED: Final = 2028
_THINGS: Final = (
    "a landscape with mountains and a lake",
    "a red star on a white background",
    "mountains with snow at sunset",
    "a green heart on a yellow background",
    "a lake with trees at night",
    "a large purple hexagon on a grey background",
)
_LANDSCAPES: Final = (
    "mountains and a lake",
    "a landscape with trees",
    "snow on the mountains",
    "a lake and trees",
)
CONCEPT_WORD: Final = CONCEPT_FILE.removesuffix(".safetensors")


def wanted_outlines(count: int, side: int) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return prompts with outlines to follow, of scenes that no training drew.

    A prompt names the kind of thing and never its place, its size or its form.
    """
    found = []
    for number in range(count):
        scene = held_out_scene(np.random.default_rng([_SEED, number]))
        found.append((_prompt(scene), outline_map(draw(scene, width=side, height=side))))
    return found


def _prompt(scene: Scene) -> str:
    if isinstance(scene, FlatScene):
        return f"a {scene.colour} {scene.shape} on a {scene.background} background"
    assert isinstance(scene, LandscapeScene)
    return f"a landscape {dict(day='by day', sunset='at sunset', night='at night')[scene.time]}"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Draws, judges and prints; keeps the pictures if asked to."""

    drawer: Drawer
    folder: Path
    count: int
    side: int = 256
    sheets: Path | None = None

    def style(self) -> list[float]:
        """Judge the LoRA at scales 0, 0.5 and 1; return the mean share of the blueprint at each."""
        prompts = [_THINGS[number % len(_THINGS)] for number in range(self.count)]
        wanted = [Wanted(f"blueprint of {text}", seed) for seed, text in enumerate(prompts)]
        pictures = []
        for scale in (0.0, 0.5, 1.0):
            context = self.drawer.with_lora(self.folder / STYLE_FILE, scale)
            with context if scale else nullcontext():
                pictures.append(self.drawer.draw(wanted, size=self.side))
        return self._judged("style", pictures, [blueprint_share] * self.count)

    def concept(self) -> list[float]:
        """Judge the embedding without and with its word; return the mean share of green sky."""
        self.drawer.learn(self.folder / CONCEPT_FILE, CONCEPT_WORD)
        prompts = [_LANDSCAPES[number % len(_LANDSCAPES)] for number in range(self.count)]
        pictures = [
            self.drawer.draw(
                [Wanted(text + end, seed) for seed, text in enumerate(prompts)], size=self.side
            )
            for end in (" at night", f", {CONCEPT_WORD}")
        ]
        return self._judged("concept", pictures, [aurora_share] * self.count)

    def outlines(self) -> list[float]:
        """Judge the ControlNet: the mean agreement with the wanted outlines, without and with."""
        model = load_controlnet(self.folder / OUTLINES_FILE, self.drawer.dtype)
        maps = wanted_outlines(self.count, self.side)
        wanted = [Wanted(text, seed, found) for seed, (text, found) in enumerate(maps)]
        pictures = [
            self.drawer.draw(wanted, controlnet=each, size=self.side) for each in (None, model)
        ]
        judges = [_agreement_with(found) for _, found in maps]
        shown = [Image.fromarray(found) for _, found in maps]
        return self._judged("outlines", pictures, judges, shown)

    def _judged(
        self,
        label: str,
        pictures: Sequence[list[Image.Image]],
        judges: Sequence[Callable[[NDArray[np.uint8]], float]],
        more: Sequence[Image.Image] = (),
    ) -> list[float]:
        if self.sheets:
            rows = [*([list(more)] if more else []), *pictures]
            cells = [each.convert("RGB") for column in zip(*rows, strict=True) for each in column]
            contact_sheet(cells, columns=2 * len(rows)).save(self.sheets / f"{label}.png")
        return [
            float(np.mean([judge(np.array(one)) for judge, one in zip(judges, row, strict=True)]))
            for row in pictures
        ]


def _agreement_with(wanted: NDArray[np.bool_]) -> Callable[[NDArray[np.uint8]], float]:
    return lambda picture: outline_agreement(picture, wanted)


def main() -> None:
    """Read the command line and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("ai-models"))
    parser.add_argument("--checkpoint", type=Path, default=Path("ai-models/demo.safetensors"))
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--only", choices=("style", "concept", "outlines"), action="append")
    parser.add_argument("--sheets", type=Path)
    options = parser.parse_args()
    if options.sheets:
        options.sheets.mkdir(parents=True, exist_ok=True)
    dtype: torch.dtype = fast_dtype(device())
    drawer = Drawer(options.checkpoint, dtype)
    evaluation = Evaluation(drawer, options.folder, options.count, options.side, options.sheets)
    print(f"| companion | pictures | figures |\n|---|---|---|\n{dtype}")
    for name in options.only or ("style", "outlines", "concept"):
        figures = getattr(evaluation, name)()
        print(f"| {name} | {options.count} | {', '.join(f'{each:.3f}' for each in figures)} |")


if __name__ == "__main__":
    main()
