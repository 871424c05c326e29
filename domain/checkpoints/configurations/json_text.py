"""Reads the JSON of a model. It may come from anybody."""

import json
from typing import Any

__all__ = ["UnusableConfiguration", "json_object"]


class UnusableConfiguration(Exception):
    """A configuration needs more than any published model does, or is invalid.

    Attributes:
        reason: A sentence for a user. It begins in lower case.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def json_object(
    name: str, content: bytes, *, most_marks: int = 400_000, most_fields: int = 200_000
) -> dict[str, Any]:
    """Return the JSON object in a file. All JSON libraries read it alike.

    Args:
        name: The name of the file, for messages.
        content: The content of the file.
        most_marks: The most commas and opening brackets. Each stands for a value, and Python needs
            up to fifty times as much memory for a value as for its text.
        most_fields: The most colons. Each stands for the name of a field.

    Raises:
        UnusableConfiguration: It is not a JSON object, has too many values, or names a field twice.
    """

    def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):
            raise UnusableConfiguration(f"its {name} names a field twice")
        return table

    marks = sum(content.count(mark) for mark in (b",", b"[", b"{"))
    if marks > most_marks or content.count(b":") > most_fields:
        raise UnusableConfiguration(f"its {name} has more values than any model's")
    try:
        value = json.loads(content, object_pairs_hook=without_twins)
    except (ValueError, RecursionError) as error:
        raise UnusableConfiguration(f"its {name} is not JSON") from error
    if not isinstance(value, dict):
        raise UnusableConfiguration(f"its {name} is not a JSON object")
    return value
