"""GET /metrics: who may read it, in which format, and what is never in it."""

import re

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from domain.execution_plan import LoadedModel
from tests.http.conftest import (
    API_KEY,
    AUTHORIZED,
    MODEL,
    OTHER_API_KEY,
    OTHERS,
    SECRET_KEY,
    Service,
    infer_body,
    make_service,
    make_settings,
)
from tests.http.helpers import assert_problem, bearer, key_name, make_token
from tests.http.metrics.metric_samples import Samples, scrape

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# What Prometheus 2.42 sends.
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


@pytest.mark.parametrize("credential", ["wrong", "", make_token({"exp": 1})])
def test_without_a_valid_credential_nothing_is_shown(shared: Service, credential: str) -> None:
    headers = bearer(credential) if credential else {}
    response = shared.client.get("/metrics", headers=headers)
    assert_problem(response, 401, "unauthenticated")
    assert "WWW-Authenticate" in response.headers


def test_it_needs_the_scope_of_models(shared: Service) -> None:
    drawing = bearer(make_token({"scope": "inference:run"}))
    assert_problem(shared.client.get("/metrics", headers=drawing), 403, "insufficient_scope")
    reading = bearer(make_token({"scope": "models:read"}))
    assert shared.client.get("/metrics", headers=reading).status_code == 200
    assert shared.client.get("/metrics", headers=OTHERS).status_code == 200


@pytest.mark.parametrize("headers", [{}, bearer("wrong"), AUTHORIZED])
def test_public_metrics_need_no_credential(headers: dict[str, str]) -> None:
    service = make_service(make_settings(metrics_public=True))
    response = service.client.get("/metrics", headers=headers)
    assert (response.status_code, response.content_type) == (200, TEXT)
    assert_problem(service.client.get("/v1/models"), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html", TEXT),
        ("text/plain;version=0.0.4", TEXT),
        (PROMETHEUS, OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text; version=1.0.0; escaping=allow-utf-8", OPENMETRICS),
        ("application/openmetrics-text; version=abc", OPENMETRICS),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0.2, text/plain;q=0.9", TEXT),
        ("text/plain;version=x", TEXT),
        ("nonsense", TEXT),
        (";;,,=", TEXT),
    ],
)
def test_the_preferred_format_is_used(
    shared: Service, accept: str | None, content_type: str
) -> None:
    headers = AUTHORIZED if accept is None else AUTHORIZED | {"Accept": accept}
    response = shared.client.get("/metrics", headers=headers)
    assert (response.status_code, response.content_type) == (200, content_type)
    assert response.headers["Cache-Control"] == "no-store"
    assert "Accept" in response.headers["Vary"]
    parse = parse_openmetrics if content_type == OPENMETRICS else parse_text
    families = {family.name for family in parse(response.get_data(as_text=True))}
    assert {"ai_inference_queue_jobs", "ai_inference_http_requests"} <= families


def test_both_formats_show_the_same(shared: Service) -> None:
    def names(accept: str) -> set[str]:
        headers = AUTHORIZED | {"Accept": accept}
        text = shared.client.get("/metrics", headers=headers).get_data(as_text=True)
        return {re.split(r"[{ ]", line)[0] for line in text.splitlines() if line[0] != "#"}

    assert names(PROMETHEUS) == names("text/plain")


def test_names_follow_the_conventions(service: Service) -> None:
    service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    text = service.client.get("/metrics", headers=AUTHORIZED).get_data(as_text=True)
    for family in parse_text(text):
        assert re.fullmatch(r"(ai_inference|process)_[a-z0-9_]+", family.name)
        assert family.documentation
        assert not re.search(r"(milli|micro|kilo|mega|giga|_ms|_mb|_gb)", family.name)
        totals = [each.name.endswith("_total") for each in family.samples]
        assert all(totals) if family.type == "counter" else not any(totals)
        assert not [each.name for each in family.samples if each.name.endswith("_created")]


def test_two_applications_count_separately() -> None:
    one, other = make_service(make_settings()), make_service(make_settings())
    one.client.get("/v1/models", headers=AUTHORIZED)
    route = {"route": "/v1/models", "method": "GET", "status": "200"}
    assert scrape(one).of("http_requests_total", **route) == 1
    assert scrape(other).of("http_requests_total", **route) is None


def test_it_answers_before_device_and_models_are_known_and_says_so() -> None:
    service = make_service(make_settings(), scanned=False)
    assert scrape(service).of("readiness", state="scanning") == 1


def test_it_names_no_caller_job_or_picture(service: Service) -> None:
    prompt, negative, job_id = "a prompt of my own", "nothing of that", "an-id-of-my-own"
    token = make_token({"sub": "somebody-by-name"})
    body = infer_body(id=job_id, prompt=prompt, negative_prompt=negative, seed=421_421_421_421)
    for headers in (AUTHORIZED, OTHERS, bearer(token), bearer("a-wrong-key")):
        service.client.post("/v1/infer", json=body, headers=headers)
        service.client.get(f"/v1/jobs/{job_id}", headers=headers)
        service.client.get(f"/v1/jobs/{job_id}/images/0", headers=headers)
        service.client.get(f"/v1/models/{MODEL.id}", headers=headers)
        service.client.get(f"/no/such/{job_id}?key={API_KEY}", headers=headers)
    service.generator.failures.append(RuntimeError("a secret of the library"))
    service.client.post("/v1/infer", json=infer_body(id="other"), headers=AUTHORIZED)
    text = service.client.get("/metrics", headers=AUTHORIZED).get_data(as_text=True)
    never = (
        *(API_KEY, OTHER_API_KEY, SECRET_KEY, token, key_name(API_KEY), "key:", "a-wrong-key"),
        *("somebody", prompt, negative, job_id, "421421421421", "secret", MODEL.id, MODEL.path),
        *(MODEL.name, "no/such"),
    )
    assert [each for each in never if each in text] == []


def test_every_label_has_a_bounded_number_of_values(service: Service) -> None:
    service.report.hold(LoadedModel(MODEL.id, 7))
    service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    labels = set().union(*scrape(service).labels.values())
    assert labels == {
        *("route", "method", "status", "code", "outcome", "phase", "le"),
        *("state", "kind", "loadable", "model", "version", "device", "torch"),
    }


def test_the_page_can_be_read_by_the_openmetrics_parser_after_a_drawing(service: Service) -> None:
    service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    headers = AUTHORIZED | {"Accept": PROMETHEUS}
    text = service.client.get("/metrics", headers=headers).get_data(as_text=True)
    parsed = parse_openmetrics(text)  # type: ignore[no-untyped-call]
    families = {family.name: family for family in parsed}
    assert families["ai_inference_build"].type == "info"
    assert families["ai_inference_images"].samples[0].value == 1


def test_the_build_names_version_and_device(shared: Service) -> None:
    ((version, device, torch),) = (
        (labels[2], labels[0], labels[1]) for labels in scrape(shared).all_of("build_info")
    )
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert device == "cpu"
    assert re.fullmatch(r"(\d+\.\d+\.\d+.*)?", torch)


def test_a_scrape_reads_no_store(service: Service) -> None:
    service.client.post("/v1/infer", json=infer_body(), headers=AUTHORIZED)
    service.jobs.broken = service.results.broken = True
    assert isinstance(scrape(service), Samples)
    service.jobs.broken = service.results.broken = False
