"""Drawing with any other text-to-image pipeline, as its own authors set it up.

Each picture is drawn by a call of its own, on every device: many of these pipelines fill a prompt
up to the longest beside it, and then a neighbour would change the picture.
"""

import inspect
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from adapters.diffusion.drawing.pipeline_calls import Drawing, DrawingPlan, PipelineCall
from adapters.diffusion.pipeline import Pipeline
from domain.generation.request import GenerationRequest

__all__ = ["text_to_image_plan"]

# These log each prompt that they cut; a prompt is its caller's, who is told of it instead.
logging.getLogger("diffusers.pipelines").setLevel(logging.ERROR)

_Parameters = Mapping[str, inspect.Parameter]

# Transformers take latents in patches of 2 × 2, of the 8 × 8 pixels that nearly all of them have.
_PATCH = 2
_SMALLEST_MULTIPLE = 16


def text_to_image_plan(pipeline: Pipeline, requests: Sequence[GenerationRequest]) -> DrawingPlan:
    """The pipeline's own prompt encoding, noise and scheduler; its warnings say what they lack."""
    parameters = inspect.signature(pipeline.__call__).parameters
    scheduler = type(pipeline.scheduler)
    return DrawingPlan(
        calls=tuple(
            PipelineCall((Drawing(request, seed),), _arguments(pipeline, parameters, request, seed))
            for request in requests
            for seed in request.seeds
        ),
        new_scheduler=lambda: scheduler.from_config(pipeline.scheduler.config),
        sampler=scheduler.__name__,
        step_argument="callback_on_step_end"
        if "callback_on_step_end" in parameters
        else "callback",
        warnings=tuple(
            tuple(dict.fromkeys(_warnings(pipeline, parameters, request))) for request in requests
        ),
    )


def _arguments(
    pipeline: Pipeline, parameters: _Parameters, request: GenerationRequest, seed: int
) -> dict[str, Any]:
    multiple = max(_SMALLEST_MULTIPLE, _PATCH * getattr(pipeline, "vae_scale_factor", 0))
    arguments: dict[str, Any] = {
        "prompt": request.prompt,
        "width": -(-request.width // multiple) * multiple,
        "height": -(-request.height // multiple) * multiple,
        "num_inference_steps": request.num_inference_steps,
        # On the CPU whatever the device is, so that a seed means the same on each of them.
        "generator": [torch.Generator("cpu").manual_seed(seed)],
    }
    by_true_scale = _guides_by_true_scale(parameters)
    negative_prompt = request.negative_prompt
    if by_true_scale:
        # Qwen-Image is guided only when it has a negative prompt; a blank is its authors'.
        negative_prompt = negative_prompt or " "
    if negative_prompt is not None and _takes_negative(parameters):
        arguments["negative_prompt"] = negative_prompt
    arguments["true_cfg_scale" if by_true_scale else "guidance_scale"] = request.guidance_scale
    if "use_resolution_binning" in parameters:
        # It would draw another size and stretch it, or return another size.
        arguments["use_resolution_binning"] = False
    return arguments


def _guides_by_true_scale(parameters: _Parameters) -> bool:
    """Whether classifier-free guidance goes by another name because the first means another.

    In FLUX too there is one, switched off: its guidance scale is an input of the network.
    """
    return "true_cfg_scale" in parameters and parameters["true_cfg_scale"].default > 1


def _takes_negative(parameters: _Parameters) -> bool:
    if "true_cfg_scale" in parameters:
        return _guides_by_true_scale(parameters)
    return "negative_prompt" in parameters


def _warnings(
    pipeline: Pipeline, parameters: _Parameters, request: GenerationRequest
) -> Iterator[str]:
    takes_negative = _takes_negative(parameters)
    if request.negative_prompt and not takes_negative:
        yield f"{type(pipeline).__name__} takes no negative prompt; it had no effect"
    yield from _truncations(pipeline, parameters, "prompt", request.prompt)
    if takes_negative and request.negative_prompt:
        yield from _truncations(pipeline, parameters, "negative prompt", request.negative_prompt)


def _truncations(
    pipeline: Pipeline, parameters: _Parameters, what: str, text: str
) -> Iterator[str]:
    cut: dict[tuple[int, int], list[str]] = {}
    for name, tokenizer in pipeline.components.items():
        if isinstance(tokenizer, PreTrainedTokenizerBase):
            count = len(tokenizer(text, truncation=False, verbose=False).input_ids)
            limit = _token_limit(tokenizer, parameters)
            if count > limit:
                cut.setdefault((count, limit), []).append(name)
    for (count, limit), names in cut.items():
        yield (
            f"the {what} has {count} tokens, and the model reads only {limit} of them with its "
            f"{' and '.join(names)}; put first what matters most"
        )


def _token_limit(tokenizer: Any, parameters: _Parameters) -> int:
    """How many tokens a call reads: its own limit, but CLIP has positions for 77 and no more."""
    limit = (
        parameters["max_sequence_length"].default if "max_sequence_length" in parameters else None
    )
    if isinstance(limit, int) and not type(tokenizer).__name__.startswith("CLIP"):
        return limit
    return int(tokenizer.model_max_length)  # a huge number where the tokenizer has none
