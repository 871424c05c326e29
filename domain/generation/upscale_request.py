"""A request to enlarge a picture, without any drawing."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from domain.errors import FieldProblem
from domain.generation.batch_key import BatchKey
from domain.generation.fields import LIMITS as REQUEST_LIMITS
from domain.generation.fields import MODEL_NAME, ModelId
from domain.generation.fields.judging import quality_problem
from domain.generation.forms.plain import built_part
from domain.generation.forms.stored import stored_values
from domain.generation.output_formats import DEFAULT_QUALITY, OutputFormat, side_problem
from domain.generation.parts.checks import own_problems, picture_problem, refuse, settle
from domain.generation.parts.rules import ModelRole, ModelUse
from domain.generation.result import Outcome
from domain.limits import Limit, NumberRange
from domain.pictures import MOST_PIXELS_DRAWN, PictureRef
from domain.sizes import Size

__all__ = [
    "LANCZOS",
    "SCALES",
    "UpscaleRequest",
    "UpscaleResult",
    "upscale_problems",
]

LANCZOS = "lanczos"
"""Stands in `model_id` for Lanczos resampling, which needs no model."""
SCALES = NumberRange(1.0, 8.0)
"""The factors of the width and the height. The slider of AUTOMATIC1111's web UI ends at 8."""
_MODEL_ID = ModelId(64, 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscaleRequest:
    """A picture to enlarge. It has an id and makes a job, as a `GenerationRequest` does.

    Attributes:
        id: The caller's name for the request.
        model_id: The id of an upscaler model, kept in lower case, or `lanczos`.
        image: The picture.
        scale: The factor of the width and the height. None for the model's own; `lanczos` has 2.
        output_format: The format of the picture file.
        quality: As in a `GenerationRequest`.

    Raises:
        InvalidRequest: One row for each wrong field.
    """

    DEFAULT_SCALE: ClassVar[float] = 2.0
    LIMITS: ClassVar[Mapping[str, Limit]] = MappingProxyType(
        {
            "id": REQUEST_LIMITS["id"],
            "scale": SCALES,
            "output_format": REQUEST_LIMITS["output_format"],
            "quality": REQUEST_LIMITS["quality"],
        }
    )
    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"scale", "quality"})

    id: str
    model_id: str
    image: PictureRef
    scale: float | None = None
    output_format: OutputFormat = OutputFormat.PNG
    quality: int | None = None

    # Every job has these. A picture that is enlarged has no seed, and its steps are known once it
    # is cut into tiles.
    num_images: ClassVar[int] = 1
    seed: ClassVar[int | None] = None
    seeds: ClassVar[tuple[int | None, ...]] = (None,)
    steps: ClassVar[int] = 1
    evaluations: ClassVar[int] = 1

    def __post_init__(self) -> None:
        rules = {"model_id": _model_problem, "image": picture_problem}
        problems = own_problems(self, self.LIMITS, rules, optional=self.OPTIONAL)
        wrong = {row.field for row in problems}
        if not wrong & {"output_format", "quality"} and (
            message := quality_problem(self.quality, self.output_format)
        ):
            problems.append(FieldProblem("quality", message))
        if not wrong & {"scale", "image", "output_format"} and (
            message := self.scale_problem(self.scale or self._least_scale)
        ):
            problems.append(FieldProblem("scale", message))
        refuse(problems)
        settle(self, str.lower, "model_id")
        settle(self, float, "scale")
        settle(self, OutputFormat, "output_format")
        if self.scale is None and self.is_lanczos:
            object.__setattr__(self, "scale", self.DEFAULT_SCALE)
        if self.quality is None and self.output_format.has_quality:
            object.__setattr__(self, "quality", DEFAULT_QUALITY)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> "UpscaleRequest":
        """Return the request of the values that `plain_values` returned.

        Raises:
            InvalidRequest: One row for each wrong field.
            TypeError: A field without a default is missing.
            ValueError: The picture has another shape, or an unknown field has a value.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        for name, value in values.items():
            if name not in known and value is not None:
                raise ValueError(f"{name} is not a field that this release knows")
        given = {name: value for name, value in values.items() if name in known}
        return cls(**{**given, "image": built_part(cls, "image", values["image"])})

    @classmethod
    def as_stored(cls, values: Mapping[str, object]) -> "UpscaleRequest":
        """Return a request that another release stored, as `GenerationRequest.as_stored` does.

        Raises:
            ValueError: `id` or `model_id` is missing, or not text, or `image` cannot be read.
        """
        request = object.__new__(cls)
        for name, value in stored_values(cls, values):
            object.__setattr__(request, name, value)
        return request

    @property
    def is_lanczos(self) -> bool:
        """Whether the picture is resampled, without a model."""
        return self.model_id == LANCZOS

    @property
    def _least_scale(self) -> float:
        """The scale if the request has none; 1 for that of a model, which is not known here."""
        is_lanczos = str(self.model_id).lower() == LANCZOS
        return self.DEFAULT_SCALE if is_lanczos else 1.0

    @property
    def width(self) -> int:
        """Pixels of the picture before it is enlarged."""
        return self.image.width

    @property
    def height(self) -> int:
        """Pixels of the picture before it is enlarged."""
        return self.image.height

    @property
    def batch_key(self) -> BatchKey:
        """Requests with equal keys cost the same memory and time. They are not drawn together."""
        return BatchKey(
            self.model_id, self.width, self.height, 0, 1.0, None, ("upscale", self.scale)
        )

    @property
    def models(self) -> tuple[ModelUse, ...]:
        """The models that the request needs."""
        return () if self.is_lanczos else (ModelUse(ModelRole.UPSCALER, self.model_id, "model_id"),)

    @property
    def pictures(self) -> tuple[PictureRef, ...]:
        """The pictures that the request needs."""
        return (self.image,)

    def scale_problem(self, scale: float) -> str | None:
        """Return what is wrong with this scale; None if there can be such a picture."""
        width, height = round(self.width * scale), round(self.height * scale)
        made = f"is {scale:g}, which makes"
        if width * height > MOST_PIXELS_DRAWN:
            pixels = f"{width} x {height} pixels"
            return f"{made} {pixels}; a picture has at most {MOST_PIXELS_DRAWN}"
        message = side_problem(width, height, OutputFormat(self.output_format))
        return None if message is None else f"{made} {message}; ask for another output_format"

    def result_size(self, own_scale: float) -> Size:
        """Return the size of the result, with the model's `own_scale` if the request has none."""
        scale = self.scale or own_scale
        return Size(round(self.width * scale), round(self.height * scale))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscaleResult(Outcome):
    """The enlarged picture, in a tuple of one."""

    request: UpscaleRequest


def upscale_problems(values: Mapping[str, Any]) -> list[FieldProblem]:
    """Return one row for each value that is wrong by itself. The model may have any of its names.

    A picture is not looked at, and a value that is missing is not wrong.
    """
    rows = [
        FieldProblem(name, message)
        for name, limit in {"id": UpscaleRequest.LIMITS["id"], "model_id": MODEL_NAME}.items()
        if name in values and (message := limit.problem(values[name])) is not None
    ]
    rows += [
        FieldProblem(name, message)
        for name, limit in UpscaleRequest.LIMITS.items()
        if name in values
        and name != "id"
        and not (values[name] is None and name in UpscaleRequest.OPTIONAL)
        and (message := limit.problem(values[name])) is not None
    ]
    if not {row.field for row in rows} & {"output_format", "quality"}:
        output_format = values.get("output_format", OutputFormat.PNG)
        if message := quality_problem(values.get("quality"), output_format):
            rows.append(FieldProblem("quality", message))
    return rows


def _model_problem(value: object) -> str | None:
    if isinstance(value, str) and value.lower() == LANCZOS:
        return None
    return (
        None if _MODEL_ID.problem(value) is None else f"must be the id of an upscaler, or {LANCZOS}"
    )
