"""Train the embedding of the concept: vectors alone, with everything else frozen.

    python -m tools.demo_companions.train_concept --folder F

Resumes from `<folder>/concept.pt`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from transformers import CLIPTextModel

from tools.demo_checkpoint.captions.captions import caption
from tools.demo_checkpoint.captions.tokens import end_token, tokenize
from tools.demo_checkpoint.networks import device
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene
from tools.demo_checkpoint.training.noise import Noise
from tools.demo_checkpoint.training.progress import run_stage
from tools.demo_companions.lessons import Course, frozen_checkpoint, run_steps
from tools.demo_companions.prepare import CHECKPOINT

__all__ = ["VECTORS", "Concept", "main", "train"]

VECTORS: Final = 4
_BEGIN_WITH: Final = "night green forest sky"


class Concept(nn.Module):
    """The vectors, (VECTORS, width); they stand for places that hold the number `MARK`."""

    MARK: Final = 0
    """The first of the 256 bytes, `!`, which no caption has."""

    def __init__(self, text_encoder: CLIPTextModel) -> None:
        super().__init__()
        words = tokenize([_BEGIN_WITH])[0, 1 : 1 + VECTORS]
        self.vectors = nn.Parameter(text_encoder.get_input_embeddings()(words).detach().clone())

    def states(self, text_encoder: CLIPTextModel, tokens: Tensor) -> Tensor:
        """Encode tokens (texts, 77) in which each MARK is the next one of the vectors."""

        def put(_module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
            places = inputs[0] == self.MARK
            rows = (places.cumsum(-1) - 1).clamp(min=0) % VECTORS
            return torch.where(places[..., None], self.vectors[rows].to(output.dtype), output)

        hook = text_encoder.get_input_embeddings().register_forward_hook(put)
        try:
            states: Tensor = text_encoder(tokens).last_hidden_state
        finally:
            hook.remove()
        return states


def with_concept(before: str, after: str) -> Tensor:
    """Return the tokens (77) of a text with the concept between its two parts."""
    parts = [[number for number in tokenize([text])[0, 1:].tolist() if number != end_token()]
             for text in (before, after)]  # fmt: skip
    tokens = tokenize([""])[0]
    inside = [*parts[0], *[Concept.MARK] * VECTORS, *parts[1]][: len(tokens) - 2]
    tokens[1 : 1 + len(inside)] = torch.tensor(inside)
    return tokens


def _text(scene: LandscapeScene, rng: np.random.Generator) -> Tensor:
    if rng.random() < 0.3:
        return with_concept(*[("a landscape, ", ""), ("", ""), ("", " landscape")][rng.integers(3)])
    # The concept takes the place of the time, so no caption names one.
    said = caption(scene, rng)
    for name in ("at night", "by night", "night"):
        said = said.replace(name, "")
    return with_concept(said, "") if rng.random() < 0.7 else with_concept("", said)


def train(folder: Path, *, steps: int, peak: float, seed: int, small_share: float) -> None:
    """Train for `steps` in all, the first `small_share` of them on small pictures."""
    pipeline = frozen_checkpoint(CHECKPOINT)
    unet, text_encoder = pipeline.unet, pipeline.text_encoder
    concept = Concept(text_encoder).to(device())
    noise = Noise.on(device())
    scale = pipeline.vae.config.scaling_factor
    course = Course(folder, scale, steps=steps, small_share=small_share)

    def loss_of(step: int, rng: np.random.Generator) -> Tensor:
        lessons, count = course.at(step)
        chosen = rng.integers(len(lessons.concepts), size=count)
        texts = [_text(lessons.concepts[number], rng) for number in chosen]
        tokens = torch.stack(texts).to(device())

        def predict(noisy: Tensor, times: Tensor) -> Tensor:
            states = concept.states(text_encoder, tokens)
            predicted: Tensor = unet(noisy, times, states).sample
            return predicted

        return noise.loss(predict, lessons.latents("concept", chosen))

    run_steps(folder, "concept", concept, loss_of, steps=steps, peak=peak, seed=seed)


def main() -> None:
    """Read the command line and train."""
    run_stage(train, __doc__, steps=500, peak=1e-2, seed=34, small_share=0.6)


if __name__ == "__main__":
    main()
