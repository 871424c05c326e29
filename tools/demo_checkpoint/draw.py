"""Draw a sheet of the pictures that training uses, and print their captions.

python -m tools.demo_checkpoint.draw --output sheet.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from tools.demo_checkpoint.captions.captions import caption
from tools.demo_checkpoint.judging.contact_sheet import contact_sheet
from tools.demo_checkpoint.pictures import draw, random_scene

__all__ = ["main"]


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    pictures = []
    for number in range(options.count):
        scene = random_scene(rng)
        print(f"{number + 1}: {caption(scene, rng)}")
        picture = draw(scene, width=options.size, height=options.size)
        pictures.append(Image.fromarray(picture))
    contact_sheet(pictures, columns=8, cell=128).save(options.output)


if __name__ == "__main__":
    main()
