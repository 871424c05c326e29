"""Parameters of paths, beyond what a Flask rule says of them."""

from typing import Any

__all__ = ["path_parameter"]


def path_parameter(name: str, description: str, **schema: Any) -> dict[str, Any]:
    """One for `parameters` of a route: text, with further words of JSON Schema."""
    return {
        "in": "path",
        "name": name,
        "required": True,
        "description": description,
        "schema": {"type": "string", **schema},
    }
