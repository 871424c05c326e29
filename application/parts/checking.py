"""Checks the parts of a request as a client sends them, without any look-up."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from application.parts.pictures import SentPicture
from domain.errors import FieldProblem, InvalidRequest
from domain.generation.forms.part_fields import (
    PART_FIELDS,
    PARTS,
    SOURCE_FIELDS,
    AnyPartField,
    PartField,
    PartObject,
    place_of,
)
from domain.generation.parts import SourceImage
from domain.generation.parts.rules import number_problem, token_problems
from domain.limits import OneOf
from domain.pictures import PictureRef

__all__ = ["sent_problems"]

_SOME_ID = "0" * 64
_SOME_PICTURE = PictureRef(id=_SOME_ID, media_type="image/png", size=1, width=64, height=64)
"""Stands for a picture that is not looked up yet, so that a part can check its other values."""
_SHOWN_CHARACTERS = 40
_ALONE = frozenset(PARTS) - {*SOURCE_FIELDS}
"""The fields of a body that no part checks, and the objects."""


def sent_problems(values: Mapping[str, Any], *, wrong: Collection[str] = ()) -> list[FieldProblem]:
    """Return one row for each wrong field, in the order of the table.

    Args:
        values: As those of `SentParts`.
        wrong: Fields that are known to be wrong, such as `init_image` or `controls[0].image.id`.
            No row says that one of them is missing.
    """
    if not values:
        return []
    if unknown := values.keys() - PARTS.keys():
        raise TypeError(f"{min(unknown)} is not a part of a request")
    known = {outer for name in wrong for outer in _outer(name)}
    rows = {row.field: row for row in _problems(values, known)}
    known |= rows.keys()
    for name in SOURCE_FIELDS:
        needs = PART_FIELDS[name].needs
        if not needs or values.get(name) is None or known & {name, f"{name}.id"}:
            continue
        if values.get(needs) is None and needs not in known:
            text = f"needs {_with_article(needs)}; send one, or leave {name} out"
            rows[name] = FieldProblem(name, text)
    return sorted(rows.values(), key=lambda row: place_of(row.field))


def _problems(values: Mapping[str, Any], known: Collection[str]) -> Iterator[FieldProblem]:
    source = {name: values[name] for name in SOURCE_FIELDS if name in values}
    fields = {name: PARTS[name] for name in SOURCE_FIELDS}
    stand_ins = {"init_image": _SOME_PICTURE, "mask_image": _SOME_PICTURE}
    yield from _members(SourceImage, fields, source, "", known, stand_ins)
    for name, value in values.items():
        if name not in SOURCE_FIELDS:
            yield from _value(PARTS[name], value, name, known, {})


def _value(
    field: AnyPartField, value: Any, path: str, known: Collection[str], good: dict[str, Any]
) -> Iterator[FieldProblem]:
    """Return what is wrong with a value. Put what its object can check into `good`."""
    if value is None and (isinstance(field, PartObject) or field.is_optional):
        return
    if isinstance(field, PartObject):
        check = _of_list if field.is_list else _of_object
        yield from check(field, value, path, known)
    elif value is None:
        yield FieldProblem(path, "must not be null")
    elif field.is_picture:
        if not isinstance(value, SentPicture):
            yield FieldProblem(path, "must be a picture")
        elif value.id is not None and (message := field.limit.problem(value.id)) is not None:
            yield FieldProblem(f"{path}.id", message)
    elif field.is_model or path in _ALONE:
        if value not in field.words and (message := field.limit.problem(value)) is not None:
            yield FieldProblem(path, message)
    else:
        good[path.rpartition(".")[2]] = value


def _of_list(
    field: PartObject, value: Any, path: str, known: Collection[str]
) -> Iterator[FieldProblem]:
    if not isinstance(value, list | tuple):
        yield FieldProblem(path, "must be a list of objects")
        return
    if message := number_problem(path, len(value)):
        yield FieldProblem(path, message)
        return
    rows: list[FieldProblem] = []
    for number, each in enumerate(value):
        rows += _of_object(field, each, f"{path}[{number}]", known)
    yield from rows
    if "token" in field.members:
        wrong = {row.field for row in rows}
        tokens = [
            None
            if not isinstance(each, Mapping) or f"{path}[{number}].token" in wrong
            # A value that is not text has a row.
            else each.get("token")
            for number, each in enumerate(value)
        ]
        yield from token_problems(tokens)


def _of_object(
    field: PartObject, value: Any, path: str, known: Collection[str]
) -> Iterator[FieldProblem]:
    if field.short and isinstance(value, str):
        member = field.members[field.short]
        if isinstance(member, PartField) and (message := member.limit.problem(value)) is not None:
            yield FieldProblem(path, message)
    elif isinstance(value, Mapping):
        stand_ins = {
            own: _stand_in(member)
            for own, member in field.members.items()
            if isinstance(member, PartField) and member.is_required
        }
        yield from _members(field.kind, field.members, value, f"{path}.", known, stand_ins)
    else:
        kinds = "text or an object" if field.short else "an object"
        yield FieldProblem(path, f"must be {kinds}")


def _members(
    kind: Any,
    members: Mapping[str, AnyPartField],
    values: Mapping[str, Any],
    within: str,
    known: Collection[str],
    stand_ins: Mapping[str, Any],
) -> Iterator[FieldProblem]:
    """Return what is wrong with the values of a part. `within` is the start of their names.

    The part itself checks its values together. `stand_ins` are what it needs for that.
    """
    good = dict(stand_ins)
    for name in values.keys() - members.keys():
        shown = str(name)[:_SHOWN_CHARACTERS]
        yield FieldProblem(f"{within}{shown}", "is not a field of this request")
    for own, member in members.items():
        path = f"{within}{own}"
        if own in values:
            yield from _value(member, values[own], path, known, good)
        elif isinstance(member, PartField) and member.is_required and path not in known:
            yield FieldProblem(path, "is required")
    try:
        kind(**good)
    except InvalidRequest as error:
        for problem in error.problems:
            yield FieldProblem(f"{within}{problem.field}", problem.message)


def _stand_in(field: PartField) -> Any:
    """Return a value for a field that is required, so that its part can check the others."""
    if field.is_picture:
        return _SOME_PICTURE
    return field.limit.words[0] if isinstance(field.limit, OneOf) else _SOME_ID


def _outer(name: str) -> Iterator[str]:
    """Return a name and the names of all objects that it is in."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def _with_article(name: str) -> str:
    return f"an {name}" if name.startswith("i") else f"a {name}"
