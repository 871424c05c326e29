"""Reads the bodies of requests for pictures from a picture: forms, or JSON."""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from flask import Request, current_app
from marshmallow import Schema, ValidationError, fields

from adapters.http.edge.bodies import (
    JsonParser,
    PictureBlueprint,
    check_type,
)
from adapters.http.edge.multipart import FORM_TYPE, Form, FormLimits, read_form
from adapters.http.openai.form_parts import number_in, parts_of_form, split_name
from adapters.http.openai.pictures import (
    MOST_PICTURES,
    pictures_of_files,
    pictures_of_json,
)
from domain.generation.forms.part_fields import OBJECTS

__all__ = ["EditBlueprint"]

_JSON_TYPE = "application/json"
_MOST_PARTS = 200
_MOST_KEPT = 2
"""The files that a form needs: the picture and its mask. Texts name the pictures of ControlNets."""
# `image[]` is what official clients send for a list, `image[0]` what some libraries make of one.
_FILE = re.compile(r"(image|mask|mask_image|markup)(\[[0-9]*\])?")
_TRUTHS = {"true": True, "false": False}
_MAY_BE_EMPTY = ("prompt", "negative_prompt")


class _EditParser(JsonParser):
    """Accepts a form too, and gives both the names and types of `ImageEditSchema`."""

    def load_json(self, req: Request, schema: Schema) -> Any:
        if req.mimetype == FORM_TYPE:
            return _values_of_form(read_form(req, _limits(), file_field=_file_field), schema)
        if req.mimetype not in (_JSON_TYPE, ""):
            check_type(req, (FORM_TYPE, _JSON_TYPE))
        return _values_of_json(super().load_json(req, schema))

    def handle_error(
        self, error: ValidationError, req: Request, *args: Any, **more: Any
    ) -> NoReturn:
        """Raise InvalidRequest, with the name that the picture has in this body."""
        if req.mimetype != FORM_TYPE:
            ((location, rows),) = error.normalized_messages().items()
            rows = {"images" if name == "image" else name: text for name, text in rows.items()}
            error = ValidationError({location: rows})
        super().handle_error(error, req, *args, **more)


class EditBlueprint(PictureBlueprint):
    """A blueprint whose bodies are forms with pictures, or JSON."""

    PARSER = _EditParser


def _limits() -> FormLimits:
    return FormLimits(
        files=MOST_PICTURES + 1,  # and a mask
        file_bytes=current_app.config["MAX_PICTURE_BYTES"],
        kept_files=_MOST_KEPT,
        parts=_MOST_PARTS,
        text_bytes=current_app.config["MAX_CONTENT_LENGTH"],
    )


def _file_field(name: str) -> str | None:
    found = _FILE.fullmatch(name)
    return found[1] if found else None


def _values_of_json(body: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in body.items() if name not in ("image", "images")}
    image = body.get("images", body.get("image"))
    pictures = {"image": image, **{name: body.get(name) for name in ("mask", "mask_image")}}
    return values | {
        name: pictures_of_json(value) for name, value in pictures.items() if value is not None
    }


def _values_of_form(form: Form, schema: Schema) -> dict[str, Any]:
    """Return the values of a form with the types that they have in JSON."""
    kinds = {each.data_key or name: each for name, each in schema.fields.items()}
    values = parts_of_form(form.all_texts)
    for name, text in form.texts.items():
        split = split_name(name)
        own = name if split is None else split[0]
        if own in OBJECTS or own in values:
            continue
        if own != name:
            values[own] = {}  # an object that is not a field, or a field that is not an object
        elif text or name in _MAY_BE_EMPTY or name not in kinds:
            values[name] = _value(text, kinds.get(name))
    found = {name: pictures_of_files(sent) for name, sent in form.files.items()}
    return values | {name: each for name, each in found.items() if each is not None}


def _value(text: str, kind: fields.Field[Any] | None) -> Any:
    """Return the value of a text for this field of the schema; the text itself if it is not one."""
    if isinstance(kind, fields.Boolean):
        return _TRUTHS.get(text.lower(), text)
    if isinstance(kind, fields.Integer | fields.Float):
        return number_in(text)
    return text
