"""A folder with any change is drawn as the plain one, or refused at listing by the file's name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.filesystem.model_source import FilesystemModelSource
from domain.models.record import ModelRecord
from domain.services.model_registry import ModelRegistry
from tests.contract.folders.tiny import save_tiny

pytestmark = pytest.mark.torch

_STEM = "diffusion_pytorch_model"
PARTS = {"unet": _STEM, "vae": _STEM, "text_encoder": "model"}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 3438167534\n"


def draw(model: ModelRecord) -> Any:
    import torch

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    pipeline = load_pipeline(model, find_device("cpu", "float32"))
    return pipeline(
        "a red cat on the tree",
        num_inference_steps=1,
        width=64,
        height=64,
        generator=torch.Generator().manual_seed(3),
        output_type="np",
    ).images


def listed(folder: Path) -> tuple[tuple[ModelRecord, ...], str]:
    """Return the models of a folder, and why its other files are not ready, as one text."""
    registry = ModelRegistry(FilesystemModelSource([str(folder)], settle_seconds=0))
    try:
        registry.refresh()
        return registry.models(), " ".join(str(each.reason) for each in registry.pending())
    finally:
        registry.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("plain") / "tiny")


@pytest.fixture(scope="module")
def picture(plain: Path) -> Any:
    ((model,), _) = listed(plain)
    assert model.reason is None
    return draw(model)


CHANGES: dict[str, Callable[[Path], object]] = {
    "removed": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "a pointer": lambda path: path.write_text(POINTER.format("0" * 64), "utf-8"),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "a third": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 3]),
    "9 bytes less": lambda path: path.write_bytes(path.read_bytes()[:-9]),
}


def without_fast_tokenizer(folder: Path) -> None:
    (folder / "tokenizer/tokenizer.json").unlink()


def in_shards(folder: Path, variant: str = "") -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "unet/diffusion_pytorch_model.safetensors"
    table = load_file(path)
    path.unlink()
    places: dict[str, str] = {}
    for number in (1, 2):
        name = f"diffusion_pytorch_model{variant}-0000{number}-of-00002.safetensors"
        half = {key: table[key] for key in sorted(table)[number - 1 :: 2]}
        save_file(half, path.with_name(name), {"format": "pt"})
        places |= dict.fromkeys(half, name)
    index = json.dumps({"metadata": {}, "weight_map": places})
    path.with_name(f"diffusion_pytorch_model.safetensors.index{variant}.json").write_text(index)


UNREAD = {"vocab.json", "merges.txt", "special_tokens_map.json", "tokenizer.json"}
"""The files of a tokenizer that is there twice."""
LESS = {"config.json", "scheduler_config.json"}
"""Files whose last line end may go."""


@pytest.mark.parametrize(
    ("form", "parts"),
    [(None, "*"), (without_fast_tokenizer, "tokenizer"), (in_shards, "unet")],
    ids=["plain", "classic tokenizer", "shards"],
)
def test_any_change_of_any_file_is_harmless_or_told(
    tmp_path: Path, plain: Path, picture: Any, form: Callable[[Path], None] | None, parts: str
) -> None:
    whole = Path(shutil.copytree(plain, tmp_path / "whole"))
    if form is not None:
        form(whole)
    drawn = set()
    files = [path.relative_to(whole).as_posix() for path in sorted(whole.glob(f"{parts}/*"))]
    for name in files:
        for change, apply in CHANGES.items():
            folder = tmp_path / "changed"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(whole, folder / "sd")
            apply(folder / "sd" / name)
            models, pending = listed(folder)
            if any(model.loadable for model in models):
                (model,) = models
                assert np.array_equal(draw(model), picture), (name, change)
                drawn.add(Path(name).name)
            else:
                assert name in pending + "".join(str(model.reason) for model in models), change
    assert drawn <= UNREAD | LESS


def renamed(folder: Path, end: str) -> None:
    for part, stem in PARTS.items():
        path = folder / part / f"{stem}.safetensors"
        path.rename(path.with_name(f"{stem}{end}.safetensors"))


def as_pickles(folder: Path, *, keep: bool = False, end: str = "") -> None:
    import torch
    from safetensors.torch import load_file

    for part, stem in PARTS.items():
        path = folder / part / f"{stem}.safetensors"
        name = "pytorch_model" if part == "text_encoder" else stem
        torch.save(load_file(path), path.with_name(f"{name}{end}.bin"))
        if not keep:
            path.unlink()


def with_other_engines(folder: Path) -> None:
    names = (
        *("flax_model.msgpack", "tf_model.h5", "model.onnx", "model.onnx_data"),
        *("openvino_model.bin", "openvino_model.xml", "pytorch_lora_weights.bin"),
    )
    for part in PARTS:
        for name in names:
            (folder / part / name).write_bytes(b"abc" * 99)


def both(*changes: Callable[[Path], None]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for each in changes:
            each(folder)

    return change


def index(**fields: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "model_index.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | fields), "utf-8")

    return change


def of_class(name: str) -> Callable[[Path], None]:
    return index(_class_name=name)


def scheduled_by(name: str) -> Callable[[Path], None]:
    return index(scheduler=["diffusers", name])


FORMS: dict[str, Callable[[Path], None]] = {
    "fp16": lambda folder: renamed(folder, ".fp16"),
    "bf16": lambda folder: renamed(folder, ".bf16"),
    "shards of a variant": lambda folder: in_shards(folder, ".fp16"),
    "pickles": as_pickles,
    "pickles of a variant beside other engines": both(
        lambda folder: as_pickles(folder, end=".fp16"), with_other_engines
    ),
    "pickles beside safetensors": lambda folder: as_pickles(folder, keep=True),
    "other engines": with_other_engines,
    "image to image": of_class("StableDiffusionImg2ImgPipeline"),
    "a ControlNet": both(
        of_class("StableDiffusionControlNetPipeline"), index(controlnet=["diffusers", "X"])
    ),
    "another guidance": both(
        of_class("StableDiffusionPAGPipeline"), index(pag_applied_layers=["mid"])
    ),
    "a scheduler that needs a library": scheduled_by("DPMSolverSDEScheduler"),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_folder_draws_the_same(
    tmp_path: Path, plain: Path, picture: Any, form: str
) -> None:
    FORMS[form](Path(shutil.copytree(plain, tmp_path / "sd")))
    ((model,), _) = listed(tmp_path)
    assert model.reason is None
    assert ("without its addition" in str(model.note)) is (
        form in ("a ControlNet", "another guidance")
    )
    assert np.array_equal(draw(model), picture)
