"""The fields of a request for pictures: one table for every API and the command line.

An API adds its own facts, such as its name of a field.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from domain.generation.output_formats import DEFAULT_QUALITY, OutputFormat
from domain.limits import IntegerRange, Limit, NumberRange, OneOf, TextLength
from domain.samplers import SCHEDULER_NAMES, Scheduler
from domain.sizes import LARGEST_SIDE, SMALLEST_SIDE

__all__ = [
    "FIELDS",
    "LIMITS",
    "MODEL_NAME",
    "NO_GUIDANCE",
    "OPENAI_LIMITS",
    "OPTIONAL",
    "SEEDS",
    "V1_LIMITS",
    "ModelId",
    "RequestField",
    "integers",
]

NO_GUIDANCE = 1.0
SEEDS = IntegerRange(0, 2**53 - 1)
"""2^53 - 1 is the largest integer that every JSON parser keeps exactly (RFC 8259, section 6)."""
MODEL_NAME = TextLength(1, 4096)
"""The allowed length of a model's name. A path is a name too, and PATH_MAX of Linux is 4096."""
_MODEL_ID = re.compile(r"[0-9a-f]{64}")


class _JobId(TextLength):
    """An id that names a job in a URL."""

    __slots__ = ()

    def problem(self, value: object) -> str | None:
        """Return what is wrong with `value`, in words; None if it is valid."""
        if isinstance(value, str) and (value in (".", "..") or "/" in value):
            return f"is {ascii(value)[:40]}; it must hold no '/' and be neither '.' nor '..'"
        return TextLength.problem(self, value)


class ModelId(TextLength):
    """The SHA-256 of a model, in either case of hex."""

    __slots__ = ()

    def problem(self, value: object) -> str | None:
        """Return what is wrong with `value`, in words; None if it is valid."""
        if not isinstance(value, str) or not _MODEL_ID.fullmatch(value.lower()):
            return "must be the id of a model: 64 hexadecimal digits"
        return None


class _Guidance(NumberRange):
    """0 and 1 mean no guidance. Values between them are not allowed."""

    __slots__ = ()

    def problem(self, value: object) -> str | None:
        """Return what is wrong with `value`, in words; None if it is valid."""
        message = NumberRange.problem(self, value)
        if message is None and isinstance(value, int | float) and 0 < value < NO_GUIDANCE:
            return f"is {value}; it must be 0 or 1 for no guidance, or more than 1"
        return message


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestField:
    """A field of a `GenerationRequest`, as every API has it.

    Attributes:
        name: The name of the request's attribute.
        limit: The widest limit of any API.
        meaning: A description for people. Its only Markdown is code and emphasis. The first
            sentence is enough if there is little room.
        label: A word or two for a form.
        example: A value for the documentation; None for none.
        is_optional: Whether its value may be None.
        is_text: Whether people write it, so that its line ends become newlines.
        is_of_images: Whether each image has it, so that an answer with images need not repeat it.
    """

    name: str
    limit: Limit
    meaning: str
    label: str
    example: Any = None
    is_optional: bool = False
    is_text: bool = False
    is_of_images: bool = False

    @property
    def plain_meaning(self) -> str:
        """`meaning` without Markdown."""
        return re.sub("[`*]", "", self.meaning)


