"""Draws with loaded pipelines. Owned by one thread."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeVar

import torch

from adapters.diffusion.companions import Companion, load_companion, need_torch
from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import translated_errors
from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
from adapters.diffusion.drawing.borrowed_pipeline import back_in_place_after_errors
from adapters.diffusion.drawing.drawing_context import DrawingContext
from adapters.diffusion.drawing.others.plan import other_pipeline_plan
from adapters.diffusion.drawing.pipeline_state import DrawingMemories
from adapters.diffusion.drawing.previews import Previews
from adapters.diffusion.drawing.progress import Progress
from adapters.diffusion.drawing.stable_diffusion import stable_diffusion_plan
from adapters.diffusion.drawing.stages.stage import Canvas, Drawing, Group
from adapters.diffusion.drawing.whole_additions import whole_additions
from adapters.diffusion.loading.loader import load_pipeline
from adapters.diffusion.loading.pipeline_cache import PipelineCache, cache_key
from adapters.diffusion.pipeline import Pipeline, is_stable_diffusion
from adapters.diffusion.upscaling.enlargements import enlarge_batch
from adapters.diffusion.upscaling.upscaler import Upscaler
from adapters.diffusion.upscaling.upscalers import Upscalers
from domain.errors import ModelNotLoadable, OutOfMemory
from domain.generation.parts.rules import ModelRole
from domain.generation.raster import Raster
from domain.generation.request import Timings
from domain.models.record import ModelKind, ModelRecord
from domain.ports.device_report import LoadedModel
from domain.ports.image_generator import (
    DrawingBatch,
    DrawingWatcher,
    DrawnBatch,
    DrawnImage,
    DrawnRequest,
)
from domain.ports.model_locator import ModelLocator
from domain.ports.picture_codec import PictureCodec
from domain.ports.preprocessor import PicturePreprocessor

__all__ = ["Engine"]

AnyPipeline = TypeVar("AnyPipeline", bound=Pipeline)

_IN_TORCH = (
    "torch draws with this model instead of OpenVINO, whose UNet cannot take the add-ons; this is "
    "slower"
)


class Engine:
    """Draws with the pipelines that it keeps loaded.

    Args:
        device: The device that draws.
        models: Finds the models of a batch.
        codec: Decodes the pictures of a batch.
        cache_bytes: Bytes of weights that stay loaded.
        preprocessor: Makes the maps of ControlNets; None if no batch asks for one.
    """

    def __init__(
        self,
        device: Device,
        models: ModelLocator,
        codec: PictureCodec,
        *,
        cache_bytes: int,
        preprocessor: PicturePreprocessor | None = None,
    ) -> None:
        self.device = device
        self._models = models
        self._codec = codec
        self._preprocessor = preprocessor
        self._previews = Previews()
        self._watcher = GuardedWatcher()
        self._pipelines: PipelineCache[Any] = PipelineCache(device, cache_bytes, self._load)
        self.upscalers = Upscalers(device, self._upscaler)
        self._memories = DrawingMemories()
        self._drawing = ""  # the key of the pipeline that draws

    @property
    def loaded_models(self) -> tuple[LoadedModel, ...]:
        """As `DeviceReport.loaded_models`. Any thread may ask."""
        return self._pipelines.loaded

    def draw(self, batch: DrawingBatch, watcher: DrawingWatcher) -> DrawnBatch:
        """As `ImageGenerator.draw`. If memory is short, other pipelines are given up first."""
        self._watcher = GuardedWatcher(watcher)
        model = self._models.locate(batch.models[0]) if batch.models else None
        self._drawing = "" if model is None else model.id
        self._pipelines.keep_longest(batch.models)
        try:
            try:
                return self._done_with(model, batch)
            except OutOfMemory:
                if not self._pipelines.drop_all_but(self._drawing):
                    raise
            return self._done_with(model, batch)
        finally:
            # The exception of a watcher refers to everything that was being drawn with.
            self._watcher = GuardedWatcher()

    def _done_with(self, model: ModelRecord | None, batch: DrawingBatch) -> DrawnBatch:
        if model is not None and batch.drawings:
            return self._draw_with(model, batch)
        return enlarge_batch(
            batch,
            model,
            upscalers=self.upscalers,
            codec=self._codec,
            device=self.device,
            watcher=self._watcher,
        )

    def _draw_with(self, model: ModelRecord, batch: DrawingBatch) -> DrawnBatch:
        began = time.monotonic()
        watcher, requests = self._watcher, batch.drawings
        # The pipeline comes last, so it stays in the cache if there is room for one model.
        upscalers, companions = self._beside(batch)
        in_torch = self.device.plan.backend == "openvino" and need_torch(companions.values())
        pipeline = self._pipelines.get(model, in_torch=in_torch)
        self._drawing = cache_key(model, in_torch=in_torch)
        with (
            translated_errors(self.device, f"drawing with {model.name}", watcher),
            ExitStack() as changes,
        ):
            of_batch = partial(self._context, batch, upscalers, companions)
            said: dict[str, None] = {_IN_TORCH: None} if in_torch else {}
            for change in whole_additions(of_batch(pipeline), requests[0], said.setdefault):
                changes.enter_context(change)
            watcher.loading(loaded=True)
            loaded = time.monotonic()
            if is_stable_diffusion(pipeline):
                plan = stable_diffusion_plan(of_batch(pipeline), requests, batch.at_once)
            else:
                plan = other_pipeline_plan(of_batch(pipeline), requests)
            rasters: dict[Drawing, Raster] = {}
            warnings = [
                said | dict.fromkeys(each) for each in plan.warnings or [()] * len(requests)
            ]
            for done, group in enumerate(plan.groups):
                drawn = [each.request for each in group.drawings]
                firsts = {n: drawn.index(each) for n, each in enumerate(requests) if each in drawn}
                progress = Progress(
                    pipeline,
                    done=done,
                    groups=len(plan.groups),
                    steps=group.steps,
                    watcher=watcher,
                    preview=partial(self._previews.jpeg, pipeline),
                    firsts=firsts,
                )
                canvas = self._draw(pipeline, group, progress)
                for number in firsts:
                    warnings[number] |= canvas.said
                rasters |= zip(group.drawings, canvas.rasters, strict=True)
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

    def _load(self, model: ModelRecord, device: Device) -> Pipeline | Companion:
        self._watcher.loading()
        try:
            if model.kind is not ModelKind.CHECKPOINT:
                return load_companion(model, device, self._watcher)
            pipeline: Pipeline = load_pipeline(model, device, self._watcher)
        except ModelNotLoadable as error:
            error.model_id = model.id  # another model of the batch may have the same name
            raise
        return pipeline

    def _upscaler(self, model_id: str) -> Upscaler:
        model = self._models.locate(model_id)
        if model.kind is not ModelKind.UPSCALER:
            raise ModelNotLoadable("it is not an upscaler", model.name)
        upscaler: Upscaler = self._pipelines.get(model)
        return upscaler

    def _beside(self, batch: DrawingBatch) -> tuple[dict[str, Upscaler], dict[str, Companion]]:
        """Return the upscalers and the other models beside the checkpoint, by their ids.

        All requests of a batch name the same ones.
        """
        upscalers, companions = {}, {}
        for use in batch.drawings[0].models:
            if use.role is ModelRole.UPSCALER:
                upscalers[use.model_id] = self.upscalers.loaded(use.model_id)
            elif use.role is not ModelRole.CHECKPOINT:
                companions[use.model_id] = self._pipelines.get(self._models.locate(use.model_id))
        return upscalers, companions

    def _context(
        self,
        batch: DrawingBatch,
        upscalers: Mapping[str, Upscaler],
        companions: Mapping[str, Companion],
        pipeline: AnyPipeline,
    ) -> DrawingContext[AnyPipeline]:
        return DrawingContext(
            pipeline,
            self.device,
            self._memories[pipeline],
            partial(self._pipelines.drop_all_but, self._drawing),
            self._codec,
            batch.pictures,
            self.upscalers,
            upscalers,
            self._pipelines.beside(self._drawing),
            self._watcher.loading,
            companions,
            self._preprocessor,
        )

    def _draw(self, pipeline: Pipeline, group: Group, progress: Progress) -> Canvas:
        """Return the canvas of a group after all of its stages."""
        # The generators are always on the CPU, so that a seed means the same on every device.
        generators = [torch.Generator("cpu").manual_seed(each.seed) for each in group.drawings]
        canvas = Canvas(group.drawings, generators)
        with torch.inference_mode(), back_in_place_after_errors(pipeline):
            for stage in group.stages:
                stage(canvas, progress)
        return canvas
