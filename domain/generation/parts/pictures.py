"""The source pictures of a request: its initial image, its mask, and those of ControlNets."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

from domain.errors import FieldProblem
from domain.generation.fields import ModelId
from domain.generation.parts.checks import (
    is_a,
    own_problems,
    picture_problem,
    refuse,
    settle,
)
from domain.limits import IntegerRange, Limit, NumberRange, OneOf
from domain.pictures import PictureRef

__all__ = [
    "Control",
    "ControlMode",
    "InpaintArea",
    "MaskContent",
    "Preprocessor",
    "ResizeMode",
    "SourceImage",
]

_MODEL_ID = ModelId(64, 64)


class ResizeMode(StrEnum):
    """How a picture is resized to the requested size."""

    STRETCH = "stretch"
    CROP = "crop"
    PAD = "pad"


class MaskContent(StrEnum):
    """The initial content of the masked area."""

    ORIGINAL = "original"
    FILL = "fill"
    NOISE = "noise"
    EMPTY = "empty"


class InpaintArea(StrEnum):
    """The area that is drawn with a mask: the whole picture, or the mask's box at full size.

    With `MASKED` the picture has the size of the request, as every result. With `IN_PLACE` it keeps
    its own size, and the box is cut out of it as it is: so AUTOMATIC1111's web UI inpaints.
    """

    WHOLE = "whole"
    MASKED = "masked"
    IN_PLACE = "in_place"


class ControlMode(StrEnum):
    """Whether the prompt or the ControlNet is more important, as AUTOMATIC1111's web UI says it.

    `balanced` gives both the same weight. `prompt` lets the ControlNet have less effect on the
    coarse structure. `control` does the same, and lets the ControlNet act on the prediction with
    the prompt alone, so that guidance increases its effect.
    """

    BALANCED = "balanced"
    PROMPT = "prompt"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceImage:
    """A picture that the drawing starts from: image-to-image, and with a mask inpainting.

    The fields of a mask are None without one, and have their defaults with one.

    Attributes:
        init_image: Where the drawing starts.
        strength: The share of the schedule that is drawn; 0 is the picture itself.
        resize_mode: How both pictures are resized.
        mask_image: White is drawn again, black stays, grey mixes.
        mask_blur: Pixels, Gaussian; 4 if not given.
        mask_content: `original` if not given.
        inpaint_area: `whole` if not given.
        inpaint_padding: Pixels round the mask's box; 32 if not given.
        image_guidance_scale: How closely an eight-channel model (instruct-pix2pix) keeps the
            picture: the guidance of equation 3 of Brooks et al. 2022. None means 1.5 for these
            models. Other models do not support it.
        noise_multiplier: The factor of the noise that is added to the picture, as in
            AUTOMATIC1111's web UI. Less than 1 gives smoother pictures, and more than 1 gives more
            detail.

    Raises:
        InvalidRequest: One row for each wrong field.
    """

    DEFAULT_IMAGE_GUIDANCE: ClassVar[float] = 1.5
    LIMITS: ClassVar[Mapping[str, Limit]] = MappingProxyType(
        {
            "strength": NumberRange(0.0, 1.0),
            "resize_mode": OneOf(tuple(ResizeMode)),
            "mask_blur": IntegerRange(0, 64),
            "mask_content": OneOf(tuple(MaskContent)),
            "inpaint_area": OneOf(tuple(InpaintArea)),
            "inpaint_padding": IntegerRange(0, 256),
            "image_guidance_scale": NumberRange(1.0, 10.0),
            # The slider of AUTOMATIC1111's web UI.
            "noise_multiplier": NumberRange(0.0, 1.5),
        }
    )
    OF_A_MASK: ClassVar[Mapping[str, object]] = MappingProxyType(
        {
            "mask_blur": 4,
            "mask_content": MaskContent.ORIGINAL,
            "inpaint_area": InpaintArea.WHOLE,
            "inpaint_padding": 32,
        }
    )
    """The fields that need `mask_image`, with their defaults."""

    init_image: PictureRef
    strength: float = 0.75
    resize_mode: ResizeMode = ResizeMode.CROP
    mask_image: PictureRef | None = None
    mask_blur: int | None = None
    mask_content: MaskContent | None = None
    inpaint_area: InpaintArea | None = None
    inpaint_padding: int | None = None
    image_guidance_scale: float | None = None
    noise_multiplier: float = 1.0

    def __post_init__(self) -> None:
        optional = {"mask_image", "image_guidance_scale", *self.OF_A_MASK}
        rules = {"init_image": picture_problem, "mask_image": picture_problem}
        problems = own_problems(self, self.LIMITS, rules, optional=optional)
        wrong = {row.field for row in problems}
        if self.mask_image is None:
            problems += [
                FieldProblem(name, "needs a mask_image; send one, or leave it out")
                for name in self.OF_A_MASK
                if getattr(self, name) is not None and name not in wrong
            ]
        refuse(problems)
        if self.mask_image is not None:
            for name, default in self.OF_A_MASK.items():
                if getattr(self, name) is None:
                    object.__setattr__(self, name, default)
        settle(self, float, "strength", "image_guidance_scale", "noise_multiplier")
        settle(self, ResizeMode, "resize_mode")
        settle(self, MaskContent, "mask_content")
        settle(self, InpaintArea, "inpaint_area")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessor:
    """How a picture becomes the map of a ControlNet.

    Attributes:
        name: `canny` finds edges; `invert` swaps light and dark.
        low: The lower threshold of `canny` on gradients of 8-bit pixels; 100 if not given. None
            for other preprocessors.
        high: Its upper threshold; 200 if not given.

    Raises:
        InvalidRequest: One row for each wrong field.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = MappingProxyType(
        {
            "name": OneOf(("canny", "invert")),
            "low": IntegerRange(0, 255),
            "high": IntegerRange(0, 255),
        }
    )
    OF_CANNY: ClassVar[Mapping[str, int]] = MappingProxyType({"low": 100, "high": 200})
    PARAMETERS: ClassVar[Mapping[str, Mapping[str, int]]] = MappingProxyType(
        {"canny": OF_CANNY, "invert": MappingProxyType({})}
    )
    """The parameters of each preprocessor with their defaults, by its name."""

    name: str
    low: int | None = None
    high: int | None = None

    def __post_init__(self) -> None:
        problems = own_problems(self, self.LIMITS, optional=set(self.OF_CANNY))
        wrong = {row.field for row in problems}
        if "name" not in wrong and self.name != "canny":
            problems += [
                FieldProblem(name, f"is of canny alone; leave it out for {self.name}")
                for name in self.OF_CANNY
                if getattr(self, name) is not None and name not in wrong
            ]
        refuse(problems)
        if self.name == "canny":
            for name, default in self.OF_CANNY.items():
                if getattr(self, name) is None:
                    object.__setattr__(self, name, default)
            if self.low > self.high:  # type: ignore[operator]
                text = f"is {self.low}; it must be no more than high, which is {self.high}"
                refuse([FieldProblem("low", text)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A ControlNet, and the picture that it follows.

    Attributes:
        model_id: The id of the ControlNet.
        image: The map itself, or the picture that `preprocessor` makes it from. It is resized to
            the size that is drawn first.
        scale: The weight of the ControlNet.
        start: The share of the schedule before which it has no effect.
        end: The share of the schedule after which it has no effect.
        preprocessor: How the map is made; None if `image` is the map itself.
        resize_mode: How `image` is resized.
        mode: Whether the prompt or the ControlNet is more important.

    Raises:
        InvalidRequest: One row for each wrong field.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = MappingProxyType(
        {
            "model_id": _MODEL_ID,
            "scale": NumberRange(0.0, 2.0),
            "start": NumberRange(0.0, 1.0),
            "end": NumberRange(0.0, 1.0),
            "resize_mode": OneOf(tuple(ResizeMode)),
            "mode": OneOf(tuple(ControlMode)),
        }
    )
    LEAST_SIDE: ClassVar[int] = 8
    """Pixels on each side of the smallest picture: a single latent of the drawing."""

    model_id: str
    image: PictureRef
    scale: float = 1.0
    start: float = 0.0
    end: float = 1.0
    preprocessor: Preprocessor | None = None
    resize_mode: ResizeMode = ResizeMode.CROP
    mode: ControlMode = ControlMode.BALANCED

    def __post_init__(self) -> None:
        rules = {"image": self.image_problem, "preprocessor": is_a(Preprocessor)}
        problems = own_problems(self, self.LIMITS, rules, optional={"preprocessor"})
        if not {"start", "end"} & {row.field for row in problems} and self.start >= self.end:
            # As in diffusers: a ControlNet without any effect is a mistake.
            text = f"is {self.start}; it must be less than end, which is {self.end}"
            problems.append(FieldProblem("start", text))
        refuse(problems)
        settle(self, str.lower, "model_id")
        settle(self, float, "scale", "start", "end")
        settle(self, ResizeMode, "resize_mode")
        settle(self, ControlMode, "mode")

    @classmethod
    def image_problem(cls, value: object) -> str | None:
        """Return what is wrong with the picture of a control; None if it is valid."""
        problem = picture_problem(value)
        if problem is not None or not isinstance(value, PictureRef):
            return problem
        if min(value.width, value.height) >= cls.LEAST_SIDE:
            return None
        return (
            f"has {value.width} x {value.height} pixels, which show nothing to follow; each side "
            f"needs at least {cls.LEAST_SIDE}"
        )
