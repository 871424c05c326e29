"""Reads lists and objects of a request from the names and texts of a form.

The official clients write `extra_body={"loras": [{"model_id": "a", "scale": 0.5}]}` as
`loras[][model_id]=a` and `loras[][scale]=0.5` (for Python `_serialize_multipartform` in
`_base_client.py` of `openai` 3.54, for Node `addFormValue` in `uploads.ts`). The client for Python
sorts them by name, so a form alone does not say which scale belongs to which LoRA if one has none.
Other programs write `loras[0][model_id]=a`, and curl a JSON text: `loras=[{"model_id": "a"}]`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.http.edge.bodies import parse_json
from domain.errors import FieldProblem, InvalidRequest
from domain.generation.forms.part_fields import PARTS, AnyPartField, PartField, PartObject
from domain.limits import IntegerRange, NumberRange

__all__ = ["number_in", "parts_of_form", "split_name"]

_NAME = re.compile(r"([a-z_]{1,64})((?:\[[a-z0-9_]{0,64}\]){0,8})")
_INSIDE = re.compile(r"\[([a-z0-9_]*)\]")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,400})(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?")
"""A number of JSON (RFC 8259, section 6)."""
_UNEVEN = (
    "has entries with different members, and a form does not say which value belongs to which; "
    'send the list as JSON text, such as [{{"model_id": "…"}}, …], or number the entries, such as '
    "{name}[0][model_id]"
)

_Path = tuple[str, ...]


def split_name(name: str) -> tuple[str, _Path] | None:
    """Return the name before the brackets of a form's name, and the names in them, or None."""
    found = _NAME.fullmatch(name)
    return None if found is None else (found[1], tuple(_INSIDE.findall(found[2])))


def parts_of_form(texts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the objects and the lists of objects in a form, with the types that JSON has.

    A text that is not what its field needs stays a text, so that the core says what is wrong.

    Args:
        texts: All texts of each name.

    Raises:
        InvalidRequest: The form does not say which values of a list belong together.
    """
    by_field: dict[str, list[tuple[_Path, Sequence[str]]]] = {}
    for name, values in texts.items():
        split = split_name(name)
        if split is not None and isinstance(PARTS.get(split[0]), PartObject):
            by_field.setdefault(split[0], []).append((split[1], values))
    found = {}
    for name, given in by_field.items():
        field = PARTS[name]
        assert isinstance(field, PartObject)  # noqa: S101 - tells mypy
        value = _list(field, given) if field.is_list else _object(field, given)
        if value not in ("", []):
            found[name] = value
    return found


def number_in(text: str) -> int | float | str:
    """Return the number that `text` is in JSON; the text itself if it is not one."""
    if not (found := _NUMBER.fullmatch(text)):
        return text
    return float(text) if found[2] or found[3] else int(text)


def _list(field: PartObject, given: Sequence[tuple[_Path, Sequence[str]]]) -> Any:
    """Return the entries of a list: those of JSON texts, numbered ones, then the others."""
    entries: list[Any] = []
    numbered: dict[int, dict[str, Any]] = {}
    columns: dict[_Path, Sequence[str]] = {}
    for path, texts in given:
        place, inside = path[:1], path[1:]
        if not inside and (not place or not place[0]):
            entries += _entries(texts)
        elif place[0].isdigit() and inside:
            _put(field, numbered.setdefault(int(place[0]), {}), inside, texts[-1])
        elif not place[0] and inside:
            columns[inside] = texts
        else:
            entries += texts
    entries += [numbered[number] for number in sorted(numbered)]
    lengths = {len(texts) for texts in columns.values()}
    if len(lengths) > 1:
        raise InvalidRequest([FieldProblem(field.name, _UNEVEN.format(name=field.name))])
    for number in range(max(lengths, default=0)):
        entry: dict[str, Any] = {}
        for inside, texts in columns.items():
            _put(field, entry, inside, texts[number])
        entries.append(entry)
    return entries


def _entries(texts: Sequence[str]) -> Iterator[Any]:
    for text in texts:
        value = _json(text)
        if isinstance(value, list):
            yield from value
        elif value != "":
            yield value


def _object(field: PartObject, given: Sequence[tuple[_Path, Sequence[str]]]) -> Any:
    value: Any = ""
    made: dict[str, Any] = {}
    for path, texts in given:
        if path:
            _put(field, made, path, texts[-1])
        else:
            value = _json(texts[-1])
    return {**value, **made} if isinstance(value, dict) else made or value


def _put(field: PartObject, into: dict[str, Any], path: _Path, text: str) -> None:
    """Put a text into an object, at a path of names."""
    name, inside = path[0], path[1:]
    member = field.members.get(name)
    if not inside:
        into[name] = _value(member, text)
        return
    inner = into.setdefault(name, {})
    if not isinstance(inner, dict):
        return
    if isinstance(member, PartObject):
        _put(member, inner, inside, text)
    else:
        inner["][".join(inside)] = text


def _value(member: AnyPartField | None, text: str) -> Any:
    """Return the value of a text for a member of an object."""
    if isinstance(member, PartField) and isinstance(member.limit, IntegerRange | NumberRange):
        return number_in(text)
    is_object = isinstance(member, PartObject) or (
        isinstance(member, PartField) and member.is_picture
    )
    return _json(text) if is_object else text


def _json(text: str) -> Any:
    """Return the object or the list that a text is in JSON; the text itself if it is neither."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return parse_json(text.encode())
    except ValueError:
        return text
