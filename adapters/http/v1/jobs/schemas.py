"""The schemas of jobs."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from marshmallow import fields, post_dump

from adapters.http.description.answers import AnswerSchema, Computed, ProblemSchema
from adapters.http.generation.fields import answer_field
from adapters.http.generation.part_schemas import AnswerWithParts, answer_parts, picture_id_field
from adapters.http.generation.schemas import TimingsSchema, picture_id
from adapters.http.problems.details import job_problem
from adapters.http.v1.jobs.query_schemas import THUMBNAIL, Cursor
from application.job import Job, JobStatus, JobView
from application.thumbnails import thumbnail_version
from domain.errors import JobNotFound
from domain.generation.fields import FIELDS
from domain.generation.fields.judging import id_problem
from domain.generation.output_formats import OutputFormat

__all__ = [
    "JobListSchema",
    "JobSchema",
    "ProgressSchema",
    "checked_id",
    "job_location",
    "job_url",
]

_SHOWN_CHARACTERS = 40
_UNKNOWN_TYPE = "application/octet-stream"
"""The media type of a format that only a newer release knows."""


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


class JobListSchema(AnswerSchema):
    """A page of your jobs, newest first."""

    jobs = fields.List(fields.Nested(JobSchema))
    count = Computed(
        lambda page: len(page.jobs),
        fields.Integer(),
        metadata={"description": "The number of jobs on this page."},
    )
    next_cursor = Cursor(
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