_ROWS = (
    RequestField(
        name="id",
        limit=_JobId(1, 128),
        meaning="Your name for the request, and its idempotency key: the same request with the "
        "same id gets the same answer, and is drawn once. It also names the job. If you leave it "
        "out, the service makes one, and every request is drawn.",
        label="Id",
        example="my-first-picture",
    ),
    RequestField(
        name="model_id",
        limit=ModelId(64, 64),
        meaning="The `id` of a model, or another name of it: ten or more first digits of the id, "
        "the path, the file name with or without its extension, or an alias. The answer has the "
        "id.",
        label="Model",
        example="7fc1fbc8c7b5d4a0c4d6e1f9a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5",
    ),
    RequestField(
        name="prompt",
        # The longest prompt that the OpenAI Images API takes.
        limit=TextLength(1, 32_000),
        meaning="What to draw, in words.",
        label="Prompt",
        example="a beautiful landscape with mountains and a lake",
        is_text=True,
    ),
    RequestField(
        name="negative_prompt",
        limit=TextLength(0, 32_000),
        meaning="What to keep out of the picture.",
        label="Negative prompt",
        example="trees",
        is_optional=True,
        is_text=True,
    ),
    RequestField(
        name="num_inference_steps",
        limit=IntegerRange(1, 150),
        meaning="The number of denoising steps. If you leave it out, it is that of the model's "
        "`defaults`, or else that of the service.",
        label="Steps",
        example=30,
    ),
    RequestField(
        name="guidance_scale",
        # The slider of AUTOMATIC1111's web UI ends at 30.
        limit=_Guidance(0.0, 30.0),
        meaning="How closely to follow the prompt. 1 means no guidance, and is twice as fast. "
        "If you leave it out, it is that of the model's `defaults`, or else that of the service.",
        label="Guidance",
        example=7.5,
    ),
    RequestField(
        name="width",
        # A model draws a narrower range: `ModelRecord.sizes`.
        limit=IntegerRange(SMALLEST_SIDE, LARGEST_SIDE),
        meaning="Pixels, within the `sizes` of the model. If it is not a multiple of 8, the "
        "picture is drawn at the next multiple and cropped about its centre.",
        label="Width",
        example=512,
        is_of_images=True,
    ),
    RequestField(
        name="height",
        limit=IntegerRange(SMALLEST_SIDE, LARGEST_SIDE),
        meaning="Pixels; the same rules as for `width`.",
        label="Height",
        example=512,
        is_of_images=True,
    ),
    RequestField(
        name="seed",
        limit=SEEDS,
        meaning="The seed of the first image. Image *i* has `seed` + *i*; the seed of the last "
        "image must be within the bounds too. Random if left out.",
        label="Seed",
        example=7,
        is_optional=True,
        is_of_images=True,
    ),
    RequestField(
        name="num_images",
        limit=IntegerRange(1, 16),
        meaning="The number of images.",
        label="Pictures",
        example=1,
        is_of_images=True,
    ),
    RequestField(
        name="scheduler",
        limit=OneOf(tuple(Scheduler), SCHEDULER_NAMES),
        meaning="One of the `schedulers` of the model. Its `default_scheduler` draws if left out.",
        label="Sampler",
        is_optional=True,
    ),
    RequestField(
        name="output_format",
        limit=OneOf(tuple(OutputFormat)),
        meaning="The format of the picture files.",
        label="File format",
    ),
    RequestField(
        name="quality",
        limit=IntegerRange(1, 100),
        meaning=f"The quality of a `jpeg` or `webp`; {DEFAULT_QUALITY} if left out. A `webp` of "
        "100 keeps every pixel, and a `png` has no quality.",
        label="Quality",
        is_optional=True,
    ),
)

FIELDS: Mapping[str, RequestField] = MappingProxyType({row.name: row for row in _ROWS})
"""The fields by name, in the order in which APIs list them."""
LIMITS: Mapping[str, Limit] = MappingProxyType({row.name: row.limit for row in _ROWS})
"""The widest limits of any API."""
OPTIONAL = frozenset(row.name for row in _ROWS if row.is_optional)
"""The fields that may be None."""

V1_LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        **LIMITS,
        "model_id": MODEL_NAME,
        "prompt": TextLength(1, 1000),
        "negative_prompt": TextLength(0, 1000),
        "guidance_scale": NumberRange(NO_GUIDANCE, 20.0),
        "num_images": IntegerRange(1, 4),
    }
)
"""The limits of this service's own API. A request may have any name of its model."""
OPENAI_LIMITS: Mapping[str, Limit] = MappingProxyType(
    {**LIMITS, "model_id": MODEL_NAME, "num_images": IntegerRange(1, 10)}
)
"""The limits of the OpenAI API, which draws ten images at most."""


def integers(name: str, limits: Mapping[str, Limit] = LIMITS) -> IntegerRange:
    """Return the bounds of an integer field. Raise TypeError for a field of another type."""
    limit = limits[name]
    if not isinstance(limit, IntegerRange):
        raise TypeError(f"{name} is not a field of whole numbers")
    return limit
