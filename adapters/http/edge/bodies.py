"""Reads request bodies as strict JSON and checks them against a schema.

One answer names every wrong field."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from flask import Request, abort, current_app
from gunicorn.http.errors import ParseException
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from adapters.http.description.blueprint import DescribedBlueprint
from domain.errors import FieldProblem, InvalidRequest

__all__ = ["PICTURE_BODY_BYTES", "Blueprint", "PictureBlueprint", "parse_json"]

PICTURE_BODY_BYTES = 8_388_608
"""The least limit for a body that holds a picture; MAX_BODY_BYTES counts if it is more. In base64,
a PNG of pure noise with 1024 × 1024 pixels has 4.2 million bytes."""

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
    least_limit = 0

    def load_json(self, req: Request, schema: Schema) -> Any:
        body = _bounded_body(req, self.least_limit)
        if not body:
            return {}
        if req.mimetype != _MEDIA_TYPE:
            sent = req.mimetype or "missing"
            if not _PLAIN_TYPE.fullmatch(sent):
                sent = "another type"
            abort(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                description=f"Content-Type is {sent}; send {_MEDIA_TYPE}",
            )
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
    """A blueprint whose `arguments` follow this module's rules."""

    ARGUMENTS_PARSER = JsonParser()


class _PictureParser(JsonParser):
    least_limit = PICTURE_BODY_BYTES


class PictureBlueprint(Blueprint):
    """A blueprint whose bodies may be large enough to hold a picture."""

    ARGUMENTS_PARSER = _PictureParser()


def _bounded_body(req: Request, least_limit: int) -> bytes:
    """Return the body, or answer 413.

    werkzeug silently cuts a body without a length at its limit. So werkzeug's limit is one byte
    more than the real one, and a body of that length is too long."""
    setting: int = current_app.config["MAX_CONTENT_LENGTH"]
    limit = max(setting, least_limit)
    req.max_content_length = limit + 1
    try:
        body = req.get_data(cache=True)
    except RequestEntityTooLarge:
        body = None
    except (ParseException, OSError):  # malformed chunks, or a client that stopped sending
        abort(HTTPStatus.BAD_REQUEST, description="the body did not arrive whole")
    if body is None or len(body) > limit:
        name = "MAX_BODY_BYTES=" if limit == setting else ""
        abort(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            description=f"the body has more than {name}{limit} bytes; send a smaller one",
        )
    return body


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
