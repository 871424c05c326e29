"""Drawing with the pipelines of Stable Diffusion 1, 2 and XL."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from adapters.diffusion.drawing.channels import pipeline_guidance
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.passes import Passes
from adapters.diffusion.drawing.prompts.cache import EncodingKey
from adapters.diffusion.drawing.prompts.conditions import RequestPrompts
from adapters.diffusion.drawing.prompts.encoding import PromptEncoder
from adapters.diffusion.drawing.prompts.reading import Reading
from adapters.diffusion.drawing.stages.stage import Drawing, DrawingPlan, Group
from adapters.diffusion.pipeline import StableDiffusion
from adapters.diffusion.sampling import sampler_name
from domain.generation.request import GenerationRequest

__all__ = ["stable_diffusion_plan"]

_Context = DrawingContext[StableDiffusion]
_Encoded = tuple[Drawing, RequestPrompts]


def stable_diffusion_plan(
    context: _Context, requests: Sequence[GenerationRequest], at_once: int
) -> DrawingPlan:
    """Plan the drawings for prompts of any length, with the requested scheduler.

    One group has at most `at_once` images.

    Raises:
        GenerationFailed: The scheduler cannot begin where a pass begins, or the text encoders
            cannot read the prompts as the request asks.
    """
    passes = Passes(context)
    passes.check(requests[0])
    encoders = {request: _encoder(context, request) for request in requests}
    return DrawingPlan(
        groups=tuple(
            Group(
                tuple(drawing for drawing, _ in batch),
                tuple(passes.stages(batch[0][0].request, [prompts for _, prompts in batch])),
            )
            for batch in _batches(_encoded(encoders), at_once)
        ),
        sampler=sampler_name(requests[0].scheduler, context.pipeline.scheduler.config),
        warnings=tuple(tuple(_warnings(each, encoders[each])) for each in requests),
    )


def _encoder(context: _Context, request: GenerationRequest) -> PromptEncoder:
    pipeline, memory = context.pipeline, context.memory
    return PromptEncoder(
        pipeline,
        Reading.of(request, context.companions),
        # As in diffusers: a distilled UNet takes the guidance scale as an input, without a second
        # pass.
        guided=pipeline_guidance(pipeline, request) > 1
        and getattr(pipeline.unet.config, "time_cond_proj_dim", None) is None,
        kept=memory.prompts.under(EncodingKey.of(request)),
        device=memory.device,
    )


def _encoded(encoders: Mapping[GenerationRequest, PromptEncoder]) -> list[_Encoded]:
    """Return all images with their prompts, sorted by the length of the prompt."""
    encoded: list[_Encoded] = []
    for request, encoder in encoders.items():
        prompts = RequestPrompts(encoder, request)
        encoded += [(Drawing(request, seed), prompts) for seed in request.seeds]
    return sorted(encoded, key=_together)


def _together(row: _Encoded) -> tuple[int, int, int]:
    """Return what the images of a group have in common.

    Padding a prompt to the length of another one would change its picture. Requests of a batch may
    differ in size by a few pixels that are cropped. With a source picture, a second pass or a
    ControlNet, these pixels decide what is drawn.
    """
    request, prompts = row[0].request, row[1]
    if request.source is None and request.second_pass is None and not request.controls:
        return (prompts.pieces, 0, 0)
    return (prompts.pieces, request.width, request.height)


def _batches(drawings: Sequence[_Encoded], limit: int) -> Iterator[Sequence[_Encoded]]:
    """Yield batches of at most `limit` drawings that can be drawn together."""
    for _, group in groupby(drawings, key=_together):
        rows = list(group)
        for start in range(0, len(rows), limit):
            yield rows[start : start + limit]


def _warnings(request: GenerationRequest, encoder: PromptEncoder) -> Iterator[str]:
    if not encoder.skips_layers:
        yield (
            f"clip_skip is {request.clip_skip}, and this model always leaves off one layer of its "
            "text encoders, as AUTOMATIC1111's web UI has it; any clip_skip draws the same picture"
        )
