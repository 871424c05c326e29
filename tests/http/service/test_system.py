"""`GET /v1/system`."""

import pytest

from domain.ports.device_report import LoadedModel
from tests.fakes.device_report import PLAN, FakeDeviceReport
from tests.http.conftest import (
    AUTHORIZED,
    MODEL,
    Service,
    documented_app,
    make_service,
    make_settings,
)

LIMITS = {
    "max_pixels": 2_097_152,
    "max_queue": 2,
    "max_queue_per_caller": None,
    "max_waiting": 64,
    "max_streams": 32,
    "max_body_bytes": 1_048_576,
    "max_picture_bytes": 16_777_216,
    "batch_wait_ms": None,
    "model_cache_bytes": None,
    "job_retention_seconds": 604_800,
    "job_retention_bytes": 10_737_418_240,
}


@pytest.fixture
def service() -> Service:
    """A service that is not started, and whose device is known."""
    return make_service(make_settings())


def test_before_the_device_is_known_there_is_no_plan(service: Service) -> None:
    response = service.client.get("/v1/system", headers=AUTHORIZED)
    assert response.status_code == 200
    answer = response.get_json()
    assert answer["plan"] is None
    assert answer["loaded_models"] == []
    assert answer["limits"] == LIMITS
    assert {"python", "torch"} <= answer["versions"].keys()


def test_once_the_device_is_known_the_plan_is_complete(service: Service) -> None:
    report = FakeDeviceReport(PLAN, (LoadedModel(MODEL.id, 2_000_000_000),))
    container = service.container
    container.app.reset()
    container.device_report.override(report)
    answer = (
        documented_app(container).test_client().get("/v1/system", headers=AUTHORIZED).get_json()
    )
    assert answer["plan"] == PLAN
    assert answer["loaded_models"] == [{"id": MODEL.id, "size": 2_000_000_000}]
    assert answer["versions"] == {"python": "3.11.2", "torch": "2.10.0"}
    assert answer["name"] == "ai-inference"
