"""Runs a function in a process of its own: for a cold start, or for memory of its own."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from container import LIBRARY_ENVIRONMENT
from tests.paths import ROOT

__all__ = ["in_child", "start_child"]

# The same as in wsgi.py, so that this measures what the service does.
_ENVIRONMENT = {"PYTHONPATH": str(ROOT), **LIBRARY_ENVIRONMENT}
_FOR_SPEED = "THP_MEM_ALLOC_ENABLE"


def in_child(
    function: Callable[..., Any], *arguments: str | int | float | bool, plain: bool = False
) -> Any:
    """Run `function`, a module-level one, in a new process and return its JSON value.

    Args:
        function: The function to call there.
        arguments: Its arguments.
        plain: True for what a user would run instead, who sets nothing for speed.

    Raises:
        subprocess.CalledProcessError: it failed; its traceback is printed.
    """
    child = start_child(function, *arguments, plain=plain)
    output, _ = child.communicate()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, child.args)
    return json.loads(output.splitlines()[-1])


def start_child(
    function: Callable[..., Any], *arguments: str | int | float | bool, plain: bool = False
) -> "subprocess.Popen[str]":
    """Start the process that runs `function` and then prints its return value as JSON."""
    environment = os.environ | _ENVIRONMENT
    if plain:
        environment.pop(_FOR_SPEED, None)
    name = f"{function.__module__}:{function.__qualname__}"
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "benchmarks.children", name, json.dumps(arguments)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def _main() -> None:
    module, _, name = sys.argv[1].partition(":")
    function = getattr(importlib.import_module(module), name)
    print(json.dumps(function(*json.loads(sys.argv[2]))), flush=True)


if __name__ == "__main__":
    _main()
