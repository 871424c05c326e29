"""Train the denoiser, and the text encoder with it, on the encoded pictures.

    python -m tools.demo_checkpoint.training.unet --folder /tmp/demo --steps 10000

The first steps are taken on small pictures, where words are learned cheaply. Resumes from
`<folder>/unet.pt`; a resumed run may be given more steps, or fewer to end sooner.

Several processes of one thread each share the batches, which on a CPU is faster than threads:

    export OMP_NUM_THREADS=1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=29541
    for RANK in 0 1; do RANK=$RANK python -m tools.demo_checkpoint.training.unet --folder F & done
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor

from tools.demo_checkpoint.captions.tokens import end_token, tokenize, vocabulary_size
from tools.demo_checkpoint.networks import (
    device,
    make_text_encoder,
    make_unet,
    parameter_count,
)
from tools.demo_checkpoint.training.latents import Latents
from tools.demo_checkpoint.training.noise import Noise
from tools.demo_checkpoint.training.progress import (
    Average,
    learning_rate,
    load_state,
    run_stage,
    save_state,
    start_log,
)
from tools.demo_checkpoint.training.team import Team

__all__ = ["Denoiser", "main", "make_denoiser", "train"]

SAVE_EVERY: Final = 250
# The share of the steps on small pictures; use less to continue a finished training.
SMALL_SHARE: Final = 0.4
UNNAMED: Final = 0.1
# The text encoder's share of the learning rate. At the full rate, the denoiser's first, blind steps
# erase its lesson, and all captions come to mean nearly the same.
TEXT_SHARE: Final = 0.1


class Denoiser(torch.nn.Module):
    """UNet and text encoder as one module: one optimizer, one average."""

    def __init__(self) -> None:
        super().__init__()
        self.unet = make_unet()
        self.text_encoder = make_text_encoder(vocabulary_size(), end_token())

    def forward(
        self, noisy: torch.Tensor, times: torch.Tensor, tokens: torch.Tensor
    ) -> torch.Tensor:
        """Predict the noise in latents (pictures, 4, height, width)."""
        states = self.text_encoder(tokens).last_hidden_state
        predicted: torch.Tensor = self.unet(noisy, times, states).sample
        return predicted


def make_denoiser(folder: Path) -> Denoiser:
    """Build a denoiser with the pretrained text encoder, if the folder contains it."""
    model = Denoiser()
    if lesson := load_state(folder / "text_encoder.pt"):
        model.text_encoder.load_state_dict(lesson)
    return model


def train(folder: Path, *, steps: int, peak: float, seed: int, small_share: float) -> None:
    """Train for `steps` in all, continuing from the state in the folder."""
    team = Team.join()
    log = start_log(folder, "train_unet" if team.leads else f"train_unet-{team.rank}")
    where = device()
    torch.manual_seed(seed)
    model = make_denoiser(folder).to(where)
    model.unet.to(memory_format=torch.channels_last)
    if where.type == "cpu":
        # PyTorch's fused attention has a slow backward pass on a CPU: plain products make a step a
        # quarter faster.
        model.unet.set_attn_processor(AttnProcessor())
    groups = [
        {"params": list(model.unet.parameters()), "share": 1.0},
        {"params": list(model.text_encoder.parameters()), "share": TEXT_SHARE},
    ]
    optimizer = torch.optim.AdamW(groups, lr=peak, weight_decay=1e-2, betas=(0.9, 0.99))
    average = Average(model, 0.998)
    first, scale = 0, None
    if state := load_state(folder / "unet.pt"):
        model.load_state_dict(state["model"])
        if "optimizer" in state:  # an export does not contain one
            optimizer.load_state_dict(state["optimizer"])
        average.weights = {name: value.to(where) for name, value in state["average"].items()}
        first, scale = state["step"], state["scale"]
    torch.manual_seed(seed + first + steps * team.rank)
    data, noise = Latents(folder, scale=scale), Noise.on(where)
    log.info(
        "denoiser of %d parameters on %d pictures, latents times %.4f, steps %d to %d on %s",
        parameter_count(model), len(data), data.scale, first, steps, where,
    )  # fmt: skip

    rng = np.random.default_rng([seed, first, team.rank])
    began, running = time.monotonic(), 0.0
    for step in range(first, steps):
        for group in optimizer.param_groups:
            group["lr"] = group["share"] * learning_rate(step, steps, peak)
        small = step < small_share * steps
        # Words are learned on the small pictures; later pictures need not change them, which costs
        # less.
        model.text_encoder.requires_grad_(small)
        batch = data.batch(rng, unnamed=UNNAMED, first=small, workers=team.size)
        tokens = tokenize(batch.captions).to(where)
        loss = noise.loss(partial(model, tokens=tokens), batch.latents)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        team.average_gradients(model)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model, step)
        running += loss.item()
        done = step + 1
        if done % 50 == 0:
            seconds = (time.monotonic() - began) / (done - first)
            log.info("step %d loss %.4f %.3f s/step", done, running / 50, seconds)
            running = 0.0
        if team.leads and (done % SAVE_EVERY == 0 or done == steps):
            save_state(
                folder / "unet.pt",
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": average.weights,
                    "scale": data.scale,
                    "step": done,
                },
            )
    team.leave()


def main() -> None:
    """Read the command line and train."""
    run_stage(train, __doc__, steps=10000, peak=8e-4, seed=4, small_share=SMALL_SHARE)


if __name__ == "__main__":
    main()
