"""Drawing with any other text-to-image pipeline, as its authors configured it.

Each picture is drawn by a call of its own, on every device. Many of these pipelines pad a prompt to
the longest prompt of the batch, so other prompts would change the picture.
"""

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from adapters.diffusion.drawing.borrowed_pipeline import same_precision_after, scheduled_by
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.finishing import Crop, ToRasters
from adapters.diffusion.drawing.progress import Progress
from adapters.diffusion.drawing.prompt_cache import EncodingKey, remembered_prompts
from adapters.diffusion.drawing.stages import Canvas, Drawing, DrawingPlan, Group, Stage
from adapters.diffusion.drawing.upscaling import upscaling_stages
from adapters.diffusion.pipeline import Pipeline
from domain.generation.request import GenerationRequest

__all__ = ["text_to_image_plan"]

# These pipelines log each prompt that they truncate. A prompt is private to its caller, so the
# caller gets a warning instead.
logging.getLogger("diffusers.pipelines").setLevel(logging.ERROR)

_Parameters = Mapping[str, inspect.Parameter]

# Transformers take latents in patches of 2 × 2. In nearly all models a latent is 8 × 8 pixels.
_PATCH = 2
_SMALLEST_MULTIPLE = 16


@dataclass(frozen=True, slots=True)
class PipelineDrawing(Stage):
    """Text to pixels, by one call of a pipeline that does all of it.

    Attributes:
        context: The pipeline and its surroundings.
        arguments: The arguments of the call.
        new_scheduler: Makes the scheduler. A scheduler keeps the state of a drawing, so each call
            has its own.
        step_argument: The name of the pipeline's argument for a callback after each step.
    """

    context: DrawingContext[Pipeline]
    arguments: Mapping[str, Any]
    new_scheduler: Callable[[], Any]
    step_argument: str

    @property
    def steps(self) -> None:
        """Only the pipeline knows."""
        return None

    def __call__(self, canvas: Canvas, progress: Progress) -> None:
        """Set `canvas.pixels`."""
        pipeline = self.context.pipeline
        prompts = self.context.memory.prompts.under(EncodingKey.of(canvas.drawings[0].request))
        with (
            scheduled_by(pipeline, self.new_scheduler()),
            same_precision_after(pipeline.vae),
            remembered_prompts(pipeline, prompts),
        ):
            steps = {self.step_argument: progress}
            drawn = pipeline(**self.arguments, output_type="pt", **steps).images
        canvas.pixels = drawn.float()


def text_to_image_plan(
    context: DrawingContext[Pipeline], requests: Sequence[GenerationRequest]
) -> DrawingPlan:
    """Plan calls with the pipeline's own prompt encoding, noise and scheduler.

    The warnings name what the pipeline does not support.
    """
    pipeline = context.pipeline
    parameters = inspect.signature(pipeline.__call__).parameters
    return DrawingPlan(
        groups=tuple(
            _group(context, parameters, Drawing(request, seed))
            for request in requests
            for seed in request.seeds
        ),
        sampler=type(pipeline.scheduler).__name__,
        warnings=tuple(
            tuple(dict.fromkeys(_warnings(pipeline, parameters, request))) for request in requests
        ),
    )


def _group(context: DrawingContext[Pipeline], parameters: _Parameters, drawing: Drawing) -> Group:
    pipeline = context.pipeline
    scheduler, configuration = type(pipeline.scheduler), pipeline.scheduler.config
    arguments = _arguments(pipeline, parameters, drawing.request, drawing.seed)
    is_new = "callback_on_step_end" in parameters
    return Group(
        (drawing,),
        (
            PipelineDrawing(
                context,
                arguments,
                new_scheduler=lambda: scheduler.from_config(configuration),
                step_argument="callback_on_step_end" if is_new else "callback",
            ),
            ToRasters(
                type(pipeline).__name__,
                context.device.dtype_of_others,
                arguments["width"],
                arguments["height"],
            ),
            Crop(),
            *upscaling_stages(context, drawing.request),
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
        # The generator is always on the CPU, so that a seed means the same on every device.
        "generator": [torch.Generator("cpu").manual_seed(seed)],
    }
    by_true_scale = _guides_by_true_scale(parameters)
    negative_prompt = request.negative_prompt
    if by_true_scale:
        # Qwen-Image uses guidance only with a negative prompt. Its authors pass a blank.
        negative_prompt = negative_prompt or " "
    if negative_prompt is not None and _takes_negative(parameters):
        arguments["negative_prompt"] = negative_prompt
    arguments["true_cfg_scale" if by_true_scale else "guidance_scale"] = request.guidance_scale
    if "use_resolution_binning" in parameters:
        # With it the pipeline would draw another size, and stretch it or return it.
        arguments["use_resolution_binning"] = False
    return arguments


def _guides_by_true_scale(parameters: _Parameters) -> bool:
    """Whether `true_cfg_scale` is the scale of classifier-free guidance.

    In such a pipeline `guidance_scale` is an input of the network. FLUX has a `true_cfg_scale` too,
    but it is off by default.
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
    """Return how many tokens a call reads. CLIP has positions for 77, whatever the call's limit."""
    limit = (
        parameters["max_sequence_length"].default if "max_sequence_length" in parameters else None
    )
    if isinstance(limit, int) and not type(tokenizer).__name__.startswith("CLIP"):
        return limit
    return int(tokenizer.model_max_length)  # a huge number if the tokenizer has no limit
