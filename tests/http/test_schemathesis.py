"""schemathesis, told by `/openapi.json` alone, finds no answer that is not described there."""

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from tests.http.conftest import AUTHORIZED, MODEL, infer_body, make_service, make_settings

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "10"))
"""Random requests an operation, beside those at every bound that the document names."""

_MODEL_ID = r"[0-9A-Fa-f]{64}"

CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 1,
        "operations": [
            {
                # JSON Schema has no words for the bounds in '512x512'.
                "include-path": "/openai/v1/images/generations",
                "checks": {"positive_data_acceptance": {"enabled": False}},
            }
        ],
    }
)


# It reads the description when tests are collected. Nothing is started before the first of them.
SERVICE = make_service(make_settings(max_queue=10_000))
API = schemathesis.openapi.from_wsgi("/openapi.json", SERVICE.container.app(), config=CONFIG)


@pytest.fixture(scope="module", autouse=True)
def running() -> Iterator[None]:
    SERVICE.container.service().start()
    SERVICE.client.post("/v1/infer", json=infer_body(id="drawn"), headers=AUTHORIZED)
    yield
    SERVICE.container.service().stop(timeout=10)


@API.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_described(case: schemathesis.Case[Any]) -> None:
    _name_what_is_there(case)
    case.call_and_validate(headers=AUTHORIZED)


def _name_what_is_there(case: schemathesis.Case[Any]) -> None:
    """Turn good names of nothing, which schemathesis makes, into those of a model and a job."""
    if isinstance(case.body, dict) and re.fullmatch(_MODEL_ID, str(case.body.get("model_id"))):
        case.body["model_id"] = MODEL.id
    elif isinstance(case.body, dict) and case.body.get("model"):
        case.body["model"] = MODEL.name
    if "model_id" in case.path_parameters:
        case.path_parameters["model_id"] = MODEL.id
    if "job_id" in case.path_parameters and len(str(case.path_parameters["job_id"])) % 2:
        case.path_parameters["job_id"] = "drawn"


def test_it_has_met_pictures_models_and_jobs() -> None:
    """That the one above is not about refusals alone."""
    assert len(SERVICE.generator.drawn) > EXAMPLES
