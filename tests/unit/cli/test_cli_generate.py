import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from adapters.cli.request_options import option_name
from adapters.cli.wiring import Core
from application.settings.settings import Settings
from domain.errors import DomainError, GenerationFailed, ModelChanged, OutOfMemory
from domain.generation.fields import FIELDS
from domain.generation.forms.part_fields import PART_FIELDS
from domain.generation.request import GenerationRequest
from domain.models.record import ModelFamily, ModelKind
from tests.fakes.addon_tensors import addon_tensors, demo_tensors
from tests.fakes.model_source import FakeModelSource, model_record
from tests.unit.cli.cli_runs import MODEL, Terminal, hidden_files


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which is empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_picture_is_saved_to_the_file_and_its_seed_is_printed(folder: Path) -> None:
    terminal = Terminal()
    done = terminal.run("generate", "a red circle", "-o", "out.png", "--seed", "7")
    assert (done.exit_code, done.stdout) == (0, "out.png  512x512  seed 7\n")
    assert os.listdir(folder) == ["out.png"]
    with Image.open("out.png") as image:
        assert (image.format, image.size) == ("PNG", (512, 512))
    assert terminal.source.closed.is_set()


def test_every_option_reaches_the_request() -> None:
    terminal = Terminal()
    options = "--negative trees --steps 3 --guidance 2.5 --width 256 --height 320 --seed 9"
    done = terminal.run("generate", "a hill", *options.split(), "--number", "2")
    assert done.exit_code == 0
    (request,) = terminal.generator.drawn
    assert request == GenerationRequest(
        id="cli",
        model_id=MODEL.id,
        prompt="a hill",
        negative_prompt="trees",
        num_inference_steps=3,
        guidance_scale=2.5,
        width=256,
        height=320,
        seed=9,
        num_images=2,
    )


def test_missing_options_come_from_the_settings() -> None:
    terminal = Terminal({"DEFAULT_INFERENCE_STEPS": "4", "DEFAULT_GUIDANCE_SCALE": "3"})
    done = terminal.run("generate", "a hill")
    (request,) = terminal.generator.drawn
    assert (request.num_inference_steps, request.guidance_scale) == (4, 3.0)
    assert done.stdout == f"picture.png  512x512  seed {request.seed}\n"


def test_missing_options_come_from_the_model_first(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text('["a"]\nnum_inference_steps = 6\nscheduler = "LCM"\n')
    environment = {"DEFAULT_INFERENCE_STEPS": "4", "DEFAULT_GUIDANCE_SCALE": "3"}
    terminal = Terminal(environment | {"MODEL_SETTINGS": str(file)})
    terminal.run("generate", "a hill")
    terminal.run("generate", "a hill", "--steps", "9", "--scheduler", "DDIM", "--force")
    drawn = [
        (each.num_inference_steps, each.guidance_scale, each.scheduler)
        for each in terminal.generator.drawn
    ]
    assert drawn == [(6, 3.0, "LCM"), (9, 3.0, "DDIM")]


def test_a_checkpoint_without_a_vae_finds_that_of_another_folder() -> None:
    family: dict[str, Any] = {"family": ModelFamily.SD_1, "base": ModelFamily.SD_1}
    night = dataclasses.replace(
        model_record(b"night", "models/night.ckpt"), lacks_vae=True, **family
    )
    vae = dataclasses.replace(
        model_record(b"soft", "vaes/soft.pt"),
        kind=ModelKind.VAE,
        reason="it is a VAE",
        is_companion=True,
        **family,
    )

    class OnlyOne(Terminal):
        """Reads the named model alone, as the command asks."""

        def _core(self, settings: Settings, only: str | None) -> Core:
            self.source.others = (night,) if only else (night, vae)
            return super()._core(settings, only)

    terminal = OnlyOne(source=FakeModelSource())
    terminal.headers.held = {
        vae.id: addon_tensors(ModelKind.VAE),
        night.id: {
            name: each for name, each in demo_tensors().items() if "first_stage" not in name
        },
    }
    done = terminal.run("generate", "a hill", "--model", "night.ckpt")
    assert done.exit_code == 0, done.stderr
    assert [each.vae_id for each in terminal.generator.drawn] == [vae.id]


def test_several_pictures_are_numbered(folder: Path) -> None:
    done = Terminal().run("generate", "a hill", "-o", "out.png", "--number", "3", "--seed", "1")
    names = ["out-1.png", "out-2.png", "out-3.png"]
    assert sorted(os.listdir(folder)) == names
    assert [line.split()[::3] for line in done.stdout.splitlines()] == [
        [name, str(seed)] for name, seed in zip(names, (1, 2, 3), strict=True)
    ]


@pytest.mark.parametrize(
    ("options", "taken"), [([], "out.png"), (["--number", "2"], "out-2.png")], ids=["one", "two"]
)
def test_a_file_is_overwritten_only_with_force(
    options: list[str], taken: str, folder: Path
) -> None:
    (folder / taken).write_text("mine")
    terminal = Terminal()
    done = terminal.run("generate", "a hill", "-o", "out.png", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{taken} exists already; --force" in done.stderr
    assert (os.listdir(folder), (folder / taken).read_text()) == ([taken], "mine")
    assert terminal.generator.drawn == []
    assert terminal.run("generate", "a hill", "-o", "out.png", "--force", *options).exit_code == 0
    assert (folder / taken).read_bytes().startswith(b"\x89PNG")


def test_a_file_that_appears_during_the_drawing_is_not_overwritten(folder: Path) -> None:
    terminal = Terminal()
    terminal.generator.on_begin = lambda _requests: (folder / "out.png").touch()
    done = terminal.run("generate", "a hill", "-o", "out.png")
    assert done.exit_code == 1
    assert "exists already" in done.stderr
    assert [(path.name, path.stat().st_size) for path in folder.iterdir()] == [("out.png", 0)]


def test_a_file_system_without_hard_links_gets_its_picture_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert Terminal().run("generate", "a hill", "-o", "out.png").exit_code == 0
    assert os.listdir(folder) == ["out.png"]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("out.gif", "must be one of .png, .jpg, .jpeg, .webp"),
        ("out", "must be one of .png, .jpg, .jpeg, .webp"),
        ("nowhere/out.png", "there is no folder 'nowhere'"),
        ("folder.png", "is a folder"),
    ],
)
def test_an_impossible_output_is_refused_before_drawing(
    output: str, words: str, folder: Path
) -> None:
    (folder / "folder.png").mkdir()
    terminal = Terminal()
    done = terminal.run("generate", "a hill", "-o", output, "--force")
    assert (done.exit_code, words in done.stderr) == (2, True)
    assert terminal.settings == []


