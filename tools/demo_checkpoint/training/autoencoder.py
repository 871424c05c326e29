"""Train the autoencoder on crops of drawn pictures.

    python -m tools.demo_checkpoint.training.autoencoder --folder /tmp/demo --steps 4000

Resumes from `<folder>/autoencoder.pt`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch.nn import functional

from tools.demo_checkpoint.networks import autocast, device, make_autoencoder, parameter_count
from tools.demo_checkpoint.pictures import draw, random_scene
from tools.demo_checkpoint.training.progress import (
    Average,
    learning_rate,
    load_state,
    run_stage,
    save_state,
    start_log,
)

__all__ = ["main", "reconstruction_loss", "train"]

PICTURES: Final = 2000
PICTURE_SIZES: Final = (192, 256, 384)
KL_WEIGHT: Final = 1e-6
SAVE_EVERY: Final = 250


def draw_pool(count: int, seed: int) -> list[torch.Tensor]:
    """Draw the pictures that crops are cut from: uint8 tensors (3, size, size)."""
    rng = np.random.default_rng(seed)
    pool = []
    for _ in range(count):
        # Half are landscapes: they contain nearly all of the detail that there is to learn.
        size = int(rng.choice(PICTURE_SIZES))
        picture = draw(random_scene(rng, flat_share=0.5), width=size, height=size)
        pool.append(torch.from_numpy(picture).permute(2, 0, 1).contiguous())
    return pool


def crops(
    pool: list[torch.Tensor], rng: np.random.Generator, *, size: int, count: int
) -> torch.Tensor:
    """Cut random crops; float in -1..1, (count, 3, size, size)."""
    cut = []
    for index in rng.integers(len(pool), size=count):
        picture = pool[index]
        top, left = rng.integers(0, picture.shape[1] - size + 1, size=2)
        cut.append(picture[:, top : top + size, left : left + size])
    return torch.stack(cut).float() / 127.5 - 1


def reconstruction_loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Absolute and squared error, and that of neighbours' differences, which keeps edges sharp."""
    across = functional.l1_loss(output.diff(dim=-1), target.diff(dim=-1))
    down = functional.l1_loss(output.diff(dim=-2), target.diff(dim=-2))
    return functional.l1_loss(output, target) + functional.mse_loss(output, target) + across + down


@torch.no_grad()
def whole_picture_error(model: AutoencoderKL, pictures: torch.Tensor) -> float:
    """Mean absolute error of whole pictures' reconstructions, in steps of 255."""
    model.eval()
    error = 0.0
    for picture in pictures.split(4):
        output = model.decode(model.encode(picture).latent_dist.mode()).sample
        error += (output.clamp(-1, 1) - picture).abs().mean().item() * len(picture)
    model.train()
    return error / len(pictures) * 127.5


def train(folder: Path, *, steps: int, peak: float, seed: int) -> None:
    """Train for `steps` in all, continuing from the state in the folder."""
    log = start_log(folder, "train_autoencoder")
    torch.manual_seed(seed)
    where = device()
    model = make_autoencoder().to(where, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=1e-4, betas=(0.9, 0.98))
    average = Average(model, 0.998)
    first = 0
    if state := load_state(folder / "autoencoder.pt"):
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average.weights = {name: value.to(where) for name, value in state["average"].items()}
        first = state["step"]
    log.info(
        "autoencoder of %d parameters, from step %d on %s", parameter_count(model), first, where
    )

    pool = draw_pool(PICTURES, seed)
    judged = crops(
        [picture for picture in draw_pool(60, seed + 1) if picture.shape[1] >= 256],
        np.random.default_rng(0), size=256, count=32,
    ).to(where)  # fmt: skip
    log.info("pictures drawn")
    rng = np.random.default_rng([seed, first])
    began, running = time.monotonic(), 0.0
    for step in range(first, steps):
        # Group normalisation sees a crop's statistics: occasional larger crops prepare it for whole
        # pictures.
        size, count = (128, 4) if step % 4 == 3 else (64, 16)
        batch = crops(pool, rng, size=size, count=count).to(
            where, memory_format=torch.channels_last
        )
        with autocast(where):
            posterior = model.encode(batch).latent_dist
            output = model.decode(posterior.sample()).sample
        loss = reconstruction_loss(output.float(), batch) + KL_WEIGHT * posterior.kl().mean()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, peak)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model, step)
        running += loss.item()
        done = step + 1
        if done % SAVE_EVERY == 0 or done == steps:
            seconds = (time.monotonic() - began) / (done - first)
            error = whole_picture_error(model, judged)
            log.info(
                "step %d loss %.4f error %.2f/255 %.3f s/step",
                done,
                running / ((done - 1) % SAVE_EVERY + 1),
                error,
                seconds,
            )
            running = 0.0
            save_state(
                folder / "autoencoder.pt",
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": average.weights,
                    "step": done,
                },
            )


def main() -> None:
    """Read the command line and train."""
    run_stage(train, __doc__, steps=4000, peak=2e-3, seed=1)


if __name__ == "__main__":
    main()
