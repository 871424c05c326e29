"""Reads the parts of a request from JSON: pictures as base64 or ids, and whole numbers."""

import binascii
import re
from collections.abc import Mapping
from typing import Any

from application.parts import SentPicture
from domain.errors import FieldProblem
from domain.generation.forms.part_fields import OBJECTS, PART_FIELDS, PICTURES
from domain.limits import IntegerRange
from domain.pictures import PictureRef

__all__ = ["sent_parts", "sent_picture"]

_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_BLANKS = {ord(each): None for each in " \t\r\n"}
_SHOWN_CHARACTERS = 40
_MEMBERS = frozenset({"base64", "id"})


def sent_parts(
    values: Mapping[str, Any], *, lenient: bool = False
) -> tuple[dict[str, Any], list[FieldProblem]]:
    """Return the values of the parts for `SentParts`, and what is wrong with their JSON.

    A value that is wrong is not among the values. With `lenient`, null counts as left out.
    """
    found: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for name, value in values.items():
        if value is None and lenient:
            continue
        if isinstance(value, SentPicture):  # a form has the file itself
            found[name] = value
        elif name in PICTURES and value is not None:
            picture = sent_picture(name, value)
            if isinstance(picture, SentPicture):
                found[name] = picture
            else:
                problems.append(picture)
        elif name in OBJECTS and isinstance(value, dict):
            found[name] = {own: _whole(f"{name}.{own}", each) for own, each in value.items()}
        else:
            found[name] = _whole(name, value)
    return found, problems


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


def _whole(name: str, value: object) -> object:
    """Return an integer for a value such as 30.0, which is an integer in JSON Schema."""
    row = PART_FIELDS.get(name)
    is_whole = isinstance(value, float) and value.is_integer()
    if row is not None and isinstance(row.limit, IntegerRange) and is_whole:
        return int(value)  # type: ignore[call-overload]
    return value
