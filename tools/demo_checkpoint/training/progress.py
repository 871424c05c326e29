"""What every training stage stores on disk: a resumable state, averaged weights, a log."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch

__all__ = ["Average", "learning_rate", "load_state", "run_stage", "save_state", "start_log"]


_WARM_UP: Final = 150
_COOL_DOWN: Final = 0.55


def learning_rate(step: int, steps: int, peak: float) -> float:
    """A trapezoid: up during the first 150 steps, flat, down to zero over the last 55 % of all.

    It is a function of the two numbers alone, so a resumed run may end sooner or later than the
    interrupted one would have.
    """
    return peak * min(1.0, (step + 1) / _WARM_UP, (steps - step) / (_COOL_DOWN * steps))


def start_log(folder: Path, stage: str) -> logging.Logger:
    """Log to the terminal and to `<folder>/<stage>.log`."""
    folder.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger(stage)
    logger.setLevel(logging.INFO)
    for handler in (logging.StreamHandler(), logging.FileHandler(folder / f"{stage}.log")):
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.addHandler(handler)
    return logger


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write a training state; an interruption leaves either the old or the new one complete."""
    fresh = path.with_suffix(".writing")
    torch.save(state, fresh)
    fresh.replace(path)


def load_state(path: Path) -> dict[str, Any] | None:
    """Read back what save_state wrote, or None if there is nothing to resume."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


class Average:
    """An exponential moving average of weights, for export: it is steadier than the last step."""

    def __init__(self, module: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: torch.nn.Module, step: int) -> None:
        """Add the weights after a step; early steps count more, so no random start lingers."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            if value.dtype.is_floating_point:
                self.weights[name].lerp_(value, 1 - decay)


def run_stage(
    train: Callable[..., None],
    description: str | None,
    *,
    steps: int,
    peak: float,
    seed: int,
    **shares: float,
) -> None:
    """Call `train` with the command line's options; the numbers are its defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--peak", type=float, default=peak, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=seed)
    for name, share in shares.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=share)
    options = vars(parser.parse_args())
    train(options.pop("folder"), **options)
