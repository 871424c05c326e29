import dataclasses
import json
from pathlib import Path

import pytest

from adapters.http.v1.model_schemas import ModelListSchema
from domain.models.record import ModelFamily, ModelKind, PendingModel, PendingState
from domain.ports.model_source import ModelScan
from tests.fakes.addon_tensors import addon_tensors, demo_tensors
from tests.fakes.model_source import FakeModelSource, model_record
from tests.unit.cli.cli_runs import MODEL, Terminal
from tests.unit.sets.set_records import tree

LORA = dataclasses.replace(
    model_record(b"x" * 4_270_000, "models/lo\x1bra.safetensors"),
    kind=ModelKind.LORA,
    family=ModelFamily.SD_1,
    reason="it is a LoRA",
)
STYLE = dataclasses.replace(
    model_record(b"style", "models/style.safetensors"),
    kind=ModelKind.LORA,
    family=ModelFamily.SDXL,
    base=ModelFamily.SDXL,
    reason="it is a LoRA",
    is_companion=True,
    rank=16,
    trigger_words=("paper\x1bcut", "b", "c", "d", "e"),
)
PENDING = PendingModel("c.ckpt", "models/c.ckpt", 2_000, PendingState.SETTLING)


def with_models() -> Terminal:
    terminal = Terminal()
    terminal.source.others = (LORA, STYLE)
    terminal.source.pending = (PENDING,)
    return terminal


def test_the_table_shows_the_models_and_why_some_cannot_draw() -> None:
    done = with_models().run("models")
    assert done.exit_code == 0
    assert [line.split(maxsplit=6) for line in done.stdout.splitlines()] == [
        ["NAME", "KIND", "FAMILY", "SIZE", "ID", "NOTES"],
        ["a.safetensors", "checkpoint", "-", "7", "B", MODEL.id[:10]],
        ["lo\\x1bra.safetensors", "lora", "sd-1", "4.3", "MB", LORA.id[:10], "it is a LoRA"],
        [
            *("style.safetensors", "lora", "sdxl", "5", "B", STYLE.id[:10]),
            "rank 16; trigger words: paper\\x1bcut, b, c, d",
        ],
        ["c.ckpt", "-", "-", "2.0", "kB", "-", "it is not complete yet"],
    ]


def test_the_columns_are_aligned() -> None:
    lines = with_models().run("models").stdout.splitlines()
    assert {line.index(text) for line, text in zip(lines, ("ID", MODEL.id[:10]), strict=False)} == {
        lines[0].index("ID")
    }


def test_json_matches_the_answer_of_the_api() -> None:
    terminal = with_models()
    shown = json.loads(terminal.run("models", "--json").stdout)
    api = {"models": [MODEL, LORA, STYLE], "count": 3, "pending": [PENDING]}
    assert shown == json.loads(json.dumps(ModelListSchema().dump(api)))


def test_an_empty_folder_is_reported_and_not_an_error() -> None:
    terminal = Terminal(source=FakeModelSource())
    done = terminal.run("models")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "MODEL_DIRS" in done.stderr


class HashesTwice(FakeModelSource):
    """Needs two more scans until it knows its file."""

    left = 2

    def scan(self) -> ModelScan:
        self.left -= 1
        if self.left < 0:
            return super().scan()
        state = PendingState.HASHING
        pending = PendingModel("a.safetensors", MODEL.path, 7_000_000_000, state, 3_500_000_000)
        return ModelScan((), (pending,), moving=True, settled=False)

    def wait(self, seconds: float) -> None:
        pass


def test_new_files_are_awaited_with_a_note_on_standard_error() -> None:
    done = Terminal(source=HashesTwice({MODEL.path: b"weights"})).run("models", "--json")
    assert done.stderr == "Reading 1 model for the first time, 7.0 GB\n"
    assert json.loads(done.stdout)["count"] == 1


class HashesForEver(FakeModelSource):
    """Knows its files, but never the one that is still to be hashed."""

    def scan(self) -> ModelScan:
        pending = PendingModel("big.ckpt", "models/big.ckpt", 9, PendingState.HASHING, 1)
        return ModelScan(super().scan().models, (pending,), moving=True, settled=False)

    def wait(self, seconds: float) -> None:
        pass


@pytest.mark.parametrize("digits", [10, 64])
def test_naming_an_id_waits_for_no_other_model(
    digits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    terminal = Terminal(source=HashesForEver({MODEL.path: b"weights"}))
    done = terminal.run("generate", "x", "--model", MODEL.id.upper()[:digits])
    assert (done.exit_code, len(terminal.generator.drawn)) == (0, 1)


class IsInterrupted(FakeModelSource):
    def scan(self) -> ModelScan:
        raise KeyboardInterrupt


def test_ctrl_c_ends_the_reading() -> None:
    terminal = Terminal(source=IsInterrupted())
    assert terminal.run("models").exit_code == 130
    assert terminal.source.closed.is_set()


def test_the_table_shows_the_defaults_of_a_model_and_what_is_not_followed(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text(
        '["a"]\nnum_inference_steps = 4\nguidance_scale = 1.5\nscheduler = "LCM"\nvae = "soft"\n'
    )
    terminal = Terminal({"MODEL_SETTINGS": str(file)})
    vae = dataclasses.replace(
        model_record(b"soft", "models/soft.pt"),
        kind=ModelKind.VAE,
        reason="it is a VAE",
        is_companion=True,
    )
    terminal.source.others = (vae,)
    terminal.headers.held = {vae.id: addon_tensors(ModelKind.VAE), MODEL.id: demo_tensors()}
    line = terminal.run("models").stdout.splitlines()[1]
    assert line.endswith("steps 4; guidance 1.5; scheduler LCM; VAE soft.pt")
    (shown, _) = json.loads(terminal.run("models", "--json").stdout)["models"]
    assert shown["settings"]["scheduler"] == "LCM"
    assert shown["defaults"]["vae_id"] == vae.id
    file.write_text('["a"]\nvae = "hard"\n')
    line = terminal.run("models").stdout.splitlines()[1]
    assert line.endswith("does not follow vae of its settings: 'hard' names no model")


@pytest.mark.parametrize("command", [("models",), ("generate", "a hill")])
def test_a_fault_in_the_settings_of_models_ends_a_command(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "models.toml"
    file.write_text("[a]\nsteps = 4\nclip_skip = 0\n")
    done = Terminal({"MODEL_SETTINGS": str(file)}).run(*command)
    assert done.exit_code != 0
    assert "steps is not a setting" in done.stderr
    assert "clip_skip is 0" in done.stderr
    assert done.stdout == ""


def test_a_set_shows_its_other_files() -> None:
    terminal = Terminal()
    terminal.source.others = tree()
    lines = terminal.run("models").stdout.splitlines()
    (shown,) = (line for line in lines if line.split()[:2] == ["flux.safetensors", "checkpoint"])
    assert "with clip_l.safetensors, t5xxl_fp16.safetensors, ae.safetensors" in shown
    listed = json.loads(terminal.run("models", "--json").stdout)["models"]
    (members,) = (each["members"] for each in listed if each["members"])
    assert [each["role"] for each in members] == [
        *("transformer", "text_encoder", "text_encoder_2", "vae")
    ]
    assert set(members[0]) == {"role", "id", "name"}
