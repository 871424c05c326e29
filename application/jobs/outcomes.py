"""What became of a job that was drawn, for its caller and for the log."""

import logging

from application.job import Job, JobFailure
from domain.errors import DomainError, GenerationFailed, OutOfMemory
from domain.generation.request import GenerationResult
from domain.models.record import SHORT_ID

__all__ = ["failure_of", "forget_frames", "log_drawn", "log_failure"]

_log = logging.getLogger(__name__)


def failure_of(error: Exception) -> JobFailure:
    """What its caller is told of a job that failed with this error."""
    if isinstance(error, DomainError):
        return JobFailure.of(error)
    return JobFailure(
        "internal_error", "an unexpected error; the log has it under the id of the job"
    )


def forget_frames(error: BaseException) -> None:
    """Let go of what an error's tracebacks lead to, as it is kept for who asks what became of the
    job: of all that was being drawn with.
    """
    each: BaseException | None = error
    while each is not None:
        each.__traceback__ = None
        each = each.__cause__ or each.__context__


def log_failure(job: Job, error: Exception) -> None:
    """A line for the operator; with the traceback where the code or a library is to blame."""
    if isinstance(error, DomainError):
        why = error if isinstance(error, GenerationFailed | OutOfMemory) else None
        _log.warning(
            "job failed: id=%a code=%s %s", job.request.id, error.code, error, exc_info=why
        )
    else:
        _log.error("job failed: id=%a", job.request.id, exc_info=error)


def log_drawn(job: Job, result: GenerationResult) -> None:
    """A line for each job that succeeded; its prompt at DEBUG alone."""
    request = result.request
    _log.info(
        "drawn: id=%a caller=%a model=%s steps=%d size=%dx%d images=%d seconds=%.2f queued=%.2f",
        request.id,
        job.caller,
        request.model_id[:SHORT_ID],
        request.num_inference_steps,
        request.width,
        request.height,
        request.num_images,
        result.processing_time,
        result.timings.queue,
    )
    _log.debug("prompt of %a: %a", request.id, request.prompt)
