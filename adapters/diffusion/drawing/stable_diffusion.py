"""Drawing with the pipelines of Stable Diffusion 1, 2 and XL."""

from collections.abc import Iterator, Sequence
from functools import partial

import torch

from adapters.diffusion.drawing.decoding import Decoding
from adapters.diffusion.drawing.denoising import Denoising, NoiseStart
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.finishing import Crop, ToRasters
from adapters.diffusion.drawing.prompt_cache import EncodingKey
from adapters.diffusion.drawing.prompts import PromptEncoding, encode_prompts
from adapters.diffusion.drawing.stages import Drawing, DrawingPlan, Group, Stage
from adapters.diffusion.drawing.upscaling import upscaling_stages
from adapters.diffusion.pipeline import StableDiffusion
from adapters.diffusion.sampling import sampler_name
from domain.generation.request import GenerationRequest

__all__ = ["stable_diffusion_plan"]

_Context = DrawingContext[StableDiffusion]
_Encoded = tuple[Drawing, PromptEncoding]


def stable_diffusion_plan(
    context: _Context, requests: Sequence[GenerationRequest], at_once: int
) -> DrawingPlan:
    """Plan the drawings for prompts of any length, with the requested scheduler.

    One group has at most `at_once` images.
    """
    return DrawingPlan(
        groups=tuple(
            _group(context, batch) for batch in _batches(_encoded(context, requests), at_once)
        ),
        sampler=sampler_name(requests[0].scheduler, context.pipeline.scheduler.config),
    )


def _group(context: _Context, batch: Sequence[_Encoded]) -> Group:
    drawings = tuple(drawing for drawing, _ in batch)
    return Group(drawings, tuple(_stages(context, drawings[0].request, batch)))


def _stages(
    context: _Context, request: GenerationRequest, batch: Sequence[_Encoded]
) -> Iterator[Stage]:
    """Yield the stages of a batch. `request` is one of its requests."""
    width, height = request.drawn_width, request.drawn_height
    steps = request.num_inference_steps
    yield NoiseStart(context, width, height)
    yield Denoising(
        context,
        conditions=_conditions([encoding for _, encoding in batch]),
        width=width,
        height=height,
        guidance_scale=request.guidance_scale,
        num_inference_steps=steps,
        new_scheduler=partial(context.memory.schedulers.new, request.scheduler, steps),
    )
    yield Decoding(context)
    name = type(context.pipeline).__name__
    yield ToRasters(name, context.device.dtype, width, height)
    yield Crop()
    yield from upscaling_stages(context, request)


def _encoded(context: _Context, requests: Sequence[GenerationRequest]) -> list[_Encoded]:
    """Return all images with their encoded prompts, sorted by the length of the prompt."""
    encoded, pipeline, memory = [], context.pipeline, context.memory
    # As in diffusers: a distilled UNet takes the guidance scale as an input, without a second pass.
    guided = (
        requests[0].guidance_scale > 1
        and getattr(pipeline.unet.config, "time_cond_proj_dim", None) is None
    )
    for request in requests:
        encoding = encode_prompts(
            pipeline,
            request.prompt,
            request.negative_prompt,
            guided=guided,
            kept=memory.prompts.under(EncodingKey.of(request)),
            device=memory.device,
        )
        encoded += [(Drawing(request, seed), encoding) for seed in request.seeds]
    return sorted(encoded, key=lambda row: row[1].length)


def _batches(drawings: Sequence[_Encoded], limit: int) -> Iterator[Sequence[_Encoded]]:
    """Yield batches of at most `limit` drawings with equally long prompts.

    Padding a prompt to the length of another one would change its picture.
    """
    start = 0
    while start < len(drawings):
        end = start + 1
        length = drawings[start][1].length
        while end < min(start + limit, len(drawings)) and drawings[end][1].length == length:
            end += 1
        yield drawings[start:end]
        start = end


def _conditions(encodings: Sequence[PromptEncoding]) -> dict[str, torch.Tensor]:
    """Return the arguments of the pipeline for these prompts, without those that are None."""
    rows = {
        "prompt_embeds": [each.prompt for each in encodings],
        "negative_prompt_embeds": [each.negative for each in encodings],
        "pooled_prompt_embeds": [each.pooled for each in encodings],
        "negative_pooled_prompt_embeds": [each.negative_pooled for each in encodings],
    }
    there = {name: [each for each in row if each is not None] for name, row in rows.items()}
    return {name: torch.cat(row) for name, row in there.items() if row}
