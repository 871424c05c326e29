"""A diffusers folder is one model."""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adapters.filesystem.model_source import FilesystemModelSource
from adapters.filesystem.scanning.identity_cache import IdentityCache
from domain.models.record import ModelFamily, ModelInput, ModelKind, ModelRecord, PendingState
from domain.services.model_registry import ModelRegistry
from tests.unit.filesystem.model_files import safetensors_file

WEIGHTS = safetensors_file({"a": (10,)})
INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.35.0",
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
FILES = {
    "model_index.json": json.dumps(INDEX).encode(),
    "scheduler/scheduler_config.json": b"{}",
    "text_encoder/config.json": b"{}",
    "text_encoder/model.safetensors": WEIGHTS,
    "tokenizer/merges.txt": b"#version: 0.2\n",
    "tokenizer/tokenizer_config.json": b"{}",
    "tokenizer/vocab.json": b"{}",
    "unet/config.json": b'{"cross_attention_dim": 768}',
    "unet/diffusion_pytorch_model.safetensors": WEIGHTS,
    "vae/config.json": b"{}",
    "vae/diffusion_pytorch_model.safetensors": WEIGHTS,
}

Change = Callable[[dict[str, bytes]], object]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "models"


def write(folder: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def list_all(cache: IdentityCache | None = None, folder: str = "models") -> list[ModelRecord]:
    source = FilesystemModelSource([folder], cache, settle_seconds=0)
    registry = ModelRegistry(source)
    registry.refresh()
    source.close()
    return list(registry.models())


def expected_id(files: dict[str, bytes]) -> str:
    lines = [
        f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n"
        for path in sorted(files, key=str.encode)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.mark.parametrize("folder", ["models", "models/mine", "models/mine/"])
def test_a_folder_is_one_model_and_not_a_dozen(models: Path, folder: str) -> None:
    write(models / "mine", FILES)
    (record,) = list_all(folder=folder)
    assert record.id == expected_id(FILES)
    assert (record.name, record.extension, record.path) == ("mine", "", "models/mine")
    assert record.size == sum(map(len, FILES.values()))
    assert (record.kind, record.family) == (ModelKind.CHECKPOINT, ModelFamily.SD_1)
    assert record.reason is None
    assert [part.path for part in record.parts] == sorted(FILES)


def test_the_id_matches_sha256sum(models: Path) -> None:
    write(models / "mine", FILES | {"tokenizer/ünïcode name.txt": b"x"})
    (record,) = list_all()
    told = subprocess.run(
        "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum",
        shell=True,
        cwd=models / "mine",
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split()[0] == record.id


def test_single_files_beside_a_folder_are_listed_too(models: Path) -> None:
    write(models / "deep" / "mine", FILES)
    write(models, {"a.ckpt": b"x", "deep/b.safetensors": WEIGHTS})
    assert [record.name for record in list_all()] == ["a.ckpt", "b.safetensors", "mine"]


def test_hidden_files_do_not_count(models: Path) -> None:
    write(models / "mine", FILES | {".cache/x.lock": b"x", "unet/.DS_Store": b"x"})
    (record,) = list_all()
    assert record.id == expected_id(FILES)


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.update({"unet/config.json": b"{}"}),
        lambda files: files.update({"README.md": b"new"}),
        lambda files: files.pop("tokenizer/vocab.json"),
        lambda files: files.update({"tokenizer/other.json": files.pop("tokenizer/vocab.json")}),
    ],
)
def test_any_change_in_a_folder_gives_it_a_new_id(models: Path, change: Change) -> None:
    write(models / "mine", FILES)
    source = FilesystemModelSource(["models"], settle_seconds=0)
    registry = ModelRegistry(source)
    registry.refresh()
    files = dict(FILES)
    change(files)
    for path in FILES.keys() - files.keys():
        (models / "mine" / path).unlink()
    write(models / "mine", files)
    assert source.scan().models == ()
    registry.refresh()
    assert [record.id for record in registry.models()] == [expected_id(files)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("unet/diffusion_pytorch_model.safetensors", WEIGHTS[:-1]),
        ("unet/diffusion_pytorch_model.safetensors", b""),
        ("unet/weights.safetensors.incomplete", b"x"),
    ],
)
def test_an_incomplete_folder_keeps_settling(models: Path, name: str, content: bytes) -> None:
    write(models / "mine", FILES | {name: content})
    source = FilesystemModelSource(["models"], settle_seconds=0)
    registry = ModelRegistry(source)
    registry.refresh()
    assert registry.models() == ()
    assert [each.state for each in registry.pending()] == [PendingState.SETTLING]


