"""Draws with ControlNets, and draws the same with diffusers."""

from typing import Any

from PIL import Image, ImageDraw

from adapters.pictures.codec import PillowPictureCodec
from adapters.preprocessing.opencv import OpenCvPreprocessor
from domain.generation.parts import Control
from domain.models.record import ModelKind, ModelRecord
from tests.contract.drawing.generating import MODELS
from tests.contract.from_pictures.drawing import Files

__all__ = ["control", "engine_for", "outline"]


def outline(width: int = 256, height: int = 256) -> Image.Image:
    """Return a map with the white outlines of two shapes on black."""
    image = Image.new("RGB", (width, height))
    pen = ImageDraw.Draw(image)
    pen.ellipse((width // 6, height // 6, width // 2, height // 2), outline="white", width=2)
    pen.rectangle((width // 2, height // 2, width * 5 // 6, height * 3 // 4), outline="white")
    return image


def control(files: Files, model: ModelRecord, image: Image.Image, **fields: Any) -> Control:
    """Return the part of a request that follows this picture. The model is found from then on."""
    MODELS.put(model, model.id)
    return Control(model_id=model.id, image=files.add(image), **fields)


def engine_for(pipeline: Any, **wanted: Any) -> Any:
    """Return an engine that draws with a pipeline of diffusers, and loads all other models."""
    from adapters.diffusion.companions import load_companion
    from adapters.diffusion.devices.device import planned_device
    from adapters.diffusion.devices.guarded_watcher import GuardedWatcher
    from adapters.diffusion.engine import Engine
    from application.settings.plan_overrides import PlanOverrides

    values: dict[str, Any] = {"device": "cpu", "dtype": "float32"} | wanted
    engine = Engine(
        planned_device(PlanOverrides(**values)),
        MODELS,
        PillowPictureCodec(),
        cache_bytes=10**9,
        preprocessor=OpenCvPreprocessor(),
    )

    def load(model: ModelRecord, device: Any) -> Any:
        if model.kind is not ModelKind.CHECKPOINT:
            return load_companion(model, device, GuardedWatcher())
        return pipeline

    engine._pipelines._load = load
    return engine
