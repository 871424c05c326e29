"""Each API has words of its own for each class of errors, and no word of another way in."""

import re

import pytest

from adapters.cli.errors import ERRORS as TERMINAL
from adapters.cli.errors import told
from adapters.http.automatic1111.errors import ERRORS as AUTOMATIC1111
from adapters.http.description.samples import sample_of
from adapters.http.openai.errors import ERRORS as OPENAI
from adapters.http.problems.common import COMMON
from adapters.http.problems.rows import ErrorTable
from adapters.http.problems.table import PROBLEMS
from domain import errors
from domain.errors import DomainError, error_classes, row_of
from tests.unit.errors.test_domain_errors import SAMPLES

_OPTION = r"(?<![-\w])--[a-z]"
_OF_V1 = r"\bGET /v1|\bPOST /v1|\bPrefer\b|handling=strict|\bAccept\b|'Authorization:"
_OF_OPENAI = r"/openai|Idempotency-Key|\bresponse_format\b|output_compression|MODEL_ALIASES"
_OF_AUTOMATIC1111 = r"/sdapi|\bbatch_size\b|\bcfg_scale\b|sampler_name|\(Basic\)|\bcheckpoints?\b"
_COMMANDS = r"`ai-inference (?!demo`)"  # the demo is a remedy for whoever runs the service
FOREIGN = {
    "v1": f"{_OPTION}|{_COMMANDS}|/openai|/sdapi|Idempotency-Key|batch_size|cfg_scale",
    "openai": f"{_OPTION}|`ai-inference|{_OF_V1}|/sdapi|batch_size|cfg_scale|sampler_name",
    "automatic1111": f"{_OPTION}|`ai-inference|{_OF_V1}|{_OF_OPENAI}",
    "terminal": rf"\b(?:GET|POST) /|{_OF_V1}|{_OF_OPENAI}|/sdapi|batch_size|\bHTTP\b|\bheader\b",
    "common": rf"{_OPTION}|`ai-inference|{_OF_V1}|{_OF_OPENAI}|{_OF_AUTOMATIC1111}|\bGET /",
}
APIS: dict[str, ErrorTable] = {"v1": PROBLEMS, "openai": OPENAI, "automatic1111": AUTOMATIC1111}
each_sample = pytest.mark.parametrize("error", SAMPLES, ids=repr)


def said(name: str, error: DomainError) -> str:
    return told(error) if name == "terminal" else row_of(APIS[name], error).words.of(error)


@pytest.mark.parametrize("name", [*APIS, "terminal"])
def test_every_class_of_errors_has_a_row(name: str) -> None:
    table = {**APIS, "terminal": TERMINAL}[name]
    assert set(table) == set(error_classes())


@pytest.mark.parametrize("table", APIS.values(), ids=APIS)
def test_every_status_is_one_of_an_error(table: ErrorTable) -> None:
    assert all(400 <= row.status <= 599 for row in table.values())


@pytest.mark.parametrize("name", [*APIS, "terminal"])
@each_sample
def test_the_words_of_each_way_in_are_its_own(name: str, error: DomainError) -> None:
    text = said(name, error)
    assert text
    assert re.search(FOREIGN[name], text) is None


@each_sample
def test_common_words_are_of_no_api(error: DomainError) -> None:
    if type(error) in COMMON:
        assert re.search(FOREIGN["common"], row_of(COMMON, error).words.of(error)) is None


@pytest.mark.parametrize("cls", error_classes())
def test_there_is_a_sample_for_the_description(cls: type[DomainError]) -> None:
    assert type(sample_of(cls)) is cls


@pytest.mark.parametrize(
    "name, text",
    [
        ("v1", "pass --force"),
        ("v1", "`ai-inference models` lists them"),
        ("openai", "GET /v1/models lists them"),
        ("automatic1111", "GET /v1/models lists them"),
        ("terminal", "GET /v1/models lists them"),
        ("terminal", "leave out handling=strict"),
        ("common", "GET / lists what there is"),
    ],
)
def test_a_foreign_word_is_found(name: str, text: str) -> None:
    assert re.search(FOREIGN[name], text) is not None


@pytest.mark.parametrize(
    "error, v1, others",
    [
        (
            errors.ModelNotFound("x"),
            "GET /v1/models",
            ["GET /openai/v1/models", "/sdapi/v1/sd-mod"],
        ),
        (errors.OutOfMemory("drawing"), "width and height", ["smaller size", "batch_size"]),
        (errors.NoModel(), "MODEL_DIRS", ["MODEL_DIRS", "MODEL_DIRS"]),
        (errors.QueueFull(3, 7, of_caller=True), "3 of your jobs", ["3 of your", "3 of your jobs"]),
        (errors.TooManyCallers(), "Prefer: respond-async", ["again in 5 s", "again in 5 s"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_api_names_its_own_remedy(error: DomainError, v1: str, others: list[str]) -> None:
    assert v1 in said("v1", error)
    assert others[0] in said("openai", error)
    assert others[1] in said("automatic1111", error)


@pytest.mark.parametrize("name", [*APIS, "terminal"])
def test_the_options_of_a_device_have_the_names_of_the_settings(name: str) -> None:
    reason = "offload is model and compile is true; choose one of the two"
    error = errors.DeviceUnavailable(reason, options=("offload", "compile"))
    assert said(name, error) == "OFFLOAD is model and COMPILE is true; choose one of the two"
    missing = errors.DeviceUnavailable("device is 'cuda'", ("cpu",), ("device",))
    assert said(name, missing) == "DEVICE is 'cuda'; there are: cpu; DEVICE=auto takes the best"


def test_an_id_conflict_names_the_fields_and_the_format_of_the_job() -> None:
    told_of = said("v1", errors.IdConflict("a", ("output_format", "quality"), "png"))
    assert "with another output_format, quality" in told_of
    assert "output_format 'png'" in told_of
    assert "Accept" in told_of
    assert "Accept" not in said("v1", errors.IdConflict("a", ("prompt",), "png"))
