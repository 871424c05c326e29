"""The one place where adapters meet the core. The only import of dependency_injector."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dependency_injector import containers, providers

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.filesystem.model_headers import FilesystemModelHeaders
from adapters.filesystem.model_source import FilesystemModelSource
from adapters.filesystem.scanning.identity_cache import IdentityCache
from adapters.filesystem.settings_file import model_settings_of
from adapters.pictures.codec import PillowPictureCodec
from adapters.pictures.resizing import PillowPictureResizer
from adapters.preprocessing.opencv import OpenCvPreprocessor
from adapters.process.crash_file import CrashFile
from adapters.process.memory import LinuxProcessReport
from adapters.security.checker import checker_of
from adapters.security.link_key import LinkKey
from application.jobs.job_service import JobService
from application.jobs.records import JobRecords
from application.lifecycle.devices import Device
from application.lifecycle.service import InferenceService
from application.lifecycle.warm_up import WarmUp
from application.parts import MakeMap
from application.picture_links import PictureLinks
from application.pictures import LaterPictures, Pictures, PictureShelf, StoredPictures
from application.settings.plan_overrides import PlanOverrides
from application.settings.settings import Settings
from application.thumbnails import Thumbnails
from domain.credentials import Scope
from domain.models.names import ModelNames
from domain.ports.device_report import DeviceReport
from domain.ports.image_generator import ImageGenerator
from domain.ports.model_settings import ModelSettingsSource
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry

if TYPE_CHECKING:
    from flask import Flask
    from prometheus_client import CollectorRegistry

    from adapters.storage.assembly import Storage
    from application.ports.job_observer import JobObserver
    from application.ports.job_store import JobStore
    from application.ports.metrics import Metrics
    from application.ports.picture_index import PictureIndex
    from application.ports.picture_store import PictureStore
    from application.ports.result_store import ResultStore
    from application.ports.sole_use import SoleUse

__all__ = ["LIBRARY_ENVIRONMENT", "Container"]

LIBRARY_ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        # Models come from the model folders alone. No library may ask a hub for anything.
        "HF_HUB_OFFLINE": "1",
        # What these libraries log at import is of no use to an operator.
        "DIFFUSERS_VERBOSITY": "error",
        "TRANSFORMERS_VERBOSITY": "error",
        # torch asks Linux for large pages, whose first touch costs less: on a CPU a seventh of
        # loading a model, and a ninth of decoding a picture.
        "THP_MEM_ALLOC_ENABLE": "1",
    }
)
"""Variables that a process sets before it imports the drawing libraries, unless they are set."""


def _model_source(settings: Settings, only: str | None) -> FilesystemModelSource:
    cache = IdentityCache(Path(settings.data_dir, "models.sqlite"))
    return FilesystemModelSource(settings.model_dirs, cache, only=only)


def _model_names(settings: Settings) -> ModelNames:
    return ModelNames(settings.default_model, dict(settings.model_aliases))


def _report_of(generator: ImageGenerator) -> DeviceReport:
    return generator.report


def _service(
    registry: ModelRegistry,
    generator: ImageGenerator,
    job_service: JobService,
    records: JobRecords,
    warm_up: WarmUp,
    settings: Settings,
) -> InferenceService:
    return InferenceService(
        registry,
        [Device(generator, worker, warm_up) for worker in job_service.workers],
        job_service,
        records,
        scan_interval=settings.model_scan_interval,
        stall_timeout=settings.stall_timeout_seconds,
    )


def _storage(settings: Settings) -> "Storage":
    # A program that embeds the service draws without importing SQLAlchemy.
    from adapters.storage.assembly import Storage

    return Storage(settings)


def _picture_links(settings: Settings) -> PictureLinks:
    key = LinkKey(settings.secret_key, Path(settings.data_dir, "picture-links.key"))
    return PictureLinks(key, seconds=settings.picture_link_seconds)


def _metrics_registry() -> "CollectorRegistry":
    from prometheus_client import CollectorRegistry

    return CollectorRegistry()


def _job_observer(registry: "CollectorRegistry") -> "JobObserver":
    from adapters.metrics.jobs import PrometheusJobObserver

    return PrometheusJobObserver(registry)


def _metrics(counts: "CollectorRegistry", settings: Settings, **state: Any) -> "Metrics":
    from adapters.metrics.prometheus import PrometheusMetrics
    from adapters.metrics.state import StateCollector

    return PrometheusMetrics(
        counts,
        StateCollector(**state, max_queue=settings.max_queue),
        max_waiting=settings.max_waiting,
        max_streams=settings.max_streams,
    )


def _app(**collaborators: Any) -> "Flask":
    # A program that embeds the service draws without importing Flask.
    from adapters.http.app import create_app

    return create_app(**collaborators)


class Container(containers.DeclarativeContainer):
    """`Container(settings=Settings(...))`; a test overrides a provider to swap a fake in.

    Each object is made when it is first needed, and shared from then on.
    """

    settings = providers.Dependency(instance_of=Settings)
    # If a model has this name or path, the other models are not read.
    only_model: providers.Provider[str | None] = providers.Object(None)

    model_source = providers.ThreadSafeSingleton(_model_source, settings, only_model)
    model_names = providers.ThreadSafeSingleton(_model_names, settings)
    model_settings: providers.Provider[ModelSettingsSource] = providers.ThreadSafeSingleton(
        model_settings_of, settings.provided.model_settings
    )
    model_headers = providers.ThreadSafeSingleton(FilesystemModelHeaders)
    model_registry = providers.ThreadSafeSingleton(
        ModelRegistry,
        model_source,
        names=model_names,
        settings=model_settings,
        headers=model_headers,
        max_pixels=settings.provided.max_pixels,
    )
    picture_codec = providers.ThreadSafeSingleton(PillowPictureCodec)
    picture_preprocessor = providers.ThreadSafeSingleton(OpenCvPreprocessor)
    picture_resizer = providers.ThreadSafeSingleton(PillowPictureResizer)
    image_generator = providers.ThreadSafeSingleton(
        DiffusersImageGenerator,
        model_registry,
        picture_codec,
        preprocessor=picture_preprocessor,
        overrides=providers.Callable(PlanOverrides.of, settings),
        cache_bytes=settings.provided.model_cache_bytes,
    )
    # The report belongs to the generator: a test that overrides the generator overrides both.
    device_report = providers.Callable(_report_of, image_generator)
    process_report = providers.ThreadSafeSingleton(LinuxProcessReport)
    credential_checker = providers.ThreadSafeSingleton(checker_of, settings)
    # A metrics key has the scope that /metrics needs, and has it at /metrics alone.
    metrics_checker = providers.ThreadSafeSingleton(
        checker_of, settings, metrics_scopes=frozenset({Scope.MODELS_READ})
    )
    storage = providers.ThreadSafeSingleton(_storage, settings)
    job_store: providers.Provider["JobStore"] = storage.provided.jobs
    result_store: providers.Provider["ResultStore"] = storage.provided.results
    picture_index: providers.Provider["PictureIndex"] = storage.provided.picture_index
    picture_store: providers.Provider["PictureStore"] = storage.provided.pictures
    sole_use: providers.Provider["SoleUse"] = storage.provided.sole_use
    crashes = providers.ThreadSafeSingleton(
        CrashFile, providers.Factory(Path, settings.provided.data_dir, "crash.txt")
    )
    # Seconds since 1970.
    wall_clock: providers.Provider[Callable[[], float]] = providers.Object(time.time)

    picture_shelf = providers.ThreadSafeSingleton(
        PictureShelf,
        picture_index,
        picture_store,
        retention_seconds=settings.provided.job_retention_seconds,
        retention_bytes=settings.provided.job_retention_bytes,
    )
    job_records = providers.ThreadSafeSingleton(
        JobRecords,
        job_store,
        result_store,
        sole_use,
        retention_seconds=settings.provided.job_retention_seconds,
        retention_bytes=settings.provided.job_retention_bytes,
        now=wall_clock,
        crashes=crashes,
        pictures=picture_shelf,
    )
    pictures: providers.Provider[Pictures] = providers.ThreadSafeSingleton(
        StoredPictures,
        picture_index,
        picture_shelf,
        result_store,
        picture_codec,
        claim=job_records.provided.claim,
        max_bytes=settings.provided.max_picture_bytes,
        now=wall_clock,
    )
    generate_images = providers.ThreadSafeSingleton(
        GenerateImages,
        model_registry,
        image_generator,
        picture_codec,
        pictures=providers.Factory(LaterPictures, providers.Delegate(pictures)),
        headers=model_headers,
        embed_metadata=settings.provided.embed_metadata,
        load_timeout=settings.provided.load_timeout_seconds,
    )
    make_map = providers.ThreadSafeSingleton(MakeMap, pictures, picture_codec, picture_preprocessor)
    picture_links = providers.ThreadSafeSingleton(_picture_links, settings)
    metrics_registry = providers.ThreadSafeSingleton(_metrics_registry)
    job_observer = providers.ThreadSafeSingleton(_job_observer, metrics_registry)
    job_service = providers.ThreadSafeSingleton(
        JobService,
        providers.List(generate_images),
        job_records,
        max_queue=settings.provided.max_queue,
        max_queue_per_caller=settings.provided.max_queue_per_caller,
        batch_window=settings.provided.batch_window,
        observer=job_observer,
        now=wall_clock,
    )
    thumbnails = providers.ThreadSafeSingleton(
        Thumbnails, job_service, job_store, result_store, picture_codec
    )
    warm_up = providers.ThreadSafeSingleton(
        WarmUp, model_registry, generate_images, device_report, settings.provided.warm_up
    )
    service = providers.ThreadSafeSingleton(
        _service, model_registry, image_generator, job_service, job_records, warm_up, settings
    )
    metrics = providers.ThreadSafeSingleton(
        _metrics,
        metrics_registry,
        settings,
        registry=model_registry,
        generator=image_generator,
        report=device_report,
        job_service=job_service,
        service=service,
    )
    app = providers.ThreadSafeSingleton(
        _app,
        settings=settings,
        registry=model_registry,
        generator=image_generator,
        device_report=device_report,
        process_report=process_report,
        job_service=job_service,
        service=service,
        credential_checker=credential_checker,
        metrics_checker=metrics_checker,
        metrics=metrics,
        picture_codec=picture_codec,
        pictures=pictures,
        make_map=make_map,
        picture_links=picture_links,
        thumbnails=thumbnails,
        model_headers=model_headers,
        addition_checks=generate_images.provided.additions,
        picture_preprocessor=picture_preprocessor,
        picture_resizer=picture_resizer,
    )
