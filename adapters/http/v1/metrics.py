"""What Prometheus reads, and the count of requests that goes into it."""

import re
import time
from http import HTTPStatus

from flask import Flask, Response, g, request

from adapters.http.description.headers import response_headers
from adapters.http.edge.auth import protect
from adapters.http.edge.bodies import Blueprint
from application.ports.metrics import AnsweredRequest, Metrics
from domain.credentials import Scope
from domain.services.credential_checker import CredentialChecker

__all__ = ["count_requests", "metrics_blueprint"]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_VARIABLE = re.compile(r"<(?:[^:<>]*:)?([^<>]+)>")
_TEXT = "text/plain"
_OPENMETRICS = "application/openmetrics-text"
_UNMATCHED = "unmatched"
"""The route of all addresses that there are not: clients may make up as many as they like."""
_OTHER = "other"


def metrics_blueprint(metrics: Metrics, checker: CredentialChecker, *, public: bool) -> Blueprint:
    """`/metrics`, for everybody where `public`."""
    blueprint = Blueprint("metrics", __name__, description="Metrics for Prometheus.")
    if not public:
        protect(blueprint, checker, Scope.MODELS_READ)

    @blueprint.get("/metrics")
    @blueprint.response(
        HTTPStatus.OK,
        {"type": "string"},
        content_type=_TEXT,
        description="The OpenMetrics format, if `Accept` asks for it.",
        headers=response_headers("Cache-Control", "Vary"),
    )
    @blueprint.alt_response(
        HTTPStatus.OK, schema={"type": "string"}, content_type=_OPENMETRICS, success=True
    )
    def get_metrics() -> Response:
        """The metrics of the service, as Prometheus reads them."""
        page = metrics.page(openmetrics=_prefers_openmetrics())
        headers = {"Cache-Control": "no-store", "Vary": "Accept"}
        return Response(page.body, content_type=page.content_type, headers=headers)

    return blueprint


def _prefers_openmetrics() -> bool:
    # Of a media type the parameters do not matter: there is one version of each format. The
    # library's own choice, `choose_encoder`, fails on a version that is no number.
    wanted = {_OPENMETRICS: 0.0, _TEXT: 0.0}
    for value, quality in request.accept_mimetypes:
        media_type = value.partition(";")[0].strip().lower()
        if media_type in wanted:
            wanted[media_type] = max(wanted[media_type], quality)
    return wanted[_OPENMETRICS] > wanted[_TEXT]


def count_requests(app: Flask, metrics: Metrics) -> None:
    """Tell `metrics` of each request of `app`, once it is answered."""

    def count(response: Response) -> Response:
        rule = request.url_rule
        metrics.request_answered(
            AnsweredRequest(
                route=_UNMATCHED if rule is None else _VARIABLE.sub(r"{\1}", rule.rule),
                method=request.method if request.method in _METHODS else _OTHER,
                status=response.status_code,
                seconds=time.monotonic() - g.began,
                code=g.get("problem_code"),
            )
        )
        return response

    app.after_request(count)
