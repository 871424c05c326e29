"""A tree with the files of FLUX.1: each is listed, and one model draws with all of them."""

import hashlib
from pathlib import Path

import pytest

from adapters.filesystem.model_source import FilesystemModelSource
from domain.errors import ModelNotLoadable
from domain.models.record import ModelFamily, ModelInput, ModelKind
from domain.services.model_registry import ModelRegistry
from tests.unit.filesystem.model_files import safetensors_file
from tests.unit.sets.set_headers import Shapes, clip, flux, t5, vae

TREE: dict[str, Shapes] = {
    "unet/flux.safetensors": flux(hidden=4, clip=8, t5=12),
    "clip/clip_l.safetensors": clip(8),
    "clip/t5.safetensors": t5(12),
    "vae/ae.safetensors": vae(width=4),
}


def listed(folder: Path, tree: dict[str, Shapes]) -> ModelRegistry:
    for path, shapes in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(safetensors_file(shapes))
    registry = ModelRegistry(FilesystemModelSource([str(folder)], settle_seconds=0))
    registry.refresh()
    registry.close()
    return registry


def test_that_four_files_are_one_model(tmp_path: Path) -> None:
    registry = listed(tmp_path, TREE)

    (model,) = registry.models(ModelKind.CHECKPOINT)

    files = sorted(
        hashlib.sha256((tmp_path / path).read_bytes()).hexdigest() + "\n" for path in TREE
    )
    assert model.id == hashlib.sha256("".join(files).encode()).hexdigest()
    assert model.family is ModelFamily.FLUX
    assert model.size == sum((tmp_path / path).stat().st_size for path in TREE)
    assert {each.role: each.path for each in model.members} == {
        "transformer": str(tmp_path / "unet/flux.safetensors"),
        "text_encoder": str(tmp_path / "clip/clip_l.safetensors"),
        "text_encoder_2": str(tmp_path / "clip/t5.safetensors"),
        "vae": str(tmp_path / "vae/ae.safetensors"),
    }
    assert model.inputs == tuple(ModelInput)
    assert registry.resolve("flux") == registry.resolve(None) == registry.locate(model.id) == model
    own = registry.models(ModelKind.DIFFUSION_MODEL)
    assert [each.reason for each in own] == [
        f"it draws together with other files; choose flux.safetensors ({model.id[:10]}) to draw "
        "with them"
    ]


@pytest.mark.parametrize(
    ("absent", "words"),
    [
        ("clip/clip_l.safetensors", "a CLIP text encoder of width 8, kind `text_encoder`"),
        ("clip/t5.safetensors", "a T5 text encoder of width 12, kind `text_encoder`"),
        ("vae/ae.safetensors", "a VAE of 16 channels, that of FLUX.1, kind `vae`"),
    ],
)
def test_that_what_is_missing_is_named(tmp_path: Path, absent: str, words: str) -> None:
    registry = listed(tmp_path, {path: TREE[path] for path in TREE if path != absent})

    assert registry.models(ModelKind.CHECKPOINT) == ()
    with pytest.raises(ModelNotLoadable) as caught:
        registry.get_loadable(registry.resolve("flux").id)
    assert f"it needs {words}; put it into the model folders" in str(caught.value)
