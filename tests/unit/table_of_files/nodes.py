"""Finds tests by their node ids, without importing or running them.

The ids of parameters are read from the source: from literals, and from tables of modules whose
keys are literals. That is enough for the tests that the table names, and takes milliseconds.
"""

import ast
import itertools
from collections.abc import Iterator, Sequence
from functools import cache

from domain.models.kinds import ModelFamily
from tests.paths import ROOT

__all__ = ["function_of", "has_test"]


def function_of(node: str) -> str:
    """Return a node id without its parameters."""
    return node.partition("[")[0]


def has_test(node: str) -> bool:
    """Return whether a test exists. `node` is the id of a function or of one of its cases."""
    place, _, case = node.partition("[")
    path, _, name = place.partition("::")
    if not (ROOT / path).is_file():
        return False
    function = _functions(path).get(name)
    if function is None:
        return False
    return not case or case.removesuffix("]") in _cases(path, function)


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


@cache
def _functions(path: str) -> dict[str, ast.FunctionDef]:
    return {each.name: each for each in _tree(path).body if isinstance(each, ast.FunctionDef)}


def _cases(path: str, function: ast.FunctionDef) -> set[str]:
    """Return the ids of the cases of a test, as pytest joins them."""
    fixtures = [_of_fixture(path, each.arg) for each in function.args.args]
    marks = [
        _of_mark(path, each)
        for each in reversed(function.decorator_list)
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.parametrize"
    ]
    parts = [*(each for each in fixtures if each), *marks]
    return {"-".join(each) for each in itertools.product(*parts)}


def _of_fixture(path: str, name: str) -> list[str]:
    """Return the ids of a fixture's parameters; none if it has none, or is of another module."""
    function = _functions(path).get(name)
    for each in [] if function is None else function.decorator_list:
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.fixture":
            return [
                text
                for option in each.keywords
                if option.arg == "params"
                for text in _texts(path, option.value)
            ]
    return []


def _of_mark(path: str, mark: ast.Call) -> list[str]:
    for option in mark.keywords:
        if option.arg == "ids" and isinstance(option.value, ast.List | ast.Tuple | ast.Name):
            return list(_texts(path, option.value))
    return list(_texts(path, mark.args[1]))


def _texts(path: str, value: ast.expr) -> Iterator[str]:
    """Yield the id of each parameter in a table, a list, or the name of one."""
    if isinstance(value, ast.Name):
        yield from _texts(*_defined(path, value.id))
    elif isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
        yield from _texts(*_defined(path, value.value.id, value.attr))
    elif isinstance(value, ast.Call) and ast.unparse(value.func) == "MappingProxyType":
        yield from _texts(path, value.args[0])
    elif isinstance(value, ast.Dict):
        for key, each in zip(value.keys, value.values, strict=True):
            yield from _texts(path, each) if key is None else _text(path, key)
    elif isinstance(value, ast.List | ast.Tuple | ast.Set):
        for each in value.elts:
            if isinstance(each, ast.Starred):
                yield from _texts(path, each.value)
            else:
                yield from _text(path, each)


def _text(path: str, value: ast.expr) -> Iterator[str]:
    """Yield the id of one parameter, if the source tells it."""
    if isinstance(value, ast.Constant):
        yield str(value.value)
    elif isinstance(value, ast.Name) and value.id in _functions(path):
        yield value.id
    elif isinstance(value, ast.Attribute) and ast.unparse(value.value) == "ModelFamily":
        yield str(ModelFamily[value.attr])
    elif isinstance(value, ast.Tuple):
        parts: Sequence[list[str]] = [list(_text(path, each)) for each in value.elts]
        yield from map("-".join, itertools.product(*parts))


def _defined(path: str, *names: str) -> tuple[str, ast.expr]:
    """Return where a name of a module, or of a module that it imports, has its value."""
    name = names[-1]
    for each in _tree(path).body:
        if isinstance(each, ast.ImportFrom) and each.module is not None:
            found = {alias.asname or alias.name: alias.name for alias in each.names}
            if names[0] in found:
                module = [each.module] if len(names) == 1 else [each.module, found[names[0]]]
                return _defined("/".join(module).replace(".", "/") + ".py", found.get(name, name))
        targets = each.targets if isinstance(each, ast.Assign) else []
        targets = [each.target] if isinstance(each, ast.AnnAssign) and each.value else targets
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            assert isinstance(each, ast.Assign | ast.AnnAssign)
            assert each.value is not None
            return path, each.value
    raise LookupError(f"{path} defines no {name}")
