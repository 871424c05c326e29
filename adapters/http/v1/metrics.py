"""The route that Prometheus reads, and the count of requests."""

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
"""The label of all addresses without a route. Clients may send any number of them."""
_OTHER = "other"


def metrics_blueprint(metrics: Metrics, checker: CredentialChecker, *, public: bool) -> Blueprint:
    """`/metrics`, without a credential if `public`."""
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
    # Parameters of a media type are ignored, because each format has one version. The library's
    # `choose_encoder` fails on a version that is not a number.
    wanted = {_OPENMETRICS: 0.0, _TEXT: 0.0}
    for value, quality in request.accept_mimetypes:
        media_type = value.partition(";")[0].strip().lower()
        if media_type in wanted:
            wanted[media_type] = max(wanted[media_type], quality)
    return wanted[_OPENMETRICS] > wanted[_TEXT]


def count_requests(app: Flask, metrics: Metrics) -> None:
    """Report each answered request of `app` to `metrics`."""

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
