"""Parts of a request as a client sends them, checked without any look-up."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from application.parts.checking import sent_problems
from application.parts.pictures import SentPicture, pictures_in
from domain.errors import InvalidRequest
from domain.generation.forms.part_fields import (
    PARTS,
    SOURCE_FIELDS,
    AnyPartField,
    PartField,
)

__all__ = ["NO_PARTS", "SentParts"]


class SentParts:
    """Checked parts of a request. Their pictures and models are not looked up yet.

    Args:
        values: The values by the names of `PARTS`. An object is a mapping, and a list of objects a
            list of mappings. A picture is a `SentPicture`. None counts as left out where the field
            is optional.
        wrong: Fields that are known to be wrong. No other field needs them.

    Attributes:
        pictures: The pictures by their fields, such as `init_image` and `controls[0].image`.
        source: The other values of a `SourceImage`; None without `init_image`.
        others: The values of the other parts, without their pictures. The names of models in them
            may be any names.

    Raises:
        InvalidRequest: One row for each wrong field, by the names of the package's docstring.
    """

    __slots__ = ("others", "pictures", "source")

    def __init__(self, values: Mapping[str, Any] = {}, *, wrong: Collection[str] = ()) -> None:
        if problems := sent_problems(values, wrong=wrong):
            raise InvalidRequest(problems)
        self.pictures: Mapping[str, SentPicture] = pictures_in(values)
        given = {name: _given(PARTS[name], each) for name, each in values.items()}
        source = {
            name: given[name]
            for name in SOURCE_FIELDS
            if given.get(name) is not None and name not in self.pictures
        }
        self.source: Mapping[str, Any] | None = source if "init_image" in self.pictures else None
        self.others: Mapping[str, Any] = {
            name: value
            for name, value in given.items()
            if value not in (None, []) and name not in SOURCE_FIELDS
        }

    def drop_files(self) -> None:
        """Forget the pictures, so that a request that waits long does not hold their files."""
        self.pictures = {}

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models that the parts need."""
        return tuple(name for each, value in self.others.items() for name in _models(each, value))

    def __bool__(self) -> bool:
        return self.source is not None or bool(self.others)


def _given(field: AnyPartField, value: Any) -> Any:
    """Return a checked value without its pictures, and with the objects that a text stands for."""
    if isinstance(field, PartField):
        return None if field.is_picture else value
    if isinstance(value, list | tuple):
        return [_given(field, each) for each in value]
    if isinstance(value, str):
        return {field.short: value}
    if value is None:
        return None
    found = {own: _given(field.members[own], each) for own, each in value.items()}
    return {own: each for own, each in found.items() if each is not None}


def _models(name: str, value: Any) -> Iterator[str]:
    field = PARTS[name]
    if isinstance(field, PartField):
        if field.is_model:
            yield value
        return
    for each in value if field.is_list else [value]:
        for own, member in field.members.items():
            if isinstance(member, PartField) and member.is_model and own in each:
                found: str = each[own]
                if found not in member.words:
                    yield found


NO_PARTS = SentParts()
