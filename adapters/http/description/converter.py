"""Describes marshmallow schemas as JSON Schema 2020-12, with more keywords than apispec has."""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from adapters.http.description.answers import Computed, TextOrNested

__all__ = ["SchemaPlugin"]

_WORDS = ("const", "contentEncoding", "contentMediaType", "contentSchema")
"""Keywords of JSON Schema 2020-12. apispec copies only those of OpenAPI 3.0 from the metadata."""


class _Converter(OpenAPIConverter):
    """Reads attributes of fields and schemas that apispec does not know.

    A field may have a `limit_name`: the `GenerationRequest` field that its default comes from. A
    dot in its `data_key` places it inside an object. A schema may have `null_is_left_out`, which
    means that a null counts as not sent, and `described`: members to merge into its description.
    """

    request_defaults: ClassVar[Mapping[str, object]] = {}

    def field2property(self, field: fields.Field[Any]) -> dict[str, Any]:
        found: dict[str, Any]
        if isinstance(field, Computed):
            found = self.field2property(field.shape) | self.metadata2properties(field)
        else:
            found = super().field2property(field)
            if isinstance(field, TextOrNested):
                found = _with_text(found, field.metadata["text"])
        found |= {word: field.metadata[word] for word in _WORDS if word in field.metadata}
        _add_type(found)
        name: str = getattr(field, "limit_name", None) or ""
        if name in self.request_defaults and not field.required:
            default = self.request_defaults[name]
            if default is not None or field.allow_none:
                found.setdefault("default", default)
        return found

    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        instance = schema() if isinstance(schema, type) else schema
        found: dict[str, Any] = super().schema2jsonschema(instance)
        if description := _first_paragraph(type(instance)):
            found["description"] = description
        if getattr(instance, "null_is_left_out", False):
            optional = found["properties"].keys() - set(found.get("required", ()))
            for name in optional:
                _allow_null(found["properties"][name])
        _nest(found.get("properties", {}))
        return _merged(found, getattr(instance, "described", {}))


class SchemaPlugin(MarshmallowPlugin):
    """apispec's plugin with this module's converter, and component names without underscores.

    Args:
        request_defaults: The default of each field of a `GenerationRequest`.
    """

    def __init__(self, request_defaults: Mapping[str, object]) -> None:
        super().__init__(schema_name_resolver=_name)

        class Converter(_Converter):
            """The converter of one application."""

        Converter.request_defaults = request_defaults
        self.Converter = Converter


def _add_type(found: dict[str, Any]) -> None:
    """Add the type of the values of an enum or const that has no type."""
    values = found.get("enum", [found["const"]] if "const" in found else [])
    if values and "type" not in found and all(isinstance(each, str | None) for each in values):
        found["type"] = ["string", "null"] if None in values else "string"


def _with_text(found: Mapping[str, Any], text: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a value that is a text or what `found` says: an object or null."""
    told = {name: found[name] for name in ("description",) if name in found}
    rest = {name: each for name, each in found.items() if name not in told}
    choices = rest["anyOf"] if rest.keys() == {"anyOf"} else [rest]
    return {**told, "anyOf": [dict(text), *choices]}


def _nest(properties: dict[str, Any]) -> None:
    """Make `a.b` the property `b` of the object `a`."""
    for path in [name for name in properties if "." in name]:
        within, name = path.split(".", 1)
        outer = properties.setdefault(within, {"type": "object", "properties": {}})
        outer["properties"][name] = properties.pop(path)


def _merged(found: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        word: _merged(found[word], value)
        for word, value in more.items()
        if isinstance(value, Mapping) and isinstance(found.get(word), Mapping)
    }
    return {**found, **more, **both}


def _name(schema: Any) -> str:
    cls = schema if isinstance(schema, type) else type(schema)
    return cls.__name__.lstrip("_").removesuffix("Schema")


def _first_paragraph(cls: type[Schema]) -> str:
    # Not inspect.getdoc, which falls back to the docstring of a base class.
    return inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def _allow_null(found: dict[str, Any]) -> None:
    if isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    if "enum" in found and None not in found["enum"]:
        found["enum"] = [*found["enum"], None]
