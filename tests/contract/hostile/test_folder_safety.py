"""A folder is loaded from the files that its id names, and none of its code is run."""

import dataclasses
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.errors import ModelChanged, ModelNotLoadable
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from tests.contract.drawing.generating import generate, new_generator
from tests.contract.folders.folders import record_of, save_newer

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]
WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_newer(tmp_path_factory.mktemp("folders") / "pixart", "pixart")


@pytest.fixture
def folder(tmp_path: Path, whole: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "pixart"))


@pytest.fixture
def generator() -> DiffusersImageGenerator:
    # The precision of the files on the CPU: the case in which weights could stay mapped.
    return new_generator(device="cpu", dtype="float32")


@pytest.fixture
def draw(
    generator: DiffusersImageGenerator, request_for: RequestFor
) -> Callable[[ModelRecord], bytes]:
    return lambda model: generate(generator, model, [request_for()]).images[0][0].data


Draw = Callable[[ModelRecord], bytes]


def set_index(folder: Path, **changes: object) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"_class_name": ["pipeline", "Evil"]}, "names no pipeline class"),
        ({"_class_name": None}, "names no pipeline class"),
        ({"_class_name": "DiffusionPipeline"}, "'DiffusionPipeline' does not draw from text"),
        ({"_class_name": "ModelMixin"}, "'ModelMixin' does not draw from text here"),
        ({"_class_name": "StableVideoDiffusionPipeline"}, "does not draw from text"),
        ({"vae": ["os", "system"]}, "a class of diffusers or transformers"),
        ({"extra": ["os", "system"]}, "a class of diffusers or transformers"),
        ({"vae": ["diffusers.utils", "AutoencoderKL"]}, "a class of diffusers or transformers"),
        ({"vae": ["vae", "Evil"]}, "a class of diffusers or transformers"),
        ({"vae": [["diffusers"], "AutoencoderKL"]}, "a class of diffusers or transformers"),
        ({"vae": ["diffusers"]}, "a class of diffusers or transformers"),
        ({"vae": ["diffusers", "no such"]}, "which the diffusers installed here does not have"),
        ({"vae": ["diffusers", "AutoModel"]}, "does not have as a model"),
        ({"vae": ["diffusers", "FluxPipeline"]}, "does not have as a model"),
        ({"vae": ["transformers", "pipeline"]}, "does not have as a model"),
        ({"tokenizer": ["transformers", "AutoTokenizer"]}, "does not have as a model"),
        ({"vae": [None, None]}, "lacks vae"),
        ({"vae": "AutoencoderKL"}, "lacks vae"),
    ],
)
def test_an_index_may_name_only_listed_classes(
    folder: Path, draw: Draw, changes: dict[str, Any], reason: str
) -> None:
    marker = folder.parent / "ran"
    for name in ("pipeline.py", "vae/vae.py", "vae/diffusers.py", "transformer/pipeline.py"):
        (folder / name).write_text(f"open({str(marker)!r}, 'w')\nclass Evil: pass\n")
    set_index(folder, **changes)
    with pytest.raises(ModelNotLoadable, match=reason):
        draw(record_of(folder))
    assert not marker.exists()


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{", b"\xff" * 9, b"[" * 100_000])
def test_an_invalid_index_is_refused(folder: Path, draw: Draw, content: bytes | None) -> None:
    path = folder / "model_index.json"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ModelNotLoadable, match=r"its model_index\.json is"):
        draw(record_of(folder))


@pytest.mark.parametrize("part", ["/etc/passwd", "../other", "vae/../../other", "", "vae//x", "."])
def test_a_part_must_be_inside_the_folder(folder: Path, draw: Draw, part: str) -> None:
    model = record_of(folder)
    first = dataclasses.replace(model.parts[0], path=part)
    with pytest.raises(ModelNotLoadable, match="must lie inside the folder"):
        draw(dataclasses.replace(model, parts=(first, *model.parts[1:])))


def test_a_shard_must_be_beside_its_index(folder: Path, draw: Draw) -> None:
    (folder / f"{WEIGHTS}.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": {"x": "../../other.safetensors"}})
    )
    with pytest.raises(ModelNotLoadable, match="shards lie beside it"):
        draw(record_of(folder))


