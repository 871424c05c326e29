"""Judge an exported checkpoint: fixed prompts and seeds, verdicts from pixels, one table.

    python -m tools.demo_checkpoint.evaluate ai-models/demo.safetensors

A few minutes on two cores. With `--sheets FOLDER` the judged pictures are kept for people to look
at.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image

from tools.demo_checkpoint.judging.contact_sheet import contact_sheet
from tools.demo_checkpoint.judging.judge import ShapeVerdict, has_feature, judge_shape
from tools.demo_checkpoint.networks import device, fast_dtype
from tools.demo_checkpoint.sampling import Order, Sampler
from tools.demo_checkpoint.scenes.flat_scenes import is_held_out
from tools.demo_checkpoint.scenes.outlines import OUTLINES
from tools.demo_checkpoint.scenes.palette import COLOURS

__all__ = ["FlatQuestion", "flat_questions", "main"]

# The ways to ask for a flat picture; the judgement must not depend on one wording.
WORDINGS: Final = (
    "a {colour} {shape} on a {background} background",
    "{colour} {shape} on {background}",
    "a large {colour} {shape} on a {background} background",
    "a picture of a {colour} {shape} on a {background} background, highly detailed",
    "a {background} background with a {colour} {shape}",
)
OTHER_SIZES: Final = ((512, 512), (384, 256), (256, 384), (512, 256), (256, 512))

# A prompt that shows a feature without naming it, so that a negative prompt has something to
# remove. A prompt that names other things does not work: with it, unnamed things are absent.
NEGATIVES: Final = dict.fromkeys(("trees", "snow", "lake"), "a beautiful landscape by day")
NEGATIVE_SEEDS: Final = range(100, 120)


@dataclass(frozen=True, slots=True)
class FlatQuestion:
    """A flat picture to ask for, and whether training saw this combination."""

    shape: str
    colour: str
    background: str
    seen: bool
    prompt: str
    seed: int

    def verdict(self, image: Image.Image) -> ShapeVerdict:
        """Judge the answer."""
        return judge_shape(image, shape=self.shape, colour=self.colour, background=self.background)


def flat_questions(count: int, *, seen: bool) -> list[FlatQuestion]:
    """Return the first `count` fixed questions that training saw, or did not; shapes take turns."""
    rng = np.random.default_rng(11 if seen else 12)
    shapes, colours = itertools.cycle(OUTLINES), list(COLOURS)
    questions: list[FlatQuestion] = []
    shape = next(shapes)
    while len(questions) < count:
        colour, background = (str(name) for name in rng.choice(colours, 2, replace=False))
        if is_held_out(shape, colour, background) == seen:
            continue
        wording = WORDINGS[len(questions) % len(WORDINGS)]
        prompt = wording.format(shape=shape, colour=colour, background=background)
        number = 1000 + len(questions)
        questions.append(FlatQuestion(shape, colour, background, seen, prompt, number))
        shape = next(shapes)
    return questions


class Evaluation:
    """Draws, judges and prints row by row; keeps the pictures if asked to."""

    def __init__(self, sampler: Sampler, *, steps: int, sheets: Path | None) -> None:
        self._sampler, self._steps, self._sheets = sampler, steps, sheets

    def flat(
        self, label: str, questions: list[FlatQuestion], form: Order
    ) -> list[tuple[str, bool]]:
        """Judge flat pictures drawn in the given form: its size, guidance and steps.

        Returns each picture's shape, and whether its outline is right.
        """
        orders = [replace(form, prompt=each.prompt, seed=each.seed) for each in questions]
        pictures = self._draw(label, orders)
        verdicts = [each.verdict(image) for each, image in zip(questions, pictures, strict=True)]
        rates = [
            100 * float(np.mean([getattr(verdict, part) for verdict in verdicts]))
            for part in ("colour", "background", "shape")
        ]
        whole = 100 * float(np.mean([v.colour and v.background and v.shape for v in verdicts]))
        cells = " | ".join(f"{rate:.0f} %" for rate in (*rates, whole))
        print(f"| {label} | {len(questions)} | {cells} |", flush=True)
        return [(each.shape, v.shape) for each, v in zip(questions, verdicts, strict=True)]

    def negative(self, feature: str, prompt: str) -> None:
        """Count how often a feature shows without a negative prompt, and with one that names it."""
        form = Order(prompt, 0, steps=self._steps)
        shown = []
        for negative in ("", feature):
            orders = [replace(form, seed=seed, negative=negative) for seed in NEGATIVE_SEEDS]
            pictures = self._draw(f"negative {negative or 'none'} for {feature}", orders)
            shown.append([_shows(picture, feature) for picture in pictures])
        without, with_it = shown
        removed = sum(before and not after for before, after in zip(without, with_it, strict=True))
        total = len(NEGATIVE_SEEDS)
        print(
            f"| «{prompt}», negative «{feature}» | {sum(without)} of {total} | {sum(with_it)} of "
            f"{total} | {removed} of {sum(without)} |",
            flush=True,
        )

    def _draw(self, label: str, orders: list[Order]) -> list[Image.Image]:
        pictures = self._sampler.draw(orders)
        if self._sheets:
            name = label.replace(" ", "-").replace(",", "")
            contact_sheet(pictures, columns=10, cell=128).save(self._sheets / f"{name}.png")
        return pictures


def _shows(picture: Image.Image, feature: str) -> bool:
    try:
        return has_feature(picture, feature)
    except ValueError:  # a night although day was asked for: it cannot be judged
        return False


def _print_by_shape(outlines: list[tuple[str, bool]]) -> None:
    asked, right = (
        Counter(shape for shape, _ in outlines),
        Counter(s for s, fits in outlines if fits),
    )
    cells = ", ".join(f"{shape} {right[shape]} of {count}" for shape, count in asked.items())
    print(f"\nOutlines right at 256x256: {cells}")


def _forms(steps: int) -> Iterator[tuple[str, Order, int]]:
    """Other conditions to judge flat pictures in: a label, the form, how many pictures."""
    form = Order("", 0, steps=steps)
    for width, height in OTHER_SIZES:
        yield f"{width}x{height}", replace(form, width=width, height=height), 10
    for fewer in (8, 30):
        yield f"{fewer} steps", replace(form, steps=fewer), 20
    for guidance in (1.0, 3.0):
        yield f"guidance {guidance:g}", replace(form, guidance=guidance), 40


def evaluate(evaluation: Evaluation, *, count: int, steps: int, quick: bool) -> None:
    """Print the whole table, or with `quick` only the part at 256x256 and the negative prompts."""
    seen, unseen = (flat_questions(count, seen=is_seen) for is_seen in (True, False))
    print(
        "| pictures | number | colour | background | shape | all three |\n|---|---|---|---|---|---|"
    )
    form = Order("", 0, steps=steps)
    outlines = evaluation.flat("seen combinations", seen, form)
    outlines += evaluation.flat("unseen combinations", unseen, form)
    if not quick:
        mixed = [question for pair in zip(seen, unseen, strict=True) for question in pair]
        for label, other, number in _forms(steps):
            evaluation.flat(label, mixed[:number], other)
    _print_by_shape(outlines)
    print("\n| prompt | shows without | shows with | removed |\n|---|---|---|---|")
    for feature, prompt in NEGATIVES.items():
        evaluation.negative(feature, prompt)


def main() -> None:
    """Read the command line and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--count", type=int, default=50, help="seen, and as many unseen, questions")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--dtype", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sheets", type=Path)
    options = parser.parse_args()
    if options.sheets:
        options.sheets.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    dtype = fast_dtype(device()) if options.dtype == "auto" else getattr(torch, options.dtype)
    sampler = Sampler(options.checkpoint, dtype)
    evaluation = Evaluation(sampler, steps=options.steps, sheets=options.sheets)
    evaluate(evaluation, count=options.count, steps=options.steps, quick=options.quick)
    print(f"\n{dtype}, {options.steps} steps, {time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
