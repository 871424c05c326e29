"""What the stages of a drawing work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from adapters.diffusion.devices.device import Device
from adapters.diffusion.drawing.pipeline_state import DrawingMemory
from adapters.diffusion.loading.pipeline_cache import BesidePipeline
from adapters.diffusion.pipeline import Pipeline
from adapters.diffusion.upscaling.upscaler import Upscaler
from adapters.diffusion.upscaling.upscalers import Upscalers
from domain.errors import GenerationFailed
from domain.generation.parts import Preprocessor
from domain.generation.raster import GreyRaster, Raster
from domain.pictures import PictureRef
from domain.ports.picture_codec import PictureCodec
from domain.ports.preprocessor import PicturePreprocessor

__all__ = ["DrawingContext"]

AnyPipeline = TypeVar("AnyPipeline", bound=Pipeline, covariant=True)


@dataclass(frozen=True, slots=True)
class DrawingContext(Generic[AnyPipeline]):
    """A pipeline and its surroundings, for the time of one batch.

    Attributes:
        pipeline: The loaded pipeline that draws.
        device: The device and its plan.
        memory: What this pipeline keeps between drawings.
        make_room: Unloads other pipelines, and returns whether there were any.
        codec: Decodes the pictures of the batch.
        files: The bytes of these pictures, by their ids.
        upscaling: Enlarges pictures.
        upscalers: The upscalers that the batch names, by their ids.
        beside: Keeps a value as long as the pipeline is loaded and there is room.
        tick: Called during work that belongs to the load. Its exception ends the drawing.
        companions: The other models that the batch names beside its checkpoint, loaded, by their
            ids.
        preprocessor: Makes the maps of ControlNets; None if nothing here does.
    """

    pipeline: AnyPipeline
    device: Device
    memory: DrawingMemory
    make_room: Callable[[], bool]
    codec: PictureCodec
    files: Mapping[str, bytes] = field(repr=False)
    upscaling: Upscalers
    upscalers: Mapping[str, Upscaler]
    beside: BesidePipeline
    tick: Callable[[], None]
    companions: Mapping[str, Any]
    preprocessor: PicturePreprocessor | None = None

    def picture(self, ref: PictureRef) -> Raster:
        """Return the pixels of a picture of the batch.

        Raises:
            GenerationFailed: The batch does not have its bytes.
            UnreadablePicture: Its bytes are not a picture.
        """
        return self.codec.decode(self._file(ref))

    def mask(self, ref: PictureRef) -> GreyRaster:
        """Return the mask in a picture of the batch: 255 is drawn again, 0 stays.

        Raises:
            GenerationFailed, UnreadablePicture: As `picture`.
        """
        return self.codec.decode_mask(self._file(ref))

    def map_of(self, picture: Raster, preprocessor: Preprocessor) -> Raster:
        """Return the map of a picture.

        Raises:
            GenerationFailed: This generator was made without a preprocessor.
            OutOfMemory: The host does not have enough memory.
        """
        if self.preprocessor is None:
            raise GenerationFailed(f"this generator cannot make the map {preprocessor.name!a}")
        return self.preprocessor.map_of(picture, preprocessor)

    def _file(self, ref: PictureRef) -> bytes:
        if ref.id not in self.files:
            raise GenerationFailed(f"the batch does not have the bytes of the picture {ref.id}")
        return self.files[ref.id]
