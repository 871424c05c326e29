"""Pictures in requests of AUTOMATIC1111's API: base64, with or without the start of a data URL."""

import base64
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

__all__ = ["PictureField", "PicturesField", "decoded_picture"]

_DATA_URL = "data:"
_ADDRESSES = ("http:", "https:")
_DESCRIBED: Mapping[str, Any] = {
    "minLength": 1,
    "contentEncoding": "base64",
    "description": "A PNG, JPEG or WebP file, in base64 or as a data URL.",
}


def decoded_picture(value: object) -> bytes:
    """Return the bytes of a picture file that a request holds as text.

    The address of a picture is refused: the service fetches nothing.

    Raises:
        ValueError: `value` is not such a text. The message says what is wrong.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a picture in base64, or a data URL")
    text = value.strip()
    start = text[: len("https:")].lower()
    if start.startswith(_ADDRESSES):
        raise ValueError(
            "is an address, and the service fetches no pictures; send the picture in base64"
        )
    if start.startswith(_DATA_URL):
        text = text.partition(",")[2]
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise ValueError("is not base64") from error
    if not data:
        raise ValueError("holds no picture")
    return data


class PictureField(fields.String):
    """A picture, which is loaded as the bytes of its file."""

    def __init__(self, **options: Any) -> None:
        described = {**_DESCRIBED, **options.pop("metadata", {})}
        super().__init__(
            error_messages={"required": "is required", "null": "must not be null"},
            metadata=described,
            **options,
        )

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        try:
            return decoded_picture(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class PicturesField(fields.List[str]):
    """A list of one to `most` pictures, which is loaded as a list of the bytes of their files."""

    def __init__(self, *, most: int, **options: Any) -> None:
        described = {"minItems": 1, "maxItems": most, **options.pop("metadata", {})}
        super().__init__(
            PictureField(),
            error_messages={"required": "is required", "null": "must not be null"},
            metadata=described,
            **options,
        )
        self._most = most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, list):
            raise ValidationError("must be a list of pictures")
        if not 1 <= len(value) <= self._most:
            raise ValidationError(
                f"has {len(value)} pictures; it must have between 1 and {self._most}"
            )
        found = []
        for number, each in enumerate(value, 1):
            try:
                found.append(decoded_picture(each))
            except ValueError as error:
                where = f"picture {number} " if len(value) > 1 else ""
                raise ValidationError(f"{where}{error}") from error
        return found
