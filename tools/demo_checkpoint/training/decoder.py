"""Continue training the autoencoder's decoder, with a frozen encoder.

    python -m tools.demo_checkpoint.training.decoder --folder /tmp/demo

It sharpens pictures and does not change the latents that the denoiser learns, so it can run at any
time after `training.encode`. Resumes from `<folder>/decoder.pt`; `export` uses that file if it
exists.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

import numpy as np
import torch

from tools.demo_checkpoint.networks import LATENT_FACTOR, autocast, device
from tools.demo_checkpoint.pictures import draw
from tools.demo_checkpoint.training.autoencoder import reconstruction_loss
from tools.demo_checkpoint.training.encode import load_autoencoder, scene_from_json
from tools.demo_checkpoint.training.progress import (
    Average,
    learning_rate,
    load_state,
    run_stage,
    save_state,
    start_log,
)

__all__ = ["main", "train"]

PARTS: Final = 12
SIZE: Final = 256
SAVE_EVERY: Final = 250
# The denoiser's latents are not exactly the encoder's: the decoder learns to tolerate this much.
LATENT_NOISE: Final = 0.08


def encoded_pictures(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the latents, (pictures, 4, 32, 32), and the redrawn pictures, uint8.

    `training.encode` wrote the latents.
    """
    latents, pictures = [], []
    for path in sorted((folder / "latents").glob(f"{SIZE}x{SIZE}-*.npy"))[:PARTS]:
        latents.append(torch.from_numpy(np.load(path)))
        for values in json.loads(path.with_suffix(".json").read_text()):
            picture = draw(scene_from_json(values), width=SIZE, height=SIZE)
            pictures.append(torch.from_numpy(picture).permute(2, 0, 1))
    return torch.cat(latents), torch.stack(pictures)


def windows(
    latents: torch.Tensor,
    pictures: torch.Tensor,
    rng: np.random.Generator,
    *,
    cells: int,
    count: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut the same random windows, `cells` latent pixels wide, out of latents and pictures."""
    inputs, targets = [], []
    for index in rng.integers(len(latents), size=count):
        top, left = (int(n) for n in rng.integers(0, SIZE // LATENT_FACTOR - cells + 1, size=2))
        inputs.append(latents[index, :, top : top + cells, left : left + cells])
        top, left, side = (n * LATENT_FACTOR for n in (top, left, cells))
        targets.append(pictures[index, :, top : top + side, left : left + side])
    return torch.stack(inputs).float(), torch.stack(targets).float() / 127.5 - 1


def train(folder: Path, *, steps: int, peak: float, seed: int) -> None:
    """Train for `steps` in all, continuing from the state in the folder."""
    log = start_log(folder, "train_decoder")
    torch.manual_seed(seed)
    where = device()
    model = load_autoencoder(folder).to(where, memory_format=torch.channels_last).train()
    trained = [*model.decoder.parameters(), *model.post_quant_conv.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=peak, weight_decay=1e-4, betas=(0.9, 0.98))
    average = Average(model, 0.998)
    first = 0
    if state := load_state(folder / "decoder.pt"):
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average.weights = {name: value.to(where) for name, value in state["average"].items()}
        first = state["step"]
    latents, pictures = encoded_pictures(folder)
    log.info("decoder, %d pictures, steps %d to %d on %s", len(latents), first, steps, where)
    rng = np.random.default_rng([seed, first])
    began, running = time.monotonic(), 0.0
    for step in range(first, steps):
        # Occasional whole pictures: group normalisation sees the statistics of its input.
        cells, count = (32, 1) if step % 4 == 3 else (16, 4)
        inputs, targets = (
            tensor.to(where, memory_format=torch.channels_last)
            for tensor in windows(latents, pictures, rng, cells=cells, count=count)
        )
        with autocast(where):
            output = model.decode(inputs + LATENT_NOISE * torch.randn_like(inputs)).sample
        loss = reconstruction_loss(output.float(), targets)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, peak)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        average.update(model, step)
        running += loss.item()
        done = step + 1
        if done % SAVE_EVERY == 0 or done == steps:
            seconds = (time.monotonic() - began) / (done - first)
            log.info(
                "step %d loss %.4f %.3f s/step",
                done,
                running / ((done - 1) % SAVE_EVERY + 1),
                seconds,
            )
            running = 0.0
            save_state(
                folder / "decoder.pt",
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": average.weights,
                    "step": done,
                },
            )


def main() -> None:
    """Read the command line and train."""
    run_stage(train, __doc__, steps=1300, peak=1e-3, seed=5)


if __name__ == "__main__":
    main()
