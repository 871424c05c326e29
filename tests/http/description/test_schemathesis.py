"""schemathesis, with only `/openapi.json`, finds no answer that is not described there."""

import os
from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from application.picture_links import LinkedPicture
from tests.fakes.addon_tensors import addon_tensors, demo_tensors
from tests.http.conftest import AUTHORIZED, MODEL, infer_body, make_service, make_settings
from tests.http.description.existing_parts import (
    COMPANIONS,
    FILE,
    LARGE,
    PICTURE,
    PICTURE_ID,
    UPSCALER,
    is_name,
    use_existing_parts,
)

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "10"))
"""Random requests per operation, besides those at every limit in the document."""

PICTURE_ROUTES = [
    *(f"/sdapi/v1/{name}" for name in ("img2img", "extra-single-image", "extra-batch-images")),
    "/controlnet/detect",
]

CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 1,
        "operations": [
            {
                # JSON Schema cannot express the limits in '512x512'.
                "include-path": "/openai/v1/images/generations",
                "checks": {"positive_data_acceptance": {"enabled": False}},
            },
            {
                # Nor can it express that an operation is already done, or that text is a picture.
                "include-path": [
                    *("/sdapi/v1/options", "/sdapi/v1/png-info", "/v1/images", *PICTURE_ROUTES),
                ],
                "checks": {"positive_data_acceptance": {"enabled": False}},
            },
            {
                # A form has texts alone, so it accepts numbers as text. It needs a picture.
                "include-path": "/openai/v1/images/edits",
                "checks": {
                    "positive_data_acceptance": {"enabled": False},
                    "negative_data_rejection": {"enabled": False},
                },
            },
            {
                # That API accepts numbers as text and names in any letter case, and a query
                # parameter is text with many words for true.
                "include-path": [
                    *("/sdapi/v1/txt2img", "/sdapi/v1/progress", *PICTURE_ROUTES),
                    *("/controlnet/module_list", "/controlnet/model_list"),
                ],
                "checks": {"negative_data_rejection": {"enabled": False}},
            },
        ],
    }
)


# It reads the description while tests are collected. Nothing starts before the first test.
SERVICE = make_service(make_settings(max_queue=10_000, max_pixels=2048 * 2048))
SERVICE.source.others = (LARGE, UPSCALER, *COMPANIONS.values())
SERVICE.headers.held |= {MODEL.id: demo_tensors(), LARGE.id: demo_tensors()}
SERVICE.headers.held |= {each.id: addon_tensors(each.kind) for each in COMPANIONS.values()}
SERVICE.container.model_registry().refresh()
API = schemathesis.openapi.from_wsgi("/openapi.json", SERVICE.container.app(), config=CONFIG)

STATUSES: dict[str, set[int]] = defaultdict(set)
"""The answers of each operation."""


@pytest.fixture(scope="module", autouse=True)
def running() -> Iterator[None]:
    SERVICE.container.service().start()
    SERVICE.client.post("/v1/infer", json=infer_body(id="drawn"), headers=AUTHORIZED)
    headers = {**AUTHORIZED, "Content-Type": "image/png"}
    SERVICE.client.post("/v1/images", data=FILE, headers=headers)
    yield
    SERVICE.container.service().stop(timeout=10)
    refused = [name for name, found in STATUSES.items() if min(found) >= HTTPStatus.BAD_REQUEST]
    assert refused == [], "every request to these was refused, so nothing else was tested"


SDAPI_DRAWING = ("/sdapi/v1/txt2img", "/sdapi/v1/img2img")
CHECKPOINT = "sd_model_checkpoint"


@API.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_described(case: schemathesis.Case[Any]) -> None:
    _use_existing_names(case)
    answer = case.call_and_validate(headers=AUTHORIZED)
    STATUSES[case.operation.label].add(answer.status_code)


def _use_existing_names(case: schemathesis.Case[Any]) -> None:
    """Replace made-up names from schemathesis with those of a model and a job."""
    if isinstance(case.body, dict):
        use_existing_parts(case.body)
    if isinstance(case.body, dict) and case.operation.path in SDAPI_DRAWING:
        _use_large_model(case.body)
    if isinstance(case.body, dict) and is_name(case.body.get("model_id")):
        enlarges = case.operation.path == "/v1/upscale"
        case.body["model_id"] = UPSCALER.id if enlarges else LARGE.id
    elif isinstance(case.body, dict) and is_name(case.body.get("model")):
        case.body["model"] = LARGE.name
    elif isinstance(case.body, dict) and isinstance(image := case.body.get("image"), str):
        case.body["image"] = PICTURE if len(image) % 2 else image
    elif isinstance(case.body, dict) and isinstance(
        images := case.body.get("controlnet_input_images"), list
    ):
        case.body["controlnet_input_images"] = [PICTURE] * len(images)
    elif isinstance(case.body, dict) and isinstance(images := case.body.get("init_images"), list):
        case.body["init_images"] = [PICTURE] * len(images) if len(images) % 2 else images
        case.body.pop("mask", None)
    elif isinstance(case.body, dict) and isinstance(files := case.body.get("imageList"), list):
        case.body["imageList"] = [{"data": PICTURE}] * len(files) if len(files) % 2 else files
    elif isinstance(case.body, bytes) and len(case.body) % 2:
        case.body = FILE
    if len(str(case.path_parameters)) % 2:
        there = {"model_id": MODEL.id, "model": MODEL.name, "job_id": "drawn", "number": "0"}
        there["picture_id"] = PICTURE_ID
        if "token" in case.path_parameters:
            there |= _existing_link(case)
        case.path_parameters |= {name: there[name] for name in case.path_parameters}


def _use_large_model(body: dict[str, Any]) -> None:
    """Choose the model that draws every described size, unless the choice itself is a wrong one."""
    own = body.get("override_settings")
    if own is None or (isinstance(own, dict) and isinstance(own.get(CHECKPOINT, ""), str)):
        body["override_settings"] = {**(own or {}), CHECKPOINT: LARGE.name}


def _existing_link(case: schemathesis.Case[Any]) -> dict[str, str]:
    """Return the path of a link to the drawn picture; the case gets its query."""
    ((token, (data, *_)), *_) = SERVICE.results.files.items()
    picture = LinkedPicture.of(token, 0, data)
    link = SERVICE.container.picture_links().sign(picture)
    case.query = {"expires": link.expires, "signature": link.signature}
    return {"token": token, "digest": picture.digest}
