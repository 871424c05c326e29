"""Texts with the line endings of Windows and other systems, in every API."""

from typing import Any

import pytest

from domain.generation.request import GenerationRequest
from tests.http.conftest import AUTHORIZED, MODEL, Service, infer_body
from tests.http.helpers import assert_problem, wrong_fields

WRITTEN = "a red circle,\r\nwhite background\rno frame\n\r\n.\r"
KEPT = "a red circle,\nwhite background\nno frame\n\n.\n"
ROUTES: dict[str, dict[str, Any]] = {
    "/v1/infer": {"id": "x", "model_id": MODEL.id},
    "/v1/jobs": {"id": "x", "model_id": MODEL.id},
    "/infer": {"id": "x", "model_id": MODEL.id},
    "/openai/v1/images/generations": {"model": MODEL.id},
    "/sdapi/v1/txt2img": {},
}


@pytest.mark.parametrize("route", ROUTES)
def test_every_line_ending_becomes_a_newline(service: Service, route: str) -> None:
    body = ROUTES[route] | {"prompt": WRITTEN, "negative_prompt": "blue\r\nred"}
    response = service.client.post(route, json=body, headers=AUTHORIZED)
    assert response.status_code in (200, 202), response.get_data(as_text=True)
    service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)  # it is drawn last
    drawn = service.generator.drawn[0]
    assert (drawn.prompt, drawn.negative_prompt) == (KEPT, "blue\nred")


@pytest.mark.parametrize("written", ["a\r\nb", "a\rb", "a\nb"])
def test_line_endings_do_not_change_the_request(service: Service, written: str) -> None:
    first = service.client.post("/v1/infer", json=infer_body(prompt="a\nb"), headers=AUTHORIZED)
    name = first.get_json()["id"]
    again = infer_body(prompt=written) | {"id": name}
    response = service.client.post("/v1/infer", json=again, headers=AUTHORIZED)
    assert response.get_json() == first.get_json()
    assert len(service.generator.drawn) == 1
    other = again | {"prompt": "a\n\nb"}
    response = service.client.post("/v1/infer", json=other, headers=AUTHORIZED)
    assert_problem(response, 409, "id_conflict")


def test_a_line_ending_counts_as_one_character(service: Service) -> None:
    for prompt, status in (("a\r\n" * 500, 200), ("a\r\n" * 500 + "a", 422)):
        response = service.client.post(
            "/v1/infer", json=infer_body(prompt=prompt), headers=AUTHORIZED
        )
        assert response.status_code == status


def test_an_id_has_no_line_ending_but_a_newline(service: Service) -> None:
    response = service.client.post("/v1/infer", json=infer_body(id="a\r\nb"), headers=AUTHORIZED)
    assert "U+000D" in wrong_fields(response)["id"]


def test_the_value_itself_accepts_only_newlines() -> None:
    request = GenerationRequest(id="x", model_id=MODEL.id, prompt=WRITTEN, negative_prompt="\r")
    assert (request.prompt, request.negative_prompt) == (KEPT, "\n")
    assert request == GenerationRequest(
        id="x", model_id=MODEL.id, prompt=KEPT, negative_prompt="\n"
    )
