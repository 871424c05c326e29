"""`generate` with a picture, a mask, a second pass and an upscaler."""

import dataclasses
import os
from pathlib import Path

import pytest

from domain.generation.forms.part_fields import PART_FIELDS
from domain.generation.parts import InpaintArea, MaskContent, ResizeMode
from domain.models.record import ModelKind
from tests.contract.test_pictures import picture
from tests.fakes.model_source import model_record
from tests.unit.cli.cli_runs import Terminal

UPSCALER = dataclasses.replace(
    model_record(b"up", "models/sharp.safetensors"),
    kind=ModelKind.UPSCALER,
    reason="an upscaler draws nothing by itself",
    is_companion=True,
    scale=4,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lake.png").write_bytes(picture("blue", (400, 200)))
    (tmp_path / "mask.jpg").write_bytes(picture("white", (400, 200), "JPEG"))
    return tmp_path


@pytest.fixture
def terminal() -> Terminal:
    terminal = Terminal()
    terminal.source.others = (UPSCALER,)
    return terminal


def test_a_picture_is_drawn_from_at_its_own_size(terminal: Terminal) -> None:
    done = terminal.run("generate", "a hill", "--image", "lake.png", "--strength", "0.5")
    assert done.exit_code == 0, done.stderr
    (request,) = terminal.generator.drawn
    assert request.source is not None
    assert (request.source.strength, request.source.init_image.width) == (0.5, 400)
    assert (request.width, request.height) == (512, 256)
    assert done.stdout.startswith("picture.png  512x256  seed ")


def test_one_side_follows_the_picture(terminal: Terminal) -> None:
    terminal.run("generate", "a hill", "--image", "lake.png", "--width", "768")
    (request,) = terminal.generator.drawn
    assert (request.width, request.height) == (768, 384)


def test_each_option_reaches_the_request(terminal: Terminal) -> None:
    options = (
        *("--image", "lake.png", "--mask", "mask.jpg", "--resize-mode", "pad"),
        *("--mask-blur", "0", "--mask-content", "noise", "--inpaint-area", "masked"),
        *("--inpaint-padding", "8", "--second-pass-scale", "1.5", "--second-pass-strength", "0.4"),
        *("--second-pass-steps", "7", "--second-pass-upscaler", "sharp"),
        *("--upscaler", "sharp.safetensors", "--upscale", "2"),
    )
    done = terminal.run("generate", "a hill", *options)
    assert done.exit_code == 0, done.stderr
    (request,) = terminal.generator.drawn
    source, second, upscale = request.source, request.second_pass, request.upscale
    assert source is not None
    assert second is not None
    assert upscale is not None
    assert source.mask_image is not None
    assert source.mask_image.media_type == "image/jpeg"
    assert (source.resize_mode, source.mask_blur) == (ResizeMode.PAD, 0)
    assert (source.mask_content, source.inpaint_area) == (MaskContent.NOISE, InpaintArea.MASKED)
    assert source.inpaint_padding == 8
    assert (second.scale, second.strength, second.num_inference_steps) == (1.5, 0.4, 7)
    assert (second.upscaler, upscale.model_id, upscale.scale) == (UPSCALER.id, UPSCALER.id, 2.0)


def test_a_second_pass_needs_no_values(terminal: Terminal) -> None:
    done = terminal.run("generate", "a hill", "--second-pass")
    (request,) = terminal.generator.drawn
    assert request.second_pass is not None
    assert request.second_pass.scale == 2
    assert "1024x1024" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--image", "none.png"], "--image: 'none.png' cannot be read: No such file"),
        (["--image", "."], "--image: '.' cannot be read: Is a directory"),
        (["--image", "empty.png"], "--image: 'empty.png' is empty"),
        (["--image", "text.png"], "--image is not a PNG, JPEG or WebP file"),
        (["--image", "lake.png", "--mask", "large.png"], "--mask: 'large.png' has more than MAX_"),
        (["--strength", "0.5"], "--strength needs an --image; send one, or leave --strength out"),
        (["--mask", "mask.jpg"], "--mask needs an --image"),
        (["--image", "lake.png", "--mask-blur", "2"], "--mask-blur needs a --mask"),
        (["--image", "lake.png", "--strength", "much"], "--strength is 'much'; it must be a num"),
        (["--upscale", "2"], "--upscaler is required"),
        (["--upscaler", "none"], "--upscaler: 'none' is not the name of a model. There are:"),
        (["--upscaler", "a"], "--upscaler is a.safetensors, which is not an upscaler"),
        (["--image", "lake.png", "--image-guidance", "2"], "--image-guidance is 2, and a.safe"),
        (["--second-pass-scale", "5", "--steps", "0"], "--steps is 0"),
        (["--second-pass-scale", "5", "--steps", "0"], "--second-pass-scale is 5"),
    ],
)
def test_a_wrong_option_is_named(
    terminal: Terminal, folder: Path, options: list[str], said: str
) -> None:
    terminal.environment["MAX_PICTURE_BYTES"] = "65536"
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("this is not a picture")
    (folder / "large.png").write_bytes(bytes(65537))
    before = sorted(os.listdir())
    done = terminal.run("generate", "a hill", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert terminal.generator.drawn == []
    assert sorted(os.listdir()) == before


def test_the_help_names_options_and_no_fields(terminal: Terminal) -> None:
    told = terminal.run("generate", "--help").stdout
    assert [name for name in PART_FIELDS if "_" in name and name in told] == []
