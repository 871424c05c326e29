"""The page for people with a browser, and its files."""

import hashlib
from pathlib import Path, PurePath

from flask import Blueprint, Response, make_response, render_template, request, send_from_directory

from adapters.http.generation.schemas import V1_LIMITS, generation_request
from application.settings.settings import Settings
from application.version import NAME, VERSION
from domain.generation.output_formats import DEFAULT_QUALITY

__all__ = ["BrowserPage"]

_FOLDER = Path(__file__).with_name("site")
_ASSETS = _FOLDER / "assets"
_HEADERS = {
    # Scripts and styles come only from files; previews are data:, images blob: (an <img> cannot
    # send a credential). The last two rules keep scripts from writing text into the page as HTML.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
}


class BrowserPage:
    """Return the page. The limits and defaults of its form are the service's own."""

    def __init__(self, settings: Settings) -> None:
        version = _digest(_ASSETS)
        self._address = f"/assets-{version}"
        self._version = version
        # The values of a request that sets nothing else.
        defaults = generation_request({"id": "-", "model_id": "0" * 64, "prompt": "-"}, settings)
        limits = V1_LIMITS
        self._context = {
            "name": NAME,
            "version": VERSION,
            "assets": self._address,
            "modules": _names("*.js", but="early.js"),
            "styles": _names("*.css"),
            "limits": limits,
            "defaults": defaults,
            "quality": DEFAULT_QUALITY,
            # Anybody may read the page, so it must not show where the folders are on the disk.
            "folders": [name for name in settings.model_dirs if not PurePath(name).is_absolute()],
        }

    def __call__(self) -> Response:
        """Return the page as an answer; 304 if the browser already has it."""
        page = make_response(render_template("index.html", **self._context))
        page.headers.update(_HEADERS)
        page.add_etag()
        page.make_conditional(request)
        return page

    def assets_blueprint(self) -> Blueprint:
        """Its scripts and styles, at a URL that changes when one of them does.

        Browsers may therefore cache them for good, and modules that import each other by relative
        URLs all have the same version.
        """
        blueprint = Blueprint("page_assets", __name__)

        @blueprint.get("/assets-<version>/<path:name>")
        def asset(version: str, name: str) -> Response:
            file = send_from_directory(_ASSETS, name)
            if version == self._version:
                file.headers["Cache-Control"] = "public, max-age=31536000, immutable"  # a year
            return file

        return blueprint


def _names(pattern: str, *, but: str = "") -> list[str]:
    """Return the assets that match this pattern, as paths relative to the folder."""
    files = (path.relative_to(_ASSETS).as_posix() for path in _ASSETS.rglob(pattern))
    return sorted(name for name in files if name != but)


def _digest(folder: Path) -> str:
    """Return a name for the contents of `folder`."""
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
