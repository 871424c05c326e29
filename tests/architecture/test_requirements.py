"""Installed packages are pinned, and checked by the hashes of their files."""

import re
import tomllib

import pytest

from tests.paths import ROOT
from tools.lock_requirements import EXTRAS, blocks, is_of_torch

_FOLDER = ROOT / "requirements"
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)")


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def _locked(name: str) -> dict[str, str]:
    """Return the requirements of a file with their hashes, by package name."""
    text = re.sub(r"(?m)^#.*\n", "", (_FOLDER / f"{name}.txt").read_text())
    found = {}
    for block in blocks(text):
        pin = _PIN.match(block)
        assert pin, block
        found[_name(pin[1])] = block
    return found


def _constraints() -> dict[str, str]:
    pins = _PIN.findall((ROOT / "constraints.txt").read_text())
    return {_name(name): version for name, version in pins}


@pytest.mark.parametrize("name", [*EXTRAS, "torch", "pip", "sbom"])
def test_every_package_has_a_version_and_a_hash(name: str) -> None:
    for block in _locked(name).values():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), block


@pytest.mark.parametrize("name", [*EXTRAS, "pip"])
def test_versions_match_the_constraints(name: str) -> None:
    constraints = _constraints()
    for package, block in _locked(name).items():
        pin = _PIN.match(block)
        is_for_this_machine = ";" not in block.split("\\")[0]
        if is_for_this_machine or package in constraints:
            assert pin
            assert (package, constraints.get(package)) == (package, pin[2])


@pytest.mark.parametrize("name, extras", EXTRAS.items())
def test_every_dependency_of_the_project_is_locked(name: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    names = {_name(re.split(r"[<>=;\[ ]", each)[0]) for each in wanted}
    assert names - {"torch"} <= _locked(name).keys()


def test_torch_and_its_cuda_packages_have_a_file_of_their_own() -> None:
    assert "torch" in _locked("torch")
    assert all(is_of_torch(block) for block in _locked("torch").values())
    for name in EXTRAS:
        assert not any(is_of_torch(block) for block in _locked(name).values())
    assert not is_of_torch("torchsde==1.0 \\")


def test_make_and_the_image_check_the_hashes() -> None:
    for name in ("Makefile", "Dockerfile"):
        text = re.sub(r"\\\n\s*", " ", (ROOT / name).read_text())
        for line in re.findall(r".*--requirement.*", text):
            assert "--require-hashes" in line
        assert "--require-hashes" in text
