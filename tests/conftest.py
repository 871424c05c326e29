"""Hooks for all tests: which modules are not even imported."""

import re
from functools import cache
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

from tests.paths import ROOT

_ALL_NEED_TORCH = re.compile(r"^pytestmark = .*\bpytest\.mark\.torch\b", re.MULTILINE)
_SOME_NEED_TORCH = re.compile(r"\bmark\.torch\b")
_BROWSER = ROOT / "tests" / "browser"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore the modules that can have no test with the marks that `-m` asks for.

    To collect all modules takes most of a minute. Without torch, the modules whose tests all need
    it are ignored too: many import it.
    """
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    text = collection_path.read_text("utf-8")
    if find_spec("torch") is None and _ALL_NEED_TORCH.search(text):
        return True
    asked = config.option.markexpr
    return True if asked and not _can_have(asked, collection_path, text) else None


def _can_have(asked: str, path: Path, text: str) -> bool:
    """Whether a test of this module can have marks that fulfil the expression `asked`."""
    torch = [True] if _ALL_NEED_TORCH.search(text) else [False]
    if torch == [False] and _SOME_NEED_TORCH.search(text):
        torch = [False, True]
    browser = [path.is_relative_to(_BROWSER)]
    compiled = _compiled(asked)
    return any(
        compiled.evaluate(_Marks(torch=of_torch, browser=of_browser))
        for of_torch, of_browser in product(torch, browser)
    )


class _Marks:
    """The marks of a test, by name."""

    def __init__(self, **marks: bool) -> None:
        self._marks = marks

    def __call__(self, name: str, /, **_values: object) -> bool:
        return self._marks[name]


@cache
def _compiled(asked: str) -> Expression:
    return Expression.compile(asked)
