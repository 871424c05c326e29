"""The page for browsers, and its files."""

import hashlib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path, PurePath
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request, send_from_directory

from adapters.http.generation.schemas import request_defaults
from application.settings.settings import Settings
from application.version import NAME, VERSION
from domain.generation.fields import FIELDS, V1_LIMITS
from domain.generation.output_formats import DEFAULT_QUALITY
from domain.generation.parts import Control, Lora, Preprocessor, SecondPass, SourceImage, Upscale
from domain.generation.parts.rules import MOST, PLAIN
from domain.limits import IntegerRange, Limit, NumberRange, OneOf

__all__ = ["BrowserPage"]

_FOLDER = Path(__file__).with_name("site")
_ASSETS = _FOLDER / "assets"
_LAID_OUT = frozenset(
    {
        *("id", "model_id", "prompt", "negative_prompt", "num_inference_steps", "guidance_scale"),
        *("width", "height", "seed", "num_images", "scheduler", "output_format", "quality"),
        *(field.name for field in fields(SourceImage)),
        *("second_pass", "upscale", "loras", "embeddings", "vae_id", "controls"),
        *("prompt_syntax", "clip_skip"),
    }
)
"""The fields that have a place of their own in the form; others follow them."""
_LATER = ("pictures/", "addons/")
"""The scripts and styles in these folders handle source pictures and add-ons. The page loads them
with the first need, so a page without any starts as fast as before."""
_SENT = ("image/png", "image/jpeg", "image/webp")
"""The types of the pictures that people can choose."""
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
        self._context = {
            "name": NAME,
            "version": VERSION,
            "assets": self._address,
            "modules": _names("*.js", but="early.js"),
            "styles": _names("*.css"),
            "fields": FIELDS,
            "others": [row for name, row in FIELDS.items() if name not in _LAID_OUT],
            "kinds": {name: _kind(limit) for name, limit in V1_LIMITS.items()},
            "limits": V1_LIMITS,
            "defaults": request_defaults(settings),
            "quality": DEFAULT_QUALITY,
            "source": _part_fields(SourceImage, SourceImage.OF_A_MASK),
            "second_pass": _part_fields(SecondPass, {}),
            "upscale": _part_fields(Upscale, {}),
            "image_guidance": SourceImage.DEFAULT_IMAGE_GUIDANCE,
            "addons": _addon_limits(),
            "clip_skip": {"limit": PLAIN["clip_skip"], "default": None},
            "picture_types": _SENT,
            "most_picture_bytes": settings.max_picture_bytes,
            # The page needs no credential, so it must not show the paths of folders on the disk.
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
        """Serve its scripts and styles at a URL that changes when one of them changes.

        So browsers may cache them permanently, and modules that import each other by relative URLs
        all have the same version.
        """
        blueprint = Blueprint("page_assets", __name__)

        @blueprint.get("/assets-<version>/<path:name>")
        def asset(version: str, name: str) -> Response:
            file = send_from_directory(_ASSETS, name)
            if version == self._version:
                file.headers["Cache-Control"] = "public, max-age=31536000, immutable"  # a year
            return file

        return blueprint


def _kind(limit: Limit) -> str:
    """How the script of the form reads the value of a control."""
    if isinstance(limit, IntegerRange):
        return "integer"
    if isinstance(limit, NumberRange):
        return "number"
    return "word" if isinstance(limit, OneOf) else "text"


def _part_fields(
    part: type[SourceImage | SecondPass | Upscale], more_defaults: Mapping[str, object]
) -> dict[str, dict[str, object]]:
    """Return the limit and the default of each field of a part that has a limit, by name."""
    defaults = {field.name: field.default for field in fields(part)} | dict(more_defaults)
    return {
        name: {"limit": limit, "default": None if defaults[name] is MISSING else defaults[name]}
        for name, limit in part.LIMITS.items()
    }


def _addon_limits() -> dict[str, Any]:
    """Return what the cards of LoRAs and ControlNets need to know of their fields."""
    return {
        "loras": {"most": MOST["loras"], **_bounds(Lora.LIMITS)},
        "embeddings": {"most": MOST["embeddings"]},
        "controls": {"most": MOST["controls"], **_bounds(Control.LIMITS)},
        "preprocessors": [str(word) for word in _words(Preprocessor.LIMITS["name"])],
        "canny": {
            name: {**row, "value": Preprocessor.OF_CANNY[name]}
            for name, row in _bounds(Preprocessor.LIMITS).items()
        },
    }


def _words(limit: Limit) -> tuple[Any, ...]:
    return limit.words if isinstance(limit, OneOf) else ()


def _bounds(limits: Mapping[str, Limit]) -> dict[str, dict[str, float]]:
    """Return the bounds of each number, by name."""
    return {
        name: {"minimum": limit.minimum, "maximum": limit.maximum}
        for name, limit in limits.items()
        if isinstance(limit, IntegerRange | NumberRange)
    }


def _names(pattern: str, *, but: str = "") -> list[str]:
    """Return the assets that match this pattern and load with the page.

    They are paths relative to the folder.
    """
    files = (path.relative_to(_ASSETS).as_posix() for path in _ASSETS.rglob(pattern))
    return sorted(name for name in files if name != but and not name.startswith(_LATER))


def _digest(folder: Path) -> str:
    """Return a name for the contents of `folder`."""
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
