"""The environment is read where the process begins, so that an embedder can pass another."""

import ast
from pathlib import Path

import pytest

from tests.paths import ROOT

_NAMES = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
FILES = [
    *(
        path
        for folder in ("domain", "application", "adapters")
        for path in (ROOT / folder).rglob("*.py")
    ),
    ROOT / "container.py",
    ROOT / "serving.py",
    ROOT / "gunicorn.conf.py",
]


def uses_of_the_environment(code: str) -> list[int]:
    """Lines that name something of `os` with which the environment is read or changed."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(code))
        if (isinstance(node, ast.Attribute) and node.attr in _NAMES and not _is_wsgis(node))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module in ("os", "posix")
            and any(alias.name in {*_NAMES, "*"} for alias in node.names)
        )
    ]


def _is_wsgis(node: ast.Attribute) -> bool:
    """Whether it is what a WSGI server says of an HTTP request, which has the same name."""
    return isinstance(node.value, ast.Name) and node.value.id == "request"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_what_the_system_starts_knows_the_environment(path: Path) -> None:
    assert uses_of_the_environment(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.environ['A']",
        "import os as o\no.getenv('A')",
        "from os import environ",
        "from os import getenv as g",
        "def f():\n    import os\n    os.putenv('A', 'b')",
        "from os import *",
    ],
)
def test_a_use_is_found(code: str) -> None:
    assert uses_of_the_environment(code)


@pytest.mark.parametrize("name", ["wsgi.py", "cli.py"])
def test_these_two_do(name: str) -> None:
    assert uses_of_the_environment((ROOT / name).read_text(encoding="utf-8"))


def test_what_only_speaks_of_it_does_not() -> None:
    assert not uses_of_the_environment('import os\n"os.environ"\nos._exit(1)')
    assert not uses_of_the_environment("from flask import request\nrequest.environ")
