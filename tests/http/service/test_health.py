"""The routes without a credential."""

import dataclasses
import re
import time
from html.parser import HTMLParser

import pytest

from application.lifecycle.service import Readiness
from application.version import VERSION
from domain.models.record import PendingModel, PendingState
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import model_record
from tests.fakes.stores import FakeSoleUse
from tests.http.conftest import (
    AUTHORIZED,
    MODEL,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.helpers import STATES_AT_REST, assert_problem, break_store, in_state

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/", "/v1"])
def test_an_index_has_the_name_the_version_and_links(shared: Service, path: str) -> None:
    response = shared.client.get(path)
    assert (response.status_code, response.content_type) == (200, "application/json")
    index = response.get_json()
    assert set(index) == {"name", "version", "links"}
    assert index["name"]
    assert index["version"] == VERSION


def test_both_indexes_are_the_same(shared: Service) -> None:
    assert shared.client.get("/").get_json() == shared.client.get("/v1").get_json()


def test_every_link_of_an_index_works(shared: Service) -> None:
    links = shared.client.get("/v1").get_json()["links"]
    assert {"/v1/health", "/health/ready", "/v1/models", "/v1/infer"} <= set(links.values())
    for link in links.values():
        assert shared.client.options(link).status_code == 200


@pytest.mark.parametrize(
    "accept", [BROWSER, "text/html", "text/*", "text/html, application/json;q=0.9", "TEXT/HTML"]
)
def test_a_client_that_prefers_html_gets_a_page(shared: Service, accept: str) -> None:
    with shared.client.get("/", headers={"Accept": accept}) as response:
        assert response.status_code == 200
        assert response.mimetype == "text/html"
        assert "<h1>" in response.get_data(as_text=True)
        assert "Accept" in response.headers["Vary"]
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/json",
        "application/*",
        "image/png",
        "nonsense",
        "application/json, text/html",
        "text/html;q=0.5, application/json",
        "text/html;q=0, */*",
    ],
)
def test_other_clients_get_json(shared: Service, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    response = shared.client.get("/", headers=headers)
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert "Accept" in response.headers["Vary"]
    assert response.get_json()["version"] == VERSION


@pytest.mark.parametrize("path", ["/v1", "/health", "/v1/health", "/health/ready", "/nope"])
def test_only_the_root_has_a_page(shared: Service, path: str) -> None:
    response = shared.client.get(path, headers={"Accept": BROWSER})
    assert response.mimetype in ("application/json", "application/problem+json")


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.inline: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {
            value for name, value in attrs if name in ("href", "src") and value and value[0] != "#"
        }
        self.inline |= {name for name, _ in attrs if name == "style" or name.startswith("on")}
        self.inline |= {tag} & ({"style"} if "src" in dict(attrs) else {"style", "script"})


def test_the_page_needs_no_external_and_no_inline_resource(shared: Service) -> None:
    with shared.client.get("/", headers={"Accept": "text/html"}) as response:
        page = response.get_data(as_text=True)
    addresses = _Addresses()
    addresses.feed(page)
    assert any(address.endswith("/styles/base.css") for address in addresses.found)
    assert addresses.inline == set()
    for address in addresses.found:
        with shared.client.get(address) as response:
            assert response.status_code == 200
    assert not re.search(r"https?://", page)


@pytest.mark.parametrize("path", ["/health", "/v1/health"])
def test_health_shows_version_device_and_number_of_models(shared: Service, path: str) -> None:
    response = shared.client.get(path)
    assert (response.status_code, response.content_type) == (200, "application/json")
    assert response.get_json() == {
        "status": "healthy",
        "version": VERSION,
        "device": "cpu",
        "models": 1,
        "loadable_models": 1,
    }


@pytest.mark.parametrize("path", ["/health", "/v1/health"])
def test_health_answers_before_the_device_and_the_models_are_known(path: str) -> None:
    generator = FakeImageGenerator(prepared=False)
    service = make_service(make_settings(), generator=generator, scanned=False)
    health = service.client.get(path).get_json()
    assert (health["status"], health["device"], health["models"]) == ("healthy", None, 0)


def test_health_counts_the_models_of_the_last_scan() -> None:
    service = make_service(make_settings())
    service.source.files |= {"models/b.ckpt": b"b", "models/c.ckpt": b"c", "models/d.ckpt": b"c"}
    service.container.model_registry().refresh()
    assert service.client.get("/health").get_json()["models"] == 3


def test_health_counts_usable_models_separately() -> None:
    service = make_service(make_settings())
    lora = dataclasses.replace(model_record(b"l", "models/l.ckpt"), reason="it is a LoRA")
    service.source.others = (lora,)
    service.container.model_registry().refresh()
    health = service.client.get("/health").get_json()
    assert (health["models"], health["loadable_models"]) == (2, 1)


def test_without_a_usable_model_it_is_not_ready_and_gives_the_remedy() -> None:
    service = in_state(Readiness.NO_MODEL)
    problem = assert_problem(service.client.get("/health/ready"), 503, "not_ready")
    assert "put a checkpoint into one of the folders that MODEL_DIRS names" in problem["detail"]
    service.source.files["models/a.ckpt"] = b"a"
    service.container.model_registry().refresh()
    assert service.client.get("/health/ready").status_code == 200


def test_a_model_that_cannot_draw_does_not_make_it_ready() -> None:
    service = in_state(Readiness.NO_MODEL)
    lora = dataclasses.replace(model_record(b"l", "models/l.ckpt"), reason="it is a LoRA")
    service.source.others = (lora,)
    service.container.model_registry().refresh()
    assert_problem(service.client.get("/health/ready"), 503, "not_ready")


@pytest.mark.parametrize("scanned", [True, False])
def test_a_file_being_read_does_not_block_other_models(scanned: bool) -> None:
    service = make_service(make_settings(), scanned=scanned)
    service.source.pending = (PendingModel("big.ckpt", "models/big.ckpt", 9, PendingState.HASHING),)
    service.source.settled = False
    service.container.model_registry().look()
    assert service.client.get("/health/ready").status_code == 200
    del service.source.files[MODEL.path]
    service.container.model_registry().look()
    problem = assert_problem(service.client.get("/health/ready"), 503, "not_ready")
    assert problem["detail"] == Readiness.SCANNING.value


def test_a_ready_service_says_so() -> None:
    response = in_state(Readiness.READY).client.get("/health/ready")
    assert (response.status_code, response.get_json()) == (200, {"status": "ready", "warnings": []})


def test_a_service_that_waits_for_another_is_not_ready() -> None:
    service = in_state(Readiness.READY)
    sole_use = service.container.sole_use()
    assert isinstance(sole_use, FakeSoleUse)
    sole_use.others = True
    life = service.container.service()
    life.start()
    try:
        while life.readiness is not Readiness.IN_USE:
            time.sleep(0.01)
        problem = assert_problem(service.client.get("/health/ready"), 503, "not_ready")
        assert "stop that one, or start this one with another DATA_DIR" in problem["detail"]
        response = service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
        assert_problem(response, 503, "storage_in_use")
    finally:
        life.stop(10)


def test_a_service_that_cannot_store_jobs_is_not_ready_until_it_can() -> None:
    service = in_state(Readiness.READY)
    store = break_store(service)
    assert_problem(service.client.get("/health/ready"), 503, "not_ready")
    store.broken = False
    assert service.client.get("/health/ready").status_code == 503
    assert service.client.post("/v1/jobs", json=infer_body(), headers=AUTHORIZED).status_code == 202
    assert service.client.get("/health/ready").status_code == 200


def test_a_service_in_its_warm_up_is_not_ready() -> None:
    generator = FakeImageGenerator()
    service = make_service(make_settings(warm_up=(MODEL.name,)), generator=generator)
    generator.gate.clear()
    life = service.container.service()
    life.start()
    try:
        assert generator.began.wait(10)
        problem = assert_problem(service.client.get("/health/ready"), 503, "not_ready")
        assert problem["detail"] == Readiness.WARMING_UP.value
        generator.gate.set()
        while life.readiness is not Readiness.READY:
            time.sleep(0.01)
        assert service.client.get("/health/ready").status_code == 200
    finally:
        generator.gate.set()
        life.stop(10)


@pytest.mark.parametrize(
    "readiness", [each for each in STATES_AT_REST if each is not Readiness.READY]
)
def test_an_unready_service_says_why_and_is_still_healthy(readiness: Readiness) -> None:
    service = in_state(readiness)
    problem = assert_problem(service.client.get("/health/ready"), 503, "not_ready")
    assert problem["detail"].startswith(readiness.value)
    assert service.client.get("/health").status_code == 200
    assert service.client.get("/v1/health").status_code == 200


def test_an_unneeded_credential_does_no_harm(shared: Service) -> None:
    for path in ("/", "/v1", "/health", "/v1/health", "/health/ready"):
        response = shared.client.get(path, headers={"Authorization": "Bearer wrong"})
        assert response.status_code == 200
