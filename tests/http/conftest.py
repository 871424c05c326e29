"""The Flask application over fakes: real container, real worker thread, no torch."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from dependency_injector import providers
from flask import Flask
from flask.testing import FlaskClient

from application.settings.settings import Settings
from container import Container
from tests.fakes.crash_record import FakeCrashRecord
from tests.fakes.device_report import FakeDeviceReport
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_headers import FakeModelHeaders
from tests.fakes.model_settings import FakeModelSettings
from tests.fakes.model_source import FakeModelSource, model_record
from tests.fakes.pictures import FakePictureIndex, FakePictureStore
from tests.fakes.preprocessor import FakePreprocessor
from tests.fakes.process_report import FakeProcessReport
from tests.fakes.stores import FakeJobStore, FakeResultStore, FakeSoleUse
from tests.http.description.documented import DocumentedClient

pytest.register_assert_rewrite(
    "tests.http.helpers",
    "tests.http.automatic1111.sdapi",
    "tests.http.automatic1111.from_pictures",
)

API_KEY = "key-of-the-tests"
OTHER_API_KEY = "another-key-of-the-tests"
SECRET_KEY = "q7Jw0Zr2Vt9Xk4Lm1Np8Bc5Df3Gh6Js0Ty"
MODEL = model_record(b"weights", "models/a.safetensors")
AUTHORIZED = {"Authorization": f"Bearer {API_KEY}"}
OTHERS = {"Authorization": f"Bearer {OTHER_API_KEY}"}
_NUMBERS = itertools.count(1)


@dataclass
class Service:
    """A running service, and the objects that a test may inspect or change."""

    client: FlaskClient
    container: Container
    generator: FakeImageGenerator
    source: FakeModelSource
    jobs: FakeJobStore
    results: FakeResultStore
    index: FakePictureIndex
    pictures: FakePictureStore
    report: FakeDeviceReport
    process: FakeProcessReport
    headers: FakeModelHeaders
    preprocessor: FakePreprocessor
    model_settings: FakeModelSettings


def documented_app(container: Container) -> Flask:
    """Return the application. Its test clients check every answer against the API's description."""
    app = container.app()
    app.test_client_class = DocumentedClient
    return app


def make_service(
    settings: Settings,
    *,
    generator: FakeImageGenerator | None = None,
    scanned: bool = True,
    now: Callable[[], float] = time.time,
) -> Service:
    """Return the application over fakes, scanned once unless `scanned` is false; not started."""
    source = FakeModelSource({MODEL.path: b"weights"})
    generator = generator or FakeImageGenerator()
    container = Container(settings=settings)
    container.model_source.override(source)
    container.image_generator.override(generator)
    jobs, results = FakeJobStore(), FakeResultStore()
    container.job_store.override(jobs)
    container.result_store.override(results)
    index, pictures = FakePictureIndex(jobs), FakePictureStore()
    container.picture_index.override(index)
    container.picture_store.override(pictures)
    container.sole_use.override(FakeSoleUse())
    container.wall_clock.override(providers.Object(now))
    report = FakeDeviceReport()
    container.device_report.override(report)
    process = FakeProcessReport()
    container.process_report.override(process)
    container.crashes.override(FakeCrashRecord())
    headers, preprocessor = FakeModelHeaders(), FakePreprocessor()
    container.model_headers.override(headers)
    container.picture_preprocessor.override(preprocessor)
    model_settings = FakeModelSettings()
    container.model_settings.override(model_settings)
    if scanned:
        container.model_registry().refresh()
    client = documented_app(container).test_client()
    return Service(
        client=client,
        container=container,
        generator=generator,
        source=source,
        jobs=jobs,
        results=results,
        index=index,
        pictures=pictures,
        report=report,
        process=process,
        headers=headers,
        preprocessor=preprocessor,
        model_settings=model_settings,
    )


def make_settings(**changes: object) -> Settings:
    """Return settings with two API keys and a secret key, changed by `changes`."""
    values: dict[str, object] = {
        "api_keys": (API_KEY, OTHER_API_KEY),
        "secret_key": SECRET_KEY,
        "max_queue": 2,
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


@contextmanager
def running_service(settings: Settings) -> Iterator[Service]:
    """Run a service with its worker and scanner."""
    running = make_service(settings)
    running.container.service().start()
    try:
        yield running
    finally:
        running.generator.gate.set()
        running.container.service().stop(timeout=10)


@pytest.fixture
def service() -> Iterator[Service]:
    """A running service for one test."""
    with running_service(make_settings()) as running:
        yield running


@pytest.fixture(scope="module")
def shared() -> Iterator[Service]:
    """A running service for a whole file whose requests leave nothing behind."""
    with running_service(make_settings()) as running:
        yield running


@pytest.fixture
def client(service: Service) -> FlaskClient:
    return service.client


def infer_body(**changes: object) -> dict[str, object]:
    """Return a valid body of `/v1/infer` with a unique id, changed by `changes`."""
    name = f"r{next(_NUMBERS)}"
    return {"id": name, "model_id": MODEL.id, "prompt": "a red circle"} | changes
