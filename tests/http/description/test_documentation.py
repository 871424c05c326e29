"""docs/ names the existing routes, fields and error codes."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from adapters.http.problems.table import PROBLEMS
from tests.http.conftest import Service
from tests.http.description.documented import Document
from tests.paths import DOCS, ROOT

API = (DOCS / "api.md").read_text()
TROUBLESHOOTING = (DOCS / "troubleshooting.md").read_text()
_SHORTEST_PHRASE = 8
# Messages of other programs that a user of this one sees.
_OF_OTHERS = (
    "Worker (pid:",
    ") was sent SIGKILL! Perhaps out of memory?",
    "ai-inference: command not found",
)


def table(text: str, heading: str) -> list[list[str]]:
    """Return the cells of each row of the tables between `heading` and the next one."""
    section = text.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.*) \|$", section, re.MULTILINE)
    return [row.split(" | ") for row in rows]


@pytest.fixture(scope="module")
def document(shared: Service) -> Document:
    return Document(shared.container.app())


def codes(document: Document) -> Iterator[tuple[str, str]]:
    """Return each code of problem details with its status: the routes' own, and general ones."""
    about = " ".join(document.contents["info"]["description"].split())
    yield from ((code, status) for status, code in re.findall(r"\b(4\d\d) `([a-z_]+)`", about))
    for _, _, operation in document.operations():
        for status, response in operation["responses"].items():
            content = document.resolve(response).get("content", {})
            if "application/problem+json" in content:
                described = document.resolve(response)["description"]
                yield from ((code, status) for code in re.findall(r"`([a-z_]+)`:", described))


def test_each_error_code_is_explained_with_its_status(document: Document) -> None:
    explained = {
        code.strip("`"): status for code, status, *_ in table(API, "## Errors") if code[0] == "`"
    }
    told = dict(codes(document))
    raised = {error.code: str(row.status.value) for error, row in PROBLEMS.items()}
    assert len(told) > 20
    assert {code: explained.get(code) for code in told | raised} == told | raised


def test_each_error_code_has_a_remedy() -> None:
    listed = [row[0].strip("`") for row in table(API, "## Errors") if row[0][0] == "`"]
    remedied = set(re.findall(r"`([a-z_]+)`", TROUBLESHOOTING))
    assert [code for code in listed if code not in remedied] == []


def test_each_route_is_listed(document: Document) -> None:
    def form(path: str) -> str:
        return re.sub(r"\{[^}]*\}", "{}", path)

    listed = {form(path) for path in re.findall(r"(/[\w/{}.-]*)", API)}
    paths = {form(path) for _, path, _ in document.operations()}
    assert sorted(path for path in paths - listed if not path.startswith("/sdapi/")) == []


def test_each_request_field_is_listed_with_its_limits(document: Document) -> None:
    headings = ("## Draw pictures", "## Draw from pictures", "## Beside the checkpoint")
    listed = [row for heading in headings for row in table(API, heading)]
    rows = {name: row for row in listed for name in row[0].split(", ")}
    body = document.contents["paths"]["/v1/infer"]["post"]["requestBody"]
    schema = document.resolve(body["content"]["application/json"]["schema"])
    assert len(schema["properties"]) > 10
    required = {name for name in schema["properties"] if rows[f"`{name}`"][2] == "required"}
    assert required == set(schema["required"])
    for name, described in schema["properties"].items():
        row = " ".join(rows[f"`{name}`"])
        if name != "seed":  # its limit is written as a power
            bounds = [described[key] for key in ("minimum", "maximum") if key in described]
            assert [bound for bound in bounds if f"{bound:g}" not in row] == []


@cache
def said() -> str:
    """Return all string literals of the program; `…` replaces inserted values."""
    files = [
        *(path for folder in ("adapters", "application", "domain") for path in python(folder)),
        *ROOT.glob("*.py"),
    ]
    texts = [text for path in files for text in _texts(ast.parse(path.read_text()))]
    return "\n".join([*texts, (ROOT / "Makefile").read_text(), *_OF_OTHERS])


def python(folder: str) -> Iterator[Path]:
    return (ROOT / folder).rglob("*.py")


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(each.value) if isinstance(each, ast.Constant) else "…" for each in node.values
            )


def messages() -> list[str]:
    """Return the messages of the troubleshooting page, without those of one or two words."""
    rows = re.findall(r"^\| (.*) \|$", TROUBLESHOOTING, re.MULTILINE)
    cells = [cell for row in rows for cell in row.split(" | ")[:-2]]
    return sorted({cell.strip("`") for cell in cells if re.fullmatch(r"`[^`]* [^`]*`", cell)})


@pytest.mark.parametrize("message", messages())
def test_the_program_contains_every_message_of_troubleshooting(message: str) -> None:
    phrases = [part.strip() for part in message.split("…") if len(part) >= _SHORTEST_PHRASE]
    assert [phrase for phrase in phrases if phrase not in said()] == []
