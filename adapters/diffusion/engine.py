"""Pictures from a loaded pipeline. Owned by one thread."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from PIL import Image

from adapters.diffusion.devices.device import Device
from adapters.diffusion.devices.errors import Callbacks, translated_errors
from adapters.diffusion.drawing.picture_files import Encoded, crop_centre, encode_picture
from adapters.diffusion.drawing.pipeline_calls import Drawing, DrawingPlan, PipelineCall, Progress
from adapters.diffusion.drawing.pipeline_state import DrawingMemories
from adapters.diffusion.drawing.previews import Previews
from adapters.diffusion.drawing.remembered_prompts import remembered_prompts
from adapters.diffusion.drawing.stable_diffusion import stable_diffusion_plan
from adapters.diffusion.drawing.text_to_image import text_to_image_plan
from adapters.diffusion.loading.loader import load_pipeline
from adapters.diffusion.loading.placement import STABLE_DIFFUSION
from adapters.diffusion.pipeline_cache import PipelineCache
from domain.errors import GenerationFailed, OutOfMemory
from domain.execution_plan import LoadedModel
from domain.generation.picture_parameters import parameters_text
from domain.generation.request import GeneratedImage, GenerationRequest, Timings
from domain.models.record import ModelRecord
from domain.ports.image_generator import GeneratedBatch, LoadCallback, StepCallback

__all__ = ["Engine"]

_log = logging.getLogger(__name__)


class Engine:
    """Draws with the pipelines that it keeps loaded."""

    def __init__(self, device: Device, *, embed_metadata: bool, cache_bytes: int) -> None:
        self.device = device
        self._previews = Previews()
        self._embed_metadata = embed_metadata
        self._callbacks = Callbacks(None, None)
        self._pipelines = PipelineCache(device, cache_bytes, self._load)
        self._memories = DrawingMemories()
        self._encoders = ThreadPoolExecutor(max_workers=2, thread_name_prefix="encode")

    @property
    def loaded_models(self) -> tuple[LoadedModel, ...]:
        """As `DeviceReport.loaded_models`. Any thread may ask."""
        return self._pipelines.loaded

    def generate(
        self,
        model: ModelRecord,
        requests: Sequence[GenerationRequest],
        at_once: int,
        on_step: StepCallback | None,
        on_load: LoadCallback | None = None,
    ) -> GeneratedBatch:
        """As `ImageGenerator.generate`. When memory is short, other pipelines go first."""
        self._callbacks = Callbacks(on_step, on_load)
        at_once = min(at_once, self.device.plan.batch_limit)
        try:
            try:
                return self._generate(model, requests, at_once)
            except OutOfMemory:
                if not self._pipelines.drop_all_but(model.id):
                    raise
            return self._generate(model, requests, at_once)
        finally:
            # An error that a callback raised leads to all that was being drawn with.
            self._callbacks = Callbacks(None, None)

    def _generate(
        self,
        model: ModelRecord,
        requests: Sequence[GenerationRequest],
        at_once: int,
    ) -> GeneratedBatch:
        began = time.monotonic()
        callbacks = self._callbacks
        pipeline = self._pipelines.get(model)
        callbacks.on_load(loaded=True)
        loaded = time.monotonic()
        with translated_errors(self.device, f"drawing with {model.name}", callbacks):
            plan = self._plan(
                pipeline, requests, at_once, partial(self._pipelines.drop_all_but, model.id)
            )
            finished: dict[Drawing, Future[GeneratedImage]] = {}
            warnings = [dict.fromkeys(each) for each in plan.warnings or [()] * len(requests)]
            for done, call in enumerate(plan.calls):
                drawn = [each.request for each in call.drawings]
                firsts = {n: drawn.index(each) for n, each in enumerate(requests) if each in drawn}
                look = partial(self._previews.jpeg, pipeline)
                progress = Progress(
                    pipeline, done, len(plan.calls), callbacks.on_step, look, firsts
                )
                said: dict[str, None] = {}
                pixels = self._draw(pipeline, plan, call, progress, said.setdefault)
                for number in firsts:
                    warnings[number] |= said
                finished |= {
                    drawing: self._encoders.submit(self._encode, drawing, image, plan.sampler)
                    for drawing, image in zip(call.drawings, pixels, strict=True)
                }
        return GeneratedBatch(
            images=[
                Encoded([finished[Drawing(request, seed)] for seed in request.seeds])
                for request in requests
            ],
            timings=Timings(load=loaded - began, generate=time.monotonic() - loaded),
            warnings=tuple(map(tuple, warnings)),
        )

    def _load(self, model: ModelRecord, device: Device) -> Any:
        self._callbacks.on_load()
        return load_pipeline(model, device, self._callbacks)

    def _plan(
        self,
        pipeline: Any,
        requests: Sequence[GenerationRequest],
        at_once: int,
        make_room: Callable[[], bool],
    ) -> DrawingPlan:
        if isinstance(pipeline, STABLE_DIFFUSION):
            memory = self._memories[pipeline]
            return stable_diffusion_plan(
                pipeline, requests, self.device, at_once, memory, make_room
            )
        return text_to_image_plan(pipeline, requests)

    def _draw(
        self,
        pipeline: Any,
        plan: DrawingPlan,
        call: PipelineCall,
        progress: Progress,
        warn: Callable[[str], None],
    ) -> Sequence[Image.Image]:
        kind = "pt" if plan.decode is None else "latent"
        with torch.inference_mode():
            with (
                _back_in_place_after_errors(pipeline),
                _scheduled_by(pipeline, plan.new_scheduler()),
                _same_precision_after(pipeline.vae) if plan.decode is None else nullcontext(),
                remembered_prompts(pipeline, self._memories[pipeline].encodings),
            ):
                steps = {plan.step_argument: progress}
                drawn = pipeline(**call.arguments, output_type=kind, **steps).images
            pixels = drawn.float() if plan.decode is None else plan.decode(drawn, warn=warn)
        size = (call.arguments["height"], call.arguments["width"])
        if tuple(pixels.shape[-2:]) != size:
            raise GenerationFailed(
                f"{type(pipeline).__name__} drew {tuple(pixels.shape[-2:])} pixels (height, width) "
                f"where {size} were asked; ask for another width and height"
            )
        if not bool(torch.isfinite(pixels).all()):
            device = self.device
            dtype = device.dtype_of_others if plan.decode is None else device.dtype
            raise GenerationFailed(f"decoding produced NaN in {dtype}", overflowed=str(dtype))
        # On the device, so that a quarter of the bytes is copied from it, and once.
        levels = (pixels.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).contiguous()
        return [Image.fromarray(one) for one in levels.cpu().numpy()]

    def _encode(self, drawing: Drawing, image: Image.Image, sampler: str) -> GeneratedImage:
        with translated_errors(self.device, "encoding the picture"):
            return self._encoded(drawing, image, sampler)

    def _encoded(self, drawing: Drawing, image: Image.Image, sampler: str) -> GeneratedImage:
        request = drawing.request
        text = parameters_text(request, seed=drawing.seed, sampler=sampler)
        cropped = crop_centre(image, request.width, request.height)
        data = encode_picture(
            cropped,
            text if self._embed_metadata else None,
            request.output_format,
            request.quality,
        )
        return GeneratedImage(
            data, drawing.seed, request.width, request.height, request.output_format
        )


@contextmanager
def _scheduled_by(pipeline: Any, scheduler: Any) -> Iterator[None]:
    """What the next drawing is planned with is the model's own scheduler, not this drawing's."""
    own = pipeline.scheduler
    pipeline.scheduler = scheduler
    try:
        yield
    finally:
        pipeline.scheduler = own


@contextmanager
def _back_in_place_after_errors(pipeline: Any) -> Iterator[None]:
    """Weights that wait in the host's memory go back there, also when a drawing is stopped."""
    try:
        yield
    except BaseException:
        pipeline.maybe_free_model_hooks()
        raise


@contextmanager
def _same_precision_after(vae: Any) -> Iterator[None]:
    """Some of diffusers' pipelines decode in float32 and cast back, but not when that fails."""
    dtype = vae.dtype
    try:
        yield
    finally:
        if vae.dtype != dtype:
            vae.to(dtype=dtype)
