"""Enlarges the pictures of a request of AUTOMATIC1111's API."""

import base64
import html
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from adapters.http.automatic1111.extras.asked import AskedExtras, ToSize
from adapters.http.automatic1111.options import CallersOptions, Options
from adapters.http.automatic1111.prefix import JOB_PREFIX
from adapters.http.automatic1111.upscalers import LANCZOS, NONE, found_upscaler
from adapters.http.generation.waiting import WaitingCallers
from application.jobs.job_service import JobService
from application.parts import NamedUpscale
from application.pictures import Pictures
from domain.errors import FieldProblem, InvalidRequest, UnreadablePicture
from domain.generation.output_formats import OutputFormat
from domain.generation.raster import Raster
from domain.generation.upscale_request import LANCZOS as RESAMPLED
from domain.generation.upscale_request import UpscaleRequest
from domain.limits import NumberRange
from domain.models.record import ModelRecord
from domain.pictures import MOST_PIXELS_DRAWN, MOST_PIXELS_SENT, PictureRef
from domain.ports.picture_codec import PictureCodec
from domain.services.model_registry import ModelRegistry
from domain.sizes import Size

__all__ = ["Enlarging"]

_SCALE = UpscaleRequest.LIMITS["scale"]
_WIDTH = "upscaling_resize_w"
_MOST_PIXELS_OF_A_BATCH = 4 * MOST_PIXELS_DRAWN
"""The files of a batch are in memory together, and again as base64. So many pixels are 16 pictures
of 1024 × 1024 pixels, enlarged four times."""


class Enlarging:
    """Makes the requests to enlarge pictures, waits for them, and answers."""

    def __init__(
        self,
        registry: ModelRegistry,
        options: CallersOptions,
        pictures: Pictures,
        codec: PictureCodec,
        job_service: JobService,
        draw: WaitingCallers,
    ) -> None:
        self._registry = registry
        self._options = options
        self._pictures = pictures
        self._codec = codec
        self._job_service = job_service
        self._draw = draw

    def __call__(self, asked: AskedExtras, *, caller: str) -> tuple[list[str], str]:
        """Return the enlarged files in base64, and what was done, as HTML.

        Raises:
            InvalidRequest: A picture cannot be read, there is no such upscaler, or the result is
                too large.
            DomainError: The pictures cannot be enlarged.
        """
        own = self._options.of(caller)
        upscaler = found_upscaler(
            self._registry, asked.upscaler, field="upscaler_1", without_model=(NONE, LANCZOS)
        )
        refs = [*self._inspected(asked)]
        if upscaler == NONE:
            files = [
                self._encoded(self._codec.decode(data), self._text(data), own)
                for data in asked.images
            ]
            return [*map(_base64, files)], _told(asked, NONE)
        files = self._enlarged(asked, refs, upscaler, own, caller)
        name = upscaler if isinstance(upscaler, str) else asked.upscaler
        return [*map(_base64, files)], _told(asked, name)

    def _enlarged(
        self,
        asked: AskedExtras,
        refs: Sequence[PictureRef],
        upscaler: str | ModelRecord,
        own: Options,
        caller: str,
    ) -> list[bytes]:
        to = asked.to
        is_cropped = isinstance(to, ToSize) and to.is_cropped
        # What is cropped afterwards is a PNG until then, which keeps every pixel.
        file_format = OutputFormat.PNG if is_cropped else own.samples_format
        model_id = RESAMPLED if isinstance(upscaler, str) else upscaler.id
        wanted = []
        with _named_as_here():
            for ref in refs:
                request = UpscaleRequest(
                    id=JOB_PREFIX + uuid.uuid4().hex,
                    model_id=model_id,
                    image=ref,
                    scale=_scale(ref, to),
                    output_format=file_format,
                    quality=own.jpeg_quality if file_format.has_quality else None,
                )
                self._job_service.check(request, caller=caller)
                wanted.append(NamedUpscale(request, asked.upscaler))
        _check_together([each.request for each in wanted], asked.field)
        for ref, data in zip(refs, asked.images, strict=True):
            self._pictures.keep(caller, data, ref)
        results = self._draw.several(wanted, caller=caller)
        files = [image.data for result in results for image in result.images]
        if not isinstance(to, ToSize) or not to.is_cropped:
            return files
        return [self._cropped(data, to.size, own) for data in files]

    def _inspected(self, asked: AskedExtras) -> Iterator[PictureRef]:
        for number, data in enumerate(asked.images, 1):
            try:
                yield self._pictures.inspect(data)
            except UnreadablePicture as error:
                which = f"has a picture, number {number}, that " if len(asked.images) > 1 else ""
                raise InvalidRequest([FieldProblem(asked.field, f"{which}{error.what}")]) from error

    def _cropped(self, data: bytes, size: Size, own: Options) -> bytes:
        raster = self._codec.decode(data)
        width, height = min(size.width, raster.width), min(size.height, raster.height)
        return self._encoded(raster.centre(width, height), self._text(data), own)

    def _text(self, data: bytes) -> str | None:
        """Return the parameters that a picture carries; None if it has none."""
        try:
            return self._codec.parameters(data).text or None
        except UnreadablePicture:  # its pixels can be read, and its text cannot
            return None

    def _encoded(self, raster: Raster, text: str | None, own: Options) -> bytes:
        name = own.samples_format
        quality = own.jpeg_quality if name.has_quality else None
        return self._codec.encode(raster, text, name, quality)


