"""A browser for each test process, and a service and a tab for each test."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import launched_chromium
from tests.browser.studio import Server, SteppedGenerator, Studio
from tests.http.conftest import Service, make_service, make_settings

_HERE = "tests/browser/"
_SECONDS = 20  # for actions that take a few tenths of a second on an idle machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with launched_chromium() as browser:
        expect.set_options(timeout=_SECONDS * 1000)
        yield browser


@pytest.fixture
def generator() -> SteppedGenerator:
    return SteppedGenerator()


@pytest.fixture
def service(generator: SteppedGenerator) -> Iterator[Service]:
    """A running service whose drawing a test can hold."""
    settings = make_settings(default_inference_steps=4, model_scan_interval=0.1)
    service = make_service(settings, generator=generator)
    service.container.service().start()
    yield service
    generator.held = False
    generator.gate.set()
    service.container.service().stop(timeout=10)


@pytest.fixture
def server(service: Service) -> Iterator[Server]:
    server = Server(service)
    yield server
    server.stop()


@pytest.fixture
def view() -> dict[str, Any]:
    """Options of the tab; a test changes them with `parametrize`."""
    return {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture
def studio(browser: Browser, server: Server, view: dict[str, Any]) -> Iterator[Studio]:
    """A new tab. A test also fails for errors in the console or the network."""
    context = browser.new_context(**view)
    studio = Studio(context.new_page(), server.url)
    yield studio
    context.close()
    assert studio.faults == []
