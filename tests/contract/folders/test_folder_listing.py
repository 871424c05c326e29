"""The listing of a folder agrees with what can be loaded."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from adapters.filesystem.folder_parts.needed import needed_parts
from adapters.filesystem.model_source import FilesystemModelSource
from domain.checkpoints.pipelines import PIPELINE_CLASSES
from domain.models.record import ModelRecord
from domain.services.model_registry import ModelRegistry
from tests.contract.folders.folders import save_newer, save_stable_diffusion

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


@pytest.mark.parametrize("family", ["sd3", "flux", "pixart"])
def test_a_newer_folder_saved_by_diffusers_is_loadable(tmp_path: Path, family: str) -> None:
    save_newer(tmp_path / family, family)
    assert listed(tmp_path).reason is None


@pytest.mark.parametrize("name", PIPELINE_CLASSES)
def test_the_required_parts_are_those_that_the_pipeline_class_takes(name: str) -> None:
    import diffusers

    from adapters.diffusion.loading import folder_index

    pipeline = getattr(diffusers, PIPELINE_CLASSES[name])
    parameters = inspect.signature(pipeline.__init__).parameters
    needed = set(needed_parts(name))
    assert needed <= parameters.keys()
    assert needed >= folder_index._NEEDED & parameters.keys()
