"""Drawing with the pipelines of Stable Diffusion 1, 2 and XL."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import torch

from adapters.diffusion.drawing.channels import pipeline_guidance
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.passes import Passes
from adapters.diffusion.drawing.prompts.cache import EncodingKey
from adapters.diffusion.drawing.prompts.encoding import PromptEncoding, encode_prompts
from adapters.diffusion.drawing.stages.stage import Drawing, DrawingPlan, Group
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

    Raises:
        GenerationFailed: The scheduler cannot begin where a pass begins.
    """
    passes = Passes(context)
    passes.check(requests[0])
    return DrawingPlan(
        groups=tuple(
            Group(
                tuple(drawing for drawing, _ in batch),
                tuple(
                    passes.stages(
                        batch[0][0].request, _conditions([encoding for _, encoding in batch])
                    )
                ),
            )
            for batch in _batches(_encoded(context, requests), at_once)
        ),
        sampler=sampler_name(requests[0].scheduler, context.pipeline.scheduler.config),
    )


def _encoded(context: _Context, requests: Sequence[GenerationRequest]) -> list[_Encoded]:
    """Return all images with their encoded prompts, sorted by the length of the prompt."""
    encoded, pipeline, memory = [], context.pipeline, context.memory
    # As in diffusers: a distilled UNet takes the guidance scale as an input, without a second pass.
    guided = (
        pipeline_guidance(pipeline, requests[0]) > 1
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
    return sorted(encoded, key=_together)


def _together(row: _Encoded) -> tuple[int, int, int]:
    """Return what the images of a group have in common.

    Padding a prompt to the length of another one would change its picture. Requests of a batch may
    differ in size by a few pixels that are cropped. With a source picture, a second pass or a
    ControlNet, these pixels decide what is drawn.
    """
    request, encoding = row[0].request, row[1]
    if request.source is None and request.second_pass is None and not request.controls:
        return (encoding.length, 0, 0)
    return (encoding.length, request.width, request.height)


def _batches(drawings: Sequence[_Encoded], limit: int) -> Iterator[Sequence[_Encoded]]:
    """Yield batches of at most `limit` drawings that can be drawn together."""
    for _, group in groupby(drawings, key=_together):
        rows = list(group)
        for start in range(0, len(rows), limit):
            yield rows[start : start + limit]


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
