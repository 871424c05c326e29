"""The core knows no way in: no route, no header, no command, and no operator's setting."""

import dataclasses
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.settings.settings import Settings
from domain.errors import DomainError
from tests.paths import ROOT
from tests.unit.errors.test_domain_errors import SAMPLES

SETTINGS = [field.name.upper() for field in dataclasses.fields(Settings)]
WORDS = re.compile(
    "|".join(
        [
            r"\b(?:GET|POST|PUT|DELETE|HEAD) /",
            r"/v1\b|/sdapi\b|/openai\b|/health\b",
            r"\bAuthorization\b|\bBearer\b|\bPrefer\b|\bAccept:|\bRetry-After\b|\bIdempotency-Key\b",
            r"\bcurl\b|\bai-inference\b|(?<![-\w])--[a-z]",
            rf"\b(?:{'|'.join(SETTINGS)})\b",
        ]
    )
)
SCOPES = re.compile(r"\b[a-z]+:[a-z]+\b")
# Where the settings are defined, and the name of the program.
HOMES = ("application/settings/", "application/version.py")


def core() -> list[Path]:
    return list(_core())


def _core() -> Iterator[Path]:
    for folder in ("domain", "application"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not path.relative_to(ROOT).as_posix().startswith(HOMES):
                yield path


def texts(source: str) -> Iterator[tuple[int, str]]:
    """The texts and the comments of a module, with their lines; names of constants are neither."""
    kinds = {tokenize.COMMENT, tokenize.STRING}
    kinds |= {getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in kinds and not token.string.startswith("b"):
            # The name of a constant in a text is one of Python's, as in `__all__`.
            for number, line in enumerate(token.string.splitlines(), token.start[0]):
                yield number, re.sub(r"`[A-Z_]+`|^\"[A-Z_]+\"$", "", line)


@pytest.mark.parametrize("path", core(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_of_the_core_names_a_way_in(path: Path) -> None:
    found = [
        f"line {number}: {word[0]!r}"
        for number, text in texts(path.read_text())
        if (word := WORDS.search(text))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "'see GET /v1/models'",
        "'send Prefer'",
        "# as DATA_DIR names it",
        "f'{x} is longer than LOAD_TIMEOUT_SECONDS'",
        "'pass --force'",
        "'run curl'",
    ],
)
def test_such_a_text_is_found(text: str) -> None:
    assert [line for _, line in texts(text) if WORDS.search(line)] != []


@pytest.mark.parametrize("error", SAMPLES, ids=repr)
def test_the_sentence_of_an_error_names_no_way_in(error: DomainError) -> None:
    assert WORDS.search(str(error)) is None
    assert SCOPES.search(str(error)) is None
