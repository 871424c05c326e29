"""Comments, docstrings, messages and names are plain English in the folders that were revised."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

REVISED = (
    "adapters/cli",
    "adapters/diffusion",
    "adapters/filesystem",
    "adapters/gunicorn",
    "adapters/http",
    "adapters/metrics",
    "adapters/pictures",
    "adapters/process",
    "adapters/security",
    "adapters/storage",
    "application",
    "benchmarks",
    "cli.py",
    "compose.yaml",
    "container.py",
    "docs",
    "domain",
    "gunicorn.conf.py",
    "monitoring",
    "serving.py",
    "tests",
    "tools",
    "wsgi.py",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "Makefile",
    "README.md",
)
"""Files and folders without any of `FOREIGN`. Add a folder once its last sentence is revised."""

_VERBS = (
    "asks|cancels|cannot|comes|counts|draws|gets|had|hangs|has|have|holds|is|knows|listens|looks"
    "|names|needs|prefers|puts|reads|refuses|sends|stops|waits|wants|was|writes"
)
FOREIGN = {
    r"\bcan not\b": "cannot",
    r"\banew\b": "again",
    r"\bundoable\b": "unsupported; undoable means that it can be undone",
    r"(?<!there )\bis no (?!longer\b|more\b|less\b)[a-z]+": "is not a …",
    rf"(?:^|[.:;!?] )who (?:{_VERBS})\b": "name the one who acts: a client that …",
    rf"\b(?:by|for|from|of|to|with) who (?:{_VERBS})\b": "name the one who acts: a client that …",
    r"\b(?:nobody|no one) who\b": "no client that …",
    r"\bcame out as no\b": "produced NaN",
    r"\bhangs? up\b": "disconnects",
    r"\b(?:looked|looks|look) at anew\b": "checked again",
    r"\boutside of the\b": "outside the",
    r"\bas ever\b": "as usual",
}
"""Patterns of sentences translated from German, in lower case, and what to write instead."""

_TEXTS = {".md", ".yaml", ".yml", ""}
_FOREIGN = [(re.compile(pattern), instead) for pattern, instead in FOREIGN.items()]
_ANY = re.compile("|".join(FOREIGN))


def phrases(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line number and the text of each comment, string and function name of a file.

    Of a file that is not Python it yields each line.
    """
    text = path.read_text("utf-8")
    if path.suffix in _TEXTS:
        yield from enumerate(text.splitlines(), 1)
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name.removeprefix("test_").replace("_", " ")
    yield from _comments(text)


def _comments(text: str) -> Iterator[tuple[int, str]]:
    """Yield the first line number and the text of each block of comments."""
    block: list[str] = []
    first = last = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        if block and token.start[0] != last + 1:
            yield first, " ".join(block)
            block = []
        first, last = (first if block else token.start[0]), token.start[0]
        block.append(token.string.lstrip("# "))
    if block:
        yield first, " ".join(block)


def findings(phrase: str) -> Iterator[str]:
    """Yield each foreign expression of a phrase, with what to write instead."""
    line = " ".join(phrase.lower().split())
    if not _ANY.search(line):
        return
    for pattern, instead in _FOREIGN:
        for found in pattern.finditer(line):
            yield f"«{found[0].strip()}»: {instead}"


def _files(name: str) -> Iterator[Path]:
    path = ROOT / name
    if path.is_file():
        yield path
        return
    for file in sorted(path.rglob("*")):
        is_text = file.suffix in {".py", *_TEXTS - {""}}
        if is_text and file != Path(__file__):
            yield file


@pytest.mark.parametrize("name", REVISED)
def test_no_foreign_expression_comes_back(name: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {finding}"
        for path in _files(name)
        for line, phrase in phrases(path)
        for finding in findings(phrase)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "phrase",
    [
        "It can not\n    be drawn.",
        "The body is no JSON.",
        "a value that is no number",
        "It begins anew.",
        "Undoable fields are named.",
        "Who waits is told.",
        "It ends. Who has the page is not sent it again.",
        "a conflict for who waits for it",
        "nobody who asks",
        "who wants to know nothing is told all the same",
        "a client that hangs up",
    ],
)
def test_a_foreign_expression_is_found(phrase: str) -> None:
    assert list(findings(phrase))


@pytest.mark.parametrize(
    "phrase",
    [
        "It cannot be drawn again.",
        "There is no model to draw with.",
        "The file is no longer listed.",
        "It is no more than a hint.",
        "The person who started it reads this.",
    ],
)
def test_plain_english_is_not_found(phrase: str) -> None:
    assert not list(findings(phrase))


def test_comments_strings_and_names_are_read(tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text(
        '"""A docstring."""\n'
        "# A comment\n"
        "# of two lines.\n"
        'def test_a_name(): raise ValueError(f"value {1} of")\n'
    )
    texts = {text for _, text in phrases(file)}
    assert {"A docstring.", "A comment of two lines.", "a name", "value "} <= texts
