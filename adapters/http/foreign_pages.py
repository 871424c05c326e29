"""Requests that a browser sends because a page of another site makes it.

A browser adds a stored password (HTTP Basic) to every request for this service, also to one that a
form or a script of another site sends. The other site cannot read the answer, but the request would
act in the name of the user. A script that sends a Bearer token has to know it, so the CORS policy
decides about such requests.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.exceptions import Forbidden

__all__ = ["CHANGES_NOTHING", "ForeignPage", "refuse_foreign_pages"]

CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that every route may answer without changing anything."""

# https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header; `none` is an address that was typed.
_OWN = frozenset({"same-origin", "none"})


class ForeignPage(Forbidden):
    """A page of another site sent a request that changes something."""

    name = "Foreign Page"
    description = (
        "a page of another site sent this request; to allow the page, add its origin to "
        "CORS_ORIGINS"
    )


def refuse_foreign_pages(app: Flask, allowed: Collection[str]) -> None:
    """Answer 403 to requests that change something and come from a foreign page.

    Args:
        app: All of its routes are guarded.
        allowed: Origins whose pages may send them. `*` allows every page that names a Bearer token.
    """
    origins = frozenset(origin.lower() for origin in allowed)

    @app.before_request
    def check() -> None:
        if request.method in CHANGES_NOTHING or not _is_foreign():
            return
        named_by_page = "*" in origins and not _has_password()
        if not named_by_page and request.headers.get("Origin", "").lower() not in origins:
            raise ForeignPage


def _is_foreign() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:  # no page can forge this header
        return site.lower() not in _OWN
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc.lower() != request.host.lower()


def _has_password() -> bool:
    return request.headers.get("Authorization", "").lstrip()[:5].lower() == "basic"
