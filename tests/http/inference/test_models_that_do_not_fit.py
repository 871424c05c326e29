import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from domain.ports.device_report import MemoryNeed
from tests.http.conftest import AUTHORIZED, MODEL, Service, infer_body
from tests.http.helpers import assert_problem

LIMIT = 21_600_000_000


def body(answer: TestResponse) -> Any:
    return json.loads(answer.data)


@pytest.mark.parametrize("door", ["/v1/infer", "/v1/jobs"])
def test_a_model_that_does_not_fit_is_refused_before_the_queue(service: Service, door: str) -> None:
    service.generator.report.needs[MODEL.id] = MemoryNeed(33_900_000_000, LIMIT, "AMD EPYC")
    answer = service.client.post(door, json=infer_body(), headers=AUTHORIZED)
    told = assert_problem(answer, 507, "out_of_memory")["detail"]
    assert told == (
        f"{MODEL.name} does not fit the memory of AMD EPYC: its weights need 33.9 GB, and weights "
        "may take 21.6 GB; choose a smaller model"
    )
    assert body(service.client.get("/v1/jobs", headers=AUTHORIZED))["jobs"] == []
    assert service.generator.drawn == []


def test_a_model_that_just_fits_is_drawn_with(service: Service) -> None:
    service.generator.report.needs[MODEL.id] = MemoryNeed(LIMIT, LIMIT, "AMD EPYC")
    answer = service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    assert answer.status_code == 200


def test_other_doors_say_it_in_their_form(service: Service) -> None:
    service.generator.report.needs[MODEL.id] = MemoryNeed(LIMIT + 1, LIMIT, "AMD EPYC")
    openai = service.client.post(
        "/openai/v1/images/generations", json={"prompt": "a cat"}, headers=AUTHORIZED
    )
    error = body(openai)["error"]
    assert (openai.status_code, error["code"]) == (507, "out_of_memory")
    assert "choose a smaller model" in error["message"]
    sdapi = service.client.post("/sdapi/v1/txt2img", json={"prompt": "a cat"}, headers=AUTHORIZED)
    assert sdapi.status_code == 507
    assert "choose a smaller model" in str(sdapi.json)
