import dataclasses
import json
import shlex

import pytest

from application.settings import Settings
from application.welcome import address, curl_line, welcome
from tests.fakes.model_source import model_record

MODEL = model_record()


def test_the_curl_line_asks_for_a_picture_of_the_first_model() -> None:
    text = curl_line(Settings(port=8123), [MODEL], made_api_key="made")
    words = shlex.split(text.splitlines()[-1])
    assert words[0] == "curl"
    assert "http://127.0.0.1:8123/v1/infer" in words
    assert "Authorization: Bearer made" in words
    body = json.loads(words[words.index("-d") + 1])
    assert body["id"] == "$(date +%s)"
    assert body["model_id"] == MODEL.id
    assert body["prompt"]


def test_a_model_that_can_not_be_drawn_with_is_not_named() -> None:
    lora = dataclasses.replace(MODEL, id="0f" * 32, reason="it is a LoRA")
    assert MODEL.id in curl_line(Settings(), [lora, MODEL], made_api_key="made")
    assert "curl" not in curl_line(Settings(), [lora], made_api_key="made")


def test_a_key_of_the_user_is_never_printed() -> None:
    settings = Settings(api_keys=("hunter2",))
    printed = welcome(settings, made_api_key=None) + curl_line(settings, [MODEL], made_api_key=None)
    assert "hunter2" not in printed
    assert "$API_KEY" in printed


def test_a_made_key_is_shown() -> None:
    assert "made-key" in welcome(Settings(), made_api_key="made-key")


def test_without_a_model_it_says_where_to_put_one() -> None:
    assert "ai-models/" in curl_line(Settings(), [], made_api_key="k")


def test_a_weak_api_key_is_a_loud_warning() -> None:
    said = welcome(Settings(api_keys=("changeme",)), made_api_key=None)
    assert "WARNING: API_KEYS is weak" in said
    assert "changeme" not in said
    strong = Settings(api_keys=("q7Jw0Zr2Vt9Xk4Lm",))
    assert "WARNING" not in welcome(strong, made_api_key=None)


def test_a_weak_metrics_key_is_a_loud_warning() -> None:
    said = welcome(Settings(metrics_key="changeme"), made_api_key=None)
    assert "WARNING: METRICS_KEY is weak" in said
    assert "changeme" not in said
    strong = Settings(metrics_key="q7Jw0Zr2Vt9Xk4Lm")
    assert "WARNING" not in welcome(strong, made_api_key=None)


def test_a_weak_secret_key_is_a_loud_warning() -> None:
    assert "WARNING" in welcome(Settings(secret_key="short"), made_api_key=None)
    strong = Settings(secret_key="q7Jw0Zr2Vt9Xk4Lm1Np8Bc5Df3Gh6Js0")
    assert "WARNING" not in welcome(strong, made_api_key=None)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("::1", "http://[::1]:8000"),
        ("localhost", "http://localhost:8000"),
    ],
)
def test_the_address_can_be_reached(host: str, shown: str) -> None:
    assert address(Settings(host=host)) == shown
