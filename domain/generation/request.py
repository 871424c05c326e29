"""A request for pictures, and the pictures: values that check themselves."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from domain.errors import FieldProblem, InvalidRequest
from domain.generation.output_formats import DEFAULT_QUALITY, OutputFormat
from domain.generation.result import GeneratedImage, Timings
from domain.limits import IntegerRange, Limit, NumberRange, OneOf, TextLength, one_line_end
from domain.samplers import DEFAULT_SCHEDULER, SCHEDULER_NAMES, Scheduler
from domain.sizes import LARGEST_SIDE, SMALLEST_SIDE

__all__ = [
    "BatchKey",
    "GeneratedImage",
    "GenerationRequest",
    "GenerationResult",
    "Timings",
    "guidance_problem",
    "id_problem",
    "last_seed_problem",
    "model_id_problem",
    "quality_problem",
]

NO_GUIDANCE = 1.0
_MODEL_ID = re.compile(r"[0-9a-f]{64}")
_NEXT_MULTIPLE = 8


def id_problem(value: object) -> str | None:
    """What is wrong with a request's `id`, which names its job in a URL; None when nothing is."""
    if isinstance(value, str) and (value in (".", "..") or "/" in value):
        return f"is {ascii(value)[:40]}; it must hold no '/' and be neither '.' nor '..'"
    return GenerationRequest.LIMITS["id"].problem(value)


def model_id_problem(value: object) -> str | None:
    """What is wrong with a `model_id`; None when nothing is. Both cases of hex are good."""
    if not isinstance(value, str) or not _MODEL_ID.fullmatch(value.lower()):
        return "must be the id of a model: 64 hexadecimal digits"
    return None


def guidance_problem(value: object) -> str | None:
    """What is wrong with a `guidance_scale`; None when nothing is."""
    limit = GenerationRequest.LIMITS["guidance_scale"]
    message = limit.problem(value)
    if message is None and isinstance(value, int | float) and 0 < value < NO_GUIDANCE:
        return f"is {value}; it must be 0 or 1 for no guidance, or more than 1"
    return message


def last_seed_problem(seed: int | None, num_images: int) -> str | None:
    """What is wrong with the seed of the last of `num_images`; None when nothing is."""
    if seed is None:
        return None
    message = GenerationRequest.LIMITS["seed"].problem(seed + num_images - 1)
    return f"of the last image {message}" if message else None


def quality_problem(quality: int | None, output_format: str) -> str | None:
    """What is wrong with naming a quality of this format; None when nothing is."""
    if quality is None or OutputFormat(output_format).has_quality:
        return None
    return (
        f"is {quality}, and a {output_format} has none: it keeps every pixel; leave quality out, "
        "or ask for jpeg or webp as output_format"
    )


