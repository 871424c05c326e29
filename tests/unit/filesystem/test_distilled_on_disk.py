"""A distilled model is listed with the steps and the guidance that it draws with."""

import hashlib
import shutil
from pathlib import Path

import pytest

from adapters.filesystem.model_source import FilesystemModelSource
from domain.checkpoints.distilled import recognising as distillation
from domain.models.distilled import Distilled, Evidence, Method
from domain.models.record import ModelRecord
from domain.services.model_registry import ModelRegistry
from domain.sizes import Size
from tests.paths import DEMO_CHECKPOINT


def listed(folder: Path) -> ModelRecord:
    registry = ModelRegistry(FilesystemModelSource([str(folder)], settle_seconds=0))
    registry.refresh()
    return registry.resolve("any-name")


def test_the_bytes_of_a_published_file_decide_its_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = tmp_path / "any-name.safetensors"
    shutil.copy(DEMO_CHECKPOINT, copied)
    assert listed(tmp_path).distilled is None
    digest = hashlib.sha256(copied.read_bytes()).hexdigest()
    known = Distilled(Method.TURBO, Evidence.BYTES, native_side=320)
    monkeypatch.setattr(distillation, "PUBLISHED_DISTILLED", {digest: known})
    record = listed(tmp_path)
    assert (record.distilled, record.native_size) == (known, Size(320, 320))
    assert record.defaults.num_inference_steps == 4
