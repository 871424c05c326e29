"""Draws with the pipelines of diffusers, with the networks of a variant."""

import warnings
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from domain.models.kinds import ModelFamily

__all__ = ["PROMPT", "STEPS", "kind_of", "theirs"]

STEPS = 2
PROMPT = "a red circle on a white background"


def kind_of(parts: dict[str, Any], task: str = "") -> str:
    """Return the name of the pipeline that draws with these networks."""
    large = "XL" if "text_encoder_2" in parts else ""
    return f"StableDiffusion{large}{task}Pipeline"


def theirs(
    parts: dict[str, Any],
    family: ModelFamily,
    kind: str,
    *,
    scheduler: Any = None,
    lora: Path | None = None,
    options: dict[str, Any] | None = None,
    **call: Any,
) -> np.ndarray:
    """Return what a pipeline of diffusers draws with the networks, in levels.

    Args:
        parts: The networks, as `tiny_parts` makes them.
        family: Their family, which says what the UNet predicts.
        kind: The name of the pipeline.
        scheduler: Its scheduler; None for `Euler` of the family.
        lora: A file that changes the networks.
        options: Further components of the pipeline.
        call: What is drawn.
    """
    import diffusers
    import torch

    has_open_clip = parts["text_encoder"].config.hidden_act == "gelu"
    others: dict[str, Any] = {
        "tokenizer": _tokenizer("!" if has_open_clip else "<|endoftext|>"),
        "scheduler": _euler(family) if scheduler is None else scheduler,
    }
    if "XL" in kind:
        others |= {"tokenizer_2": _tokenizer("!"), "force_zeros_for_empty_prompt": True}
    else:
        others |= {"safety_checker": None, "feature_extractor": None}
        others |= {"requires_safety_checker": False}
    pipeline = getattr(diffusers, kind)(**parts, **others, **(options or {}))
    pipeline.set_progress_bar_config(disable=True)
    if lora is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipeline.load_lora_weights(str(lora))
    drawn = pipeline(
        prompt=PROMPT,
        num_inference_steps=STEPS,
        generator=[torch.Generator().manual_seed(3)],
        output_type="np",
        **call,
    ).images
    return np.asarray(np.round(drawn[0] * 255))


def _euler(family: ModelFamily) -> Any:
    import diffusers

    return diffusers.EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction" if family is ModelFamily.SD_2_V else "epsilon",
        timestep_spacing="trailing",
    )


@cache
def _tokenizer(pad: str) -> Any:
    """Return CLIP's tokenizer with the token that pads a prompt."""
    from transformers import CLIPTokenizer

    from adapters.diffusion.families.vocabulary import merges_text, vocabulary_text

    with TemporaryDirectory() as folder:
        Path(folder, "vocab.json").write_text(vocabulary_text(), encoding="utf-8")
        Path(folder, "merges.txt").write_text(merges_text(), encoding="utf-8")
        return CLIPTokenizer.from_pretrained(folder, model_max_length=77, pad_token=pad)
