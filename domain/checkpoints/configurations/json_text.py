"""Reading the JSON of a model, which anybody may have written."""

import json
from typing import Any

__all__ = ["UnusableConfiguration", "json_object"]


class UnusableConfiguration(Exception):
    """A configuration asks for more than any model needs, or is not sound.

    Attributes:
        reason: Why, in a sentence for a user that begins in lower case.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def json_object(
    name: str, content: bytes, *, most_marks: int = 400_000, most_fields: int = 200_000
) -> dict[str, Any]:
    """The JSON object in a file, as every reader of JSON reads it.

    Args:
        name: Of the file, for messages.
        content: Of the file.
        most_marks: How many commas and opening brackets it may have. Each stands for a value, and
            Python takes up to fifty times as much memory for a value as its text has.
        most_fields: How many colons it may have, which stand for the names of fields.

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
