"""Describes parameters of paths in more detail than a Flask rule."""

from typing import Any

__all__ = ["path_parameter"]


def path_parameter(name: str, description: str, **schema: Any) -> dict[str, Any]:
    """Return a text parameter for a route's `parameters`, with more keywords of JSON Schema."""
    return {
        "in": "path",
        "name": name,
        "required": True,
        "description": description,
        "schema": {"type": "string", **schema},
    }
