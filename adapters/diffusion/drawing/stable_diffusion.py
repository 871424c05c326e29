"""Drawing with the pipelines of Stable Diffusion 1, 2 and XL."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch

from adapters.diffusion.devices.device import Device
from adapters.diffusion.drawing.decoding import decode
from adapters.diffusion.drawing.pipeline_calls import Drawing, DrawingPlan, PipelineCall
from adapters.diffusion.drawing.pipeline_state import DrawingMemory
from adapters.diffusion.drawing.prompt_cache import EncodingKey
from adapters.diffusion.drawing.prompts import PromptEncoding, encode_prompts
from adapters.diffusion.pipeline import StableDiffusion
from adapters.diffusion.sampling import sampler_name
from domain.generation.request import GenerationRequest

__all__ = ["stable_diffusion_plan"]

_Encoded = tuple[Drawing, PromptEncoding]


def stable_diffusion_plan(
    pipeline: StableDiffusion,
    requests: Sequence[GenerationRequest],
    device: Device,
    at_once: int,
    memory: DrawingMemory,
    make_room: Callable[[], bool],
) -> DrawingPlan:
    """Plan the calls for prompts of any length, with the requested scheduler.

    The noise is the same on every device. One call draws at most `at_once` images. `memory` belongs
    to this pipeline. `make_room` unloads other pipelines, and returns whether there were any.
    """
    wanted, configuration = requests[0].batch_key, pipeline.scheduler.config
    return DrawingPlan(
        calls=tuple(
            _call(pipeline, batch, device)
            for batch in _batches(_encoded(pipeline, requests, memory), at_once)
        ),
        new_scheduler=partial(memory.schedulers.new, wanted.scheduler, wanted.num_inference_steps),
        sampler=sampler_name(wanted.scheduler, configuration),
        decode=partial(decode, pipeline, device=device, make_room=make_room),
    )


def _encoded(
    pipeline: StableDiffusion, requests: Sequence[GenerationRequest], memory: DrawingMemory
) -> list[_Encoded]:
    """Return all images with their encoded prompts, sorted by the length of the prompt."""
    encoded = []
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


def _call(pipeline: StableDiffusion, batch: Sequence[_Encoded], device: Device) -> PipelineCall:
    drawings = tuple(drawing for drawing, _ in batch)
    first = drawings[0].request
    # The generators are always on the CPU, so that a seed means the same on every device.
    generators = [torch.Generator("cpu").manual_seed(drawing.seed) for drawing in drawings]
    return PipelineCall(
        drawings,
        {
            **_conditions([encoding for _, encoding in batch]),
            "latents": _noise(pipeline, drawings, generators, device),
            # Some schedulers add noise at each step.
            "generator": generators,
            "width": first.drawn_width,
            "height": first.drawn_height,
            "num_inference_steps": first.num_inference_steps,
            "guidance_scale": first.guidance_scale,
        },
    )


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


def _noise(
    pipeline: StableDiffusion,
    drawings: Sequence[Drawing],
    generators: Sequence[torch.Generator],
    device: Device,
) -> torch.Tensor:
    """Return standard normal noise (n, channels, height / 8, width / 8).

    Each image has a generator of its own. The noise is always drawn in float32, so that a seed
    means the same in every precision.
    """
    request, scale = drawings[0].request, pipeline.vae_scale_factor
    channels = pipeline.unet.config.in_channels
    shape = (1, channels, request.drawn_height // scale, request.drawn_width // scale)
    noise = [torch.randn(shape, generator=generator) for generator in generators]
    return torch.cat(noise).to(device.torch_device, device.dtype)