def index(**changes: object) -> bytes:
    return json.dumps(INDEX | changes).encode()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_index.json": b"no json"}, "its model_index.json is not JSON"),
        ({"model_index.json": index(_class_name=["mine", "Mine"])}, "names no pipeline class"),
        ({"model_index.json": index(_class_name="FluxFillPipeline")}, "it is a FluxFillPipeline"),
        ({"model_index.json": index(_class_name="a b" * 99)}, "it is a something else"),
        ({"model_index.json": index(unet=["os", "system"])}, "its unet is custom code"),
        ({"model_index.json": index(unet=["pipeline", "Mine"])}, "its unet is custom code"),
        ({"model_index.json": index(extra=["diffusers", "VQModel"])}, "its extra is missing"),
        ({"vae/diffusion_pytorch_model.safetensors": b""}, None),
    ],
)
def test_a_folder_that_cannot_draw_gives_its_reason(
    models: Path, changes: dict[str, bytes], reason: str | None
) -> None:
    files = FILES | changes
    if reason is None:
        del files["vae/diffusion_pytorch_model.safetensors"]
        files["vae/config.json"] = b"{}"
        reason = "its vae has no weights"
    write(models / "mine", files)
    (record,) = list_all()
    assert reason in str(record.reason)


@pytest.mark.parametrize(
    ("class_name", "width", "prediction", "family"),
    [
        ("StableDiffusionPipeline", 768, "epsilon", ModelFamily.SD_1),
        ("StableDiffusionPipeline", 1024, "epsilon", ModelFamily.SD_2),
        ("StableDiffusionPipeline", 1024, "v_prediction", ModelFamily.SD_2_V),
        ("StableDiffusionXLPipeline", 2048, "epsilon", ModelFamily.SDXL),
        ("StableDiffusion3Pipeline", 0, "", ModelFamily.SD_3),
        ("FluxPipeline", 0, "", ModelFamily.FLUX),
    ],
)
def test_the_family_comes_from_the_configuration(
    models: Path, class_name: str, width: int, prediction: str, family: ModelFamily
) -> None:
    changes = {
        "model_index.json": index(_class_name=class_name),
        "unet/config.json": json.dumps({"cross_attention_dim": width}).encode(),
        "scheduler/scheduler_config.json": json.dumps({"prediction_type": prediction}).encode(),
    }
    write(models / "mine", FILES | changes)
    (record,) = list_all()
    assert record.family is family


ALL = tuple(ModelInput)
PICTURES = (ModelInput.IMAGE, ModelInput.MASK)


@pytest.mark.parametrize(
    ("class_name", "width", "channels", "family", "inputs"),
    [
        ("StableDiffusionPipeline", 768, 4, ModelFamily.SD_1, ALL),
        ("StableDiffusionPipeline", 768, 9, ModelFamily.SD_1_INPAINT, ALL),
        ("StableDiffusionInpaintPipeline", 768, 4, ModelFamily.SD_1, ALL),
        ("StableDiffusionInpaintPipeline", 768, 9, ModelFamily.SD_1_INPAINT, ALL),
        ("StableDiffusionInpaintPipeline", 1024, 9, ModelFamily.SD_2_INPAINT, ALL),
        ("StableDiffusionInstructPix2PixPipeline", 768, 8, ModelFamily.SD_1_PIX2PIX, PICTURES),
        ("StableDiffusionPipeline", 768, None, ModelFamily.SD_1, ALL),
    ],
)
def test_the_variant_comes_from_the_channels_of_the_unet(
    models: Path,
    class_name: str,
    width: int,
    channels: int | None,
    family: ModelFamily,
    inputs: tuple[ModelInput, ...],
) -> None:
    unet = {"cross_attention_dim": width} | ({} if channels is None else {"in_channels": channels})
    changes = {
        "model_index.json": index(_class_name=class_name),
        "unet/config.json": json.dumps(unet).encode(),
        "scheduler/scheduler_config.json": b'{"_class_name": "PNDMScheduler"}',
    }
    write(models / "mine", FILES | changes)
    (record,) = list_all()
    assert (record.reason, record.family, record.inputs) == (None, family, inputs)


