"""marshmallow schemas as JSON Schema 2020-12, beyond what apispec tells by itself."""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from adapters.http.description.answers import Computed

__all__ = ["SchemaPlugin"]

_WORDS = ("const", "contentEncoding", "contentMediaType", "contentSchema")
"""Of JSON Schema 2020-12: apispec lets those of OpenAPI 3.0 alone pass from a field's metadata."""


class _Converter(OpenAPIConverter):
    """What apispec has no word for, fields and schemas here say themselves.

    A field: `limit_name`, of the `GenerationRequest` field whose default is its own; a dot in its
    `data_key`, when it lies within an object. A schema: `null_is_left_out`, when a null counts as
    not sent; `described`, members to merge in.
    """

    request_defaults: ClassVar[Mapping[str, object]] = {}

    def field2property(self, field: fields.Field[Any]) -> dict[str, Any]:
        found: dict[str, Any]
        if isinstance(field, Computed):
            found = self.field2property(field.shape) | self.metadata2properties(field)
        else:
            found = super().field2property(field)
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
    """apispec's plugin with our converter, and names without underscores.

    Args:
        request_defaults: By the field of a `GenerationRequest`, what it is when not sent.
    """

    def __init__(self, request_defaults: Mapping[str, object]) -> None:
        super().__init__(schema_name_resolver=_name)

        class Converter(_Converter):
            """Of this application."""

        Converter.request_defaults = request_defaults
        self.Converter = Converter


def _add_type(found: dict[str, Any]) -> None:
    """Say what type all of the words are, where the schema only says which."""
    values = found.get("enum", [found["const"]] if "const" in found else [])
    if values and "type" not in found and all(isinstance(each, str | None) for each in values):
        found["type"] = ["string", "null"] if None in values else "string"


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
    # Not inspect.getdoc, which gives what a base class says.
    return inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def _allow_null(found: dict[str, Any]) -> None:
    if isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    if "enum" in found and None not in found["enum"]:
        found["enum"] = [*found["enum"], None]
