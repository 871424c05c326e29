"""Responses that are one picture file."""

import hashlib
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response, request

from adapters.http.description.headers import response_headers
from adapters.http.edge.bodies import Blueprint
from domain.errors import ImageNotFound

__all__ = ["describes_image", "image_number", "image_response"]

_NUMBER = re.compile(r"0|[1-9][0-9]{0,3}")
# A browser asks again each time: after a job is removed, its id may belong to another picture with
# another ETag. `Vary`, because two callers may share a browser and have equal ids.
_CACHING = {
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization",
}
_IMMUTABLE = _CACHING | {"Cache-Control": "private, max-age=31536000, immutable"}  # a year
_TYPES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png", "png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg", "jpg"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp", "webp"),
)
_UNKNOWN = ("application/octet-stream", "bin")


_Route = TypeVar("_Route", bound=Callable[..., Any])


def describes_image(blueprint: Blueprint, *headers: str) -> Callable[[_Route], _Route]:
    """Declare in the API's description that a route of `blueprint` answers with `image_response`.

    `headers` are the names of further headers of the response.
    """
    types = [media_type for _, media_type, _ in _TYPES] + [_UNKNOWN[0]]

    def decorate(route: _Route) -> _Route:
        for media_type in reversed(types):  # like decorators: the last is first in the document
            route = blueprint.alt_response(
                HTTPStatus.OK,
                schema={},
                content_type=media_type,
                description="The picture file.",
                headers=response_headers("ETag", *_CACHING, "Content-Disposition", *headers),
                success=True,
            )(route)
        unchanged = blueprint.alt_response(
            HTTPStatus.NOT_MODIFIED,
            description="The file has not changed.",
            headers=response_headers("ETag", *_CACHING, *headers),
            success=True,
        )
        described: _Route = unchanged(route)
        return described

    return decorate


def image_number(text: str) -> int:
    """Return the number in an address. Raise ImageNotFound if it cannot be a picture's number."""
    if not _NUMBER.fullmatch(text):
        raise ImageNotFound(number=text if len(text) <= 30 else f"{text[:30]}...")
    return int(text)


def image_response(data: bytes, *, name: str, lasting: bool = False) -> Response:
    """Return the response that holds `data`, or 304 for a client that already has it.

    Args:
        data: The picture file.
        name: The file name, without extension, that a browser saves the picture under.
        lasting: Whether the address always leads to these bytes, so a browser need not ask again.
    """
    media_type, extension = _kind(data)
    etag = hashlib.sha256(data).hexdigest()
    if request.if_none_match.contains_weak(etag):
        response = Response(status=HTTPStatus.NOT_MODIFIED)
    else:
        response = Response(data, content_type=media_type)
        filename = f"{_safe(name)}.{extension}"
        response.headers["Content-Disposition"] = f'inline; filename="{filename}"'
    response.set_etag(etag)
    response.headers.update(_IMMUTABLE if lasting else _CACHING)
    return response


def _kind(data: bytes) -> tuple[str, str]:
    found = (kind for signature, *kind in _TYPES if signature.match(data))
    media_type, extension = next(found, _UNKNOWN)
    return media_type, extension


def _safe(name: str) -> str:
    """Return `name` with the characters alone that every file system accepts."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".")
