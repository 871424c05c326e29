"""Credentials are never repeated: not in an answer, a header or the log."""

import base64
import itertools
import json
import logging
import random
import re
import secrets
import string
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from adapters.http.description.document import document_of
from adapters.http.edge.redaction import MARK, Redactor, looks_random
from tests.http.automatic1111.sdapi import basic
from tests.http.conftest import MODEL, Service, infer_body, make_settings, running_service
from tests.http.description.documented import openapi_path
from tests.http.helpers import bearer, make_token, occupy_device

KEY = "Vb3-kQ9_xT7LmZ2rWy5Nf8Hc1Jd6Gs0PaEuXoYiKtRw"
OTHER_KEY = "oL4pX8sT2vB6nM0qC9wZ3eR7yU1iK5jH-gF_dAaSxDz"
METRICS_KEY = "mU7yT3rE9wQ1aS5dF8gH2jK6lZ0xC4vB-nM_pOiUyTr"
SECRET_KEY = "sE1cR5eT9kE3yF7oR2tH6iS0sE4rV8iC_eOfTeStSxQz"
DATABASE_PASSWORD = "dB6pA2sS9wO3rD7-oF1tH5eS0eR4vI8c_E"
# A credential of another service, which is recognised by its format only.
STRANGE_KEY = "Zq8Lr3Xw7Nt2Vb6Kc1Mf9Gj4Hp0Sd5Ty"
TOKEN = make_token(key=SECRET_KEY)
CREDENTIALS = {
    "key": KEY,
    "other key": OTHER_KEY,
    "metrics key": METRICS_KEY,
    "secret key": SECRET_KEY,
    "token": TOKEN,
    "user and key": f"me:{KEY}",
    "header": f"Bearer {KEY}",
    "encoded pair": base64.b64encode(f"me:{KEY}".encode()).decode(),
    "start of a key": KEY[:24],
    "key of another service": STRANGE_KEY,
}
SECRETS = (KEY, OTHER_KEY, METRICS_KEY, SECRET_KEY, TOKEN, STRANGE_KEY, CREDENTIALS["encoded pair"])
SHOWN = 12
HEADERS = (
    *("X-Request-ID", "Prefer", "Content-Type", "Accept", "Last-Event-ID", "If-None-Match"),
    *("Idempotency-Key", "X-Forwarded-For", "Origin", "Access-Control-Request-Headers"),
    *("Access-Control-Request-Method", "Referer", "User-Agent", "Cookie", "Authorization"),
)
# The id of a job or of a request may look like anything: only known values are found there.
BY_VALUE = [
    name for name in CREDENTIALS if name not in ("start of a key", "key of another service")
]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    settings = make_settings(
        api_keys=(KEY, OTHER_KEY), secret_key=SECRET_KEY, metrics_key=METRICS_KEY, max_queue=1000
    )
    with running_service(settings) as running:
        yield running


def leaks(text: str) -> list[str]:
    """Return the secrets of which `text` contains enough to identify them."""
    return [each for each in SECRETS if each[:SHOWN].lower() in text.lower()]


def assert_silent(response: TestResponse, log: pytest.LogCaptureFixture) -> None:
    said = f"{response.headers}\n{response.get_data().decode(errors='replace')}"
    assert leaks(said) == [], said
    assert leaks(log.text) == [], log.text
    response.close()
    log.clear()


