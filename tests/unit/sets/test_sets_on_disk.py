"""ComfyUI's tree as it lies: files are known by what they hold, whatever their folder is called."""

import os
from pathlib import Path

import pytest

from adapters.filesystem.model_headers import FilesystemModelHeaders
from domain.errors import ModelChanged
from domain.models.record import ModelFamily, ModelKind, ModelRecord
from domain.services.model_registry import ModelRegistry
from tests.unit.filesystem.model_files import safetensors_file
from tests.unit.sets.set_headers import Shapes, clip, flux, t5, under, vae
from tests.unit.sets.test_flux_files import TREE, listed

FLUX = flux(hidden=4, clip=8, t5=12)
WHOLE = {
    **under("model.diffusion_model.", FLUX),
    **under("text_encoders.clip_l.transformer.", clip(8)),
    **under("text_encoders.t5xxl.transformer.", t5(12)),
    **under("vae.", vae(width=4)),
}
LORA: Shapes = {
    "transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": (2, 4),
    "transformer.single_transformer_blocks.0.attn.to_q.lora_B.weight": (4, 2),
}
COMFYUI: dict[str, Shapes] = {
    **TREE,
    "checkpoints/flux1-whole.safetensors": WHOLE,
    "clip_vision/clip_vision_l.safetensors": {
        "vision_model.embeddings.patch_embedding.weight": (4, 3, 2, 2)
    },
    "controlnet/flux-union.safetensors": {**FLUX, "controlnet_blocks.0.weight": (4, 4)},
    "ipadapter/ip.safetensors": {"image_proj.proj.weight": (4, 4)},
    "loras/flux-style.safetensors": LORA,
    "style_models/flux1-redux.safetensors": {"redux_up.weight": (4, 4)},
    "vae_approx/taef1.safetensors": {"decoder.1.weight": (4, 4, 3, 3)},
}


def kinds(registry: ModelRegistry) -> dict[str, set[ModelKind]]:
    found: dict[str, set[ModelKind]] = {}
    for each in registry.models():
        found.setdefault(each.path.rsplit("/", 2)[1], set()).add(each.kind)
    return found


def test_that_the_tree_is_read_as_it_lies(tmp_path: Path) -> None:
    registry = listed(tmp_path, COMFYUI)
    assert kinds(registry) == {
        "checkpoints": {ModelKind.CHECKPOINT},
        "clip": {ModelKind.TEXT_ENCODER},
        "clip_vision": {ModelKind.UNKNOWN},
        "controlnet": {ModelKind.CONTROLNET},
        "ipadapter": {ModelKind.UNKNOWN},
        "loras": {ModelKind.LORA},
        "style_models": {ModelKind.UNKNOWN},
        "unet": {ModelKind.CHECKPOINT, ModelKind.DIFFUSION_MODEL},
        "vae": {ModelKind.VAE},
        "vae_approx": {ModelKind.UNKNOWN},
    }
    drawing = {each.name for each in registry.models() if each.loadable}
    assert drawing == {"flux.safetensors", "flux1-whole.safetensors"}
    assert all(each.reason for each in registry.models() if not each.loadable)
    lora = next(each for each in registry.models() if each.kind is ModelKind.LORA)
    assert (lora.base, lora.usable) == (ModelFamily.FLUX, False)


def test_that_other_folders_change_nothing(tmp_path: Path) -> None:
    mixed = {
        f"{number}/{path.replace('/', '-')}": each
        for number, (path, each) in enumerate(COMFYUI.items())
    }
    one, other = listed(tmp_path / "a", COMFYUI), listed(tmp_path / "b", mixed)
    assert sorted((each.id, each.kind) for each in one.models()) == sorted(
        (each.id, each.kind) for each in other.models()
    )


def test_that_a_whole_file_is_a_model_alone(tmp_path: Path) -> None:
    registry = listed(tmp_path, {"checkpoints/flux1-whole.safetensors": WHOLE})
    (model,) = registry.models()
    assert model.loadable
    assert {each.role for each in model.members} == {
        *("transformer", "text_encoder", "text_encoder_2", "vae")
    }
    assert {each.id for each in model.members} == {model.id}


@pytest.fixture(params=["set", "whole"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> ModelRecord:
    trees = {"set": TREE, "whole": {"flux.safetensors": WHOLE}}
    registry = listed(tmp_path, trees[request.param])
    return registry.resolve("flux")


def test_that_the_tensors_of_a_set_have_the_names_of_a_folder(model: ModelRecord) -> None:
    tensors = FilesystemModelHeaders().tensors(model)
    assert {name: facts.shape for name, facts in tensors.items()} == {
        **under("transformer/", FLUX),
        **under("text_encoder/", clip(8)),
        **under("text_encoder_2/", t5(12)),
        **under("vae/", vae(width=4)),
    }


def test_that_a_changed_file_of_a_set_is_noticed(model: ModelRecord) -> None:
    for path in {each.path for each in model.members}:
        with open(path, "ab") as file:
            file.write(b"x")
        with pytest.raises(ModelChanged) as caught:
            FilesystemModelHeaders().tensors(model)
        assert caught.value.model_id == model.id
        os.truncate(path, Path(path).stat().st_size - 1)


def test_that_the_same_file_is_read_once(tmp_path: Path) -> None:
    content = safetensors_file(WHOLE)
    (tmp_path / "a.safetensors").write_bytes(content)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "b.safetensors").write_bytes(content)
    registry = listed(tmp_path, {})
    (found,) = registry.models()
    assert found.aliases == (str(tmp_path / "copy" / "b.safetensors"),)
