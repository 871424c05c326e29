"""Parts of a request as a client sends them, checked without any look-up."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.errors import FieldProblem, InvalidRequest
from domain.generation.forms.part_fields import OBJECTS, PART_FIELDS, PICTURES, SOURCE_FIELDS
from domain.generation.parts import SecondPass, SourceImage, Upscale
from domain.pictures import PictureRef

__all__ = ["NO_PARTS", "SentParts", "SentPicture", "sent_problems"]

_SOME_ID = "0" * 64
_SOME_PICTURE = PictureRef(id=_SOME_ID, media_type="image/png", size=1, width=1, height=1)
"""Stands for a picture that is not looked up yet, so that a part can check its other values."""
_SHOWN_CHARACTERS = 40
_KINDS: Mapping[str, type] = {"second_pass": SecondPass, "upscale": Upscale}
_MODEL_NAMES = tuple(
    name for name in PART_FIELDS if name in ("second_pass.upscaler", "upscale.model_id")
)


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A picture of a request: its file, or the id of one that was sent or drawn before.

    Attributes:
        data: The file; None if `id` names the picture.
        id: SHA-256 of the file, 64 hex digits in either case; None if the file is here.

    Raises:
        ValueError: Not exactly one of them is given.
    """

    data: bytes | None = field(default=None, repr=False)
    id: str | None = None

    def __post_init__(self) -> None:
        if (self.data is None) == (self.id is None):
            raise ValueError("a picture has either data or an id")
        if self.id is not None:
            object.__setattr__(self, "id", self.id.lower())


class SentParts:
    """Checked parts of a request. Their pictures and models are not looked up yet.

    Args:
        values: The values by the names of `PART_FIELDS`. `second_pass` and `upscale` are mappings.
            A picture is a `SentPicture`. None counts as left out where the field is optional.
        wrong: Fields that are known to be wrong. No other field needs them.

    Attributes:
        pictures: The pictures by their fields.
        source: The other values of a `SourceImage`; None without `init_image`.
        second_pass: The values of a `SecondPass`; its `upscaler` may be any name of a model.
        upscale: The values of an `Upscale`; its `model_id` may be any name of a model.

    Raises:
        InvalidRequest: One row for each wrong field, by the names of the package's docstring.
    """

    __slots__ = ("pictures", "second_pass", "source", "upscale")

    def __init__(self, values: Mapping[str, Any] = {}, *, wrong: Collection[str] = ()) -> None:
        if problems := sent_problems(values, wrong=wrong):
            raise InvalidRequest(problems)
        given = {name: value for name, value in values.items() if value is not None}
        self.pictures: Mapping[str, SentPicture] = {
            name: given[name] for name in PICTURES if name in given
        }
        rest = {name: given[name] for name in SOURCE_FIELDS if name in given}
        source = {name: value for name, value in rest.items() if name not in PICTURES}
        self.source: Mapping[str, Any] | None = source if "init_image" in given else None
        self.second_pass: Mapping[str, Any] | None = given.get("second_pass")
        self.upscale: Mapping[str, Any] | None = given.get("upscale")

    def drop_files(self) -> None:
        """Forget the pictures, so that a request that waits long does not hold their files."""
        self.pictures = {}

    @property
    def upscalers(self) -> tuple[str, ...]:
        """The names of the upscaler models that the parts need."""
        names = [None if self.upscale is None else self.upscale["model_id"]]
        if self.second_pass is not None:
            names.append(self.second_pass.get("upscaler"))
        return tuple(each for each in names if each and each not in SecondPass.UPSCALERS)

    def __bool__(self) -> bool:
        return any(each is not None for each in (self.source, self.second_pass, self.upscale))


def sent_problems(values: Mapping[str, Any], *, wrong: Collection[str] = ()) -> list[FieldProblem]:
    """Return one row for each wrong field. The arguments are those of `SentParts`."""
    if not values:
        return []
    rows = {row.field: row for row in _each_problem(values)}
    known = {*wrong, *rows}
    for name in SOURCE_FIELDS:
        needs = PART_FIELDS[name].needs
        if not needs or values.get(name) is None or name in known:
            continue
        if values.get(needs) is None and needs not in known:
            text = f"needs {_with_article(needs)}; send one, or leave {name} out"
            rows[name] = FieldProblem(name, text)
    order = [*PART_FIELDS, *OBJECTS]
    return [rows[name] for name in (*order, *sorted(rows.keys() - {*order})) if name in rows]


def _each_problem(values: Mapping[str, Any]) -> Iterator[FieldProblem]:
    for name in values.keys() - PART_FIELDS.keys() - OBJECTS.keys():
        raise TypeError(f"{name} is not a part of a request")
    source = {name: values[name] for name in SOURCE_FIELDS if name in values}
    for name in PICTURES:
        if not isinstance(picture := source.pop(name, None), SentPicture | None):
            yield FieldProblem(name, "must be a picture")
        elif (
            picture is not None
            and picture.id is not None
            and (message := PART_FIELDS[name].limit.problem(picture.id)) is not None
        ):
            yield FieldProblem(f"{name}.id", message)
    pictures = dict.fromkeys(PICTURES, _SOME_PICTURE)
    yield from _problems_of(SourceImage, source, "", **pictures)
    for name, kind in _KINDS.items():
        if (value := values.get(name)) is None:
            continue
        if isinstance(value, Mapping):
            yield from _problems_of(kind, value, f"{name}.")
        else:
            yield FieldProblem(name, "must be an object")


def _problems_of(
    kind: Any, values: Mapping[str, Any], within: str, **others: Any
) -> Iterator[FieldProblem]:
    """Return what is wrong with the values of a part. `within` is the start of their names."""
    good = dict(others)
    rows = {
        name: PART_FIELDS[f"{within}{name}"] for name in values if f"{within}{name}" in PART_FIELDS
    }
    for name in values.keys() - rows.keys():
        shown = str(name)[:_SHOWN_CHARACTERS]
        yield FieldProblem(f"{within}{shown}", "is not a field of this request")
    for name, row in rows.items():
        value = values[name]
        if value is None:
            if not row.is_optional:
                yield FieldProblem(row.name, "must not be null")
        elif row.name in _MODEL_NAMES:
            if (message := row.limit.problem(value)) is not None:
                yield FieldProblem(row.name, message)
        else:
            good[name] = value
    if kind is Upscale:
        if "model_id" not in values:
            yield FieldProblem("upscale.model_id", "is required")
        good["model_id"] = _SOME_ID
    try:
        kind(**good)
    except InvalidRequest as error:
        for problem in error.problems:
            yield FieldProblem(f"{within}{problem.field}", problem.message)


def _with_article(name: str) -> str:
    return f"an {name}" if name.startswith("i") else f"a {name}"


NO_PARTS = SentParts()