def _check_together(requests: Sequence[UpscaleRequest], field: str) -> None:
    """Raise InvalidRequest if the results have too many pixels together."""
    # Each request has a scale of its own, so that of a model does not count.
    pixels = sum(each.result_size(1.0).pixels for each in requests)
    if pixels > _MOST_PIXELS_OF_A_BATCH:
        text = (
            f"makes {pixels} pixels in all, and the results of a batch have at most "
            f"{_MOST_PIXELS_OF_A_BATCH}; send fewer pictures at once, or ask for smaller ones"
        )
        raise InvalidRequest([FieldProblem(field, text)])


def _scale(picture: PictureRef, to: float | ToSize) -> float:
    """Return the factor of both sides. Raise InvalidRequest if it is not allowed."""
    if not isinstance(to, ToSize):
        return to
    scale = max(to.size.width / picture.width, to.size.height / picture.height)
    if isinstance(_SCALE, NumberRange) and _SCALE.problem(scale) is not None:
        raise InvalidRequest(
            [
                FieldProblem(
                    _WIDTH,
                    f"and upscaling_resize_h are {to.size.width} x {to.size.height}, which is "
                    f"{scale:.3g} times the picture's {picture.width} x {picture.height}; the "
                    f"factor must lie between {_SCALE.minimum:g} and {_SCALE.maximum:g}",
                )
            ]
        )
    width, height = round(picture.width * scale), round(picture.height * scale)
    most = MOST_PIXELS_SENT if to.is_cropped else MOST_PIXELS_DRAWN
    if width * height > most:
        made = f"makes {width} x {height} pixels"
        text = f"{made}; a picture has at most {most}, so ask for smaller sides"
        if to.is_cropped:
            text = f"{made}, and at most {most} can be cropped; set upscaling_crop to false"
        raise InvalidRequest([FieldProblem(_WIDTH, text)])
    return scale


@contextmanager
def _named_as_here() -> Iterator[None]:
    """Name wrong fields of an UpscaleRequest as this API does."""
    try:
        yield
    except InvalidRequest as error:
        names = {"scale": "upscaling_resize", "model_id": "upscaler_1"}
        raise InvalidRequest(
            [FieldProblem(names.get(row.field, row.field), row.message) for row in error.problems]
        ) from error


def _told(asked: AskedExtras, upscaler: str) -> str:
    """Return what was done, in the words of the web UI (`scripts/postprocessing_upscale.py`)."""
    if upscaler == NONE:
        return "<p></p>"
    to = asked.to
    words = [f"Postprocess upscale by: {to:g}"] if not isinstance(to, ToSize) else []
    if isinstance(to, ToSize):
        size = f"{to.size.width}x{to.size.height}"
        words += [f"Postprocess upscale to: {size}"]
        words += [f"Postprocess crop to: {size}"] if to.is_cropped else []
    words.append(f"Postprocess upscaler: {upscaler}")
    return f"<p>{html.escape(', '.join(words))}</p>"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
