"""A request for pictures, and the pictures: values that check themselves."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, ClassVar

from domain.errors import InvalidRequest
from domain.generation.batch_key import BatchKey, other_values
from domain.generation.fields import LIMITS, NO_GUIDANCE, OPTIONAL
from domain.generation.fields.judging import JudgedFields, field_problems, with_newlines
from domain.generation.forms.plain import built_part, part_names
from domain.generation.forms.stored import stored_values
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
from domain.generation.passes import Pass, last_size, next_multiple, passes_of, result_size
from domain.generation.result import GeneratedImage, Outcome, Timings
from domain.limits import Limit
from domain.pictures import PictureRef
from domain.samplers import DEFAULT_SCHEDULER, Scheduler
from domain.sizes import Size

__all__ = [
    "BatchKey",
    "GeneratedImage",
    "GenerationRequest",
    "GenerationResult",
    "Timings",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """A prompt and all other values that decide the picture.

    The limits are the widest of any API; an API may have narrower ones. `FIELDS` describes each
    field.

    A scheduler and a format may be names; the request keeps the members of the enums. A line of a
    prompt may also end with CR LF or CR; the request keeps a newline, so that a text is the same
    request on every system.

    A new field needs a default without effect, as the parts below have. Requests that differ in it
    are then drawn in separate batches, and stored requests do not change.

    Attributes:
        id: The caller's name for the request.
        model_id: SHA-256 of the model file, 64 hex digits; kept in lower case.
        prompt: What to draw.
        negative_prompt: What to keep out; None for nothing. An empty text is another request: SDXL
            gets zeros for None, and the encoding of an empty text for an empty text.
        num_inference_steps: Denoising steps.
        guidance_scale: Classifier-free guidance, equation 2 of Ho & Salimans 2022 in the
            convention of Imagen and diffusers: 1 means no guidance. Clients also send 0 for none,
            which becomes 1.
        width: Pixels.
        height: Pixels.
        seed: The seed of the first image; image i has seed + i. None until a random one is made.
        num_images: The number of images.
        scheduler: The scheduler; None for the model's own, which is
            `ModelRecord.default_scheduler` if it has a name.
        output_format: The format of the picture files.
        quality: The quality of the files, up to 100. It is `DEFAULT_QUALITY` by default, and always
            None if the format has no quality.
        source: A picture that the drawing starts from.
        loras: LoRAs that are added; 8 at most.
        embeddings: Words that stand for vectors of a file; 16 at most, each with its own token.
        controls: ControlNets with their pictures; 4 at most.
        vae_id: Another autoencoder than the model's own; kept in lower case.
        second_pass: Enlarges the result and draws it again, with up to 2048 pixels a side.
        upscale: Enlarges the result with a model, to up to 64 megapixels.
        prompt_syntax: The syntax of the prompts.
        clip_skip: Layers that are omitted at the end of the text encoder, 1 to 12, counted as in
            AUTOMATIC1111's web UI: 1 omits none.

    Raises:
        InvalidRequest: One row for each wrong field.
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
        if _read_beyond(self) != _NOTHING_BEYOND:
            problems += part_problems(self)
        if problems:
            raise InvalidRequest(problems)
        self._keep(values)

    @classmethod
    def of(cls, fields: JudgedFields, **more: Any) -> "GenerationRequest":
        """Return the request of checked `fields` and `more`, which take precedence.

        Only `more` are checked here. They may hold parts.

        Raises:
            InvalidRequest: One row for each wrong field.
            TypeError: A field without a default is missing.
        """
        values = fields.plus(**more)
        if missing := _REQUIRED - values.keys():
            raise TypeError(f"a request needs its {', '.join(sorted(missing))}")
        request = object.__new__(cls)
        for name, default in _DEFAULTS:
            object.__setattr__(request, name, values.get(name, default))
        if _read_beyond(request) != _NOTHING_BEYOND and (problems := [*part_problems(request)]):
            raise InvalidRequest(problems)
        request._keep(values)
        return request

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> "GenerationRequest":
        """Return the request of the values that `plain_values` returned.

        Raises:
            InvalidRequest: One row for each wrong field.
            TypeError: A field without a default is missing.
            ValueError: A part has another shape, or an unknown field has a value.
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
        """Return a request that another release stored. This release may refuse its values.

        It can be shown, but not drawn. A value with another type than its field counts as the
        field's default, and so does a part that cannot be read. An unknown scheduler or format
        stays a text.

        Raises:
            ValueError: `id`, `model_id` or `prompt` is missing, or not text.
        """
        request = object.__new__(cls)
        for name, value in stored_values(cls, values):
            object.__setattr__(request, name, value)
        return request

    @property
    def drawn_width(self) -> int:
        """Pixels that the first pass draws before cropping: `width`, or the next multiple of 8."""
        return next_multiple(self.width)

    @property
    def drawn_height(self) -> int:
        """Pixels that the first pass draws before cropping: `height`, or the next multiple of 8."""
        return next_multiple(self.height)

    @property
    def passes(self) -> tuple[Pass, ...]:
        """The denoising passes, each with its size and the steps that it runs."""
        return passes_of(self)

    @property
    def steps(self) -> int:
        """The denoising steps that run for each image, in all passes.

        `strength` leaves out the first steps of a pass. Without a source picture and a second pass
        it is `num_inference_steps`.
        """
        return sum(each.steps for each in self.passes)

    @property
    def evaluations(self) -> int:
        """The evaluations of the network for each image, in all passes. Some schedulers have more
        than one in a step.
        """
        return sum(map(self.evaluations_of, self.passes))

    def evaluations_of(self, part: Pass) -> int:
        """Return the evaluations of the network for each image in one of its passes."""
        sampler = (self.scheduler or DEFAULT_SCHEDULER).sampler
        return sampler.evaluations(part.steps) if part.steps else 0

    @property
    def last_size(self) -> Size:
        """The size of what the last pass draws, without the pixels that are cropped."""
        return last_size(self)

    @property
    def result_size(self) -> Size:
        """The size of the picture. The upscaler of `upscale` may enlarge it further."""
        return result_size(self)

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
        """The names of the fields outside `FIELDS` that differ from their defaults."""
        return tuple(
            name
            for name, value, default in zip(
                _BEYOND, _read_beyond(self), _NOTHING_BEYOND, strict=True
            )
            if value != default
        )

    @property
    def models(self) -> tuple[ModelUse, ...]:
        """The models that the request needs, the checkpoint first."""
        return models_of(self)

    @property
    def pictures(self) -> tuple[PictureRef, ...]:
        """The pictures that the request needs."""
        return pictures_of(self)

    def _keep(self, values: Mapping[str, Any]) -> None:
        """Store checked `values` in their final form."""
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
        if _read_beyond(self) != _NOTHING_BEYOND:
            put(self, "prompt_syntax", PromptSyntax(self.prompt_syntax))
            put(self, "vae_id", self.vae_id and self.vae_id.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationResult(Outcome):
    """The pictures of a request with its seed."""

    request: GenerationRequest


_FIELDS = dataclasses.fields(GenerationRequest)
_REQUIRED = frozenset(each.name for each in _FIELDS if each.default is dataclasses.MISSING)
_DEFAULTS = tuple((each.name, each.default) for each in _FIELDS if each.name not in _REQUIRED)
_BEYOND = tuple(each.name for each in _FIELDS if each.name not in LIMITS)
_NOTHING_BEYOND = tuple(each.default for each in _FIELDS if each.name not in LIMITS)
_read_beyond = attrgetter(*_BEYOND)
_PARTS = part_names(GenerationRequest)
