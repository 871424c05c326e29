"""Answers a request for one picture with the picture file."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response

from adapters.http.description.headers import response_headers
from adapters.http.edge.bodies import Blueprint
from adapters.http.v1.jobs.schemas import job_url
from domain.generation.any_request import AnyResult
from domain.generation.output_formats import OutputFormat

__all__ = ["describes_picture", "picture_answer"]

_HEADERS = ("Content-Location", "X-Seed", "X-Model-ID", "X-Warning", "Vary", "Preference-Applied")
_Route = TypeVar("_Route", bound=Callable[..., Any])


def picture_answer(result: AnyResult) -> Response:
    """Return the file of the only picture of `result`. Headers carry the fields of the JSON."""
    (image,) = result.images
    response = Response(image.data, content_type=image.media_type)
    response.headers["Content-Location"] = f"{job_url(result.request.id)}/images/0"
    if image.seed is not None:
        response.headers["X-Seed"] = str(image.seed)
    response.headers["X-Model-ID"] = result.request.model_id
    for warning in result.warnings:
        response.headers.add("X-Warning", ascii(warning)[1:-1])
    return response


def describes_picture(blueprint: Blueprint) -> Callable[[_Route], _Route]:
    """Declare in the API's description that a route of `blueprint` may answer with a file."""

    def decorate(route: _Route) -> _Route:
        for output_format in reversed(OutputFormat):
            route = blueprint.alt_response(
                HTTPStatus.OK,
                schema={},
                content_type=output_format.media_type,
                description="The picture file, if `Accept` prefers it and there is one picture.",
                headers=response_headers(*_HEADERS),
                success=True,
            )(route)
        return route

    return decorate
