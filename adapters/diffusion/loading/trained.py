"""Puts the training of a model's record into the configuration that the model is loaded with."""

import json
from collections.abc import Mapping
from typing import Any

import torch

from adapters.diffusion.pipeline import StableDiffusion
from adapters.diffusion.sampling import TRAINING
from domain.checkpoints.training import EDM_MEAN, EDM_STD, scheduler_fields
from domain.models.training import Training

__all__ = ["mark_training", "trained_files"]

_VAE = "vae/config.json"
_LEFT = "_use_default_values"


def trained_files(
    files: Mapping[str, str], training: Training | None, weights: Mapping[str, torch.Tensor]
) -> Mapping[str, str]:
    """Return the configuration files of a single file, with what is its own of the autoencoder.

    Args:
        files: The files of its family, or those that are embedded in it, by path.
        training: The training of its record; None for that of the files.
        weights: Its tensors.
    """
    fields: dict[str, object] = {}
    if training is not None and training.scaling_factor is not None:
        fields["scaling_factor"] = training.scaling_factor
    if EDM_MEAN in weights and EDM_STD in weights:
        # The autoencoder of Playground v2.5. diffusers converts the file in the same way.
        fields["latents_mean"] = weights[EDM_MEAN].flatten().tolist()
        fields["latents_std"] = weights[EDM_STD].flatten().tolist()
    if not fields:
        return files
    return {**files, _VAE: json.dumps(json.loads(files[_VAE]) | fields)}


def mark_training(pipeline: StableDiffusion, training: Training | None) -> None:
    """Put a training into the configuration of a pipeline's scheduler, which drawing reads.

    Args:
        pipeline: The pipeline.
        training: The training of the model's record; None to leave the configuration as it is.
    """
    if training is None:
        return
    scheduler: Any = pipeline.scheduler
    fields = scheduler_fields(training, scheduler.config)
    # diffusers does not pass on the fields in this list: those that the file left to its class.
    left = [each for each in scheduler.config.get(_LEFT, ()) if each not in fields]
    scheduler.register_to_config(**fields, **{TRAINING: training, _LEFT: left})
