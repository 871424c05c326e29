"""Makes the ControlNets of a request of the units that a client sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.http.automatic1111.controlnet.asked import AskedControl
from adapters.http.automatic1111.controlnet.models import chosen_controlnet
from application.parts import SentPicture
from application.pictures import Pictures
from domain.errors import FieldProblem, InvalidRequest, UnreadablePicture
from domain.generation.parts import ResizeMode
from domain.ports.picture_codec import PictureCodec
from domain.services.model_registry import ModelRegistry
from domain.sizes import Size

__all__ = ["BuildControls", "BuiltControls", "InitImage"]

_OF_UNIT: Mapping[str, str] = {
    "model_id": "model",
    "image": "image",
    "scale": "weight",
    "start": "guidance_start",
    "end": "guidance_end",
    "preprocessor": "module",
    "resize_mode": "resize_mode",
    "mode": "control_mode",
}
"""The name in a unit of each field of a control."""
_NO_IMAGE = "is required: send the picture that the ControlNet follows"
_MASKED = (
    "is a mask that hides a part of the picture; this service follows the whole picture, so leave "
    "it out"
)


@dataclass(frozen=True, slots=True)
class InitImage:
    """The picture that a drawing starts from, and how it gets the size of the request."""

    data: bytes = field(repr=False)
    resize_mode: ResizeMode


@dataclass(frozen=True, slots=True)
class BuiltControls:
    """The ControlNets of a request.

    Attributes:
        values: The values of each, for `SentParts`.
        names: The name in the body of each field, by its name in the request.
        ignored: The fields of units that are not followed.
        warnings: What to know about the units.
    """

    values: tuple[Mapping[str, Any], ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class BuildControls:
    """Finds the models and the pictures of units.

    Args:
        registry: Lists the models.
        codec: Reads masks.
        pictures: Knows how large a file may be.
    """

    def __init__(self, registry: ModelRegistry, codec: PictureCodec, pictures: Pictures) -> None:
        self._registry = registry
        self._codec = codec
        self._pictures = pictures

    def __call__(
        self, units: Sequence[AskedControl], *, size: Size, init_image: InitImage | None
    ) -> BuiltControls:
        """Return the ControlNets of a request.

        A unit without a picture follows the initial image, with its way to resize it.

        Args:
            units: The units that are switched on.
            size: The size of the request.
            init_image: The picture that the drawing starts from; None without one.

        Raises:
            InvalidRequest: A picture is missing, or a mask hides something.
            ModelNotFound, ModelsNotRead: As `found_beside`.
            PictureFileTooLarge: A mask has too many bytes.
        """
        problems: list[FieldProblem] = []
        values: list[Mapping[str, Any]] = []
        names: dict[str, str] = {}
        ignored: list[str] = []
        warnings: list[str] = []
        for number, unit in enumerate(units):
            problems += self._problems(unit, init_image)
            model, warning = chosen_controlnet(
                self._registry, unit.model, field=f"{unit.place}.model"
            )
            warnings += [] if warning is None else [warning]
            if unit.resolution not in (None, min(size.width, size.height)):
                ignored.append(f"{unit.place}.processor_res")
            source = source_of(unit, init_image)
            if source is not None:
                values.append({**_values(unit, source), "model_id": model.id})
            names |= {
                f"controls[{number}].{own}": f"{unit.place}.{name}"
                for own, name in _OF_UNIT.items()
            }
            names[f"controls[{number}]"] = unit.place
            if unit.image is None:
                names[f"controls[{number}].image"] = "init_images"
        if problems:
            raise InvalidRequest(problems)
        return BuiltControls(tuple(values), names, tuple(ignored), tuple(warnings))

    def _problems(self, unit: AskedControl, init_image: InitImage | None) -> list[FieldProblem]:
        found = []
        if source_of(unit, init_image) is None:
            found.append(FieldProblem(f"{unit.place}.image", _NO_IMAGE))
        if unit.mask is not None and (message := self._mask_problem(unit.mask)) is not None:
            found.append(FieldProblem(f"{unit.place}.mask", message))
        return found

    def _mask_problem(self, mask: bytes) -> str | None:
        """Return what is wrong with a mask; None for a mask of one colour, which hides nothing."""
        try:
            self._pictures.inspect(mask)
            levels = bytes(self._codec.decode_mask(mask).pixels)
        except UnreadablePicture as error:
            return error.what
        return None if levels.count(levels[:1]) == len(levels) else _MASKED


def source_of(unit: AskedControl, init_image: InitImage | None) -> InitImage | None:
    """Return the picture of a unit; None if it has none."""
    if unit.image is not None:
        return InitImage(unit.image, unit.resize_mode)
    return init_image


def _values(unit: AskedControl, source: InitImage) -> dict[str, Any]:
    values: dict[str, Any] = {
        "image": SentPicture(data=source.data),
        "scale": unit.scale,
        "start": unit.start,
        "end": unit.end,
        "resize_mode": source.resize_mode,
        "mode": unit.mode,
    }
    if (made := unit.preprocessor) is not None:
        told = {"name": made.name, "low": made.low, "high": made.high}
        values["preprocessor"] = {name: value for name, value in told.items() if value is not None}
    return values
