import dataclasses
import json
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.cli.wiring import DeviceFacts
from application.settings.settings import SettingsError
from domain.errors import DeviceUnavailable, StorageUnavailable
from tests.fakes.model_source import FakeModelSource
from tests.unit.cli.cli_runs import SECRET_KEY, Terminal


@pytest.fixture(autouse=True)
def scanner_log_restored() -> Iterator[None]:
    """`doctor` mutes it until its process ends; this process runs other tests too."""
    yield
    logging.getLogger("adapters.filesystem").setLevel(logging.NOTSET)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """An environment without problems."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    return Terminal(
        {
            "MODEL_DIRS": "models",
            "PORT": port,
            "API_KEYS": "q7Jw0Zr2Vt9Xk4Lm,h3Gh6Js0q7Jw0Zr2",
            "SECRET_KEY": SECRET_KEY,
        }
    )


def rows(terminal: Terminal) -> dict[str, tuple[str, str]]:
    """Return verdict and detail by name; the last row if a name occurs twice."""
    done = terminal.run("doctor", "--json")
    document: dict[str, Any] = json.loads(done.stdout)
    verdicts = {row["verdict"] for row in document["checks"]}
    assert document["ok"] is ("problem" not in verdicts)
    assert done.exit_code == (0 if document["ok"] else 1)
    return {row["name"]: (row["verdict"], row["detail"]) for row in document["checks"]}


@pytest.mark.torch
def test_an_environment_without_problems(terminal: Terminal, tmp_path: Path) -> None:
    found = rows(terminal)
    assert {verdict for verdict, _ in found.values()} == {"ok"}
    assert found["device"][1] == "cuda:0, float16, at most 8 at once, 16.0 GB for loaded models"
    assert found["folder models"][1] == "1 model, 1 to draw with"
    assert found["API_KEYS"][1] == "2 set"
    assert "it will be made" in found["DATA_DIR"][1]
    assert {"ai-inference", "python", "torch", "diffusers", "transformers"} <= set(found)
    assert os.listdir(tmp_path) == ["models"]


def test_settings_that_differ_from_plain_torch_are_reported(terminal: Terminal) -> None:
    assert isinstance(terminal.device, DeviceFacts)
    terminal.device = dataclasses.replace(
        terminal.device, name="cpu", backend="openvino", quantization="int8"
    )
    told = rows(terminal)["device"][1]
    assert told.startswith("cpu, float16, openvino, int8, at most 8 at once")


def test_no_secret_is_shown(terminal: Terminal) -> None:
    shown = terminal.run("doctor").output
    assert not [secret for secret in ("k1", "k2", SECRET_KEY) if secret in shown]


@pytest.mark.torch
def test_people_get_one_row_for_each_check(terminal: Terminal) -> None:
    terminal.environment["API_KEYS"] = ""
    lines = terminal.run("doctor").stdout.splitlines()
    assert {line.split()[0] for line in lines} == {"ok", "warning"}
    assert all(line.isprintable() for line in lines)


@pytest.mark.torch
def test_every_invalid_setting_is_a_row_and_the_other_checks_still_run(terminal: Terminal) -> None:
    terminal.environment |= {"MAX_QUEUE": "0", "LOG_LEVEL": "LOUD", "DTYPE": "int8"}
    done = terminal.run("doctor")
    assert done.exit_code == 1
    problems = [line for line in done.stdout.splitlines() if line.startswith("problem")]
    assert sorted(line.split()[2] for line in problems) == ["DTYPE", "LOG_LEVEL", "MAX_QUEUE"]
    assert "cuda:0" in done.stdout


def test_a_misspelt_setting_is_a_warning(terminal: Terminal) -> None:
    terminal.environment["MODEL_DIR"] = "models"
    verdict, detail = rows(terminal)["settings"]
    assert verdict == "warning"
    assert "is MODEL_DIRS meant?" in detail


@pytest.mark.parametrize(
    "error", [DeviceUnavailable("no such device"), ImportError("libcudart.so is missing")]
)
def test_a_missing_device_is_a_problem(terminal: Terminal, error: Exception) -> None:
    terminal.device = error
    verdict, detail = rows(terminal)["device"]
    assert (verdict, str(error) in detail) == ("problem", True)


def test_a_database_that_does_not_answer_is_a_problem(terminal: Terminal) -> None:
    terminal.job_store = StorageUnavailable("no database there")
    terminal.environment["DATABASE_URL"] = "postgresql://somewhere/jobs"
    assert rows(terminal)["DATABASE_URL"] == (
        "problem",
        "no database there; run the command again",
    )
    terminal.job_store = ImportError("No module named 'psycopg'")
    assert rows(terminal)["DATABASE_URL"][0] == "problem"
    terminal.job_store = None
    assert rows(terminal)["DATABASE_URL"][0] == "ok"


def test_the_database_in_the_data_dir_is_read_if_it_exists_and_never_created(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.job_store = StorageUnavailable("it is locked")
    terminal.environment["DATA_DIR"] = "kept"
    assert rows(terminal)["jobs"] == ("ok", "none are kept in kept yet")
    assert not (tmp_path / "kept").exists()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "jobs.sqlite").touch()
    assert rows(terminal)["jobs"] == ("problem", "it is locked; run the command again")
    terminal.job_store = None
    assert rows(terminal)["jobs"][0] == "ok"


def test_a_data_dir_that_is_not_writable_is_a_problem(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    terminal.environment["DATA_DIR"] = "file/data"
    verdict, detail = rows(terminal)["DATA_DIR"]
    assert (verdict, "nothing can be written" in detail) == ("problem", True)


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


def test_a_port_in_use_is_a_problem(terminal: Terminal, taken_port: str) -> None:
    terminal.environment["PORT"] = taken_port
    verdict, detail = rows(terminal)["port"]
    assert (verdict, taken_port in detail) == ("problem", True)


def test_an_address_of_another_machine_is_a_problem(terminal: Terminal) -> None:
    terminal.environment["HOST"] = "192.0.2.1"  # RFC 5737: reserved for documentation
    assert rows(terminal)["port"][0] == "problem"


def test_a_missing_folder_and_no_model_are_warnings(terminal: Terminal) -> None:
    terminal.environment["MODEL_DIRS"] = "models,nowhere"
    terminal.source = FakeModelSource()
    found = rows(terminal)
    assert found["folder nowhere"] == ("warning", "it is not there")
    assert found["folder models"] == ("ok", "0 models, 0 to draw with")
    assert found["models"][0] == "warning"


def test_weak_and_missing_credentials_are_warnings(terminal: Terminal) -> None:
    terminal.environment |= {"API_KEYS": "", "SECRET_KEY": "change-me"}
    found = rows(terminal)
    assert found["SECRET_KEY"][0] == "warning"
    assert found["API_KEYS"] == ("warning", "not set: only tokens work")
    terminal.environment["SECRET_KEY"] = ""
    assert rows(terminal)["API_KEYS"] == (
        "ok",
        "not set: the first start makes a key, prints it and keeps it in data",
    )
    terminal.made_key = "/srv/data/api-key"
    assert "is in /srv/data/api-key" in rows(terminal)["API_KEYS"][1]
    terminal.made_key = SettingsError(["/srv/data/api-key does not hold an API key"])
    assert rows(terminal)["API_KEYS"] == ("problem", "/srv/data/api-key does not hold an API key")
    terminal.environment |= {"API_KEYS": "changeme"}
    verdict, said = rows(terminal)["API_KEYS"]
    assert (verdict, "changeme" in said) == ("warning", False)


def test_a_metrics_key_has_a_row_if_it_is_set(terminal: Terminal) -> None:
    assert "METRICS_KEY" not in rows(terminal)
    terminal.environment["METRICS_KEY"] = "Gh6Js0Tyq7Jw0Zr2"
    assert rows(terminal)["METRICS_KEY"] == ("ok", "set")
    terminal.environment["METRICS_KEY"] = "changeme"
    verdict, said = rows(terminal)["METRICS_KEY"]
    assert (verdict, "changeme" in said) == ("warning", False)


def test_the_settings_of_models_have_rows(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    terminal.environment["MODEL_SETTINGS"] = str(file)
    file.write_text("[gone]\n")
    rows = json.loads(terminal.run("doctor", "--json").stdout)["checks"]
    (row,) = (each for each in rows if each["name"] == "MODEL_SETTINGS")
    assert (row["verdict"], row["detail"]) == ("warning", "[gone] names no model")
    file.write_text("[a]\nsteps = 4\n")
    done = terminal.run("doctor", "--json")
    rows = json.loads(done.stdout)["checks"]
    (row,) = (each for each in rows if each["name"] == "MODEL_SETTINGS")
    assert (done.exit_code, row["verdict"]) == (1, "problem")
    assert "steps is not a setting" in row["detail"]
