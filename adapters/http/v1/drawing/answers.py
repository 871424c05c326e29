"""What the routes that wait for pictures share: the form of the answer, and how long they wait."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Request, Response, jsonify, request
from marshmallow import Schema
from werkzeug.exceptions import NotAcceptable

from adapters.http.edge.auth import current_principal
from adapters.http.edge.bodies import JsonParser, PictureBlueprint
from adapters.http.edge.negotiation import FileChoice, file_choice
from adapters.http.edge.prefer import Preference, parse_prefer
from adapters.http.generation.requests import AnyNamed
from adapters.http.generation.waiting import WaitingCallers
from adapters.http.v1.jobs.picture_answer import picture_answer
from adapters.http.v1.jobs.schemas import JobSchema, job_location
from application.job import JobView
from domain.generation.any_request import AnyResult

__all__ = ["DrawingAnswer", "DrawingBlueprint", "WantedAnswer", "wanted_answer"]

DrawingAnswer = tuple[AnyResult | Response, HTTPStatus, dict[str, str]]


class _NegotiatingParser(JsonParser):
    """If the answer is a file, sets the request's output format to the one that `Accept` names."""

    def load_json(self, req: Request, schema: Schema) -> Any:
        body = super().load_json(req, schema)
        choice = file_choice(req.accept_mimetypes, body.get("output_format"), _number(body))
        if choice.output_format is None or "output_format" in body:
            return body
        return {**body, "output_format": choice.output_format.value}


class DrawingBlueprint(PictureBlueprint):
    """A blueprint whose answers may be files, as `Accept` says."""

    PARSER = _NegotiatingParser


class WantedAnswer:
    """The answer that a request wants: JSON or a file, after which wait.

    Raises:
        NotAcceptable: The answer cannot be a file.
    """

    def __init__(self, choice: FileChoice, preference: Preference) -> None:
        if choice.problem is not None:
            raise NotAcceptable(choice.problem)
        self._choice = choice
        self._preference = preference

    @property
    def within(self) -> float | None:
        """The seconds after which the client has no use for the pictures; None for no such time."""
        return self._preference.within

    def to(self, wanted: AnyNamed, draw: WaitingCallers) -> DrawingAnswer:
        """Return the pictures of the caller's request, or the job if the client does not wait."""
        preference = self._preference
        outcome = draw(wanted, caller=current_principal().name, preference=preference)
        if not isinstance(outcome, JobView):
            headers = preference.applied(asynchronously=False) | {"Vary": "Accept"}
            if self._choice.output_format is not None:
                return picture_answer(outcome), HTTPStatus.OK, headers
            return outcome, HTTPStatus.OK, headers
        headers = job_location(outcome) | preference.applied(asynchronously=True)
        return jsonify(JobSchema().dump(outcome)), HTTPStatus.ACCEPTED, headers


def wanted_answer(fields: Mapping[str, Any]) -> WantedAnswer:
    """Return the answer that the headers of this request want. `fields` are those of its body.

    Raises:
        NotAcceptable: The answer cannot be a file.
        BadRequest: `Prefer` is wrong.
    """
    choice = file_choice(request.accept_mimetypes, fields.get("output_format"), _number(fields))
    return WantedAnswer(choice, parse_prefer(request.headers.getlist("Prefer")))


def _number(fields: Mapping[str, Any]) -> object:
    return fields.get("num_images", 1)
