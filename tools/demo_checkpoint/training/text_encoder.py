"""Teach the text encoder what captions say, before the denoiser uses it.

    python -m tools.demo_checkpoint.training.text_encoder --folder /tmp/demo

From the end token's state, linear heads guess the scene: shape, colours, size, place, time of day,
each feature. It takes minutes, and the denoiser need not learn to read through the noise of its own
loss, where the binding of colours to things comes last. The heads are discarded. An interrupted run
starts over.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch.nn import functional
from transformers import CLIPTextModel

from tools.demo_checkpoint.captions.captions import caption
from tools.demo_checkpoint.captions.tokens import end_token, tokenize, vocabulary_size
from tools.demo_checkpoint.networks import TEXT_WIDTH, device, make_text_encoder
from tools.demo_checkpoint.pictures import Scene, random_scene
from tools.demo_checkpoint.scenes.flat_scenes import PLACES, FlatScene
from tools.demo_checkpoint.scenes.landscape_scenes import FEATURES
from tools.demo_checkpoint.scenes.outlines import OUTLINES
from tools.demo_checkpoint.scenes.palette import COLOURS
from tools.demo_checkpoint.training.progress import run_stage, save_state, start_log

__all__ = ["QUESTIONS", "answers", "main", "train"]

BATCH: Final = 64
# The longest caption has some forty tokens; later positions contain only padding.
LENGTH: Final = 40
NOT_ASKED: Final = -100  # cross_entropy's ignore_index

QUESTIONS: Final[dict[str, tuple[str, ...]]] = {
    "kind": ("flat", "landscape"),
    "shape": tuple(OUTLINES),
    "colour": tuple(COLOURS),
    "background": tuple(COLOURS),
    "size": ("small", "medium", "large"),
    "place": tuple(PLACES),
    "time": ("day", "sunset", "night"),
    **{feature: ("absent", "present") for feature in FEATURES},
}


def answers(scene: Scene) -> list[int]:
    """Number the right answer to each of QUESTIONS, NOT_ASKED if the scene has no such thing."""
    if isinstance(scene, FlatScene):
        known = {
            name: getattr(scene, name)
            for name in ("shape", "colour", "background", "size", "place")
        }
        known["kind"] = "flat"
    else:
        known = {name: "present" if name in scene.features else "absent" for name in FEATURES}
        known |= {"kind": "landscape", "time": scene.time}
    return [
        options.index(known[question]) if question in known else NOT_ASKED
        for question, options in QUESTIONS.items()
    ]


def question_loss(
    model: CLIPTextModel, heads: torch.nn.Linear, captions: list[str], wanted: torch.Tensor
) -> torch.Tensor:
    """Mean cross-entropy over the questions, asked at the end token and at the last padding."""
    numbers = tokenize(captions, LENGTH).to(wanted.device)
    states = model(numbers).last_hidden_state
    end = (numbers == end_token()).int().argmax(dim=1)
    rows = torch.arange(len(captions), device=wanted.device)
    loss = torch.zeros((), device=wanted.device)
    for state in (states[rows, end], states[:, -1]):
        start = 0
        scores = heads(state)
        for column, options in enumerate(QUESTIONS.values()):
            part = scores[:, start : start + len(options)]
            loss = loss + functional.cross_entropy(
                part, wanted[:, column], reduction="sum", ignore_index=NOT_ASKED
            )
            start += len(options)
    return loss / (2 * (wanted != NOT_ASKED).sum())


@torch.no_grad()
def fill_late_positions(model: CLIPTextModel) -> None:
    """Copy the last embedding that the lesson reached to the positions after it."""
    positions = model.get_parameter("embeddings.position_embedding.weight")
    positions[LENGTH:] = positions[LENGTH - 1]


def train(folder: Path, *, steps: int, peak: float, seed: int) -> None:
    """Train from scratch and write `<folder>/text_encoder.pt`."""
    log = start_log(folder, "train_text_encoder")
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    where = device()
    model = make_text_encoder(vocabulary_size(), end_token()).to(where).train()
    heads = torch.nn.Linear(TEXT_WIDTH, sum(map(len, QUESTIONS.values()))).to(where)
    weights = [*model.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=peak, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, steps, pct_start=0.1)
    began, running = time.monotonic(), 0.0
    for step in range(1, steps + 1):
        scenes = [random_scene(rng) for _ in range(BATCH)]
        wanted = torch.tensor([answers(scene) for scene in scenes], device=where)
        loss = question_loss(model, heads, [caption(scene, rng) for scene in scenes], wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        running += loss.item()
        if step % 100 == 0:
            seconds = (time.monotonic() - began) / step
            log.info("step %d loss %.4f %.3f s/step", step, running / 100, seconds)
            running = 0.0
    fill_late_positions(model)
    save_state(folder / "text_encoder.pt", model.state_dict())


def main() -> None:
    """Read the command line and train."""
    run_stage(train, __doc__, steps=1500, peak=1e-3, seed=2)


if __name__ == "__main__":
    main()
