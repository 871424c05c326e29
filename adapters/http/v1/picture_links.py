"""Signed links to pictures, which a browser opens without a credential."""

import re
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.exceptions import BadRequest

from adapters.http.description.parameters import path_parameter
from adapters.http.edge.bodies import Blueprint
from adapters.http.v1.jobs.image_response import describes_image, image_number, image_response
from application.jobs.job_service import JobService
from application.picture_links import LinkedPicture, PictureLinks, SignedLink
from domain.errors import ImageNotFound, LinkNotValid, StorageUnavailable

__all__ = ["LinkMaker", "picture_links_blueprint"]

_PREFIX = "/v1/pictures"
_TOKEN = re.compile(r"[0-9a-f]{8,64}")
_DIGEST = re.compile(r"[0-9a-f]{32}")
_EXPIRES = re.compile(r"[0-9]{1,12}")
# A name, an IPv4 address, or an IPv6 address in brackets, with an optional port (RFC 9110, 7.2).
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.-]{1,253})(:[0-9]{1,5})?")
_PARAMETERS = [
    path_parameter("token", "A token of the job.", pattern=f"^{_TOKEN.pattern}$"),
    path_parameter("number", "The number of the picture; the first is 0.", pattern="^[0-9]+$"),
    path_parameter(
        "digest",
        "The first digits of the SHA-256 of the picture file.",
        pattern=f"^{_DIGEST.pattern}$",
    ),
    {
        "in": "query",
        "name": "expires",
        "required": True,
        "description": "When the link expires, in seconds since 1970.",
        "schema": {"type": "integer"},
    },
    {
        "in": "query",
        "name": "signature",
        "required": True,
        "description": "The signature of the service.",
        "schema": {"type": "string"},
    },
]


class LinkMaker:
    """Makes absolute links to pictures, at the host that the client sent its request to."""

    def __init__(self, links: PictureLinks) -> None:
        self._links = links

    def check_host(self) -> None:
        """Raise BadRequest if no link can begin with the request's `Host`.

        A route calls this before it draws anything.
        """
        host = request.headers.get("Host") or request.host
        if not _HOST.fullmatch(host):
            raise BadRequest(
                f"Host is {ascii(host)[:60]}, and a link to a picture cannot begin with it; send "
                "the name and port of this service, or response_format b64_json"
            )

    def __call__(self, token: str, number: int, data: bytes) -> str:
        """Return the link to this picture. Raise StorageUnavailable if it cannot be signed."""
        picture = LinkedPicture.of(token, number, data)
        link = self._links.sign(picture)
        query = urlencode({"expires": link.expires, "signature": link.signature})
        root = request.url_root.rstrip("/")
        return f"{root}{_PREFIX}/{token}/{number}/{picture.digest}?{query}"


def picture_links_blueprint(job_service: JobService, links: PictureLinks) -> Blueprint:
    """`/v1/pictures`, the target of signed links. The signature takes the place of a credential."""
    blueprint = Blueprint(
        "picture_links", __name__, url_prefix=_PREFIX, description="Pictures behind signed links."
    )

    @blueprint.get("/<token>/<number>/<digest>", parameters=_PARAMETERS)
    @blueprint.request_headers("If-None-Match")
    @blueprint.raises(LinkNotValid, ImageNotFound, StorageUnavailable)
    @describes_image(blueprint, "Referrer-Policy")
    def open_link(token: str, number: str, digest: str) -> Response:
        """The picture behind a signed link, until the link expires."""
        expires = request.args.get("expires", "")
        if not (_TOKEN.fullmatch(token) and _DIGEST.fullmatch(digest)):
            raise LinkNotValid
        if not _EXPIRES.fullmatch(expires):
            raise LinkNotValid
        picture = LinkedPicture(token, image_number(number), digest)
        link = SignedLink(int(expires), request.args.get("signature", ""))
        seconds = links.seconds_left(picture, link)
        if seconds == 0:
            raise LinkNotValid
        response = image_response(job_service.linked_image(picture), name=f"picture-{number}")
        response.headers["Cache-Control"] = f"private, max-age={seconds}"
        response.headers["Referrer-Policy"] = "no-referrer"
        del response.headers["Vary"]  # every caller gets the same bytes
        return response

    return blueprint
