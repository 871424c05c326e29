"""`upscale` enlarges a picture file."""

import dataclasses
from pathlib import Path

import pytest
from PIL import Image

from domain.models.record import ModelKind
from tests.contract.test_pictures import picture
from tests.fakes.model_source import model_record
from tests.unit.cli.cli_runs import MODEL, Terminal

UPSCALER = dataclasses.replace(
    model_record(b"up", "models/sharp.safetensors"),
    kind=ModelKind.UPSCALER,
    reason="an upscaler draws nothing by itself",
    is_companion=True,
    scale=4,
)
BROKEN = dataclasses.replace(
    model_record(b"broken", "models/broken.pth"),
    kind=ModelKind.UPSCALER,
    reason="it has five dimensions",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lake.png").write_bytes(picture("blue", (60, 40)))
    return tmp_path


@pytest.fixture
def terminal() -> Terminal:
    terminal = Terminal()
    terminal.source.others = (UPSCALER, BROKEN)
    return terminal


def test_the_first_upscaler_enlarges_by_its_own_scale(terminal: Terminal, folder: Path) -> None:
    done = terminal.run("upscale", "lake.png")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "lake-large.png  240x160\n"
    assert "Enlarging with sharp.safetensors" in done.stderr
    with Image.open(folder / "lake-large.png") as image:
        assert image.size == (240, 160)


def test_without_an_upscaler_lanczos_enlarges() -> None:
    terminal = Terminal()
    done = terminal.run("upscale", "lake.png", "-o", "large.webp", "--scale", "1.5")
    assert done.exit_code == 0, done.stderr
    (request,) = terminal.generator.enlarged
    assert (request.model_id, request.scale, request.output_format) == ("lanczos", 1.5, "webp")


def test_each_option_reaches_the_request(terminal: Terminal) -> None:
    options = ("--model", "sharp", "--scale", "3", "--quality", "70", "-o", "large.jpg")
    done = terminal.run("upscale", "lake.png", *options)
    assert done.exit_code == 0, done.stderr
    (request,) = terminal.generator.enlarged
    assert (request.model_id, request.scale, request.quality) == (UPSCALER.id, 3.0, 70)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["none.png"], "PICTURE: 'none.png' cannot be read: No such file"),
        (["text.png"], "PICTURE is not a PNG, JPEG or WebP file"),
        (["lake.png", "--scale", "0.9"], "--scale is 0.9; it must lie between 1.0 and 8.0"),
        (["lake.png", "--scale", "8.1"], "--scale is 8.1"),
        (["lake.png", "--quality", "80"], "--quality is 80, and a png has none"),
        (["lake.png", "-o", "large.gif"], "its ending names the format"),
        (["lake.png", "--model", "none"], "no model is called 'none'"),
        (["lake.png", "--model", MODEL.name], "is a checkpoint; name an upscaler"),
        (["lake.png", "--model", "broken"], "it has five dimensions"),
        (["lake.png", "-o", "lake.png"], "exists already; --force writes over it"),
    ],
)
def test_what_is_wrong_is_said(
    terminal: Terminal, folder: Path, options: list[str], said: str
) -> None:
    (folder / "text.png").write_text("no picture")
    done = terminal.run("upscale", *options)
    assert done.exit_code == 2, done.stdout
    assert said in done.stderr
    assert not (folder / "lake-large.png").exists()
    assert terminal.generator.enlarged == []


def test_an_existing_file_is_replaced_on_request(terminal: Terminal, folder: Path) -> None:
    assert terminal.run("upscale", "lake.png", "-o", "lake.png", "--force").exit_code == 0
    with Image.open(folder / "lake.png") as image:
        assert image.size == (240, 160)
