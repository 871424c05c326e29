"""Reads request bodies: strict JSON, which a schema checks, or a picture file.

One answer names every wrong field."""

import json
import math
import re
import string
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from flask import Request, abort, current_app
from gunicorn.http.errors import ParseException
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from adapters.http.description.blueprint import DescribedBlueprint
from adapters.http.edge.body_budget import reserve_body
from domain.errors import FieldProblem, InvalidRequest, PictureFileTooLarge
from domain.generation.output_formats import OutputFormat
from domain.generation.parts.rules import MOST

__all__ = [
    "PICTURES_OF_A_REQUEST",
    "Blueprint",
    "PictureBlueprint",
    "body_limit",
    "check_type",
    "parse_json",
    "read_picture",
]

PICTURES_OF_A_REQUEST = 2 + MOST["controls"]
"""The most pictures in a request: its initial image, its mask, and one for each ControlNet."""

# RFC 2045, section 6.8: four characters for three bytes, and a line end after 76 of them at least.
_BASE64 = 4 / 3 * 78 / 76
_PICTURE = bytes(string.ascii_letters + string.digits + "+/=\\", "ascii")
"""The bytes of a picture in base64, and the backslash that JSON may put before some of them. The
others are bounded by MAX_BODY_BYTES, also in a body with pictures: brackets and commas become
objects, which take many times their memory."""
_PICTURE_TYPES = tuple(each.media_type for each in OutputFormat)

_MEDIA_TYPE = "application/json"
_PLAIN_TYPE = re.compile(r"missing|[a-z]{1,20}/[a-z0-9.+-]{1,60}")
_MAX_DIGITS = 4300
"""The most digits of an integer. It is Python's own limit: the time to parse an integer grows with
the square of its digits."""


def parse_json(body: bytes) -> object:
    """Return the value that `body` holds as JSON (RFC 8259). Raise ValueError if it is not JSON."""
    try:
        text = body.decode("utf-8")
        return json.loads(text, parse_int=_integer, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} of the body is not UTF-8") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"the body is not JSON: {error.msg} at {where}") from error
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None


class JsonParser(FlaskParser):
    """Reads bodies that hold at most this many pictures in base64."""

    def __init__(self, pictures: int = 0) -> None:
        super().__init__()
        self._pictures = pictures

    def load_json(self, req: Request, schema: Schema) -> Any:
        body = _bounded_json(req, self._pictures)
        if not body:
            return {}
        check_type(req, (_MEDIA_TYPE,))
        try:
            value = parse_json(body)
        except ValueError as error:
            abort(HTTPStatus.BAD_REQUEST, description=str(error))
        if not isinstance(value, dict):
            raise InvalidRequest([FieldProblem("body", "must be a JSON object")])
        return value

    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        by_location: dict[str, Any] = error.normalized_messages()
        raise InvalidRequest(_rows(next(iter(by_location.values())))) from error


class Blueprint(DescribedBlueprint):
    """A blueprint whose `arguments` follow this module's rules.

    Args:
        pictures: The most pictures that a body holds in base64. The limit of its bytes is that of
            `body_limit`.
    """

    PARSER: type[JsonParser] = JsonParser

    def __init__(self, *args: Any, pictures: int = 0, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ARGUMENTS_PARSER = self.PARSER(pictures)


class PictureBlueprint(Blueprint):
    """A blueprint whose bodies hold as many pictures as a request for pictures may have."""

    def __init__(self, *args: Any, pictures: int = PICTURES_OF_A_REQUEST, **options: Any) -> None:
        super().__init__(*args, pictures=pictures, **options)


def body_limit(max_body_bytes: int, max_picture_bytes: int, pictures: int) -> int:
    """Return the most bytes of a body that holds this many pictures in base64, and other fields."""
    return max_body_bytes + pictures * math.ceil(max_picture_bytes * _BASE64)


def read_picture(req: Request) -> bytes:
    """Return the picture file that is the body of a request, or answer 415.

    `Content-Type` need not name the format that the file has. It says only that the body is a
    picture: clients make it from the name of the file, which is often wrong.

    Raises:
        PictureFileTooLarge: It has more than MAX_PICTURE_BYTES. No more than that is read.
        TooManyCallers: Too many large bodies are being received.
    """
    check_type(req, _PICTURE_TYPES)
    limit: int = current_app.config["MAX_PICTURE_BYTES"]
    body = _bounded_body(req, limit)
    if body is None:
        raise PictureFileTooLarge(limit)
    return body


def _bounded_json(req: Request, pictures: int) -> bytes:
    """Return the body, or answer 413."""
    config = current_app.config
    plain, picture = config["MAX_CONTENT_LENGTH"], config["MAX_PICTURE_BYTES"]
    limit = body_limit(plain, picture, pictures)
    body = _bounded_body(req, limit)
    if body is not None and (len(body) <= plain or len(body.translate(None, _PICTURE)) <= plain):
        return body
    what = f"MAX_BODY_BYTES={limit} bytes; send a smaller one"
    if body is not None:
        what = f"MAX_BODY_BYTES={plain} bytes beside its pictures; send a smaller one"
    elif pictures:
        what = (
            f"{limit} bytes, the room for {pictures} pictures of MAX_PICTURE_BYTES={picture} in "
            "base64; send smaller ones"
        )
    abort(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, description=f"the body has more than {what}")


def _bounded_body(req: Request, limit: int) -> bytes | None:
    """Return the body; None if it has more bytes than the limit.

    A body that may have more than MAX_BODY_BYTES needs room in the memory for such bodies.

    werkzeug silently cuts a body without a length at its limit. So werkzeug's limit is one byte
    more than the real one, and a body of that length is too long."""
    req.max_content_length = limit + 1
    expected = limit if req.content_length is None else req.content_length
    if current_app.config["MAX_CONTENT_LENGTH"] < expected <= limit:
        reserve_body(expected)
    try:
        body = req.get_data(cache=False)
    except RequestEntityTooLarge:
        return None
    except (ParseException, OSError):  # malformed chunks, or a client that stopped sending
        abort(HTTPStatus.BAD_REQUEST, description="the body did not arrive whole")
    return body if len(body) <= limit else None


def check_type(req: Request, types: Collection[str]) -> None:
    """Answer 415 if the body has another type."""
    if req.mimetype in types:
        return
    sent = req.mimetype or "missing"
    if not _PLAIN_TYPE.fullmatch(sent):
        sent = "another type"
    *others, last = types
    wanted = f"{', '.join(others)} or {last}" if others else last
    abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, description=f"Content-Type is {sent}; send {wanted}")


def _rows(messages: Mapping[Any, Any]) -> list[FieldProblem]:
    return [
        FieldProblem(_shown(name), "; ".join(map(str, texts))) for name, texts in messages.items()
    ]


def _shown(name: object) -> str:
    """Return a field's name as a message can show it: a client can send any name."""
    text = str(name)
    return text if text.isprintable() and len(text) <= 64 else f"{ascii(text)[:64]}…"


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _MAX_DIGITS:
        raise ValueError(f"the body holds a number of more than {_MAX_DIGITS} digits")
    return int(digits)


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"the body is not JSON: {word} is not a JSON number")
