"""`ai-inference generate` with a scheduler and a format."""

import dataclasses
import os
from pathlib import Path

import pytest
from PIL import Image

from domain.models.record import ModelFamily
from tests.fakes.model_source import model_record
from tests.unit.cli.cli_runs import MODEL, Terminal

FLUX = dataclasses.replace(
    model_record(b"flux", "models/flux.1"), extension="", family=ModelFamily.FLUX
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.JPEG", "JPEG"), ("a.b.webp", "WEBP")],
)
def test_the_extension_chooses_the_format(name: str, wanted: str) -> None:
    assert Terminal().run("generate", "a hill", "-o", name).exit_code == 0
    with Image.open(name) as image:
        assert image.format == wanted


@pytest.mark.parametrize(
    ("output_format", "name"),
    [("png", "picture.png"), ("jpeg", "picture.jpg"), ("webp", "picture.webp")],
)
def test_a_format_alone_names_the_file(output_format: str, name: str, folder: Path) -> None:
    assert Terminal().run("generate", "a hill", "--output-format", output_format).exit_code == 0
    assert os.listdir(folder) == [name]
    with Image.open(name) as image:
        assert image.format == output_format.upper()


def test_a_format_that_contradicts_the_extension_is_refused(folder: Path) -> None:
    terminal = Terminal()
    done = terminal.run("generate", "a hill", "-o", "a.jpg", "--output-format", "webp")
    assert (done.exit_code, terminal.settings, os.listdir(folder)) == (2, [], [])
    assert "'a.jpg', which is not a name for a webp" in done.stderr
    fits = terminal.run("generate", "a hill", "-o", "a.jpeg", "--output-format", "jpeg")
    assert fits.exit_code == 0


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    done = Terminal().run("generate", "a hill", "--output-format", "gif")
    assert done.exit_code == 2
    assert "--output-format is 'gif'; it must be one of: png, jpeg, webp" in done.stderr


@pytest.mark.parametrize("quality", ["1", "100"])
def test_a_quality_reaches_the_picture(quality: str) -> None:
    terminal = Terminal()
    assert terminal.run("generate", "a hill", "-o", "a.jpg", "--quality", quality).exit_code == 0
    assert [str(request.quality) for request in terminal.generator.drawn] == [quality]


def test_a_quality_for_a_png_is_refused() -> None:
    done = Terminal().run("generate", "a hill", "-o", "a.png", "--quality", "90")
    assert (done.exit_code, "--quality is 90, and a png has none" in done.stderr) == (2, True)


def test_a_scheduler_reaches_the_drawing() -> None:
    terminal = Terminal()
    assert terminal.run("generate", "a hill", "--scheduler", "Euler a").exit_code == 0
    assert terminal.run("generate", "a hill", "-o", "b.png").exit_code == 0
    assert [request.scheduler for request in terminal.generator.drawn] == ["Euler a", None]


def test_a_scheduler_that_does_not_suit_the_model_is_a_usage_error() -> None:
    terminal = Terminal()
    terminal.source.others = (FLUX,)
    options = ("generate", "a hill", "--scheduler", "DDIM", "--model")
    done = terminal.run(*options, FLUX.name)
    assert done.exit_code == 2
    assert "--scheduler is 'DDIM', which flux.1 does not take" in done.stderr
    assert terminal.run(*options, MODEL.name).exit_code == 0
