"""The pictures of a request as a client sends them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.generation.forms.part_fields import PARTS, AnyPartField, PartObject

__all__ = ["SentPicture", "pictures_in"]


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


def pictures_in(values: Mapping[str, Any]) -> dict[str, SentPicture]:
    """Return the pictures of parts by their fields, such as `controls[0].image`.

    `values` are those of `SentParts`. They may be wrong: anything that is not a `SentPicture` in a
    place for one is skipped.
    """
    found: dict[str, SentPicture] = {}
    for name, each in PARTS.items():
        if name in values:
            found |= _pictures(each, values[name], name)
    return found


def _pictures(each: AnyPartField, value: Any, path: str) -> Iterator[tuple[str, SentPicture]]:
    if isinstance(value, SentPicture):
        yield path, value
    elif isinstance(each, PartObject):
        if each.is_list and isinstance(value, list | tuple):
            for number, inner in enumerate(value[: each.most]):
                yield from _pictures(each, inner, f"{path}[{number}]")
        elif isinstance(value, Mapping):
            for own, member in each.members.items():
                yield from _pictures(member, value.get(own), f"{path}.{own}")
