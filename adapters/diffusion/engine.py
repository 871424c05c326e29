"""Draws with loaded pipelines. Owned by one thread."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import translated_errors
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from adapters.diffusion.drawing.pipeline_calls import Drawing, DrawingPlan, PipelineCall, Progress
from adapters.diffusion.drawing.pipeline_state import DrawingMemories
from adapters.diffusion.drawing.previews import Previews
from adapters.diffusion.drawing.prompt_cache import EncodingKey, remembered_prompts
from adapters.diffusion.drawing.stable_diffusion import stable_diffusion_plan
from adapters.diffusion.drawing.text_to_image import text_to_image_plan
from adapters.diffusion.loading.loader import load_pipeline
from adapters.diffusion.loading.pipeline_cache import PipelineCache
from adapters.diffusion.pipeline import Pipeline, is_stable_diffusion
from domain.errors import GenerationFailed, OutOfMemory
from domain.generation.raster import Raster
from domain.generation.request import GenerationRequest, Timings
from domain.models.record import ModelRecord
from domain.ports.device_report import LoadedModel
from domain.ports.image_generator import (
    DrawingBatch,
    DrawingWatcher,
    DrawnBatch,
    DrawnImage,
    DrawnRequest,
)
from domain.ports.model_locator import ModelLocator

__all__ = ["Engine"]


class Engine:
    """Draws with the pipelines that it keeps loaded.

    Args:
        device: The device that draws.
        models: Finds the models of a batch.
        cache_bytes: Bytes of weights that stay loaded.
    """

    def __init__(self, device: Device, models: ModelLocator, *, cache_bytes: int) -> None:
        self.device = device
        self._models = models
        self._previews = Previews()
        self._watcher = GuardedWatcher()
        self._pipelines = PipelineCache(device, cache_bytes, self._load)
        self._memories = DrawingMemories()

    @property
    def loaded_models(self) -> tuple[LoadedModel, ...]:
        """As `DeviceReport.loaded_models`. Any thread may ask."""
        return self._pipelines.loaded

    def draw(self, batch: DrawingBatch, watcher: DrawingWatcher) -> DrawnBatch:
        """As `ImageGenerator.draw`. If memory is short, other pipelines are given up first."""
        self._watcher = GuardedWatcher(watcher)
        model = self._models.locate(batch.models[0])
        try:
            try:
                return self._draw_with(model, batch)
            except OutOfMemory:
                if not self._pipelines.drop_all_but(model.id):
                    raise
            return self._draw_with(model, batch)
        finally:
            # The exception of a watcher refers to everything that was being drawn with.
            self._watcher = GuardedWatcher()

    def _draw_with(self, model: ModelRecord, batch: DrawingBatch) -> DrawnBatch:
        began = time.monotonic()
        watcher, requests = self._watcher, batch.drawings
        pipeline = self._pipelines.get(model)
        watcher.loading(loaded=True)
        loaded = time.monotonic()
        with translated_errors(self.device, f"drawing with {model.name}", watcher):
            plan = self._plan(
                pipeline, requests, batch.at_once, partial(self._pipelines.drop_all_but, model.id)
            )
            rasters: dict[Drawing, Raster] = {}
            warnings = [dict.fromkeys(each) for each in plan.warnings or [()] * len(requests)]
            for done, call in enumerate(plan.calls):
                drawn = [each.request for each in call.drawings]
                firsts = {n: drawn.index(each) for n, each in enumerate(requests) if each in drawn}
                look = partial(self._previews.jpeg, pipeline)
                progress = Progress(pipeline, done, len(plan.calls), watcher, look, firsts)
                said: dict[str, None] = {}
                pixels = self._draw(pipeline, plan, call, progress, said.setdefault)
                for number in firsts:
                    warnings[number] |= said
                rasters |= zip(call.drawings, pixels, strict=True)
        return DrawnBatch(
            requests=tuple(
                DrawnRequest(
                    images=tuple(
                        DrawnImage(rasters[Drawing(request, seed)], seed) for seed in request.seeds
                    ),
                    sampler=plan.sampler,
                    warnings=tuple(said_of_it),
                )
                for request, said_of_it in zip(requests, warnings, strict=True)
            ),
            timings=Timings(load=loaded - began, generate=time.monotonic() - loaded),
        )

    def _load(self, model: ModelRecord, device: Device) -> Pipeline:
        self._watcher.loading()
        return load_pipeline(model, device, self._watcher)

    def _plan(
        self,
        pipeline: Pipeline,
        requests: Sequence[GenerationRequest],
        at_once: int,
        make_room: Callable[[], bool],
    ) -> DrawingPlan:
        if is_stable_diffusion(pipeline):
            memory = self._memories[pipeline]
            return stable_diffusion_plan(
                pipeline, requests, self.device, at_once, memory, make_room
            )
        return text_to_image_plan(pipeline, requests)

    def _draw(
        self,
        pipeline: Pipeline,
        plan: DrawingPlan,
        call: PipelineCall,
        progress: Progress,
        warn: Callable[[str], None],
    ) -> Sequence[Raster]:
        kind = "pt" if plan.decode is None else "latent"
        key = EncodingKey.of(call.drawings[0].request)
        with torch.inference_mode():
            with (
                _back_in_place_after_errors(pipeline),
                _scheduled_by(pipeline, plan.new_scheduler()),
                _same_precision_after(pipeline.vae) if plan.decode is None else nullcontext(),
                remembered_prompts(pipeline, self._memories[pipeline].prompts.under(key)),
            ):
                steps = {plan.step_argument: progress}
                drawn = pipeline(**call.arguments, output_type=kind, **steps).images
            pixels = drawn.float() if plan.decode is None else plan.decode(drawn, warn=warn)
        size = (call.arguments["height"], call.arguments["width"])
        if tuple(pixels.shape[-2:]) != size:
            raise GenerationFailed(
                f"{type(pipeline).__name__} drew {tuple(pixels.shape[-2:])} pixels (height, width) "
                f"where {size} were asked for; ask for another width and height"
            )
        if not bool(torch.isfinite(pixels).all()):
            device = self.device
            dtype = device.dtype_of_others if plan.decode is None else device.dtype
            raise GenerationFailed(f"decoding produced NaN in {dtype}", overflowed=str(dtype))
        # Conversion to bytes on the device makes the copy from it a quarter as large.
        levels = (pixels.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).contiguous()
        height, width = size
        return [Raster(width, height, one.tobytes()) for one in levels.cpu().numpy()]


@contextmanager
def _scheduled_by(pipeline: Pipeline, scheduler: Any) -> Iterator[None]:
    """Replace the pipeline's scheduler inside the block."""
    own = pipeline.scheduler
    pipeline.scheduler = scheduler
    try:
        yield
    finally:
        pipeline.scheduler = own


@contextmanager
def _back_in_place_after_errors(pipeline: Pipeline) -> Iterator[None]:
    """Move offloaded weights back to the host's memory after an error or a stopped drawing."""
    try:
        yield
    except BaseException:
        pipeline.maybe_free_model_hooks()
        raise


@contextmanager
def _same_precision_after(vae: Any) -> Iterator[None]:
    """Restore the precision of an autoencoder after the block.

    Some pipelines of diffusers decode in float32, and cast back only if that succeeds.
    """
    dtype = vae.dtype
    try:
        yield
    finally:
        if vae.dtype != dtype:
            vae.to(dtype=dtype)
