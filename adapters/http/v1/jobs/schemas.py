"""The schemas of jobs."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from marshmallow import Schema, ValidationError, fields, post_dump, validate

from adapters.http.description.answers import AnswerSchema, Computed, ProblemSchema
from adapters.http.generation.fields import answer_field
from adapters.http.generation.part_schemas import AnswerWithParts, answer_parts, picture_id_field
from adapters.http.generation.schemas import TimingsSchema, picture_id
from adapters.http.problems.details import job_problem
from application.job import Job, JobStatus, JobView
from application.thumbnails import thumbnail_version
from domain.errors import JobNotFound
from domain.generation.fields import FIELDS
from domain.generation.output_formats import OutputFormat
from domain.generation.request import id_problem
from domain.limits import IntegerRange

__all__ = [
    "THUMBNAIL",
    "EndQuerySchema",
    "EventsQuerySchema",
    "ImageQuerySchema",
    "JobListSchema",
    "JobQuerySchema",
    "JobSchema",
    "ProgressSchema",
    "checked_id",
    "job_location",
    "job_url",
]

THUMBNAIL = "thumbnail"
_PAGE_SIZE = IntegerRange(1, 100)
_SHOWN_CHARACTERS = 40
_UNKNOWN_TYPE = "application/octet-stream"
"""The media type of a format that only a newer release knows."""
# Up to 2^63 - 1, the largest integer of databases.
_CURSOR = re.compile(r"j(0|[1-9a-f][0-9a-f]{0,14}|[1-7][0-9a-f]{15})")
_CURSOR_PATTERN = f"^{_CURSOR.pattern}$"


def job_url(job_id: str) -> str:
    """Return the address of a job. Its id may hold any character but '/'."""
    return f"/v1/jobs/{quote(job_id, safe='')}"


def checked_id(text: str) -> str:
    """Return the id in an address. Raise JobNotFound if no job can have it."""
    if id_problem(text) is not None:
        raise JobNotFound(text[:_SHOWN_CHARACTERS])
    return text


def job_location(view: JobView) -> dict[str, str]:
    """Return the header `Location` of a job."""
    return {"Location": job_url(view.job.request.id)}


class _Timestamp(fields.Field[float]):
    """Writes seconds since 1970 as a timestamp of RFC 3339, in UTC with milliseconds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"type": "string", "format": "date-time"}, **options)

    def _serialize(self, value: float | None, attr: str | None, obj: Any, **_: Any) -> str | None:
        if value is None:
            return None
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


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


class _Cursor(fields.Field[int]):
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


class ProgressSchema(AnswerSchema):
    """The progress of a drawing. `rate` and `seconds_left` are there once they are known."""

    step = fields.Integer(metadata={"description": "The number of steps that are done."})
    steps = fields.Integer(metadata={"description": "The number of all steps."})
    rate = fields.Float(metadata={"optional": True, "description": "Steps in each second."})
    seconds_left = fields.Float(metadata={"optional": True})

    @post_dump
    def _known(self, dumped: dict[str, object], **_: Any) -> dict[str, object]:
        return {name: value for name, value in dumped.items() if value is not None}


_OF_EVERY_REQUEST = frozenset({"id", "model_id", "output_format", "quality"})


def _asked(name: str) -> fields.Field[Any]:
    """Return the field for a value of the request of a job."""
    field = answer_field(name, any_word=True)
    if name not in _OF_EVERY_REQUEST:
        field.metadata = {**field.metadata, "optional": True}
    return field


class _JobRequestSchema(AnswerWithParts):
    """The request, with defaults filled in. That of `/v1/upscale` has the fields of its body."""

    class Meta(AnswerSchema.Meta):
        # Any name is shown: a newer release may have stored names that this one does not know.
        include = {  # noqa: RUF012 - marshmallow declares it so
            **{name: _asked(name) for name in FIELDS},
            **answer_parts(),
            "image": picture_id_field("The picture of `/v1/upscale`.", metadata={"optional": True}),
            "scale": fields.Float(
                allow_none=True,
                metadata={"optional": True, "description": "The scale of `/v1/upscale`."},
            ),
        }

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in ("image", "scale"):  # `_with_parts` writes them
            self.dump_fields.pop(name, None)


class _JobImageSchema(AnswerSchema):
    """The address, the seed and the size of a finished picture."""

    id = picture_id(
        allow_none=True,
        description="The SHA-256 of the file, which names the picture; null if an early release "
        "drew it.",
    )
    url = fields.String(metadata={"format": "uri-reference"})
    thumbnail_url = fields.String(
        metadata={
            "format": "uri-reference",
            "description": "A WebP of at most 384 pixels a side. A browser may cache it for good.",
        }
    )
    seed = fields.Integer(
        allow_none=True,
        metadata={"description": "The seed; null for a picture that was only enlarged."},
    )
    width = fields.Integer()
    height = fields.Integer()
    media_type = fields.String(
        metadata={"enum": [*(each.media_type for each in OutputFormat), _UNKNOWN_TYPE]}
    )


class JobSchema(AnswerSchema):
    """A request that was accepted, and what has become of it."""

    id = fields.String(attribute="job.request.id")
    status = fields.Enum(JobStatus, by_value=True, attribute="job.status")
    position = fields.Integer(
        allow_none=True,
        metadata={
            "description": "The place in the queue; 1 is next. Null if the job does not wait."
        },
    )
    progress = fields.Nested(ProgressSchema, allow_none=True)
    created_at = _Timestamp(attribute="job.created_at")
    started_at = _Timestamp(attribute="job.started_at", allow_none=True)
    finished_at = _Timestamp(attribute="job.finished_at", allow_none=True)
    request = fields.Nested(_JobRequestSchema, attribute="job.request")
    images = Computed(
        lambda view: _images(view.job),
        fields.List(fields.Nested(_JobImageSchema), allow_none=True),
        metadata={"description": "The pictures; null until the job has succeeded."},
    )
    error = Computed(
        lambda view: view.job.failure and job_problem(view.job.failure),
        fields.Nested(ProblemSchema, allow_none=True),
        metadata={"description": "Why the job failed; null if it has not."},
    )
    processing_time = fields.Float(attribute="job.processing_time", allow_none=True)
    timings = fields.Nested(TimingsSchema, attribute="job.timings", allow_none=True)
    warnings = fields.List(fields.String(), attribute="job.warnings")


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
    before = _Cursor(
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


class JobListSchema(AnswerSchema):
    """A page of your jobs, newest first."""

    jobs = fields.List(fields.Nested(JobSchema))
    count = Computed(
        lambda page: len(page.jobs),
        fields.Integer(),
        metadata={"description": "The number of jobs on this page."},
    )
    next_cursor = _Cursor(
        attribute="older",
        allow_none=True,
        metadata={"description": "The `cursor` of the next page; null on the last page."},
    )


def _images(job: Job) -> list[dict[str, object]] | None:
    if job.images is None:
        return None
    version = thumbnail_version(job)
    return [
        {
            "id": image.sha256,
            "url": (url := f"{job_url(job.request.id)}/images/{number}"),
            "thumbnail_url": f"{url}?size={THUMBNAIL}&v={version}",
            "seed": image.seed,
            "width": image.width,
            "height": image.height,
            "media_type": _media_type(job.request.output_format),
        }
        for number, image in enumerate(job.images)
    ]


def _media_type(output_format: str) -> str:
    known = isinstance(output_format, OutputFormat) or output_format in list(OutputFormat)
    return OutputFormat(output_format).media_type if known else _UNKNOWN_TYPE


def _cursor(place: int) -> str:
    return f"j{place:x}"
