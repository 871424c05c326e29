"""The Flask application over fakes: real container, real scheduler thread, no torch."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient

from application.settings import Settings
from container import Container
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource, model_record

API_KEY = "key-of-the-tests"
OTHER_API_KEY = "another-key-of-the-tests"
SECRET_KEY = "q7Jw0Zr2Vt9Xk4Lm1Np8Bc5Df3Gh6Js0Ty"
MODEL = model_record(b"weights", "models/a.safetensors")
AUTHORIZED = {"Authorization": f"Bearer {API_KEY}"}


@dataclass
class Service:
    """A running service and what a test may look at or turn in it."""

    client: FlaskClient
    container: Container
    generator: FakeImageGenerator
    source: FakeModelSource


def make_service(settings: Settings, *, generator: FakeImageGenerator | None = None) -> Service:
    """The application over fakes, scanned once; nothing started."""
    source = FakeModelSource({MODEL.path: b"weights"})
    generator = generator or FakeImageGenerator()
    container = Container(settings=settings)
    container.model_source.override(source)
    container.image_generator.override(generator)
    container.model_registry().refresh()
    return Service(container.app().test_client(), container, generator, source)


def make_settings(**changes: object) -> Settings:
    """Settings with two API keys and a secret key, changed by `changes`."""
    values: dict[str, object] = {
        "api_keys": (API_KEY, OTHER_API_KEY),
        "secret_key": SECRET_KEY,
        "max_queue": 2,
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def service() -> Iterator[Service]:
    """A service whose worker and scanner run."""
    running = make_service(make_settings())
    running.container.service().start()
    yield running
    running.generator.gate.set()
    running.container.service().stop(timeout=10)


@pytest.fixture
def client(service: Service) -> FlaskClient:
    return service.client


def infer_body(**changes: object) -> dict[str, object]:
    """A good body of `/v1/infer`, changed by `changes`."""
    return {"id": "r1", "model_id": MODEL.id, "prompt": "a red circle"} | changes