def operations(client: FlaskClient) -> list[tuple[str, str, list[str]]]:
    """Return the path, a method and the variables of every route."""
    rules = client.application.url_map.iter_rules()
    return sorted(
        (openapi_path(rule), method, sorted(rule.arguments))
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def request_schemas(client: FlaskClient) -> dict[str, dict[str, Any]]:
    """Return the schema of each request body of JSON, by path."""
    document = document_of(client.application)
    found = {}
    for path, item in document["paths"].items():
        content = item.get("post", {}).get("requestBody", {}).get("content", {})
        if json_body := content.get("application/json"):
            name = json_body["schema"]["$ref"].rsplit("/", 1)[-1]
            found[path] = document["components"]["schemas"][name]
    return found


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_no_url_is_repeated_with_a_credential_in_it(
    service: Service, caplog: pytest.LogCaptureFixture, credential: str
) -> None:
    caplog.set_level(logging.INFO)
    value = quote(CREDENTIALS[credential], safe="")
    tried = 0
    for path, method, variables in operations(service.client):
        for variable in variables:
            if "job_id" in variables and credential not in BY_VALUE:
                continue
            good = {name: MODEL.id if "model" in name else "0" for name in variables}
            url = path.format(**good | {variable: value})
            for headers in (bearer(KEY), {}):
                assert_silent(service.client.open(url, method=method, headers=headers), caplog)
                tried += 1
    assert tried >= 16
    for path in ("/", "/v1/", "/sdapi/v1/", "/openai/v1/", "/v1/jobs/x/y/"):
        for headers in (bearer(KEY), {}):
            assert_silent(service.client.get(path + value, headers=headers), caplog)


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_no_query_is_repeated_with_a_credential_in_it(
    service: Service, caplog: pytest.LogCaptureFixture, credential: str
) -> None:
    caplog.set_level(logging.INFO)
    value = CREDENTIALS[credential]
    paths = [path for path, method, variables in operations(service.client) if method == "GET"]
    names = ("status", "limit", "cursor", "kind", "skip_current_image", "key", value)
    for path, name in itertools.product(["/v1//models", *paths], names):
        if "events" not in path:
            query = {name: value}
            answer = service.client.get(
                path.replace("{", "").replace("}", ""), query_string=query, headers=bearer(KEY)
            )
            assert_silent(answer, caplog)


@pytest.mark.parametrize("credential", BY_VALUE)
def test_no_header_is_repeated_with_a_credential_in_it(
    service: Service, caplog: pytest.LogCaptureFixture, credential: str
) -> None:
    caplog.set_level(logging.INFO)
    value = CREDENTIALS[credential]
    for header, path in itertools.product(HEADERS, ("/v1/models", "/v1/infer", "/nope")):
        for method, known in itertools.product(("GET", "POST", "OPTIONS"), (bearer(KEY), {})):
            body = None if method == "OPTIONS" else {"width": 1}
            headers = known | {header: value}
            answer = service.client.open(path, method=method, headers=headers, json=body)
            assert_silent(answer, caplog)


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_no_field_is_repeated_with_a_credential_in_it(
    service: Service, caplog: pytest.LogCaptureFixture, credential: str
) -> None:
    caplog.set_level(logging.INFO)
    value, tried = CREDENTIALS[credential], 0
    for path, schema in request_schemas(service.client).items():
        good: dict[str, object] = {"prompt": "a circle", "model": MODEL.id, "image": "x"}
        if path.endswith("/infer"):
            good = infer_body()
        for name in (*schema["properties"], value):
            if name in ("prompt", "negative_prompt", "id") and credential not in BY_VALUE:
                continue  # it is the requested value
            for sent in (value, {value: value}):
                body = good | {name: sent}
                assert_silent(service.client.post(path, json=body, headers=bearer(KEY)), caplog)
                tried += 1
        settings = {"override_settings": {"sd_model_checkpoint": value, value: value}}
        body = good | settings
        assert_silent(service.client.post(path, json=body, headers=bearer(KEY)), caplog)
    assert tried > 150


@pytest.mark.parametrize("route", ["/v1/infer", "/v1/jobs", "/openai/v1/images/generations"])
@pytest.mark.parametrize("name", ["prompt", "negative_prompt", "id"])
@pytest.mark.parametrize("text", [KEY, f"a circle {OTHER_KEY}.", f"me:{KEY}", METRICS_KEY.upper()])
def test_stored_and_returned_values_contain_no_credential(
    service: Service, route: str, name: str, text: str
) -> None:
    body = infer_body() | {name: text}
    if "openai" in route:
        if name == "id":
            return
        body = {"model": MODEL.id, "prompt": "a circle", name: text}
    kept = len(service.jobs.jobs)
    response = service.client.post(route, json=body, headers=bearer(KEY))
    assert response.status_code in (400, 422)
    assert f"{name} holds a credential" in response.get_data(as_text=True)
    assert len(service.jobs.jobs) == kept


def test_a_key_as_an_idempotency_key_is_hashed(service: Service) -> None:
    body = {"model": MODEL.id, "prompt": "a circle", "response_format": "url"}
    headers = bearer(KEY) | {"Idempotency-Key": KEY}
    answer = service.client.post("/openai/v1/images/generations", json=body, headers=headers)
    assert answer.status_code == 200
    assert leaks(answer.get_data(as_text=True)) == []
    listed = service.client.get("/v1/jobs", headers=bearer(KEY)).get_json()["jobs"]
    assert any(job["id"].startswith("openai-sha256:") for job in listed)


@pytest.mark.parametrize("guess", [KEY[:-1], f"{KEY[:20]}x", KEY[1:], f"x{KEY[2:]}", KEY[:8]])
def test_a_partly_right_guess_is_not_revealed(service: Service, guess: str) -> None:
    """As a credential such a guess is refused; anywhere else it is treated as any other text."""
    nonsense = "".join("x" if each.isalnum() else each for each in guess)
    answers = []
    for sent in (guess, nonsense):
        headers = {
            "X-Request-ID": sent,
            "Access-Control-Request-Headers": sent,
            "Origin": "http://a",
        }
        answer = service.client.options("/v1/models", headers=headers)
        answers.append((answer.status_code, str(answer.headers).replace(sent, "sent")))
    assert answers[0] == answers[1]
    assert "X-Request-ID: sent" in answers[0][1]


def test_ids_are_not_changed(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for job in ("V1StGXR8_Z5jdHi6B-myT", "5f0c9a52-d8b1-4a6e-9d3a-7c1e2b4f6a80", STRANGE_KEY):
        answer = service.client.get(f"/v1/jobs/{job}", headers=bearer(KEY) | {"X-Request-ID": job})
        assert job in answer.get_json()["detail"]
        assert answer.headers["X-Request-ID"] == job
        assert f"/v1/jobs/{job} 404" in caplog.messages[-1]
        assert f"request_id={job}" in caplog.messages[-1]
    service.client.get(f"/v1/models/{MODEL.id}", headers=bearer(KEY))
    assert f"/v1/models/{MODEL.id} 200" in caplog.messages[-1]


def test_a_jwt_is_found_wherever_it_can_start() -> None:
    shape = re.compile(r"eyJ[\w-]{10,}\.[\w-]{4,}\.[\w-]{4,}", re.ASCII)
    draw = random.Random(3)
    redactor, found = Redactor([]), []
    for _ in range(5000):
        length = draw.randrange(20, 60)
        text = "".join(draw.choices(("eyJ", "a", "_", ".", " "), (4, 30, 2, 3, 0.3), k=length))
        assert redactor.holds(text) == (shape.search(text) is not None), text
        found.append(redactor.holds(text))
    assert 100 < sum(found) < 4900


def test_the_id_of_an_unfinished_job_is_not_changed(service: Service) -> None:
    occupy_device(service)
    name = "V1StGXR8_Z5jdHi6B-myT"
    service.client.post("/v1/jobs", json=infer_body(id=name), headers=bearer(KEY))
    for method, path in (("DELETE", "?forget=true"), ("GET", "/images/0")):
        address = f"/v1/jobs/{name}{path}"
        answer = service.client.open(address, method=method, headers=bearer(KEY))
        assert name in answer.get_json()["detail"]


NAMES = [
    *["v1-5-pruned-emaonly", "sd_xl_base_1", "dreamshaper_8", "realisticVisionV60B1_v51VAE"],
    *["juggernautXL_v9Rdphoto2Lightning", "ponyDiffusionV6XL_v6StartWithThisOne"],
    *[
        "stable-diffusion-xl-base-1-0",
        "absolutereality_v181",
        "deliberate_v2",
        "majicmixRealistic_v7",
    ],
    *["epicrealism_naturalSinRC1VAE", "revAnimated_v122", "meinamix_meinaV11"],
    *["chilloutmix_NiPrunedFp32Fix", "counterfeitV30_v30", "anything-v5-PrtRE", "toonyou_beta6"],
    *["animagineXLV31_v31", "sd_xl_turbo_1_0_fp16", "v2-1_768-ema-pruned"],
    *["dreamshaperXL_lightningDPMSDE", "waiNSFWIllustrious_v110", "cyberrealistic_v33"],
    *["playground-v2-1024px-aesthetic"],
]


def test_names_of_models_look_like_names() -> None:
    assert len(NAMES) >= 24
    assert [name for name in NAMES if looks_random(name)] == []


@pytest.mark.parametrize(
    "alphabet, length",
    [
        (string.ascii_letters + string.digits, 20),
        (string.ascii_letters + string.digits, 32),
        (string.ascii_letters + string.digits + "_-", 43),
    ],
)
def test_random_words_look_like_keys(alphabet: str, length: int) -> None:
    draw = random.Random(7)
    words = ["".join(draw.choices(alphabet, k=length)) for _ in range(2000)]
    found = sum(map(looks_random, words)) / len(words)
    assert found > 0.9


@pytest.mark.parametrize("text", [MODEL.id, MODEL.id[:30], "5f0c9a52-d8b1-4a6e-9d3a-7c1e2b4f6a80"])
def test_hexadecimal_is_an_id(text: str) -> None:
    assert not looks_random(text)


@pytest.mark.parametrize(
    "text, hidden",
    [
        ("is 'KEY'; it must be text", "is '«…»'; it must be text"),
        ("is 'me:KEY'; it must", "is 'me:«…»'; it must"),
        ("is 'KEYandmore.than=that'; it", "is '«…»'; it"),
        ("KEY and KEY", "«…» and «…»"),
        ("http://me:pass word@host/x", "http://me:pass word@host/x"),
        ("postgresql://me:password@host/x", "postgresql://«…»@host/x"),
        ("nothing in it, 512x512", "nothing in it, 512x512"),
    ],
)
def test_the_replacement_of_a_credential(text: str, hidden: str) -> None:
    assert Redactor([KEY, OTHER_KEY]).redacted(text.replace("KEY", KEY)) == hidden


@pytest.mark.parametrize("length", range(12, len(KEY) + 1))
def test_the_start_of_a_key_is_hidden_from_12_characters_on(length: int) -> None:
    redactor = Redactor([KEY])
    assert redactor.redacted(f"is 'me:{KEY[:length]}", shapes=False) == f"is 'me:{MARK}"
    shorter = f"is '{KEY[:11]}'"
    assert redactor.redacted(shorter, shapes=False) == shorter


@pytest.mark.parametrize("key", ["quo\"te's-and-\\backslash", "per%cent/and+plus=12", "a" * 12])
def test_a_key_is_found_in_every_encoding(key: str) -> None:
    redactor = Redactor([key])
    encoded = base64.b64encode(f"me:{key}".encode()).decode()
    for written in (key, ascii(key), json.dumps(key), quote(key, safe=""), quote(key), encoded):
        assert redactor.holds(written)
        assert MARK in redactor.redacted(written)
        assert key not in redactor.redacted(written)


def test_a_short_key_is_found_only_as_a_whole_word() -> None:
    redactor = Redactor(["demo", "cat"])
    assert redactor.redacted("no model has the id demo; demos and demo-1 stay") == (
        f"no model has the id {MARK}; demos and demo-1 stay"
    )
    assert redactor.holds("/v1/models/demo")
    assert not redactor.holds("a cat in a democracy")


def test_a_short_key_may_be_a_word_of_a_prompt_but_not_an_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with running_service(make_settings(api_keys=("secret",))) as running:
        for body, status in (
            (infer_body(prompt="a secret garden"), 200),
            (infer_body(id="secret.1"), 200),
            (infer_body(id="secret"), 422),
        ):
            answer = running.client.post("/v1/infer", json=body, headers=bearer("secret"))
            assert answer.status_code == status
        answer = running.client.post(
            "/v1/jobs", json=infer_body(id="secret.2"), headers=bearer("secret")
        )
        assert answer.headers["Location"] == "/v1/jobs/secret.2"
        running.client.get("/v1/models/secret", headers=bearer("secret"))
        assert f"GET /v1/models/{MARK} 404" in caplog.messages[-1]


def test_the_name_of_a_caller_is_not_changed_in_the_log(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token = make_token({"sub": STRANGE_KEY}, key=SECRET_KEY)
    service.client.get("/v1/models", headers=bearer(token))
    assert f"for '{STRANGE_KEY}' from" in caplog.messages[-1]


def test_without_configured_keys_nothing_is_found() -> None:
    redactor = Redactor([])
    assert not redactor.holds("")
    assert redactor.redacted("is 'x'; it must be text") == "is 'x'; it must be text"


def test_keys_of_the_command_are_recognised_by_their_format() -> None:
    made = [secrets.token_urlsafe(32) for _ in range(500)]
    assert sum(MARK in Redactor([]).redacted(f"is '{key}'; it") for key in made) > 460


def test_basic_credentials_are_never_returned(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for password in (KEY, f"{KEY}x", "wrong"):
        answer = service.client.get("/sdapi/v1/options", headers=basic(password))
        assert_silent(answer, caplog)
