"""What any other pipeline is called with, and what its caller should know.

A picture is drawn by a call of its own, on every device. Many of these pipelines pad a prompt to
the longest prompt of the batch, so other prompts would change the picture.
"""

import inspect
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from transformers import PreTrainedTokenizerBase

from adapters.diffusion.pipeline import Pipeline
from domain.generation.request import GenerationRequest
from domain.sizes import Size

__all__ = ["Parameters", "arguments_for", "multiple_of", "parameters_of", "warnings_for"]

# These pipelines log each prompt that they truncate. A prompt is private to its caller, so the
# caller gets a warning instead.
logging.getLogger("diffusers.pipelines").setLevel(logging.ERROR)

Parameters = Mapping[str, inspect.Parameter]

# Transformers take latents in patches of 2 × 2. In nearly all models a latent is 8 × 8 pixels.
_PATCH = 2
_SMALLEST_MULTIPLE = 16
_Z_IMAGE = "cfg_truncation"
"""A parameter of the pipelines of Z-Image alone. They add `guidance_scale` times the difference to
the prediction for the prompt, so 0 means no guidance (`pipeline_z_image.py`, diffusers 0.42)."""
_NO_GUIDANCE = 1.0


def parameters_of(pipeline: Pipeline) -> Parameters:
    """Return the parameters of a call of the pipeline."""
    return inspect.signature(pipeline.__call__).parameters


def multiple_of(pipeline: Pipeline) -> int:
    """Return the number of which each side that the pipeline draws is a multiple."""
    return max(_SMALLEST_MULTIPLE, _PATCH * getattr(pipeline, "vae_scale_factor", 0))


def arguments_for(
    parameters: Parameters, request: GenerationRequest, size: Size, steps: int
) -> dict[str, Any]:
    """Return the arguments for a drawing from text, without its generators.

    Args:
        parameters: The parameters of the loaded pipeline's call.
        request: The request.
        size: The pixels that are drawn.
        steps: The steps of the whole schedule.
    """
    arguments: dict[str, Any] = {
        "prompt": request.prompt,
        "width": size.width,
        "height": size.height,
        "num_inference_steps": steps,
    }
    by_true_scale = _guides_by_true_scale(parameters)
    negative_prompt = request.negative_prompt
    if by_true_scale:
        # Qwen-Image uses guidance only with a negative prompt. Its authors pass a blank.
        negative_prompt = negative_prompt or " "
    if negative_prompt is not None and _takes_negative(parameters):
        arguments["negative_prompt"] = negative_prompt
    arguments["true_cfg_scale" if by_true_scale else "guidance_scale"] = (
        request.guidance_scale - _NO_GUIDANCE if _Z_IMAGE in parameters else request.guidance_scale
    )
    if "use_resolution_binning" in parameters:
        # With it the pipeline would draw another size, and stretch it or return it.
        arguments["use_resolution_binning"] = False
    return arguments


def _guides_by_true_scale(parameters: Parameters) -> bool:
    """Whether `true_cfg_scale` is the scale of classifier-free guidance.

    In such a pipeline `guidance_scale` is an input of the network. FLUX has a `true_cfg_scale` too,
    but it is off by default.
    """
    return "true_cfg_scale" in parameters and parameters["true_cfg_scale"].default > 1


def _takes_negative(parameters: Parameters) -> bool:
    if "true_cfg_scale" in parameters:
        return _guides_by_true_scale(parameters)
    return "negative_prompt" in parameters


def warnings_for(
    pipeline: Pipeline, parameters: Parameters, request: GenerationRequest
) -> Iterator[str]:
    """Yield what the pipeline does not support of a request. A text may come twice."""
    takes_negative = _takes_negative(parameters)
    if request.negative_prompt and not takes_negative:
        yield f"{type(pipeline).__name__} takes no negative prompt; it had no effect"
    yield from _truncations(pipeline, parameters, "prompt", request.prompt)
    if takes_negative and request.negative_prompt:
        yield from _truncations(pipeline, parameters, "negative prompt", request.negative_prompt)


def _truncations(pipeline: Pipeline, parameters: Parameters, what: str, text: str) -> Iterator[str]:
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


def _token_limit(tokenizer: Any, parameters: Parameters) -> int:
    """Return how many tokens a call reads. CLIP has positions for 77, whatever the call's limit."""
    limit = (
        parameters["max_sequence_length"].default if "max_sequence_length" in parameters else None
    )
    if isinstance(limit, int) and not type(tokenizer).__name__.startswith("CLIP"):
        return limit
    return int(tokenizer.model_max_length)  # a huge number if the tokenizer has no limit
