"""The environment is read only where the process starts, so that an embedder can pass another."""

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
    """Return the lines that use a name of `os` that reads or changes the environment."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(code))
        if (isinstance(node, ast.Attribute) and node.attr in _NAMES and not _is_wsgi_environ(node))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module in ("os", "posix")
            and any(alias.name in {*_NAMES, "*"} for alias in node.names)
        )
    ]


def _is_wsgi_environ(node: ast.Attribute) -> bool:
    """Return True for a WSGI server's `environ` of an HTTP request, which has the same name."""
    return isinstance(node.value, ast.Name) and node.value.id == "request"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_entry_points_read_the_environment(path: Path) -> None:
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
def test_a_use_of_the_environment_is_found(code: str) -> None:
    assert uses_of_the_environment(code)


@pytest.mark.parametrize("name", ["wsgi.py", "cli.py"])
def test_the_two_entry_points_are_found(name: str) -> None:
    assert uses_of_the_environment((ROOT / name).read_text(encoding="utf-8"))


def test_text_about_the_environment_is_not_found() -> None:
    assert not uses_of_the_environment('import os\n"os.environ"\nos._exit(1)')
    assert not uses_of_the_environment("from flask import request\nrequest.environ")
