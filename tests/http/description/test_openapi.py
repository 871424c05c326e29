"""GET /openapi.json: the API's description, which is valid, complete and true.

`DocumentedClient` checks in every test here that the answers match it.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug import exceptions

from adapters.http import automatic1111
from adapters.http.automatic1111.unsupported.settings import READ_SETTINGS
from adapters.http.description.examples import EXAMPLE_MODEL_ID, JOB, REQUEST, RESULT
from adapters.http.description.samples import sample_of
from application.version import NAME, VERSION
from domain import errors
from domain.generation.fields import V1_LIMITS
from domain.generation.request import GenerationRequest
from domain.limits import IntegerRange, NumberRange, OneOf, TextLength
from tests.http.conftest import AUTHORIZED, MODEL, Service, make_service, make_settings
from tests.http.description.documented import Document, is_asset, openapi_path
from tests.http.metrics.metric_samples import scrape

_HOW = (
    "register its blueprint (adapters.http.edge.bodies.Blueprint) with `api.register_blueprint` "
    "and "
    "declare its input and answers: arguments, response, alt_response, raises, request_headers"
)
_BY_FLASK = {"HEAD", "OPTIONS"}


@pytest.fixture(scope="module")
def document(shared: Service) -> Document:
    return Document(shared.container.app())


def subclasses(error: type[errors.DomainError]) -> Iterator[type[errors.DomainError]]:
    for each in error.__subclasses__():
        yield each
        yield from subclasses(each)


def test_it_is_valid(document: Document) -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(document.contents).iter_errors()] == []
    assert document.contents["openapi"].startswith("3.1.")
    assert document.contents["info"]["title"] == NAME
    assert document.contents["info"]["version"] == VERSION


def test_the_served_text_is_the_document(shared: Service, document: Document) -> None:
    response = shared.client.get("/openapi.json")
    assert (response.status_code, response.content_type) == (200, "application/json")
    served = response.get_data(as_text=True)
    assert json.loads(served.replace(MODEL.id, EXAMPLE_MODEL_ID)) == document.contents
    again = shared.client.get("/openapi.json", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["/v1/infer", "/v1/jobs"])
def test_the_example_draws_each_time_it_is_sent(shared: Service, path: str) -> None:
    served = shared.client.get("/openapi.json").get_json()
    body = served["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
    for _ in range(2):
        assert shared.client.post(path, json=body, headers=AUTHORIZED).status_code in (200, 202)


def test_another_model_changes_the_document(shared: Service) -> None:
    service = make_service(make_settings(), scanned=False)
    before = service.client.get("/openapi.json")
    service.container.model_registry().refresh()
    headers = {"If-None-Match": before.headers["ETag"]}
    after = service.client.get("/openapi.json", headers=headers)
    assert (after.status_code, MODEL.id in after.get_data(as_text=True)) == (200, True)
    assert service.client.head("/openapi.json").headers["ETag"] == after.headers["ETag"]


def test_the_first_request_for_it_gets_its_own_answer() -> None:
    service = make_service(make_settings())
    service.container.app().test_client_class = (
        FlaskClient  # the tests' own client has asked before
    )
    client = service.container.app().test_client()
    answer = client.get("/openapi.json", headers={"X-Request-ID": "mine"})
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (200, "mine")
    assert not any(scrape(service).all_of("http_errors_total").values())


def test_it_has_every_route_and_nothing_else(shared: Service, document: Document) -> None:
    served = {
        (method.lower(), openapi_path(rule))
        for rule in shared.container.app().url_map.iter_rules()
        if not is_asset(rule)
        for method in (rule.methods or set()) - _BY_FLASK
    }
    described = {(method, path) for method, path, _ in document.operations()}
    assert served - described == set(), f"not in /openapi.json; {_HOW}"
    assert described - served == set()


def test_every_operation_has_a_description_and_a_stable_name(document: Document) -> None:
    names = [operation["operationId"] for _, _, operation in document.operations()]
    assert len(set(names)) == len(names)
    # flask-smorest numbers routes that share a function by position; the number changes with
    # others.
    assert [name for name in names if re.search(r"_\d+$", name)] == [], "give it an endpoint="
    for method, path, operation in document.operations():
        assert operation.get("summary"), f"{method} {path} needs a docstring"
        assert any(status.startswith("2") for status in operation["responses"])


@pytest.mark.parametrize("error", errors.error_classes())
def test_every_domain_error_is_described(
    document: Document, error: type[errors.DomainError]
) -> None:
    if error is errors.JobNotReadable:  # no request ends with it: a job does
        return
    assert isinstance(sample_of(error), error)
    examples = document.contents["components"]["examples"]
    names = {f"Problem.{error.code}", f"SdapiError.{error.code}"} & examples.keys()
    assert names, "no route says that it `raises` it"
    for value in (examples[name]["value"] for name in names):
        assert error.code in (value.get("code"), value.get("error"))


def test_an_error_without_a_sample_is_named_with_the_remedy() -> None:
    with pytest.raises(LookupError, match=r"Gone.*write a sample"):
        sample_of(exceptions.Gone)


def test_every_example_matches_its_schema(document: Document) -> None:
    checked = 0
    for _, _, operation in document.operations():
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (each.get("content", {}) for each in bodies):
            for media_type in content.values():
                examples = [
                    document.resolve(each) for each in media_type.get("examples", {}).values()
                ]
                values = [each["value"] for each in examples]
                values += [media_type["example"]] if "example" in media_type else []
                for value in values:
                    assert document.problems(value, media_type["schema"]) == []
                    checked += 1
    assert checked > 50


@pytest.mark.parametrize(
    "name, example", [("GenerationRequest", REQUEST), ("GenerationResult", RESULT), ("Job", JOB)]
)
def test_the_examples_are_complete_and_an_extra_field_is_found(
    document: Document, name: str, example: dict[str, object]
) -> None:
    schema = {"$ref": f"#/components/schemas/{name}"}
    assert document.problems(example, schema) == []
    assert document.problems({**example, "more": 1}, schema) != []
    for field in document.resolve(schema)["required"]:
        assert document.problems({k: v for k, v in example.items() if k != field}, schema) != []


@pytest.mark.parametrize("name", sorted(V1_LIMITS))
def test_the_documented_limits_are_the_checked_ones(document: Document, name: str) -> None:
    described = document.contents["components"]["schemas"]["GenerationRequest"]["properties"][name]
    nullable = "null" in described["type"]
    assert nullable == (name in GenerationRequest.OPTIONAL)
    match V1_LIMITS[name]:
        case IntegerRange(minimum, maximum) | NumberRange(minimum, maximum):
            assert (described["minimum"], described["maximum"]) == (minimum, maximum)
        case TextLength(minimum, maximum):
            assert (described["minLength"], described["maxLength"]) == (minimum, maximum)
        case OneOf(words=words):
            assert described["enum"] == [*words, *([None] if nullable else [])]


def test_the_documented_defaults_are_the_configured_ones() -> None:
    service = make_service(make_settings(default_inference_steps=12, default_guidance_scale=2.5))
    schemas = service.client.get("/openapi.json").get_json()["components"]["schemas"]
    for schema in ("GenerationRequest", "ImagesRequest"):
        properties = schemas[schema]["properties"]
        assert properties["num_inference_steps"]["default"] == 12
        assert properties["guidance_scale"]["default"] == 2.5
    assert schemas["GenerationRequest"]["properties"]["width"]["default"] == 512
    assert schemas["GenerationRequest"]["properties"]["seed"]["default"] is None
    assert "default" not in schemas["GenerationRequest"]["properties"]["prompt"]


def test_a_route_names_its_credential(document: Document) -> None:
    wanted = {path: operation["security"] for _, path, operation in document.operations()}
    assert wanted["/v1/models"] == [{"bearer": ["models:read"]}]
    assert wanted["/v1/infer"] == [{"bearer": ["inference:run"]}]
    assert wanted["/v1/tokens"] == [{"bearer": []}]
    for path in ("/", "/v1", "/health", "/v1/health", "/health/ready", "/openapi.json", "/docs"):
        assert wanted[path] == []
    for _, _, operation in document.operations():
        assert ("401" in operation["responses"]) == bool(operation["security"])


def test_every_response_has_the_common_headers(document: Document) -> None:
    for _, _, operation in document.operations():
        for response in operation["responses"].values():
            assert {"X-Request-ID", "X-Content-Type-Options"} <= set(response["headers"])


def test_a_compatible_api_is_described_with_its_own_errors(document: Document) -> None:
    responses = document.contents["paths"]["/openai/v1/images/generations"]["post"]["responses"]
    assert error_schemas(responses) == {"OpenAIError"}
    assert "Retry-After" in responses["429"]["headers"]
    assert "422" not in responses


def test_the_api_of_automatic1111_is_described_with_its_own_errors(document: Document) -> None:
    operations = [
        operation
        for _, path, operation in document.operations()
        if path.startswith(f"{automatic1111.PREFIX}/")
    ]
    assert len(operations) == 31
    for operation in operations:
        assert error_schemas(operation["responses"]) == {"SdapiError"}
        assert [[*scheme] for scheme in operation["security"]] == [["bearer"], ["basic"]]
    schema = document.contents["components"]["schemas"]["SdapiTxt2Img"]
    settings = schema["properties"]["override_settings"]["properties"]
    assert settings.keys() > READ_SETTINGS
    assert not [name for name in schema["properties"] if "." in name]


def error_schemas(responses: dict[str, Any]) -> set[str]:
    """Return the names of the schemas of error responses."""
    schemas = [
        response["content"]["application/json"]["schema"]
        for status, response in responses.items()
        if not status.startswith("2")
    ]
    return {schema["$ref"].rpartition("/")[2] for schema in schemas}
