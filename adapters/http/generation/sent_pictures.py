"""Reads the parts of a request from JSON: pictures as base64 or ids, and whole numbers."""

import binascii
import re
from collections.abc import Mapping
from typing import Any

from application.parts import SentPicture
from domain.errors import FieldProblem
from domain.generation.forms.part_fields import PARTS, AnyPartField, PartField, PartObject
from domain.limits import IntegerRange
from domain.pictures import PictureRef

__all__ = ["sent_parts", "sent_picture"]

_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_BLANKS = {ord(each): None for each in " \t\r\n"}
_SHOWN_CHARACTERS = 40
_MEMBERS = frozenset({"base64", "id"})
_WRONG = object()
"""Stands for a picture that is wrong."""


def sent_parts(
    values: Mapping[str, Any], *, lenient: bool = False
) -> tuple[dict[str, Any], list[FieldProblem]]:
    """Return the values of the parts for `SentParts`, and what is wrong with their JSON.

    A picture that is wrong is not among the values. With `lenient`, null counts as left out.
    """
    problems: list[FieldProblem] = []
    given = {name: each for name, each in values.items() if each is not None or not lenient}
    return _members(PARTS, given, "", problems), problems


def _members(
    members: Mapping[str, AnyPartField],
    values: Mapping[str, Any],
    within: str,
    problems: list[FieldProblem],
) -> dict[str, Any]:
    read = {
        name: _value(members.get(name), each, f"{within}{name}", problems)
        for name, each in values.items()
    }
    return {name: each for name, each in read.items() if each is not _WRONG}


def _value(
    field: AnyPartField | None, value: Any, path: str, problems: list[FieldProblem]
) -> object:
    if field is None or value is None or isinstance(value, SentPicture):  # a form has the file
        return value
    if isinstance(field, PartField):
        return _picture(path, value, problems) if field.is_picture else _whole(field, value)
    if field.is_list and isinstance(value, list):
        if len(value) > field.most:
            return value  # the application refuses it, so its pictures need not be decoded
        return [_entry(field, each, f"{path}[{n}]", problems) for n, each in enumerate(value)]
    return value if field.is_list else _entry(field, value, path, problems)


def _entry(field: PartObject, value: Any, path: str, problems: list[FieldProblem]) -> object:
    if not isinstance(value, dict):
        return value
    return _members(field.members, value, f"{path}.", problems)


def _picture(path: str, value: object, problems: list[FieldProblem]) -> object:
    picture = sent_picture(path, value)
    if isinstance(picture, SentPicture):
        return picture
    problems.append(picture)
    return _WRONG


def sent_picture(name: str, value: object) -> SentPicture | FieldProblem:
    """Return the picture in a field of a body, or what is wrong with its JSON."""
    if not isinstance(value, dict):
        return FieldProblem(name, 'must be an object: {"base64": …} or {"id": …}')
    if unknown := value.keys() - _MEMBERS:
        shown = str(min(unknown))[:_SHOWN_CHARACTERS]
        return FieldProblem(f"{name}.{shown}", "is not a field of a picture")
    if len(value) != 1:
        how = "has both base64 and id; send one of them" if value else "needs base64 or id"
        return FieldProblem(name, how)
    ((member, text),) = value.items()
    if not isinstance(text, str):
        return FieldProblem(f"{name}.{member}", "must be text")
    if member == "id":
        message = PictureRef.ID.problem(text)
        return SentPicture(id=text) if message is None else FieldProblem(f"{name}.id", message)
    return decoded_picture(f"{name}.base64", text)


def decoded_picture(field: str, text: str) -> SentPicture | FieldProblem:
    """Return the picture in base64 (RFC 4648, section 4), which may be a data URL (RFC 2397).

    Blanks and line ends are skipped, because some encoders write lines.
    """
    if url := _DATA_URL.match(text):
        text = text[url.end() :]
    elif text[:5].lower() == "data:":
        return FieldProblem(field, "is a data URL without ;base64; send base64")
    try:
        data = _bytes(text)
    except ValueError:
        return FieldProblem(field, "is not base64 as in RFC 4648, section 4")
    if not data:
        return FieldProblem(field, "is empty; send the file of a picture")
    return SentPicture(data=data)


def _bytes(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return binascii.a2b_base64(text.translate(_BLANKS), strict_mode=True)


def _whole(field: PartField, value: object) -> object:
    """Return an integer for a value such as 30.0, which is an integer in JSON Schema."""
    if isinstance(field.limit, IntegerRange) and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
