"""Draw docs/beside-the-checkpoint.jpg: what the demo draws with its companions.

.venv/bin/python -m tools.beside_sheet docs/beside-the-checkpoint.jpg

The rows, from left to right. Pictures of one row have the same seed:

1. a landscape; with the LoRA at scales 0.5 and 1; with the embedding
2. a star; with the LoRA at scales 0.5 and 1; trees with the embedding
3. outlines of a landscape; a landscape by day and at night along them; by day without them
4. outlines of a star; a red star along them; the same with the LoRA; a red star without them
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from domain.generation.parts import Control, Embedding, Lora, Preprocessor
from tests.contract.from_pictures.drawn_by_the_demo import Demo
from tools.demo_checkpoint.judging.contact_sheet import contact_sheet
from tools.demo_checkpoint.pictures import Scene, draw
from tools.demo_checkpoint.scenes.flat_scenes import FlatScene
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene
from tools.demo_companions.export import CONCEPT_FILE, OUTLINES_FILE, STYLE_FILE
from tools.demo_companions.outlines import outline_map

__all__ = ["beside_sheet"]

_COLUMNS = 4
_SIDE = 256
_JPEG_QUALITY = 88
_TOKEN = CONCEPT_FILE.removesuffix(".safetensors")

_LANDSCAPE = LandscapeScene("day", frozenset({"mountains", "lake", "trees"}), 12)
_STAR = FlatScene("star", "red", "white", "small", "top left", 5)


def beside_sheet(demo: Demo) -> Image.Image:
    """Return the sheet, of 4 x 4 pictures of 256 x 256 pixels each."""
    pictures = [*_of_additions(demo), *_of_outlines(demo)]
    return contact_sheet(pictures, columns=_COLUMNS)


def _of_additions(demo: Demo) -> list[Image.Image]:
    found = []
    for prompt, night, seed in (
        ("a landscape with mountains and a lake", "mountains and a lake", 7),
        ("a red star on a white background", "a landscape with trees", 3),
    ):
        found += [
            demo.draw(prompt, _SIDE, seed=seed),
            *(
                demo.draw(f"blueprint of {prompt}", _SIDE, seed=seed, loras=_lora(demo, scale))
                for scale in (0.5, 1.0)
            ),
            demo.draw(
                f"{night}, {_TOKEN}",
                _SIDE,
                seed=seed,
                embeddings=(Embedding(model_id=demo.model(CONCEPT_FILE), token=_TOKEN),),
            ),
        ]
    return found


def _lora(demo: Demo, scale: float) -> tuple[Lora, ...]:
    return (Lora(model_id=demo.model(STYLE_FILE), scale=scale),)


def _of_outlines(demo: Demo) -> list[Image.Image]:
    day, night = "a landscape with mountains and a lake", "a landscape with mountains at night"
    star = "a small red star on a white background"
    rows: list[tuple[Scene, tuple[tuple[str, dict[str, Any]], ...], str]] = [
        (_LANDSCAPE, ((day, {}), (night, {})), day),
        (_STAR, ((star, {}), (f"blueprint of {star}", {"loras": _lora(demo, 1.0)})), star),
    ]
    found = []
    for scene, along, without in rows:
        picture = draw(scene, width=_SIDE, height=_SIDE)
        control = Control(
            model_id=demo.model(OUTLINES_FILE),
            image=demo.send(Image.fromarray(picture)),
            preprocessor=Preprocessor(name="canny"),
        )
        found.append(Image.fromarray(outline_map(picture).astype(np.uint8) * 255).convert("RGB"))
        for prompt, more in along:
            found.append(demo.draw(prompt, _SIDE, controls=(control,), **more))
        found.append(demo.draw(without, _SIDE))
    return found


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    output: Path = parser.parse_args().output
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder))
        try:
            beside_sheet(demo).save(output, "JPEG", quality=_JPEG_QUALITY)
        finally:
            demo.close()


if __name__ == "__main__":
    _main()
