"""Draws the pictures of a request of AUTOMATIC1111's API."""

import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.http.automatic1111.checkpoints import chosen_checkpoint
from adapters.http.automatic1111.drawing.additions import Additions, BuiltAdditions
from adapters.http.automatic1111.drawing.asked import AskedPictures, AskedSecondPass, AskedSource
from adapters.http.automatic1111.drawing.masks import MaskReader
from adapters.http.automatic1111.drawing.pictures import pictures
from adapters.http.automatic1111.drawing.schemas import sides_of
from adapters.http.automatic1111.drawing.told import told_as
from adapters.http.automatic1111.options import CallersOptions, Options
from adapters.http.automatic1111.prefix import JOB_PREFIX
from adapters.http.automatic1111.upscalers import LANCZOS, LATENT_MODES, NONE, found_upscaler
from adapters.http.generation.requests import NamedRequest, RequestMaker
from adapters.http.generation.waiting import WaitingCallers
from application.parts import SentParts, SentPicture
from domain.errors import FieldProblem, InvalidRequest
from domain.generation.any_request import as_drawn
from domain.generation.output_formats import OutputFormat
from domain.generation.parts import SourceImage
from domain.models.record import ModelRecord
from domain.services.model_registry import ModelRegistry
from domain.sizes import Size

__all__ = ["Drawing"]

_ENLARGED: Mapping[str, str] = {
    **dict.fromkeys(LATENT_MODES, "latent"),
    LANCZOS: "lanczos",
    NONE: "lanczos",
}
"""The upscalers of a second pass without a model. The web UI enlarges by Lanczos for `None`."""
_USUAL_GUIDANCE = (None, 0, 1, SourceImage.DEFAULT_IMAGE_GUIDANCE)
"""What clients send as `image_cfg_scale` whatever the model is."""
_RANDOM_SEEDS = 2**32
"""The number of seeds that a random one is chosen from, as in the web UI."""


class Drawing:
    """Makes the requests for pictures, waits for them, and answers."""

    def __init__(
        self,
        registry: ModelRegistry,
        options: CallersOptions,
        make_request: RequestMaker,
        draw: WaitingCallers,
        read_mask: MaskReader,
        add: Additions,
    ) -> None:
        self._registry = registry
        self._options = options
        self._make_request = make_request
        self._draw = draw
        self._read_mask = read_mask
        self._add = add

    def __call__(self, asked: AskedPictures, *, caller: str) -> dict[str, object]:
        """Return the answer with the pictures, after any time.

        Raises:
            InvalidRequest: A value is wrong for this model, or a picture cannot be read.
            DomainError: The model is not there, or the pictures cannot be drawn.
        """
        own = self._options.of(caller)
        named = asked.checkpoint
        model = chosen_checkpoint(self._registry, named) if named else own.model(self._registry)
        added = self._add(asked, model, own, size=Size(*sides_of(asked.fields)))
        with told_as(added.names):
            wanted = [*self._requests(asked, model, own, added, caller)]
            results = self._draw.several(wanted, caller=caller)
        asked = _with_ignored(asked, model)
        return pictures(
            [*map(as_drawn, results)],
            model,
            replace(asked, ignored=[*asked.ignored, *added.ignored]),
            maps=added.maps() if asked.send_images else (),
            warnings=added.warnings,
            models={each.id: each for each in self._registry.models()},
        )

    def _requests(
        self,
        asked: AskedPictures,
        model: ModelRecord,
        own: Options,
        added: BuiltAdditions,
        caller: str,
    ) -> Iterator[NamedRequest]:
        """Yield the request of each job: one for all pictures, or one for each of several images.

        Image *i* of a batch starts from picture *i*, and its seed counts up through all batches.
        """
        width, height = sides_of(asked.fields)
        fields = asked.fields
        common = {
            "model_id": model.id,
            "scheduler": asked.scheduler,
            "width": width,
            "height": height,
            **_format(asked, own),
        }
        parts: dict[str, Any] = dict(added.values)
        if asked.second_pass is not None:
            parts["second_pass"] = self._second_pass(asked.second_pass, model)
        source = asked.source
        if source is not None:
            parts |= self._source(source, model)
        if source is None or len(source.images) == 1:
            yield self._make_request(
                fields, caller=caller, parts=SentParts(parts), id=_job_id(), **common
            )
            return
        self._check_each(source.images, caller)
        first = fields.get("seed")
        if first is None:
            first = secrets.randbelow(_RANDOM_SEEDS)
        for number in range(len(source.images) * asked.n_iter):
            picture = SentPicture(data=source.images[number % len(source.images)])
            yield self._make_request(
                fields,
                caller=caller,
                parts=SentParts({**parts, "init_image": picture}),
                id=_job_id(),
                seed=first + number,
                num_images=1,
                **common,
            )

    def _check_each(self, images: Sequence[bytes], caller: str) -> None:
        """Check all images before any of them is kept. Say which of them cannot be read."""
        problems = [
            f"picture {number}: {row.message}"
            for number, data in enumerate(images, 1)
            for row in self._make_request.picture_problems(
                {"init_image": SentPicture(data=data)}, caller=caller
            )
        ]
        if problems:
            raise InvalidRequest([FieldProblem("init_image", "; ".join(problems))])

    def _second_pass(self, asked: AskedSecondPass, model: ModelRecord) -> dict[str, Any]:
        named = asked.checkpoint
        if named and chosen_checkpoint(self._registry, named).id != model.id:
            text = "is another checkpoint than that of the first pass; leave it out"
            raise InvalidRequest([FieldProblem("hr_checkpoint_name", text)])
        upscaler = found_upscaler(
            self._registry, asked.upscaler, field="hr_upscaler", without_model=tuple(_ENLARGED)
        )
        return {
            "scale": asked.scale,
            "strength": asked.strength,
            "num_inference_steps": asked.steps,
            "upscaler": _ENLARGED[upscaler] if isinstance(upscaler, str) else upscaler.id,
        }

    def _source(self, asked: AskedSource, model: ModelRecord) -> dict[str, Any]:
        parts: dict[str, Any] = {
            "init_image": SentPicture(data=asked.images[0]),
            "strength": asked.strength,
            "resize_mode": asked.resize_mode,
            "noise_multiplier": asked.noise_multiplier,
        }
        if model.takes_image_guidance:
            parts["image_guidance_scale"] = asked.image_guidance
        if (mask := asked.mask) is not None:
            parts |= {
                "mask_image": SentPicture(data=self._read_mask(mask)),
                "mask_blur": mask.blur,
                "mask_content": mask.content,
                "inpaint_area": mask.area,
                "inpaint_padding": mask.padding,
            }
        return parts


def _with_ignored(asked: AskedPictures, model: ModelRecord) -> AskedPictures:
    """Name the image guidance as ignored if it is unusual and the model has none."""
    guidance = None if asked.source is None else asked.source.image_guidance
    if model.takes_image_guidance or guidance in _USUAL_GUIDANCE:
        return asked
    return replace(asked, ignored=[*asked.ignored, "image_cfg_scale"])


def _format(asked: AskedPictures, own: Options) -> dict[str, Any]:
    """Return the format and the quality of a request, or else those of its caller's options."""
    name = OutputFormat(asked.fields.get("output_format", own.samples_format))
    quality = own.jpeg_quality if asked.jpeg_quality is None else asked.jpeg_quality
    return {"output_format": name, "quality": quality if name.has_quality else None}


def _job_id() -> str:
    return JOB_PREFIX + uuid.uuid4().hex