def test_configurations_lead_to_no_code_and_no_other_file(folder: Path, draw: Draw) -> None:
    before = draw(record_of(folder))
    for path in folder.glob("*/*config.json"):
        ways_out = {
            "auto_map": {"AutoModel": "evil.Evil", "AutoTokenizer": ["evil.Evil", None]},
            "attn_implementation": "evil/kernel",
            "tokenizer_file": "/etc/passwd",
        }
        path.write_text(json.dumps(json.loads(path.read_text()) | ways_out))
    (folder / "transformer" / "evil.py").write_text("raise SystemExit")
    changed = record_of(folder)
    assert draw(changed) == before


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("vae", "its component vae is missing"),
        ("tokenizer", "its component tokenizer is missing"),
        (WEIGHTS, "its component transformer has no weights"),
        ("text_encoder/model.safetensors", "its component text_encoder has no weights"),
        ("vae/config.json", "not a whole model"),
    ],
)
def test_a_missing_component_is_named(folder: Path, draw: Draw, missing: str, reason: str) -> None:
    path = folder / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ModelNotLoadable, match=reason):
        draw(record_of(folder))


@pytest.mark.parametrize("weights", [WEIGHTS, "text_encoder/model.safetensors"])
def test_a_missing_tensor_is_not_invented(folder: Path, draw: Draw, weights: str) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / weights)
    name = sorted(tensors)[0]
    del tensors[name]
    save_file(tensors, folder / weights, metadata={"format": "pt"})
    with pytest.raises(ModelNotLoadable, match=f"1 tensors of its .* such as {name}"):
        draw(record_of(folder))


class Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize(
    "weights", ["transformer/diffusion_pytorch_model.bin", "text_encoder/pytorch_model.bin"]
)
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_does_not_run_it(
    folder: Path, draw: Draw, weights: str, zipped: bool
) -> None:
    marker = folder.parent / "ran"
    path = folder / weights
    for other in path.parent.glob("*.safetensors"):
        other.unlink()
    content = pickle.dumps({"weight": Evil(marker)})
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", content)
            archive.writestr("archive/version", "3\n")
    else:
        path.write_bytes(content)
    with pytest.raises(ModelNotLoadable):
        draw(record_of(folder))
    assert not marker.exists()


@pytest.mark.parametrize("change", ["written to", "replaced", "gone", "a pipe", "folder gone"])
def test_a_replaced_part_is_refused(folder: Path, draw: Draw, change: str) -> None:
    model, path = record_of(folder), folder / WEIGHTS
    if change == "written to":
        with path.open("r+b") as file:
            file.write(b"x")
    elif change == "replaced":
        shutil.copy(path, folder / "other")
        (folder / "other").rename(path)
    elif change == "folder gone":
        shutil.rmtree(folder)
    else:
        path.unlink()
        if change == "a pipe":
            os.mkfifo(path)
    with pytest.raises(ModelChanged, match="pixart has changed"):
        draw(model)


@pytest.mark.parametrize("is_error", [False, True])
def test_a_part_that_is_written_during_reading_is_detected(
    folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch, is_error: bool
) -> None:
    from adapters.diffusion.loading import folder_loader

    real = folder_loader._component

    def component_while_written(*arguments: Any, **options: Any) -> Any:
        with (folder / WEIGHTS).open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"x")
        if is_error:
            raise RuntimeError("what half a file leads to")
        return real(*arguments, **options)

    monkeypatch.setattr(folder_loader, "_component", component_while_written)
    with pytest.raises(ModelChanged):
        draw(record_of(folder))


def test_a_folder_that_replaces_another_is_not_read(
    folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The open files have the id's bytes, so the picture is the id's."""
    from adapters.diffusion.loading import folder_loader

    real = folder_loader._read

    def exchange(*arguments: Any) -> Any:
        aside = folder.rename(folder.parent / "aside")
        shutil.copytree(aside, folder)
        for path in folder.rglob("*.*"):
            path.write_bytes(b"not this")
        return real(*arguments)

    model = record_of(folder)
    before = draw(dataclasses.replace(model, id="ab" * 32))
    monkeypatch.setattr(folder_loader, "_read", exchange)
    assert draw(model) == before


def test_an_added_file_is_not_read(folder: Path, draw: Draw) -> None:
    (folder / WEIGHTS).rename(folder.parent / "weights")
    without = record_of(folder)
    (folder.parent / "weights").rename(folder / WEIGHTS)
    with pytest.raises(ModelNotLoadable, match="has no weights"):
        draw(without)


def test_a_write_after_the_load_does_not_reach_the_pipeline(folder: Path, draw: Draw) -> None:
    model = record_of(folder)
    before = draw(model)
    for path in folder.rglob("*.safetensors"):
        with path.open("r+b") as file:
            file.write(os.urandom(path.stat().st_size))
    assert draw(model) == before


def test_the_temporary_folder_and_the_open_files_are_gone_after_the_load(
    folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import tempfile

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    draw(record_of(folder))
    assert not list((tmp_path / "temporary").iterdir())
    opened = [os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
    assert not [path for path in opened if str(folder) in path]
