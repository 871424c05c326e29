import dataclasses
import shlex

import pytest

from adapters.gunicorn.startup_banner import (
    address,
    first_picture,
    no_model_message,
    startup_message,
)
from application.settings.made_key import MadeApiKey
from application.settings.settings import Settings
from tests.fakes.model_source import model_record

MODEL = model_record()


MADE = MadeApiKey("made-key", kept_in="/srv/data/api-key")


def test_the_first_picture_is_one_command_for_any_shell() -> None:
    said = first_picture(Settings(port=8123), [MODEL], made=MADE)
    shell, option, script = shlex.split(said.splitlines()[-1])
    assert (shell, option) == ("sh", "-c")
    # In single quotes, the only part in which all shells agree.
    assert not set(script) & set("'!")
    assert "http://127.0.0.1:8123/v1/infer" in script
    assert MODEL.id in script
    assert script.startswith("K=made-key; ")


def test_the_command_says_what_it_waits_for_and_where_the_file_is() -> None:
    said = first_picture(Settings(), [MODEL], made=MADE)
    assert "waits until the picture is drawn" in said
    assert "picture.png in the folder where you are" in said


def test_a_model_that_cannot_draw_is_not_named() -> None:
    lora = dataclasses.replace(MODEL, id="0f" * 32, reason="it is a LoRA")
    said = first_picture(Settings(), [lora, MODEL], made=MADE)
    assert MODEL.id in said
    assert lora.id not in said


@pytest.mark.parametrize("settings", [Settings(api_keys=("hunter2",)), Settings(secret_key="s3")])
def test_secrets_of_the_user_are_never_printed(settings: Settings) -> None:
    printed = startup_message(settings, made=None) + first_picture(settings, [MODEL], made=None)
    assert "hunter2" not in printed
    assert "s3" not in printed


def test_a_generated_key_is_printed_with_a_link_and_its_file() -> None:
    said = startup_message(Settings(), made=MADE)
    assert "http://127.0.0.1:8000/#key=made-key" in said
    assert "API key: made-key" in said
    assert "/srv/data/api-key" in said


def test_a_key_that_is_not_stored_is_announced_as_temporary() -> None:
    said = startup_message(Settings(), made=MadeApiKey("made-key", kept_in=None))
    assert "for this run alone" in said
    assert "kept in" not in said


def test_a_generated_key_is_not_shown_by_accident() -> None:
    assert "made-key" not in repr(MADE)


def test_without_a_model_the_banner_says_where_to_put_one() -> None:
    assert "ai-models/" in no_model_message(Settings())
    assert "ai-inference demo" in no_model_message(Settings())


def test_a_weak_api_key_is_a_prominent_warning() -> None:
    said = startup_message(Settings(api_keys=("changeme",)), made=None)
    assert "WARNING: API_KEYS is weak" in said
    assert "changeme" not in said
    strong = Settings(api_keys=("q7Jw0Zr2Vt9Xk4Lm",))
    assert "WARNING" not in startup_message(strong, made=None)


def test_a_weak_metrics_key_is_a_prominent_warning() -> None:
    said = startup_message(Settings(metrics_key="changeme"), made=None)
    assert "WARNING: METRICS_KEY is weak" in said
    assert "changeme" not in said
    strong = Settings(metrics_key="q7Jw0Zr2Vt9Xk4Lm")
    assert "WARNING" not in startup_message(strong, made=None)


def test_a_weak_secret_key_is_a_prominent_warning() -> None:
    assert "WARNING" in startup_message(Settings(secret_key="short"), made=None)
    strong = Settings(secret_key="q7Jw0Zr2Vt9Xk4Lm1Np8Bc5Df3Gh6Js0")
    assert "WARNING" not in startup_message(strong, made=None)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("::1", "http://[::1]:8000"),
        ("localhost", "http://localhost:8000"),
    ],
)
def test_the_printed_address_is_reachable(host: str, shown: str) -> None:
    assert address(Settings(host=host)) == shown


def test_each_warning_has_a_line() -> None:
    said = startup_message(Settings(), made=None, warnings=("MODEL_DIR is not a setting",))
    assert said.splitlines()[-1] == "WARNING: MODEL_DIR is not a setting"
