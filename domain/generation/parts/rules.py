"""The models and pictures that the parts of a request need, and the rules between parts.

`request` is a `GenerationRequest`, which checks itself with these functions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from domain.errors import FieldProblem
from domain.generation.fields import ModelId
from domain.generation.output_formats import OutputFormat, side_problem
from domain.generation.parts import (
    Control,
    Embedding,
    InpaintArea,
    Lora,
    PromptSyntax,
    SecondPass,
    SourceImage,
    Upscale,
)
from domain.limits import IntegerRange, Limit, OneOf
from domain.pictures import MOST_PIXELS_DRAWN, PictureRef
from domain.sizes import LARGEST_SIDE

__all__ = [
    "MOST",
    "PLAIN",
    "ModelRole",
    "ModelUse",
    "models_of",
    "number_problem",
    "part_problems",
    "pictures_of",
    "token_problems",
]

_ONE: Mapping[str, type] = MappingProxyType(
    {"source": SourceImage, "second_pass": SecondPass, "upscale": Upscale}
)
_SEVERAL: Mapping[str, type] = MappingProxyType(
    {"loras": Lora, "embeddings": Embedding, "controls": Control}
)
MOST: Mapping[str, int] = MappingProxyType({"loras": 8, "embeddings": 16, "controls": 4})
"""The most parts of each field that has several."""
PLAIN: Mapping[str, Limit] = MappingProxyType(
    {
        "vae_id": ModelId(64, 64),
        "prompt_syntax": OneOf(tuple(PromptSyntax)),
        "clip_skip": IntegerRange(1, 12),
    }
)
"""The limits of the fields that are not parts themselves."""


class ModelRole(StrEnum):
    """The purpose of a model in a request."""

    CHECKPOINT = "checkpoint"
    VAE = "vae"
    LORA = "lora"
    EMBEDDING = "embedding"
    CONTROLNET = "controlnet"
    UPSCALER = "upscaler"


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model that a request needs, its purpose, and the field that names it."""

    role: ModelRole
    model_id: str
    field: str


def models_of(request: Any) -> tuple[ModelUse, ...]:
    """Return the models that a request needs, the checkpoint first."""
    uses = [ModelUse(ModelRole.CHECKPOINT, request.model_id, "model_id")]
    if request.vae_id is not None:
        uses.append(ModelUse(ModelRole.VAE, request.vae_id, "vae_id"))
    several = (
        ("loras", ModelRole.LORA),
        ("embeddings", ModelRole.EMBEDDING),
        ("controls", ModelRole.CONTROLNET),
    )
    for name, role in several:
        uses += [
            ModelUse(role, part.model_id, f"{name}[{number}].model_id")
            for number, part in enumerate(getattr(request, name))
        ]
    if request.second_pass is not None and (upscaler := request.second_pass.model_id) is not None:
        uses.append(ModelUse(ModelRole.UPSCALER, upscaler, "second_pass.upscaler"))
    if request.upscale is not None:
        uses.append(ModelUse(ModelRole.UPSCALER, request.upscale.model_id, "upscale.model_id"))
    return tuple(uses)


def pictures_of(request: Any) -> tuple[PictureRef, ...]:
    """Return the pictures that a request needs: the initial image, the mask, and the controls'."""
    source = request.source
    own = () if source is None else (source.init_image, source.mask_image)
    return (
        *(picture for picture in own if picture is not None),
        *(control.image for control in request.controls),
    )


def part_problems(request: Any) -> Iterator[FieldProblem]:
    """Return one row for each part that does not fit the others. Each part is valid by itself."""
    wrong = set()
    for name, message in _kinds(request):
        wrong.add(name)
        yield FieldProblem(name, message)
    if "embeddings" not in wrong:
        yield from token_problems([each.token for each in request.embeddings])
    if not {"source", "second_pass", "upscale"} & wrong:
        yield from _sizes(request)


def _kinds(request: Any) -> Iterator[tuple[str, str]]:
    for name, kind in _ONE.items():
        value = getattr(request, name)
        if value is not None and not isinstance(value, kind):
            yield name, f"must be a {kind.__name__}"
    for name, kind in _SEVERAL.items():
        values = getattr(request, name)
        if values == ():
            continue
        if not isinstance(values, tuple) or not all(isinstance(each, kind) for each in values):
            yield name, f"must be a tuple of {kind.__name__}"
        elif message := number_problem(name, len(values)):
            yield name, message
    for name, limit in PLAIN.items():
        value = getattr(request, name)
        if (value is None and name == "vae_id") or (message := limit.problem(value)) is None:
            continue
        yield name, message


def number_problem(name: str, number: int) -> str | None:
    """Return what is wrong with this number of entries of a field; None if it is valid."""
    if number <= MOST[name]:
        return None
    return f"has {number} entries; it may have at most {MOST[name]}"


def token_problems(tokens: Sequence[str | None]) -> Iterator[FieldProblem]:
    """Return one row for each token of the embeddings that an earlier one has too.

    Blanks of different lengths count as equal, as in a prompt. None is a token that is not known
    yet.
    """
    first: dict[str, int] = {}
    for number, token in enumerate(tokens):
        if token is None:
            continue
        word = " ".join(token.split())
        if word in first:
            text = f"is {token[:40]!a}, as that of embeddings[{first[word]}] is; one of them needs "
            yield FieldProblem(f"embeddings[{number}].token", f"{text}another token")
        first.setdefault(word, number)


def _sizes(request: Any) -> Iterator[FieldProblem]:
    """Check the size of the result, if the sides of the request are numbers."""
    sides: list[Any] = [request.width, request.height]
    if not all(type(side) is int for side in sides):
        return
    source = request.source
    if source is not None and source.inpaint_area is InpaintArea.IN_PLACE:
        sides = [source.init_image.width, source.init_image.height]
        if request.second_pass is not None:
            text = "cannot be drawn with inpaint_area in_place; leave one of them out"
            yield FieldProblem("second_pass", text)
            return
        if request.output_format in list(OutputFormat) and (
            message := side_problem(sides[0], sides[1], OutputFormat(request.output_format))
        ):
            text = f"is in_place, which makes {message}; ask for another output_format"
            yield FieldProblem("inpaint_area", text)
            return
    if request.second_pass is not None:
        scale = request.second_pass.scale
        sides = [round(side * scale) for side in sides]
        if max(sides) > LARGEST_SIDE:
            yield FieldProblem(
                "second_pass.scale",
                f"is {scale:g}, which makes {sides[0]} x {sides[1]} pixels; a side may have at "
                f"most {LARGEST_SIDE}",
            )
            return
    if request.upscale is not None and (scale := request.upscale.scale or 0):
        sides = [round(side * scale) for side in sides]
        if sides[0] * sides[1] > MOST_PIXELS_DRAWN:
            yield FieldProblem(
                "upscale.scale",
                f"is {scale:g}, which makes {sides[0]} x {sides[1]} pixels; a picture has at most "
                f"{MOST_PIXELS_DRAWN}",
            )
        elif request.output_format in list(OutputFormat):
            output_format = OutputFormat(request.output_format)
            if message := side_problem(sides[0], sides[1], output_format):
                yield FieldProblem(
                    "upscale.scale",
                    f"is {scale:g}, which makes {message}; ask for another output_format",
                )