def test_every_invalid_value_is_reported_with_the_wording_of_the_api() -> None:
    terminal = Terminal()
    options = "--steps 0 --guidance nan --width abc --height 2049 --seed -1 --number 17 --quality 0"
    done = terminal.run(
        "generate", "", *options.split(), "--negative", "x" * 32_001, "--scheduler", "Quantum"
    )
    assert done.exit_code == 2
    assert done.stderr.removeprefix("Error: ").splitlines() == [
        "PROMPT has 0 characters; it must have between 1 and 32000",
        "--negative has 32001 characters; it must have between 0 and 32000",
        "--steps is 0; it must lie between 1 and 150",
        "--guidance is nan; it must be finite",
        "--width is 'abc'; it must be an integer",
        "--height is 2049; it must lie between 256 and 2048",
        "--seed is -1; it must lie between 0 and 9007199254740991",
        "--number is 17; it must lie between 1 and 16",
        f"--scheduler {GenerationRequest.LIMITS['scheduler'].problem('Quantum')}",
        "--quality is 0; it must lie between 1 and 100",
    ]
    assert terminal.settings == []


def test_ctrl_c_stops_before_the_next_step_and_leaves_no_file(folder: Path) -> None:
    terminal = Terminal()

    def interrupt(_requests: Sequence[GenerationRequest]) -> None:
        raise KeyboardInterrupt

    terminal.generator.on_begin = interrupt
    done = terminal.run("generate", "a hill", "-o", "out.png")
    assert (done.exit_code, done.stdout, done.stderr.splitlines()[-1]) == (130, "", "stopped")
    assert os.listdir(folder) == []
    assert terminal.source.closed.is_set()


def test_a_failure_is_one_line_and_leaves_no_file(folder: Path) -> None:
    terminal = Terminal()
    terminal.generator.failures = [GenerationFailed("the device fell over")]
    done = terminal.run("generate", "a hill", "-o", "out.png")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "Error: the device fell over"
    assert os.listdir(folder) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ModelChanged("demo.safetensors"),
            "demo.safetensors has changed since it was listed; `ai-inference models` has its new "
            "id; run the command again",
        ),
        (
            OutOfMemory("drawing", "cpu"),
            "drawing does not fit the memory of cpu; ask for a smaller --width and --height, or a "
            "smaller --number",
        ),
    ],
)
def test_an_error_has_the_remedy_of_the_terminal(
    folder: Path, error: DomainError, said: str
) -> None:
    terminal = Terminal()
    terminal.generator.failures = [error]
    done = terminal.run("generate", "a hill", "-o", "out.png")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (1, f"Error: {said}")


