"""Metrics about jobs and drawing."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from application.job import Job, JobStatus
from application.ports.job_observer import JobObserver
from domain import errors

__all__ = ["PrometheusJobObserver"]

_PHASE_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_STEP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_BATCH_BUCKETS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
# `rate()` misses the first increment of a counter that did not exist before it.
_USUAL_FAILURES = (
    errors.OutOfMemory.code,
    errors.GenerationFailed.code,
    errors.ModelNotLoadable.code,
    errors.StorageUnavailable.code,
    "internal_error",
)


class PrometheusJobObserver(JobObserver):
    """Counters and histograms in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter(
            "ai_inference_jobs_finished",
            "Finished jobs, by how they ended; code says why a job failed.",
            ("outcome", "code"),
            registry=registry,
        )
        for outcome in (JobStatus.SUCCEEDED, JobStatus.CANCELLED):
            self._ended.labels(outcome.value, "")
        for code in _USUAL_FAILURES:
            self._ended.labels(JobStatus.FAILED.value, code)
        self._images = Counter(
            "ai_inference_images", "Pictures of jobs that succeeded.", registry=registry
        )
        phases = Histogram(
            "ai_inference_job_phase_seconds",
            "Seconds of each succeeded job, by phase; a job counts the phases of its whole batch.",
            ("phase",),
            buckets=_PHASE_BUCKETS,
            registry=registry,
        )
        self._queue, self._load = phases.labels("queue"), phases.labels("load")
        self._generate, self._encode = phases.labels("generate"), phases.labels("encode")
        self._batches = Histogram(
            "ai_inference_batch_images",
            "The number of images drawn together.",
            buckets=_BATCH_BUCKETS,
            registry=registry,
        )
        self._steps = Histogram(
            "ai_inference_step_seconds",
            "Seconds from one drawing step to the next, for all images drawn together.",
            buckets=_STEP_BUCKETS,
            registry=registry,
        )

    def batch_drawn(self, images: int) -> None:
        self._batches.observe(images)

    def step_done(self, seconds: float) -> None:
        self._steps.observe(seconds)

    def job_ended(self, job: Job) -> None:
        code = "" if job.failure is None else job.failure.code
        self._ended.labels(job.status.value, code).inc()
        self._images.inc(len(job.images or ()))
        if job.timings is not None:
            self._queue.observe(job.timings.queue)
            self._load.observe(job.timings.load)
            self._generate.observe(job.timings.generate)
            self._encode.observe(job.timings.encode)
