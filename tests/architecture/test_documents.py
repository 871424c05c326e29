"""The README, the Makefile and the files beside them are true."""

import dataclasses
import re
import tomllib
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from application.settings.settings import Settings
from tests.paths import DOCS, ROOT

README = (ROOT / "README.md").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def requirements() -> list[Requirement]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_requirement_is_pinned_within_its_range(
    requirement: Requirement, pins: dict[str, Version]
) -> None:
    assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


def test_no_pin_is_specific_to_one_machine(pins: dict[str, Version]) -> None:
    assert all(version.local is None for version in pins.values())


def test_the_settings_page_lists_every_setting_once_with_its_default() -> None:
    page = (DOCS / "settings.md").read_text()
    found = re.findall(r"^\| `([A-Z_]+)` \| ([^|]*?) \|", page, re.MULTILINE)
    assert sorted(name for name, _ in found) == sorted(
        field.name.upper() for field in dataclasses.fields(Settings)
    )
    rows = dict(found)
    for field in dataclasses.fields(Settings):
        shown = rows[field.name.upper()].strip("`")
        default = field.default
        if default in (None, ()):
            assert shown == "–"
        elif isinstance(default, tuple):
            assert shown == ",".join(default)
        else:
            assert shown.lower() == str(default).lower() or float(shown) == default


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_containers_drop_privileges_and_limit_their_log(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])


def test_the_env_file_of_compose_is_never_committed() -> None:
    files = [row["path"] for row in COMPOSE["services"]["cpu"]["env_file"]]
    assert set(files) <= set((ROOT / ".gitignore").read_text().splitlines())


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "make test" in README
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec make test"


def test_the_makefile_has_every_target_that_the_documentation_names() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    named = set(re.findall(r"(?:`|^| )make ([a-z]+)(?: PYTHON=[^`]*)?[`\n]", text, re.MULTILINE))
    assert named >= {"run", "test", "check", "install"}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named - targets == set()
