"""A request for pictures, and the pictures: values that check themselves."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, ClassVar

from domain.errors import InvalidRequest
from domain.generation.batch_key import BatchKey, other_values
from domain.generation.fields import LIMITS, NO_GUIDANCE, OPTIONAL
from domain.generation.judging import (
    JudgedFields,
    field_problems,
    last_seed_problem,
    quality_problem,
    with_newlines,
)
from domain.generation.output_formats import DEFAULT_QUALITY, OutputFormat
from domain.generation.parts import (
    Control,
    Embedding,
    Lora,
    PromptSyntax,
    SecondPass,
    SourceImage,
    Upscale,
)
from domain.generation.parts.rules import ModelUse, models_of, part_problems, pictures_of
from domain.generation.plain import built_part, part_names
from domain.generation.result import GeneratedImage, Timings
from domain.generation.stored import stored_values
from domain.limits import Limit
from domain.pictures import PictureRef
from domain.samplers import DEFAULT_SCHEDULER, Scheduler

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

_NEXT_MULTIPLE = 8

id_problem = LIMITS["id"].problem
"""What is wrong with a request's `id`, which names its job in a URL; None when nothing is."""
model_id_problem = LIMITS["model_id"].problem
"""What is wrong with a `model_id`; None when nothing is. Both cases of hex are good."""
guidance_problem = LIMITS["guidance_scale"].problem
"""What is wrong with a `guidance_scale`; None when nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """A prompt and everything that decides the picture.

    The limits are the widest that any door has; a door may have narrower ones. `FIELDS` says
    what each field means.

    A scheduler and a format may be given as their names; they are kept as the values of the enums.
    In the prompts a line may also end with CR LF, or CR; a newline is kept, so that a text is the
    same request whichever system wrote it.

    A field that is added has a default that changes nothing, as the parts below have. Requests
    that differ in it are then drawn in separate batches, and stored requests stay what they are.

    Attributes:
        id: The caller's name for the request.
        model_id: SHA-256 of the model file, 64 hex digits; kept in lower case.
        prompt: What to draw.
        negative_prompt: What to keep out; None for nothing. An empty one is another request:
            SDXL is told zeros for None, and the encoding of no words for an empty text.
        num_inference_steps: Denoising steps.
        guidance_scale: Classifier-free guidance, equation 2 of Ho & Salimans 2022 in the
            convention of Imagen and diffusers: 1 means no guidance. Clients also send 0 for none,
            which becomes 1.
        width: Pixels.
        height: Pixels.
        seed: Of the first image; image i has seed + i. None until one is drawn.
        num_images: How many.
        scheduler: None for the model's own, `ModelRecord.default_scheduler` where that has a name.
        output_format: Of the picture files.
        quality: Of those files, up to 100; `DEFAULT_QUALITY` where none is given, and always None
            where the format has none.
        source: A picture that the drawing starts from.
        loras: LoRAs that are added; 8 at most.
        embeddings: Words that stand for vectors of a file; 16 at most, each of another token.
        controls: ControlNets with their pictures; 4 at most.
        vae_id: Another autoencoder than the model's own; kept in lower case.
        second_pass: The result is enlarged and drawn again, to 2048 pixels a side at most.
        upscale: The result is enlarged by a model, to 64 megapixels at most.
        prompt_syntax: How the prompts are read.
        clip_skip: Layers that are left off the end of the text encoder, 1 to 12 and counted as
            AUTOMATIC1111's web UI does: 1 is none.

    Raises:
        InvalidRequest: with one row for each field that is wrong.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = LIMITS
    OPTIONAL: ClassVar[frozenset[str]] = OPTIONAL

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
    source: SourceImage | None = None
    loras: tuple[Lora, ...] = ()
    embeddings: tuple[Embedding, ...] = ()
    controls: tuple[Control, ...] = ()
    vae_id: str | None = None
    second_pass: SecondPass | None = None
    upscale: Upscale | None = None
    prompt_syntax: PromptSyntax = PromptSyntax.PLAIN
    clip_skip: int = 1

    def __post_init__(self) -> None:
        values = with_newlines({name: getattr(self, name) for name in LIMITS})
        problems = field_problems(values)
        carries_parts = _read_beyond(self) != _NOTHING_BEYOND
        if carries_parts:
            problems += part_problems(self)
        if problems:
            raise InvalidRequest(problems)
        self._keep(values)
        if carries_parts:
            object.__setattr__(self, "prompt_syntax", PromptSyntax(self.prompt_syntax))
            object.__setattr__(self, "vae_id", self.vae_id and self.vae_id.lower())

    @classmethod
    def of(cls, fields: JudgedFields, **more: Any) -> "GenerationRequest":
        """The request that judged `fields` make; only `more`, which win, are judged here.

        Raises:
            InvalidRequest: with one row for each field that is wrong.
            TypeError: a field without a default is missing.
        """
        values = fields.plus(**more)
        if missing := _REQUIRED - values.keys():
            raise TypeError(f"a request needs its {', '.join(sorted(missing))}")
        request = object.__new__(cls)
        for name, default in _DEFAULTS:
            object.__setattr__(request, name, default)
        request._keep(values)
        return request

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> "GenerationRequest":
        """The request that `plain_values` gave.

        Raises:
            InvalidRequest: with one row for each field that is wrong.
            TypeError: a field without a default is missing.
            ValueError: a part has another shape, or a field that is not known asks for something.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        found: dict[str, Any] = {}
        for name, value in values.items():
            if name in known:
                found[name] = built_part(cls, name, value) if name in _PARTS else value
            elif value is not None:
                raise ValueError(f"{name} is not a field that this release knows")
        return cls(**found)

    @classmethod
    def as_stored(cls, values: Mapping[str, object]) -> "GenerationRequest":
        """A request that another release checked and stored, with values that this one may refuse.

        It is for showing, never for drawing. A value of another type than its field counts as the
        field's default, and so does a part that cannot be read. A scheduler or format that is not
        known stays the text that it is.

        Raises:
            ValueError: `id`, `model_id` or `prompt` is missing, or not text.
        """
        request = object.__new__(cls)
        for name, value in stored_values(cls, values):
            object.__setattr__(request, name, value)
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
            other_values(self),
        )

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the fields beyond those of `FIELDS` that ask for something."""
        return tuple(
            name
            for name, value, default in zip(
                _BEYOND, _read_beyond(self), _NOTHING_BEYOND, strict=True
            )
            if value != default
        )

    @property
    def models(self) -> tuple[ModelUse, ...]:
        """The models that it needs, the checkpoint first."""
        return models_of(self)

    @property
    def pictures(self) -> tuple[PictureRef, ...]:
        """The pictures that it needs."""
        return pictures_of(self)

    def _keep(self, values: Mapping[str, Any]) -> None:
        """Take judged `values` as they are kept."""
        put = object.__setattr__
        for name, value in values.items():
            put(self, name, value)
        put(self, "model_id", self.model_id.lower())
        put(self, "guidance_scale", float(self.guidance_scale) or NO_GUIDANCE)
        put(self, "output_format", OutputFormat(self.output_format))
        if self.scheduler is not None:
            put(self, "scheduler", Scheduler(self.scheduler))
        if self.quality is None and self.output_format.has_quality:
            put(self, "quality", DEFAULT_QUALITY)


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


_FIELDS = dataclasses.fields(GenerationRequest)
_REQUIRED = frozenset(each.name for each in _FIELDS if each.default is dataclasses.MISSING)
_DEFAULTS = tuple((each.name, each.default) for each in _FIELDS if each.name not in _REQUIRED)
_BEYOND = tuple(each.name for each in _FIELDS if each.name not in LIMITS)
_NOTHING_BEYOND = tuple(each.default for each in _FIELDS if each.name not in LIMITS)
_read_beyond = attrgetter(*_BEYOND)
_PARTS = part_names(GenerationRequest)
