"""Tensors in the files of a folder that no network of it reads."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ModelNotLoadable
from domain.generation.request import GenerationRequest
from tests.contract.drawing.generating import generate, new_generator
from tests.contract.folders.folders import record_of, save_newer, save_stable_diffusion

pytestmark = pytest.mark.torch

PARTS = [
    *(("sd", part) for part in ("unet", "vae", "text_encoder")),
    *(("sd3", part) for part in ("transformer", "vae", "text_encoder_2", "text_encoder_3")),
    *(("flux", part) for part in ("transformer", "text_encoder", "text_encoder_2")),
    *(("pixart", part) for part in ("transformer", "text_encoder")),
]

RequestFor = Callable[..., GenerationRequest]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a family, saved once."""
    folders: dict[str, Path] = {}

    def folder_of(family: str) -> Path:
        if family not in folders:
            folder = tmp_path_factory.mktemp("folders") / family
            is_old = family == "sd"
            folders[family] = (
                save_stable_diffusion(folder, dtype="float32")
                if is_old
                else save_newer(folder, family)
            )
        return folders[family]

    return folder_of


def add(folder: Path, names: list[str], *, as_pickle: bool = False) -> None:
    """Add small tensors to the one weight file of a folder."""
    import torch
    from safetensors.torch import load_file, save_file

    (path,) = folder.glob("*.safetensors")
    tensors = load_file(path) | {name: torch.ones(2) for name in names}
    if not as_pickle:
        save_file(tensors, path, metadata={"format": "pt"})
        return
    path.unlink()
    name = "pytorch_model" if "text_encoder" in folder.name else "diffusion_pytorch_model"
    torch.save(tensors, folder / f"{name}.bin")


def draw(folder: Path, request: GenerationRequest) -> bytes:
    generator = new_generator(device="cpu", dtype="float32")
    return generate(generator, record_of(folder), [request]).images[0][0].data


@pytest.mark.parametrize("as_pickle", [False, True], ids=["safetensors", "pickle"])
@pytest.mark.parametrize(("family", "part"), PARTS)
def test_a_tensor_that_no_network_reads_is_named(
    saved: Callable[[str], Path],
    tmp_path: Path,
    request_for: RequestFor,
    family: str,
    part: str,
    as_pickle: bool,
) -> None:
    folder = Path(shutil.copytree(saved(family), tmp_path / family))
    name = "encoder.block.0.layer.0.adapter.lora_A.weight"
    add(folder / part, [name, f"{name}_more"], as_pickle=as_pickle)
    with pytest.raises(ModelNotLoadable) as caught:
        draw(folder, request_for())
    assert caught.value.lasting
    assert caught.value.name == family
    assert f"its {part} holds tensors that" in caught.value.reason
    assert name in str(caught.value)


HARMLESS = {
    ("sd", "text_encoder"): [
        "text_model.embeddings.position_ids",
        "logit_scale",
        "text_projection.weight",
        "visual_projection.weight",
        "vision_model.embeddings.class_embedding",
    ],
    ("sd", "vae"): ["loss.logvar", "model_ema.decay"],
    ("pixart", "text_encoder"): ["decoder.block.0.layer.0.weight", "lm_head.weight"],
}


@pytest.mark.parametrize(("family", "part"), HARMLESS)
def test_tensors_that_change_no_picture_may_be_unread(
    saved: Callable[[str], Path], tmp_path: Path, request_for: RequestFor, family: str, part: str
) -> None:
    folder = Path(shutil.copytree(saved(family), tmp_path / family))
    add(folder / part, HARMLESS[family, part])
    assert draw(folder, request_for()) == draw(saved(family), request_for())


@pytest.mark.parametrize("options", [{}, {"variant": "fp16"}])
@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_a_tensor_missing_in_an_index_of_shards_is_named(
    tmp_path: Path, request_for: RequestFor, part: str, options: dict[str, Any]
) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = save_stable_diffusion(tmp_path / "sd", max_shard_size="300KB", **options)
    (index,) = (folder / part).glob("*.index*.json")
    shard = folder / part / sorted(json.loads(index.read_bytes())["weight_map"].values())[0]
    extra = {"hidden.weight": torch.ones(2)}
    save_file(load_file(shard) | extra, shard, metadata={"format": "pt"})
    with pytest.raises(ModelNotLoadable, match=rf"its {part} holds tensors .*hidden\.weight"):
        draw(folder, request_for())


def test_the_old_attention_names_of_an_autoencoder_are_read(
    saved: Callable[[str], Path], tmp_path: Path, request_for: RequestFor
) -> None:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(saved("sd"), tmp_path / "sd"))
    path = folder / "vae/diffusion_pytorch_model.safetensors"
    old = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    tensors = load_file(path)
    for now, before in old.items():
        tensors = {name.replace(now, before): tensor for name, tensor in tensors.items()}
    save_file(tensors, path, metadata={"format": "pt"})
    assert draw(folder, request_for()) == draw(saved("sd"), request_for())
