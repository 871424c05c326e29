"""The scales that diffusers writes into the metadata of a LoRA."""

import json
from typing import Any

import pytest

from domain.checkpoints.additions.lora_layouts.adapter_metadata import adapter_scales
from domain.checkpoints.additions.network_modules import Network
from domain.checkpoints.configurations.json_text import UnusableConfiguration

MODULE = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"


def factor(rank: int = 4, network: Network = Network.UNET, **fields: Any) -> float:
    named = {f"unet.{name}": value for name, value in fields.items()}
    scales = adapter_scales({"lora_adapter_metadata": json.dumps(named)})
    return scales.factor(network, MODULE, rank)


def test_without_metadata_the_factor_is_one() -> None:
    assert adapter_scales({}).factor(Network.UNET, MODULE, 4) == 1
    assert adapter_scales({"format": "pt"}).factor(Network.UNET, MODULE, 4) == 1


def test_the_factor_is_alpha_over_rank() -> None:
    assert factor(lora_alpha=8, rank=4) == 2
    assert factor(lora_alpha=-1.0, rank=2) == -0.5
    assert factor(lora_alpha=8, rank=4, use_rslora=True) == 4
    assert factor(lora_alpha=8, rank=4, use_rslora=False) == 2


def test_each_network_has_its_own_fields() -> None:
    assert factor(lora_alpha=8, network=Network.TEXT_ENCODER) == 1


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (MODULE, 3.0),
        ("to_q", 3.0),
        ("attn1.to_q", 3.0),
        (f"^{MODULE}$", 3.0),
        (MODULE.replace(".", "\\."), 3.0),
        ("o_q", 2.0),
        ("attn1", 2.0),
    ],
)
def test_a_pattern_names_a_module_by_the_end_of_its_name(pattern: str, expected: float) -> None:
    assert factor(lora_alpha=8, alpha_pattern={pattern: 12}) == expected


@pytest.mark.parametrize("written", ["text_model.encoder.layers.0.mlp.fc1", "mlp.fc1"])
@pytest.mark.parametrize(
    "module", ["encoder.layers.0.mlp.fc1", "text_model.encoder.layers.0.mlp.fc1"]
)
def test_a_pattern_names_a_module_of_a_text_encoder(written: str, module: str) -> None:
    fields = {"text_encoder.lora_alpha": 8, "text_encoder.alpha_pattern": {written: 12}}
    scales = adapter_scales({"lora_adapter_metadata": json.dumps(fields)})
    assert scales.factor(Network.TEXT_ENCODER, module, 4) == 3


@pytest.mark.parametrize("pattern", [".*", "attn[12].to_q", "to_q|to_k", "(to_q)", "to_q$$", ""])
def test_an_expression_that_is_not_the_name_of_a_module_is_refused(pattern: str) -> None:
    with pytest.raises(UnusableConfiguration, match="expression"):
        factor(lora_alpha=8, alpha_pattern={pattern: 12})


@pytest.mark.parametrize("alpha", [0, "8", True, [8], {"a": 1}])
def test_an_alpha_that_cannot_be_a_factor_is_refused(alpha: Any) -> None:
    with pytest.raises(UnusableConfiguration):
        factor(lora_alpha=alpha)


@pytest.mark.parametrize("text", ["", "{", "[]", "8", '{"a": 1, "a": 2}', "[" * 10_000])
def test_an_entry_that_is_not_an_object_is_refused(text: str) -> None:
    with pytest.raises(UnusableConfiguration):
        adapter_scales({"lora_adapter_metadata": text})
