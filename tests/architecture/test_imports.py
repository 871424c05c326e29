"""Importing is free: no torch, no threads, no I/O of our own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

HEAVY = (
    "torch",
    "diffusers",
    "transformers",
    "safetensors",
    "accelerate",
    "openvino",
    "numpy",
    "cv2",
)

_SCRIPT = """
import importlib, json, sys, threading
for name in {names!r}:
    module, _, attribute = name.partition(":")
    module = importlib.import_module(module)
    getattr(module, attribute or "__name__")
print(json.dumps({{"modules": sorted(sys.modules), "threads": threading.active_count()}}))
"""


def imported(*names: str) -> tuple[set[str], int]:
    """Return the loaded modules and the number of threads after `names` are imported."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(names=names)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    result = json.loads(done.stdout.splitlines()[-1])
    return set(result["modules"]), result["threads"]


def module_names(*folders: str) -> list[str]:
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.name != "__init__.py"
    ]


def test_the_service_is_assembled_without_torch_or_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("API_KEYS", "")
    monkeypatch.setenv("SECRET_KEY", "")
    imported("wsgi", "serving")
    assert list(tmp_path.iterdir()) == []
    modules, threads = imported("wsgi:app")
    assert [each.name for each in (tmp_path / "data").iterdir()] == ["api-key"]
    assert "flask" in modules
    assert not modules & set(HEAVY)
    assert threads == 1


def test_everything_outside_the_diffusion_adapter_is_free_to_import() -> None:
    names = module_names(
        "domain",
        "application",
        "adapters/cli",
        "adapters/gunicorn",
        "adapters/http",
        "adapters/metrics",
        "adapters/filesystem",
        "adapters/preprocessing",
        "adapters/security",
        "adapters/storage",
    )
    assert len(names) > 30
    modules, threads = imported(*names, "adapters.diffusion.image_generator", "container", "cli")
    assert not modules & set(HEAVY)
    assert threads == 1


def test_the_core_imports_only_the_standard_library() -> None:
    modules, _ = imported(*module_names("domain", "application"))
    ours = {"domain", "application", "__main__"}
    foreign = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names) - ours
    started_with, _ = imported()
    assert foreign <= {name.partition(".")[0] for name in started_with}


@pytest.mark.parametrize("name", ["container", "adapters.diffusion.image_generator"])
def test_an_embedder_needs_no_flask(name: str) -> None:
    modules, _ = imported(name)
    assert "flask" not in modules


def test_the_commands_do_not_import_the_service() -> None:
    modules, threads = imported("cli", "adapters.cli.program")
    assert not modules & {"flask", "gunicorn", "jwt", "sqlalchemy", "dependency_injector"}
    assert threads == 1
