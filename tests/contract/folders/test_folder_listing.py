"""The listing of a folder agrees with what can be loaded."""

import inspect
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from adapters.filesystem.folder_parts.needed import needed_parts
from adapters.filesystem.model_source import FilesystemModelSource
from domain.checkpoints.pipelines import PIPELINE_CLASSES
from domain.errors import ModelNotLoadable
from domain.models.record import ModelRecord
from domain.services.model_registry import ModelRegistry
from tests.contract.folders.folders import record_of, save_newer, save_stable_diffusion

pytestmark = pytest.mark.torch


def listed(folder: Path) -> ModelRecord:
    registry = ModelRegistry(FilesystemModelSource([str(folder)], settle_seconds=0))
    registry.refresh()
    (record,) = registry.models()
    return record


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"variant": "fp16"},
        {"safe_serialization": False},
        {"max_shard_size": "1MB"},
        {"max_shard_size": "1MB", "variant": "fp16"},
        {"max_shard_size": "1MB", "safe_serialization": False},
    ],
)
def test_a_folder_in_each_form_that_diffusers_saves_is_loadable(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    save_stable_diffusion(tmp_path / "sd", **options)
    assert listed(tmp_path).reason is None


@pytest.mark.parametrize(
    "family", ["sd3", "flux", "pixart", "chroma", "klein", "qwen", "z-image", "lcm"]
)
def test_a_newer_folder_saved_by_diffusers_is_loadable(tmp_path: Path, family: str) -> None:
    save_newer(tmp_path / family, family)
    assert listed(tmp_path).reason is None


@pytest.mark.parametrize("name", PIPELINE_CLASSES)
def test_the_required_parts_are_those_that_the_pipeline_class_takes(name: str) -> None:
    import diffusers

    from adapters.diffusion.loading import folder_index

    pipeline = getattr(diffusers, PIPELINE_CLASSES[name])
    parameters = inspect.signature(pipeline.__init__).parameters
    needed = set(needed_parts(PIPELINE_CLASSES[name]))
    assert needed <= parameters.keys()
    assert needed >= folder_index._NEEDED & parameters.keys()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_stable_diffusion(tmp_path_factory.mktemp("whole") / "sd")


@pytest.mark.parametrize(
    ("file", "fields"),
    [
        ("scheduler/scheduler_config.json", {"num_train_timesteps": 1_500_000_000}),
        ("text_encoder/config.json", {"num_hidden_layers": 20_000}),
        ("text_encoder/config.json", {"vocab_size": 3}),
        ("unet/config.json", {"layers_per_block": 3000}),
        ("vae/config.json", {"scaling_factor": 0}),
        ("tokenizer/tokenizer_config.json", {"model_max_length": 10**9}),
        ("tokenizer/tokenizer.json", {"normalizer": {"type": "Prepend", "prepend": "x" * 10**6}}),
        ("tokenizer/tokenizer.json", {"model": None}),
    ],
)
def test_listing_refuses_a_folder_for_the_same_reason_as_loading(
    tmp_path: Path, whole: Path, file: str, fields: dict[str, Any]
) -> None:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    folder = Path(shutil.copytree(whole, tmp_path / "sd"))
    table = json.loads((folder / file).read_text("utf-8"))
    (folder / file).write_text(json.dumps(table | fields), "utf-8")
    reason = listed(tmp_path).reason
    assert reason is not None
    with pytest.raises(ModelNotLoadable) as caught:
        load_pipeline(record_of(folder), find_device("cpu", "float32"))
    assert caught.value.name == "sd"
    assert caught.value.reason == reason
