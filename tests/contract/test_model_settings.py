"""The settings of models, in memory and in a file: the same tests."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.filesystem.settings_file import ModelSettingsFile
from domain.models.settings import settings_of
from domain.ports.model_settings import ModelSettingsSource, NoModelSettings
from tests.fakes.model_settings import FakeModelSettings

Document = Mapping[str, Mapping[str, Any]]
Writing = Callable[[Document], ModelSettingsSource]
GOOD: Document = {"demo": {"clip_skip": 2, "aliases": ["fast"], "description": "Kreise, «rot»."}}
BETTER: Document = {"demo": {"clip_skip": 3}, "ab" * 32: {"guidance_scale": 1.5}}
WRONG: Document = {"demo": {"clip_skip": 99}}


def as_toml(document: Document) -> str:
    lines = []
    for name, table in document.items():
        lines.append(f'["{name}"]')
        lines += [
            f"{key} = {str(value) if not isinstance(value, str) else repr(value)}"
            for key, value in table.items()
        ]
    return "\n".join(lines)


@pytest.fixture(params=["fake", "file"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Writing:
    """Return a function that changes the settings and returns their source."""
    if request.param == "fake":
        fake = FakeModelSettings()

        def put(document: Document) -> ModelSettingsSource:
            fake.document = document
            return fake

        return put
    path = tmp_path / "models.toml"
    file = ModelSettingsFile(path)

    def write_file(document: Document) -> ModelSettingsSource:
        new = tmp_path / "new"
        new.write_text(as_toml(document), encoding="utf-8")
        os.replace(new, path)
        return file

    return write_file


def test_the_settings_are_read_again_when_they_change(write: Writing) -> None:
    for document in (GOOD, BETTER, {}, GOOD):
        reading = write(document).read()
        assert (reading.tables, reading.problem) == (settings_of(document), None)


def test_the_last_settings_without_a_fault_stay(write: Writing) -> None:
    assert write(GOOD).read().problem is None
    for _ in range(2):
        reading = write(WRONG).read()
        assert reading.tables == settings_of(GOOD)
        assert reading.problem is not None
        assert "[demo] clip_skip is 99; it must lie between 1 and 12" in reading.problem
    assert write(BETTER).read().problem is None


def test_nothing_is_said_without_settings() -> None:
    reading = NoModelSettings().read()
    assert (reading.tables, reading.problem) == ((), None)