class BatchKey(NamedTuple):
    """What requests must have in common to be drawn in one batch."""

    model_id: str
    width: int
    height: int
    num_inference_steps: int
    guidance_scale: float
    scheduler: Scheduler | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """A prompt and everything that decides the picture.

    The limits are the widest that any door has; a door may have narrower ones.

    A scheduler and a format may be given as their names; they are kept as the values of the enums.
    In the prompts a line may also end with CR LF, or CR; a newline is kept, so that a text is the
    same request whichever system wrote it.

    Attributes:
        id: The caller's name for the request.
        model_id: SHA-256 of the model file, 64 hex digits; kept in lower case.
        prompt: What to draw.
        negative_prompt: What to keep out; None for nothing. An empty one is another request:
            SDXL is told zeros for None, and the encoding of no words for an empty text.
        num_inference_steps: Denoising steps.
        guidance_scale: Classifier-free guidance, equation 2 of Ho & Salimans 2022 in the
            convention of Imagen and diffusers: 1 is no guidance. 0, as clients send it for none,
            becomes 1.
        width: Pixels.
        height: Pixels.
        seed: Of the first image; image i has seed + i. None until one is drawn.
        num_images: How many.
        scheduler: None for the model's own, `ModelRecord.default_scheduler` where that has a name.
        output_format: Of the picture files.
        quality: Of those files, up to 100; `DEFAULT_QUALITY` where none is given, and always None
            where the format has none.

    Raises:
        InvalidRequest: with one row for each field that is wrong.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = MappingProxyType(
        {
            "id": TextLength(1, 128),
            # The longest prompt that the OpenAI Images API takes.
            "prompt": TextLength(1, 32_000),
            "negative_prompt": TextLength(0, 32_000),
            "num_inference_steps": IntegerRange(1, 150),
            # 30 is where the slider of AUTOMATIC1111's web UI ends.
            "guidance_scale": NumberRange(0.0, 30.0),
            # A model draws fewer of them: `ModelRecord.sizes`.
            "width": IntegerRange(SMALLEST_SIDE, LARGEST_SIDE),
            "height": IntegerRange(SMALLEST_SIDE, LARGEST_SIDE),
            # 2^53 - 1 is the largest integer that every JSON reader keeps exactly (RFC 8259, 6).
            "seed": IntegerRange(0, 2**53 - 1),
            "num_images": IntegerRange(1, 16),
            "scheduler": OneOf(tuple(Scheduler), SCHEDULER_NAMES),
            "output_format": OneOf(tuple(OutputFormat)),
            "quality": IntegerRange(1, 100),
        }
    )
    OPTIONAL: ClassVar[frozenset[str]] = frozenset(
        {"negative_prompt", "seed", "scheduler", "quality"}
    )

    id: str
    model_id: str
    prompt: str
    negative_prompt: str | None = None
    num_inference_steps: int = 30
    guidance_scale: float = 7.5
    width: int = 512
    height: int = 512
    seed: int | None = None
    num_images: int = 1
    scheduler: Scheduler | None = None
    output_format: OutputFormat = OutputFormat.PNG
    quality: int | None = None

    def __post_init__(self) -> None:
        for name in ("prompt", "negative_prompt"):
            if isinstance(text := getattr(self, name), str):
                object.__setattr__(self, name, one_line_end(text))
        problems = [
            FieldProblem(field.name, message)
            for field in dataclasses.fields(self)
            if (message := self._problem(field.name)) is not None
        ]
        wrong = {row.field for row in problems}
        if not wrong & {"seed", "num_images"}:
            message = last_seed_problem(self.seed, self.num_images)
            problems += [FieldProblem("seed", message)] if message else []
        if not wrong & {"quality", "output_format"}:
            message = quality_problem(self.quality, self.output_format)
            problems += [FieldProblem("quality", message)] if message else []
        if problems:
            raise InvalidRequest(problems)
        object.__setattr__(self, "model_id", self.model_id.lower())
        guidance = float(self.guidance_scale)
        object.__setattr__(self, "guidance_scale", guidance or NO_GUIDANCE)
        if self.scheduler is not None:
            object.__setattr__(self, "scheduler", Scheduler(self.scheduler))
        object.__setattr__(self, "output_format", OutputFormat(self.output_format))
        if self.quality is None and self.output_format.has_quality:
            object.__setattr__(self, "quality", DEFAULT_QUALITY)

    @classmethod
    def as_stored(cls, values: Mapping[str, object]) -> "GenerationRequest":
        """A request that another release checked and stored, with values that this one may refuse.

        It is for showing, never for drawing. A value of another type than its field counts as the
        field's default. A scheduler or format that is not known stays the text that it is.

        Raises:
            ValueError: `id`, `model_id` or `prompt` is missing, or not text.
        """
        request = object.__new__(cls)
        for field in dataclasses.fields(cls):
            value = values.get(field.name)
            if field.name in _TEXTS and not isinstance(value, str):
                raise ValueError(f"{field.name} is not text")
            if not _is_like(value, field.default, field.name):
                value = field.default
            words = _WORDS.get(field.name)
            if words is not None and isinstance(value, str) and value in list(words):
                value = words(value)
            object.__setattr__(request, field.name, value)
        return request

    @property
    def drawn_width(self) -> int:
        """Pixels that are drawn before cropping: `width`, or the next multiple of 8."""
        return _next_multiple(self.width)

    @property
    def drawn_height(self) -> int:
        """Pixels that are drawn before cropping: `height`, or the next multiple of 8."""
        return _next_multiple(self.height)

    @property
    def evaluations(self) -> int:
        """How often the network looks at each image: more often than there are steps with some
        schedulers.
        """
        scheduler = self.scheduler or DEFAULT_SCHEDULER
        return scheduler.sampler.evaluations(self.num_inference_steps)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each image, in order. The request must have its seed."""
        if self.seed is None:
            raise ValueError(f"request {self.id!r} has no seed yet")
        return tuple(range(self.seed, self.seed + self.num_images))

    @property
    def batch_key(self) -> BatchKey:
        """Requests with equal keys can be drawn in one batch."""
        return BatchKey(
            self.model_id,
            self.drawn_width,
            self.drawn_height,
            self.num_inference_steps,
            self.guidance_scale,
            self.scheduler,
        )

    def _problem(self, name: str) -> str | None:
        value = getattr(self, name)
        if value is None and name in self.OPTIONAL:
            return None
        if name == "id":
            return id_problem(value)
        if name == "model_id":
            return model_id_problem(value)
        if name == "guidance_scale":
            return guidance_problem(value)
        return self.LIMITS[name].problem(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationResult:
    """The pictures of a request, which has its seed now.

    `processing_time` is seconds from the start of the work, the wait in the queue left out.
    """

    request: GenerationRequest
    images: tuple[GeneratedImage, ...]
    processing_time: float
    timings: Timings
    warnings: tuple[str, ...] = ()


def _next_multiple(pixels: int) -> int:
    return -(-pixels // _NEXT_MULTIPLE) * _NEXT_MULTIPLE


_TEXTS = frozenset({"id", "model_id", "prompt"})
_WORDS: Mapping[str, type[StrEnum]] = {"scheduler": Scheduler, "output_format": OutputFormat}
_OPTIONAL_TEXTS = frozenset({"negative_prompt", "scheduler"})


def _is_like(value: object, default: object, name: str) -> bool:
    """Whether a stored value has the type of the field of this name."""
    if name in _TEXTS or (name in _OPTIONAL_TEXTS and value is not None):
        return isinstance(value, str)
    if value is None:
        return default is None
    if isinstance(default, str):
        return isinstance(value, str)
    kinds = int | float if isinstance(default, float) else int
    return isinstance(value, kinds) and not isinstance(value, bool)