def test_a_full_disk_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    done = Terminal().run("generate", "a hill", "-o", "out.png")
    assert done.exit_code == 1
    assert "out.png cannot be written: No space left on device" in done.stderr
    assert hidden_files(os.listdir(folder)) == []


def test_warnings_of_the_drawing_are_printed() -> None:
    terminal = Terminal()
    terminal.generator.warnings = ("the prompt has 90 tokens",)
    done = terminal.run("generate", "a hill")
    assert "warning: the prompt has 90 tokens" in done.stderr.splitlines()


def test_without_a_terminal_no_control_codes_are_written() -> None:
    done = Terminal().run("generate", "a hill", "--steps", "20")
    assert all(line.isprintable() for line in done.output.split("\n"))
    assert "steps" not in done.output


OTHER = dataclasses.replace(
    model_record(b"other", "models/deep/b.ckpt"), family=ModelFamily.SDXL, aliases=("old/c.ckpt",)
)
LORA = dataclasses.replace(model_record(b"lora", "models/l.safetensors"), reason="it is a LoRA")


def with_three_models(variables: dict[str, str] | None = None) -> Terminal:
    terminal = Terminal(variables or {})
    terminal.source.others = (OTHER, LORA)
    return terminal


@pytest.mark.parametrize(
    "name", ["b.ckpt", "b", OTHER.path, OTHER.id, OTHER.id[:10], OTHER.id[:12].upper()]
)
def test_a_model_is_named_by_its_file_or_its_id(name: str) -> None:
    terminal = with_three_models()
    assert terminal.run("generate", "a hill", "--model", name).exit_code == 0
    assert [request.model_id for request in terminal.generator.drawn] == [OTHER.id]


@pytest.mark.parametrize(
    ("variables", "drawn"),
    [
        ({}, MODEL.id),
        ({"DEFAULT_MODEL": "b.ckpt"}, OTHER.id),
        ({"DEFAULT_MODEL": "mine", "MODEL_ALIASES": "mine=b"}, OTHER.id),
    ],
)
def test_the_default_model_is_used_if_none_is_named(variables: dict[str, str], drawn: str) -> None:
    terminal = with_three_models(variables)
    done = terminal.run("generate", "a hill")
    assert (done.exit_code, [each.model_id for each in terminal.generator.drawn]) == (0, [drawn])


def test_a_missing_default_model_is_reported() -> None:
    done = with_three_models({"DEFAULT_MODEL": "gone"}).run("generate", "a hill")
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        "Error: no model is called 'gone' (DEFAULT_MODEL). There are:",
        f"  {MODEL.id[:10]}  a.safetensors  -",
        f"  {OTHER.id[:10]}  b.ckpt  sdxl",
    ]


def test_the_only_checkpoint_is_used_whatever_else_is_in_the_folder() -> None:
    terminal = Terminal()
    terminal.source.others = (LORA,)
    assert terminal.run("generate", "a hill").exit_code == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nope", "no model is called 'nope'. There are:\n"),
        (OTHER.id[:9], "of an id at least 10 digits are needed"),
        ("l.safetensors", "no picture can be drawn with l.safetensors: it is a LoRA"),
        ("\x1b[31m", "no model is called '\\x1b[31m'"),
    ],
)
def test_a_name_without_a_usable_model_is_refused(name: str, words: str) -> None:
    done = with_three_models().run("generate", "a hill", "--model", name)
    assert (done.exit_code, words in done.stderr) == (2, True)


def test_an_ambiguous_name_is_refused() -> None:
    terminal = Terminal()
    terminal.source.files["elsewhere/a.safetensors"] = b"other weights"
    done = terminal.run("generate", "a hill", "--model", "a.safetensors")
    assert done.exit_code == 2
    assert "names several models; name one by its id" in done.stderr


def test_an_empty_model_list_is_reported() -> None:
    terminal = Terminal()
    terminal.source.files.clear()
    done = terminal.run("generate", "a hill")
    assert (done.exit_code, "no model to draw with" in done.stderr) == (2, True)


def test_other_model_folders_can_be_given() -> None:
    terminal = Terminal({"MODEL_DIRS": "elsewhere"})
    terminal.run("generate", "a hill", "--models-dir", "one, two", "--models-dir", "three")
    assert [each.model_dirs for each in terminal.settings] == [("one, two", "three")]


def test_each_field_of_a_request_has_an_option() -> None:
    told = Terminal().run("generate", "--help").stdout
    names = [option_name(name) for name in FIELDS if name not in ("id", "model_id")]
    names += [option_name(name) for name in PART_FIELDS if "[]" not in name]
    assert [name for name in names if name not in told] == []
    assert len(set(names)) == len(names)
