"""Pictures in the body of a request, as the OpenAI API has them in forms and in JSON."""

import re
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields

from adapters.http.edge.multipart import SentFiles
from adapters.http.generation.sent_pictures import decoded_picture
from application.parts import SentPicture
from domain.errors import FieldProblem

__all__ = [
    "MOST_PICTURES",
    "PictureField",
    "SentPictures",
    "one_picture",
    "pictures_of_files",
    "pictures_of_json",
]

MOST_PICTURES = 16
"""The most pictures of a request in the OpenAI API."""
_ID = re.compile(r"[0-9A-Fa-f]{64}")
_DATA_URL = "data:"
_IMAGE_AND_MASK = "a request has an image and a mask at most"
_NO_LINKS = (
    "must be a data URL in base64, such as data:image/png;base64,…: this service opens no links"
)
_NEITHER = "must have either `image_url`, a data URL, or `file_id`, the id of a picture"


@dataclass(frozen=True, slots=True)
class SentPictures:
    """The pictures of one field.

    Attributes:
        number: How many there are; at least one.
        first: The first one; None if it is wrong.
        problem: What is wrong with the first one.
    """

    number: int
    first: SentPicture | None
    problem: str = ""


def pictures_of_files(sent: SentFiles) -> SentPictures | None:
    """Return the pictures of a field of a form; None if there is none.

    An empty file is none: a browser sends one for a field without a file. A text that is a data
    URL, or the id of a picture, is that picture.
    """
    number, data = sent.number, sent.first
    if data is None:
        return SentPictures(number, None, f"is one picture too many: {_IMAGE_AND_MASK}")
    if not data and number == 1:
        return None
    if len(data) == 64 and _ID.fullmatch(text := data.decode("latin-1")):
        return SentPictures(number, SentPicture(id=text))
    if data[: len(_DATA_URL)].lower() == _DATA_URL.encode():
        return _of_data_url(data.decode("latin-1"), number)
    return SentPictures(number, SentPicture(data=data))


def pictures_of_json(value: object) -> SentPictures:
    """Return the pictures of an object with `image_url` or `file_id`, or of a list of these.

    Source: `ImageInputReferenceParam` of the official client, `openai` 3.54.
    """
    items = value if isinstance(value, list) else [value]
    number, item = len(items), items[0] if items else None
    known = {"image_url", "file_id"}
    if not isinstance(item, dict):
        return SentPictures(number, None, _NEITHER)
    found = {name: each for name, each in item.items() if each is not None}
    ((name, text),) = found.items() if len(found) == 1 else (("", None),)
    if name not in known or not isinstance(text, str):
        return SentPictures(number, None, _NEITHER)
    if name == "image_url":
        return _of_data_url(text, number)
    if not _ID.fullmatch(text):
        return SentPictures(number, None, "has a file_id that is not the id of a picture")
    return SentPictures(number, SentPicture(id=text))


def _of_data_url(text: str, number: int) -> SentPictures:
    if text[: len(_DATA_URL)].lower() != _DATA_URL:
        return SentPictures(number, None, _NO_LINKS)
    found = decoded_picture("image_url", text)
    if isinstance(found, FieldProblem):
        return SentPictures(number, None, f"{found.field} {found.message}")
    return SentPictures(number, found)


def one_picture(sent: object) -> SentPicture:
    """Return the picture of a `SentPictures`. Raise ValidationError if it is not one good one."""
    if not isinstance(sent, SentPictures):
        raise ValidationError("must be a file")
    if sent.number > 1:
        raise ValidationError(
            f"holds {sent.number} pictures, and the models of this service draw from one; send the "
            "first alone"
        )
    if sent.first is None:
        raise ValidationError(sent.problem)
    return sent.first


class PictureField(fields.Field[Any]):
    """A picture of a request. Its raw value is a `SentPictures`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(error_messages={"required": "is required"}, **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> SentPicture:
        return one_picture(value)