@pytest.mark.parametrize(
    ("class_name", "options", "unet", "reason"),
    [
        ("StableDiffusionPipeline", {}, {"in_channels": 5}, "takes 5 channels"),
        ("StableDiffusionPipeline", {}, {"in_channels": "9"}, "takes 9 channels"),
        (
            "StableDiffusionInstructPix2PixPipeline",
            {},
            {"in_channels": 8, "cross_attention_dim": 1024},
            "takes 8 channels",
        ),
    ],
)
def test_a_unet_with_other_channels_cannot_draw(
    models: Path, class_name: str, options: dict[str, object], unet: dict[str, object], reason: str
) -> None:
    changes = {
        "model_index.json": index(_class_name=class_name, **options),
        "unet/config.json": json.dumps({"cross_attention_dim": 768} | unet).encode(),
        "scheduler/scheduler_config.json": b'{"_class_name": "PNDMScheduler"}',
    }
    write(models / "mine", FILES | changes)
    (record,) = list_all()
    assert reason in str(record.reason)


@pytest.mark.parametrize(
    ("class_name", "scheduler"),
    [("EDMEulerScheduler", {"sigma_max": 120.0}), ("EulerDiscreteScheduler", {})],
)
def test_cosxl_edit_takes_its_picture_in_the_scale_of_latents(
    models: Path, class_name: str, scheduler: dict[str, object]
) -> None:
    second = {
        f"{path.replace('/', '_2/', 1)}": content
        for path, content in FILES.items()
        if path.startswith(("text_encoder/", "tokenizer/"))
    }
    parts: dict[str, object] = {
        "_class_name": "StableDiffusionXLInstructPix2PixPipeline",
        "is_cosxl_edit": True,
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer_2": ["transformers", "CLIPTokenizer"],
        "scheduler": ["diffusers", class_name],
    }
    changes = {
        "model_index.json": index(**parts),
        "unet/config.json": b'{"cross_attention_dim": 2048, "in_channels": 8}',
        "scheduler/scheduler_config.json": json.dumps(scheduler).encode(),
    }
    write(models / "mine", FILES | changes | second)
    (record,) = list_all()
    assert (record.reason, record.family) == (None, ModelFamily.SDXL_PIX2PIX)
    assert record.training is not None
    assert record.training.scales_picture
    assert record.training.sigma_max == scheduler.get("sigma_max")


def test_what_a_folder_draws_from_is_kept_for_the_next_run(models: Path, tmp_path: Path) -> None:
    changes = {"model_index.json": index(_class_name="LatentConsistencyModelPipeline")}
    write(models / "mine", FILES | changes)
    for _ in range(2):
        with closing(IdentityCache(tmp_path / "models.sqlite")) as cache:
            (record,) = list_all(cache)
        assert record.inputs == (ModelInput.TEXT, ModelInput.IMAGE)


def test_a_second_run_does_not_read_a_file_of_the_folder_again(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(models / "mine", FILES)
    opened: list[str] = []
    real = os.open

    def counting(path: str, flags: int, *mode: int) -> int:
        if not mode:  # the cache creates its own file with a mode
            opened.append(path)
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", counting)
    with closing(IdentityCache(tmp_path / "models.sqlite")) as cache:
        first = list_all(cache)
    assert {os.path.relpath(path, "models/mine") for path in opened} == set(FILES)
    opened.clear()
    with closing(IdentityCache(tmp_path / "models.sqlite")) as cache:
        assert list_all(cache) == first
    assert opened == []


def test_a_loop_of_links_in_a_folder_ends(models: Path) -> None:
    write(models / "mine", FILES)
    (models / "mine" / "unet" / "again").symlink_to(models / "mine")
    (record,) = list_all()
    assert record.id == expected_id(FILES)
