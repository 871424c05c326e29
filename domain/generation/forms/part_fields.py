"""The fields of a request for its parts: pictures, models beside the checkpoint, further passes.

APIs have these fields beside those of `FIELDS`. `PARTS` is a tree of them. A field has one value.
An object has fields inside, such as `second_pass`. A list has several such objects, such as
`loras`.

The path of a field has a dot before each name inside an object, and `[]` after the name of a list:
`second_pass.scale`, `loras[].scale`, `controls[].preprocessor.low`. In a message about a request
`loras[1].scale` is the scale of the second LoRA. The limits and the defaults are those of the
parts, which are values that check themselves.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from domain.generation.fields import MODEL_NAME, RequestField
from domain.generation.forms.told import TOLD
from domain.generation.parts import (
    Control,
    Embedding,
    Lora,
    Preprocessor,
    PromptSyntax,
    SecondPass,
    SourceImage,
    Upscale,
)
from domain.generation.parts.rules import MOST, PLAIN
from domain.limits import Limit
from domain.models.record import ModelKind
from domain.pictures import PictureId

__all__ = [
    "OBJECTS",
    "PARTS",
    "PART_FIELDS",
    "PART_NAMES",
    "SOURCE_FIELDS",
    "AnyPartField",
    "PartField",
    "PartObject",
    "field_at",
    "place_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartField(RequestField):
    """A field for a part of a request, as every API has it. Its `name` is its path.

    Attributes:
        default: The default; None for none.
        needs: The field without which it has no meaning; empty for none.
        is_picture: Whether its value is a picture. Its limit is then that of the picture's id.
        model: The kind of the model that its value names; None if it names none. The request has
            the id.
        is_required: Whether the object that it is in cannot be without it.
        words: The values of a name of a model that stand for themselves.
    """

    default: Any = None
    needs: str = ""
    is_picture: bool = False
    model: ModelKind | None = None
    is_required: bool = False
    words: tuple[str, ...] = ()

    @property
    def is_model(self) -> bool:
        """Whether its value names a model."""
        return self.model is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartObject:
    """An object with fields inside, or a list of such objects. All of them are optional.

    Attributes:
        name: Its path, without the `[]` of a list.
        kind: The class of the part, whose attributes have the names of the fields.
        label: A word or two for a form.
        meaning: A description for people.
        members: The fields and objects inside, by their own names.
        most: The most entries of a list; 0 for an object.
        short: The member that a text alone stands for; empty if only an object is allowed.
    """

    name: str
    kind: Any
    label: str
    meaning: str
    members: Mapping[str, "AnyPartField"]
    most: int = 0
    short: str = ""

    @property
    def is_list(self) -> bool:
        """Whether it is a list of objects."""
        return self.most > 0


AnyPartField: TypeAlias = PartField | PartObject

_PICTURE_ID = PictureId(64, 64)
_DEFAULTS_OF_REQUEST = {"vae_id": None, "prompt_syntax": PromptSyntax.PLAIN, "clip_skip": 1}
_KINDS: Mapping[str, Any] = {
    "second_pass": SecondPass,
    "upscale": Upscale,
    "loras": Lora,
    "embeddings": Embedding,
    "controls": Control,
    "controls[].preprocessor": Preprocessor,
}
_MEANINGS: Mapping[str, tuple[str, str]] = {
    "second_pass": (
        "Second pass",
        "Draws the picture, enlarges it, and draws it again (hires fix).",
    ),
    "upscale": ("Upscale", "Enlarges the finished picture with an upscaler model."),
    "loras": ("LoRAs", "LoRAs that change the model and its text encoders for this request alone."),
    "embeddings": ("Embeddings", "Words of the prompts that stand for the vectors of a file."),
    "controls": ("ControlNets", "ControlNets, each with the picture that the drawing follows."),
    "controls[].preprocessor": (
        "Preprocessor",
        "How the map is made from `image`: the name alone, or an object with more settings. If "
        "left out, `image` is the map itself.",
    ),
}
_MODELS: Mapping[str, ModelKind] = {
    "second_pass.upscaler": ModelKind.UPSCALER,
    "upscale.model_id": ModelKind.UPSCALER,
    "loras[].model_id": ModelKind.LORA,
    "embeddings[].model_id": ModelKind.EMBEDDING,
    "vae_id": ModelKind.VAE,
    "controls[].model_id": ModelKind.CONTROLNET,
}
_SHORT = {"controls[].preprocessor": "name"}
_INDEX = re.compile(r"\[([0-9]*)\]")


def _row(path: str, told: Mapping[str, Any]) -> PartField:
    within, _, own = path.rpartition(".")
    within = within.removesuffix("[]")
    if path in PLAIN:
        default: Any = _DEFAULTS_OF_REQUEST[path]
        is_picture = False
        limit: Limit = PLAIN[path]
        needs = ""
        of_a_mask: Mapping[str, object] = {}
    else:
        part: Any = _KINDS.get(within, SourceImage)
        default = next(each.default for each in dataclasses.fields(part) if each.name == own)
        is_picture = own not in part.LIMITS and own.endswith("image")
        needs = "" if within or own == "init_image" else "init_image"
        of_a_mask = {} if within else SourceImage.OF_A_MASK
        limit = _PICTURE_ID if is_picture else part.LIMITS.get(own, MODEL_NAME)
    facts: dict[str, Any] = {
        "default": None if default is dataclasses.MISSING else of_a_mask.get(own, default),
        "is_optional": default is None or (is_picture and not within),
        "is_required": bool(within) and default is dataclasses.MISSING,
        "needs": "mask_image" if own in of_a_mask else needs,
        "words": SecondPass.UPSCALERS if own == "upscaler" else (),
        **told,
    }
    return PartField(
        name=path,
        limit=MODEL_NAME if path in _MODELS else limit,
        is_picture=is_picture,
        model=_MODELS.get(path),
        is_of_images=False,
        **facts,
    )


def _tree(rows: Mapping[str, PartField]) -> dict[str, AnyPartField]:
    """Return the fields and objects at the top, by name."""
    top: dict[str, AnyPartField] = {}
    members: dict[str, dict[str, AnyPartField]] = {}
    for path, row in rows.items():
        within, _, own = path.rpartition(".")
        _members(within.removesuffix("[]"), top, members)[own] = row
    return top


def _members(
    path: str, top: dict[str, AnyPartField], known: dict[str, dict[str, AnyPartField]]
) -> dict[str, AnyPartField]:
    """Return the members of the object at `path`, which is made if it is new."""
    if not path:
        return top
    if path not in known:
        within, _, own = path.rpartition(".")
        label, meaning = _MEANINGS[path]
        known[path] = {}
        _members(within.removesuffix("[]"), top, known)[own] = PartObject(
            name=path,
            kind=_KINDS[path],
            label=label,
            meaning=meaning,
            members=MappingProxyType(known[path]),
            most=MOST.get(path, 0),
            short=_SHORT.get(path, ""),
        )
    return known[path]


def _objects(fields: Mapping[str, AnyPartField]) -> Iterator[PartObject]:
    for field in fields.values():
        if isinstance(field, PartObject):
            yield field
            yield from _objects(field.members)


PART_FIELDS: Mapping[str, PartField] = MappingProxyType(
    {path: _row(path, told) for path, told in TOLD}
)
"""The fields by their paths, in the order in which APIs list them."""
PARTS: Mapping[str, AnyPartField] = MappingProxyType(_tree(PART_FIELDS))
"""The fields of a body, by name, in the same order."""
PART_NAMES = tuple(PARTS)
"""The names of the fields of a body."""
OBJECTS: Mapping[str, PartObject] = MappingProxyType({each.name: each for each in _objects(PARTS)})
"""The objects and the lists of objects, by their paths."""
SOURCE_FIELDS = tuple(
    each.name for each in dataclasses.fields(SourceImage) if each.name in PART_FIELDS
)
"""The fields of `SourceImage`, which are not in an object."""


def field_at(path: str) -> PartField | None:
    """Return the field at a place of a request, such as `loras[1].scale`; None for no such field.

    A picture has its own fields `id` and `base64`, whose field is the picture.
    """
    bare = _INDEX.sub("[]", path)
    return PART_FIELDS.get(bare) or PART_FIELDS.get(bare.rpartition(".")[0])


def place_of(path: str) -> tuple[int, ...]:
    """Return a key that sorts the fields of a request, such as `loras[1].scale`, as APIs list them.

    Unknown names come after the known ones of their object.
    """
    key: list[int] = []
    members: Mapping[str, AnyPartField] = PARTS
    for name in path.split("."):
        bare = _INDEX.sub("", name)
        names = list(members)
        key.append(names.index(bare) if bare in members else len(names))
        index = _INDEX.search(name)
        key.append(int(index[1]) + 1 if index and index[1] else 0)
        field = members.get(bare)
        members = field.members if isinstance(field, PartObject) else {}
    return tuple(key)
