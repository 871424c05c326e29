"""The second text encoder of SDXL is the same by each of its names."""

from pathlib import Path
from typing import Any

import pytest

from domain.checkpoints.additions.network_modules.text_encoders import IN_LAYER, OUTSIDE
from domain.models.record import ModelRecord

pytestmark = pytest.mark.torch

START, WIDTH = "conditioner.embedders.1.", 32


@pytest.fixture(scope="module")
def encoder() -> Any:
    import torch
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    torch.manual_seed(0)
    text = CLIPTextConfig(
        vocab_size=50,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=WIDTH,
        bos_token_id=1,
        eos_token_id=2,
    )
    return CLIPTextModelWithProjection(text).eval()


def by_transformers(encoder: Any) -> dict[str, Any]:
    return {
        f"{START}transformer.{name}": tensor.clone()
        for name, tensor in encoder.state_dict().items()
        if not name.endswith("position_ids")
    }


def by_open_clip(encoder: Any) -> dict[str, Any]:
    """Return the tensors by open_clip's names, with the projection as a matrix."""
    import torch

    state = {name.removeprefix("text_model."): each for name, each in encoder.state_dict().items()}
    tensors = {f"{START}model.{own}": state[theirs] for own, theirs in OUTSIDE.items()}
    for number in range(2):
        block = f"{START}model.transformer.resblocks.{number}."
        layer = f"encoder.layers.{number}."
        for kind in ("weight", "bias"):
            for own, theirs in IN_LAYER.items():
                tensors[f"{block}{own}.{kind}"] = state[f"{layer}{theirs}.{kind}"]
            tensors[f"{block}attn.in_proj_{kind}"] = torch.cat(
                [state[f"{layer}self_attn.{each}_proj.{kind}"] for each in "qkv"]
            )
    tensors[f"{START}model.text_projection"] = state["text_projection.weight"].T.contiguous()
    return {name: tensor.clone() for name, tensor in tensors.items()}


def by_early_diffusers(encoder: Any) -> dict[str, Any]:
    tensors = by_open_clip(encoder)
    projection = tensors.pop(f"{START}model.text_projection")
    return tensors | {f"{START}model.text_projection.weight": projection.T.contiguous()}


def by_both(encoder: Any) -> dict[str, Any]:
    tensors = by_transformers(encoder)
    projection = tensors.pop(f"{START}transformer.text_projection.weight")
    return tensors | {f"{START}model.text_projection": projection.T.contiguous()}


@pytest.mark.parametrize("named", [by_transformers, by_open_clip, by_early_diffusers, by_both])
def test_a_text_is_read_alike_by_each_of_the_names(
    tmp_path: Path, encoder: Any, named: Any
) -> None:
    import torch
    from diffusers.loaders.single_file_utils import convert_open_clip_checkpoint
    from safetensors.torch import save_file

    from adapters.diffusion.loading.weights import read_weights

    path = tmp_path / "a.safetensors"
    save_file(named(encoder), path)
    weights = read_weights(ModelRecord("ab" * 32, path.name, 1, str(path), ".safetensors"))
    assert weights.keys() == by_open_clip(encoder).keys()
    converted = convert_open_clip_checkpoint(encoder, dict(weights), prefix=f"{START}model.")
    own = encoder.state_dict()
    assert {name.removeprefix("text_model.") for name in converted} == {
        name.removeprefix("text_model.") for name in own if not name.endswith("position_ids")
    }
    for name, tensor in converted.items():
        place = name if name in own else f"text_model.{name.removeprefix('text_model.')}"
        assert torch.equal(tensor, own[place]), name
