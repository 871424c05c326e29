"""The schemas of queries about jobs."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from application.job import JobStatus
from domain.limits import IntegerRange

__all__ = [
    "THUMBNAIL",
    "Cursor",
    "EndQuerySchema",
    "EventsQuerySchema",
    "ImageQuerySchema",
    "JobQuerySchema",
]

THUMBNAIL = "thumbnail"
_PAGE_SIZE = IntegerRange(1, 100)
# Up to 2^63 - 1, the largest integer of databases.
_CURSOR = re.compile(r"j(0|[1-9a-f][0-9a-f]{0,14}|[1-7][0-9a-f]{15})")
_CURSOR_PATTERN = f"^{_CURSOR.pattern}$"


class _QueryInteger(fields.Integer):
    """An integer of a query, in digits and within `limit`."""

    def __init__(self, limit: IntegerRange, **options: Any) -> None:
        bounds = validate.Range(limit.minimum, limit.maximum)  # for the API's description
        super().__init__(validate=bounds, **options)
        self._limit = limit

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any
    ) -> int:
        number = int(value) if re.fullmatch(r"-?[0-9]{1,20}", value) else value
        if message := self._limit.problem(number):
            raise ValidationError(message)
        return int(number)


class Cursor(fields.Field[int]):
    """The start of a page of jobs. Clients send it back and do not interpret it."""

    def __init__(self, *, metadata: Mapping[str, Any], **options: Any) -> None:
        super().__init__(metadata={"type": "string", **metadata}, **options)

    def _serialize(self, value: int | None, attr: str | None, obj: Any, **_: Any) -> str | None:
        return None if value is None else _cursor(value)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any
    ) -> int:
        found = _CURSOR.fullmatch(value)
        if found is None:
            raise ValidationError("must be the next_cursor of an earlier answer")
        return int(found.group(1), 16)


class JobQuerySchema(Schema):
    """Which of the caller's jobs to list."""

    status = fields.Enum(
        JobStatus,
        by_value=True,
        error_messages={"unknown": "must be one of: {choices}"},
        metadata={"description": "List only jobs with this status."},
    )
    limit = _QueryInteger(
        _PAGE_SIZE, load_default=20, metadata={"description": "The most jobs on a page."}
    )
    before = Cursor(
        data_key="cursor",
        metadata={
            "description": "The `next_cursor` of the previous page.",
            "pattern": _CURSOR_PATTERN,
        },
    )


class ImageQuerySchema(Schema):
    """Which file of a picture to send."""

    size = fields.String(
        validate=validate.OneOf(
            [THUMBNAIL], error="must be thumbnail; leave it out for the picture itself"
        ),
        metadata={"description": "`thumbnail`: a small WebP. Without it: the picture itself."},
    )
    v = fields.String(
        metadata={
            "description": "The version in `thumbnail_url`. With it, the answer may be cached "
            "for good."
        },
    )


class _Flag(fields.Boolean):
    """`true` or `false` in a query."""

    def __init__(self, *, load_default: bool, description: str) -> None:
        super().__init__(
            truthy={"true"},
            falsy={"false"},
            load_default=load_default,
            error_messages={"invalid": "must be true or false"},
            metadata={"description": description},
        )


class EndQuerySchema(Schema):
    """How a job ends."""

    forget = _Flag(
        load_default=False,
        description="Remove a finished job and its pictures for good, instead of cancelling it.",
    )


class EventsQuerySchema(Schema):
    """Which events are sent."""

    previews = _Flag(load_default=True, description="Whether to send `preview` events.")


def _cursor(place: int) -> str:
    return f"j{place:x}"
