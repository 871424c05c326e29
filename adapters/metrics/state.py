"""The state of the service, read when a scrape asks for it."""

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from application.jobs.job_service import JobService
from application.lifecycle.service import InferenceService, Readiness
from application.version import VERSION
from domain.models.record import SHORT_ID, ModelKind, PendingState
from domain.ports.device_report import DeviceReport
from domain.ports.image_generator import ImageGenerator
from domain.services.model_registry import ModelRegistry

__all__ = ["StateCollector"]


class StateCollector(Collector):
    """Gauges of the current state of these objects. Nothing here waits for any of them."""

    def __init__(
        self,
        *,
        registry: ModelRegistry,
        generator: ImageGenerator,
        report: DeviceReport,
        job_service: JobService,
        service: InferenceService,
        max_queue: int,
    ) -> None:
        self._registry = registry
        self._generator = generator
        self._report = report
        self._job_service = job_service
        self._service = service
        self._max_queue = max_queue

    def collect(self) -> Iterator[Metric]:
        yield from self._service_metrics()
        yield from self._queue_metrics()
        yield from self._model_metrics()
        yield from _device_metrics(self._report)

    def _service_metrics(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "ai_inference_build",
            "The version and the device; the device is empty until it is known.",
            value={
                "version": VERSION,
                "device": self._generator.device or "",
                "torch": self._report.versions.get("torch", ""),
            },
        )
        now = self._service.readiness
        yield _by_label(
            "ai_inference_readiness",
            "1 for the state of the service; it runs requests only in the state ready.",
            "state",
            {each.name.lower(): each is now for each in Readiness},
        )

    def _queue_metrics(self) -> Iterator[Metric]:
        load = self._job_service.load
        yield _gauge("ai_inference_queue_jobs", "Jobs in the queue.", load.waiting)
        yield _gauge(
            "ai_inference_queue_limit_jobs", "Jobs that the queue can hold.", self._max_queue
        )
        yield _gauge(
            "ai_inference_queue_oldest_age_seconds",
            "Seconds since the oldest waiting job was accepted; 0 if no job waits.",
            load.oldest_seconds,
        )
        yield _gauge("ai_inference_jobs_running", "Jobs that are running.", load.running)
        yield _gauge(
            "ai_inference_steps_per_second",
            "Drawing steps per second; 0 if nothing is being drawn.",
            load.steps_per_second,
        )

    def _model_metrics(self) -> Iterator[Metric]:
        listed = GaugeMetricFamily(
            "ai_inference_models",
            "Listed models, by kind and by whether they can draw.",
            labels=("kind", "loadable"),
        )
        counts = Counter((model.kind, model.loadable) for model in self._registry.models())
        for kind in ModelKind:
            for loadable in (True, False):
                listed.add_metric((kind.value, str(loadable).lower()), counts[kind, loadable])
        yield listed
        yield _gauge(
            "ai_inference_model_settings_followed",
            "1 if MODEL_SETTINGS is followed as it is now, or is not set; 0 if it has a fault.",
            self._registry.settings_problem is None,
        )
        files = dict.fromkeys(map(str, PendingState), 0)
        left = dict(files)
        for pending in self._registry.pending():
            files[pending.state.value] += 1
            left[pending.state.value] += max(0, pending.size - pending.hashed)
        yield _by_label(
            "ai_inference_hash_backlog_files",
            "Model files that are not listed yet: still being written, or being read.",
            "state",
            files,
        )
        yield _by_label(
            "ai_inference_hash_backlog_bytes",
            "Bytes of these files that are not read yet.",
            "state",
            left,
        )


def _device_metrics(report: DeviceReport) -> Iterator[Metric]:
    loaded: Counter[str] = Counter()
    for model in report.loaded_models:
        loaded[model.id[:SHORT_ID]] += model.size
    yield _gauge("ai_inference_models_loaded", "Models that are loaded.", len(loaded))
    yield _by_label(
        "ai_inference_model_loaded_bytes",
        "Bytes of the weights of each loaded model, by the first digits of its id.",
        "model",
        loaded,
    )
    if (memory := report.memory) is not None:
        yield _gauge(
            "ai_inference_device_memory_used_bytes",
            "Bytes of device memory in use by all programs.",
            memory.used,
        )
        yield _gauge(
            "ai_inference_device_memory_size_bytes",
            "Bytes of device memory.",
            memory.total,
        )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _by_label(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for word, value in values.items():
        family.add_metric((word,), value)
    return family
