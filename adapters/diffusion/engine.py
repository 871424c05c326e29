"""Pictures from a loaded pipeline. Owned by one thread."""

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler
from PIL import Image

from adapters.diffusion.device import Device
from adapters.diffusion.encoding import crop_centre, encode_png, parameters_text
from adapters.diffusion.errors import translated_errors
from adapters.diffusion.loader import load_pipeline
from adapters.diffusion.pipeline_cache import PipelineCache
from adapters.diffusion.prompts import PromptEncoding, encode_prompts
from domain.errors import GenerationFailed, OutOfMemory
from domain.generation import GeneratedImage, GenerationRequest, Timings
from domain.models import ModelRecord
from domain.ports.image_generator import GeneratedBatch, StepCallback

__all__ = ["Engine"]

_SAMPLER = "DPM++ 2M"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """One image to draw: image `index` of its request."""

    request: GenerationRequest
    seed: int
    encoding: PromptEncoding


class Engine:
    """Draws with the pipelines that it keeps loaded."""

    def __init__(self, device: Device, *, embed_metadata: bool, cache_bytes: int) -> None:
        self.device = device
        self._embed_metadata = embed_metadata
        self._pipelines = PipelineCache(device, cache_bytes, load_pipeline)
        self._encoders = ThreadPoolExecutor(max_workers=2, thread_name_prefix="encode")

    def generate(
        self,
        model: ModelRecord,
        requests: Sequence[GenerationRequest],
        on_step: StepCallback | None,
    ) -> GeneratedBatch:
        """As `ImageGenerator.generate`; other pipelines go when there is no room beside them."""
        try:
            return self._generate(model, requests, on_step)
        except OutOfMemory:
            if not self._pipelines.drop_all_but(model.id):
                raise
        return self._generate(model, requests, on_step)

    def _generate(
        self,
        model: ModelRecord,
        requests: Sequence[GenerationRequest],
        on_step: StepCallback | None,
    ) -> GeneratedBatch:
        began = time.monotonic()
        pipeline = self._pipelines.get(model)
        loaded = time.monotonic()
        with translated_errors(self.device, f"drawing with {model.name}"):
            drawings = _drawings(pipeline, requests)
            batches = tuple(_batches(drawings, self.device.batch_limit))
            finished: list[Future[GeneratedImage]] = []
            for done, batch in enumerate(batches):
                pixels = self._draw(pipeline, batch, _Progress(done, len(batches), on_step))
                finished += map(self._encode_later, batch, pixels)
        drawn = time.monotonic()
        images = iter([future.result() for future in finished])
        return GeneratedBatch(
            images=tuple(
                tuple(next(images) for _ in range(request.num_images)) for request in requests
            ),
            timings=Timings(
                load=loaded - began, generate=drawn - loaded, encode=time.monotonic() - drawn
            ),
        )

    def _draw(
        self, pipeline: Any, batch: Sequence[_Drawing], progress: "_Progress"
    ) -> Sequence[Image.Image]:
        first = batch[0].request
        # The sampler keeps the state of a drawing, so each drawing has its own.
        pipeline.scheduler = DPMSolverMultistepScheduler.from_config(
            pipeline.scheduler.config, algorithm_type="dpmsolver++", solver_order=2
        )
        with torch.inference_mode():
            output = pipeline(
                **_conditions(batch),
                latents=self._noise(pipeline, batch),
                width=first.drawn_width,
                height=first.drawn_height,
                num_inference_steps=first.num_inference_steps,
                guidance_scale=first.guidance_scale,
                output_type="pt",
                callback_on_step_end=progress,
            )
            pixels = output.images.float()
        if not bool(torch.isfinite(pixels).all()):
            raise GenerationFailed(
                f"the picture came out as no numbers in {self.device.dtype}; "
                "DTYPE=float32 helps when the model is sound"
            )
        array = (pixels.permute(0, 2, 3, 1) * 255).round().to("cpu", torch.uint8).numpy()
        return [Image.fromarray(np.ascontiguousarray(one)) for one in array]

    def _noise(self, pipeline: Any, batch: Sequence[_Drawing]) -> torch.Tensor:
        """(n, channels, height / 8, width / 8) of standard normal noise, each from its own seed.

        Drawn on the CPU in float32 whatever the device and precision are, so that a seed means
        the same on each of them.
        """
        request, scale = batch[0].request, pipeline.vae_scale_factor
        channels = pipeline.unet.config.in_channels
        shape = (1, channels, request.drawn_height // scale, request.drawn_width // scale)
        noise = [
            torch.randn(shape, generator=torch.Generator("cpu").manual_seed(drawing.seed))
            for drawing in batch
        ]
        return torch.cat(noise).to(self.device.torch_device, self.device.dtype)

    def _encode_later(self, drawing: _Drawing, image: Image.Image) -> "Future[GeneratedImage]":
        return self._encoders.submit(self._encode, drawing, image)

    def _encode(self, drawing: _Drawing, image: Image.Image) -> GeneratedImage:
        request = drawing.request
        text = parameters_text(request, seed=drawing.seed, sampler=_SAMPLER)
        cropped = crop_centre(image, request.width, request.height)
        data = encode_png(cropped, text if self._embed_metadata else None)
        return GeneratedImage(
            data=data, seed=drawing.seed, width=request.width, height=request.height
        )


@dataclass(frozen=True, slots=True)
class _Progress:
    """diffusers' step callback for batch `done` of `batches`."""

    done: int
    batches: int
    on_step: StepCallback | None

    def __call__(self, pipeline: Any, index: int, _time: Any, _tensors: Any) -> dict[str, Any]:
        if self.on_step is not None:
            steps = pipeline.num_timesteps
            self.on_step(self.done * steps + index + 1, self.batches * steps)
        return {}


def _drawings(pipeline: Any, requests: Sequence[GenerationRequest]) -> list[_Drawing]:
    drawings = []
    for request in requests:
        encoding = encode_prompts(pipeline, request.prompt, request.negative_prompt)
        drawings += [_Drawing(request, seed, encoding) for seed in request.seeds]
    return drawings


def _batches(drawings: Sequence[_Drawing], limit: int) -> Iterator[Sequence[_Drawing]]:
    """Neighbours whose prompts are equally long, at most `limit` at once.

    Filling a prompt up to its neighbour's length would change its picture.
    """
    start = 0
    while start < len(drawings):
        end = start + 1
        length = drawings[start].encoding.length
        while end < min(start + limit, len(drawings)) and drawings[end].encoding.length == length:
            end += 1
        yield drawings[start:end]
        start = end


def _conditions(batch: Sequence[_Drawing]) -> dict[str, torch.Tensor]:
    encodings = [drawing.encoding for drawing in batch]
    conditions = {
        "prompt_embeds": torch.cat([each.prompt for each in encodings]),
        "negative_prompt_embeds": torch.cat([each.negative for each in encodings]),
    }
    pooled = [each.pooled for each in encodings if each.pooled is not None]
    negative = [each.negative_pooled for each in encodings if each.negative_pooled is not None]
    if pooled:
        conditions["pooled_prompt_embeds"] = torch.cat(pooled)
        conditions["negative_pooled_prompt_embeds"] = torch.cat(negative)
    return conditions
