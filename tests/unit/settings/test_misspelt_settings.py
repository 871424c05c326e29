from dataclasses import fields

import pytest

from application.settings.misspelt import misspelt_settings
from application.settings.settings import Settings

NAMES = [row.name.upper() for row in fields(Settings)]
LONG = [name for name in NAMES if name.count("_") and len(name) >= 10]


@pytest.mark.parametrize("name", LONG)
def test_a_missing_letter_is_noticed(name: str) -> None:
    given = name[:3] + name[4:]
    (said,) = misspelt_settings({given: "a-secret"})
    assert said == f"{given} is not a setting and changes nothing; is {name} meant?"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("MODEL_DIR", "MODEL_DIRS"),
        ("DATADIR", "DATA_DIR"),
        ("WARMUP", "WARM_UP"),
        ("Default_Model", "DEFAULT_MODEL"),
        ("SECRETKEY", "SECRET_KEY"),
    ],
)
def test_common_misspellings_are_noticed(given: str, meant: str) -> None:
    (said,) = misspelt_settings({given: "x"})
    assert f"is {meant} meant?" in said


@pytest.mark.parametrize(
    "name",
    [
        *NAMES,
        # Common variables of systems and other programs, and the one that clients export.
        *("API_KEY", "HOSTNAME", "HOSTTYPE", "XDG_DATA_DIRS", "XDG_DATA_HOME", "SECRET_KEY_BASE"),
        *("COMPILER", "DEVICES", "PORTS", "PATH", "HOME", "LOGNAME", "CUDA_VISIBLE_DEVICES"),
        *("OMP_NUM_THREADS", "HF_HOME", "PYTHONPATH", "MAKEFLAGS", "OPENAI_API_KEY", "LOG_FILE"),
    ],
)
def test_other_variables_are_ignored(name: str) -> None:
    assert misspelt_settings({name: "x"}) == ()
