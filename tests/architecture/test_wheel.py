"""The wheel that other people install."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.paths import DEMO_BESIDE, DEMO_CHECKPOINT, ROOT

PACKAGES = ("domain", "application", "adapters")
MODULES = ("cli.py", "container.py", "serving.py", "wsgi.py")


@pytest.fixture(scope="module")
def wheel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that is built from a copy of the tree, without a network."""
    source: Path = tmp_path_factory.mktemp("source")
    for name in (*PACKAGES, "tests", "tools"):
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "data")
        )
    (source / DEMO_CHECKPOINT.parent.name).mkdir()
    for demo in (DEMO_CHECKPOINT, DEMO_CHECKPOINT.with_suffix(".json"), *DEMO_BESIDE):
        shutil.copy(demo, source / demo.parent.name)
    for name in (*MODULES, "gunicorn.conf.py", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "out", "."],
        cwd=source,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (path,) = (source / "out").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel(wheel_file: Path) -> list[str]:
    """The names of the files in it."""
    with zipfile.ZipFile(wheel_file) as archive:
        return archive.namelist()


def test_it_contains_the_packages_and_modules_and_nothing_else(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    beside = {top for top in tops if not top.endswith((".dist-info", ".data"))}
    assert beside == {*PACKAGES, *MODULES}


def test_it_contains_the_demo_models_once(wheel: list[str]) -> None:
    data = sorted(name for name in wheel if ".data/" in name)
    assert [name.partition(".data/data/")[2] for name in data] == [
        *(f"share/ai-inference/{each.name}" for each in DEMO_BESIDE),
        "share/ai-inference/demo.json",
        "share/ai-inference/demo.safetensors",
    ]


def test_it_contains_every_file_of_the_packages(wheel: list[str]) -> None:
    files = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert {name for name in files if not name.endswith(".py")} >= {
        "adapters/diffusion/families/clip_merges.txt.gz",
        "adapters/diffusion/vocabularies/LICENSE.t5",
        "adapters/diffusion/vocabularies/t5_pieces.json.gz",
        "adapters/diffusion/families/LICENSE.clip",
        "adapters/http/description/explorer/index.html",
        "adapters/http/page/site/index.html",
    }
    assert sorted(files - set(wheel)) == []


def test_it_installs_the_command(wheel: list[str]) -> None:
    assert any(name.endswith(".dist-info/entry_points.txt") for name in wheel)


def test_an_installation_provides_the_demo_model(wheel_file: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    prefix = ["--ignore-installed", "--no-compile", "--prefix", str(tmp_path / "prefix")]
    subprocess.run([*pip, *prefix, str(wheel_file)], check=True, capture_output=True, timeout=120)
    (packages,) = (tmp_path / "prefix").glob("lib*/python*/site-packages")
    done = subprocess.run(
        [sys.executable, "-m", "cli", "demo"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "ai-models/demo.safetensors\n"), done.stderr
    made = tmp_path / "ai-models" / "demo.safetensors"
    assert made.read_bytes() == DEMO_CHECKPOINT.read_bytes()
    card = DEMO_CHECKPOINT.with_suffix(".json")
    assert made.with_suffix(".json").read_bytes() == card.read_bytes()
