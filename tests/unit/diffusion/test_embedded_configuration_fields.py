"""Numbers and names from strangers: each is refused by file and field before anything is built."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from adapters.diffusion.families import FAMILIES, configuration_files
from domain.checkpoints.configurations import UnusableConfiguration, embedded_configuration
from domain.models.record import ModelFamily
from tests.paths import DEMO_CHECKPOINT
from tests.unit.diffusion.embedded_files import FILES, changed

UNET, VAE, ENCODER = "unet/config.json", "vae/config.json", "text_encoder/config.json"
SCHEDULER, TOKENIZER = "scheduler/scheduler_config.json", "tokenizer/tokenizer_config.json"
HUGE = 10**8


@pytest.mark.parametrize(
    ("file", "field", "value"),
    [
        (UNET, "layers_per_block", HUGE),
        (UNET, "layers_per_block", 0),
        (UNET, "layers_per_block", True),
        (UNET, "layers_per_block", 1.0),
        (UNET, "layers_per_block", [1, 1]),
        (UNET, "transformer_layers_per_block", HUGE),
        (UNET, "transformer_layers_per_block", [1, HUGE]),
        (UNET, "transformer_layers_per_block", [1]),
        (UNET, "transformer_layers_per_block", [[1], [1]]),
        (UNET, "block_out_channels", [48, 1_000_000]),
        (UNET, "block_out_channels", [48, -96]),
        (UNET, "block_out_channels", [48] * 9),
        (UNET, "block_out_channels", []),
        (UNET, "block_out_channels", 48),
        (UNET, "block_out_channels", ...),
        (UNET, "down_block_types", ["DownBlock2D", "os.system"]),
        (UNET, "down_block_types", ["DownBlock2D"]),
        (UNET, "down_block_types", "DownBlock2D"),
        (UNET, "up_block_types", ["KUpBlock2D"] * 2),
        (UNET, "up_block_types", ...),
        (UNET, "mid_block_type", "UNetMidBlock2D"),
        (UNET, "mid_block_type", None),
        (UNET, "norm_num_groups", 0),
        (UNET, "norm_num_groups", 7),
        (UNET, "norm_num_groups", None),
        (UNET, "norm_num_groups", 10**30),
        (UNET, "attention_head_dim", 0),
        (UNET, "attention_head_dim", 7),
        (UNET, "attention_head_dim", [1] * 3),
        (UNET, "cross_attention_dim", 127),
        (UNET, "cross_attention_dim", [128, 128]),
        (UNET, "in_channels", 5),
        (UNET, "out_channels", 8),
        (UNET, "norm_eps", 1e30),
        (UNET, "norm_eps", "0.1"),
        (UNET, "act_fn", "x" * 100_000),
        (UNET, "addition_embed_type", "text_time"),
        (UNET, "class_embed_type", "timestep"),
        (UNET, "sample_size", HUGE),
        (VAE, "block_out_channels", [16, 32, 64]),
        (VAE, "block_out_channels", [16, 32, 64, 64, 64]),
        (VAE, "down_block_types", ["DownEncoderBlock2D"] * 3),
        (VAE, "up_block_types", ["AttnUpDecoderBlock2D"] * 4),
        (VAE, "latent_channels", 16),
        (VAE, "out_channels", 4),
        (VAE, "norm_num_groups", 0),
        (VAE, "layers_per_block", HUGE),
        (VAE, "scaling_factor", 0),
        (VAE, "scaling_factor", 10**400),
        (VAE, "latents_mean", [0.0] * 4),
        (ENCODER, "num_hidden_layers", HUGE),
        (ENCODER, "num_hidden_layers", 65),
        (ENCODER, "num_attention_heads", 3),
        (ENCODER, "num_attention_heads", 0),
        (ENCODER, "hidden_size", HUGE),
        (ENCODER, "vocab_size", HUGE),
        (ENCODER, "max_position_embeddings", 2),
        (ENCODER, "max_position_embeddings", 10**9),
        (ENCODER, "eos_token_id", [4]),
        (ENCODER, "eos_token_id", 3),
        (ENCODER, "eos_token_id", ...),
        (ENCODER, "pad_token_id", -1),
        (ENCODER, "hidden_act", "evil"),
        (ENCODER, "model_type", "llama"),
        (SCHEDULER, "num_train_timesteps", 10**9),
        (SCHEDULER, "num_train_timesteps", 1),
        (SCHEDULER, "trained_betas", [0.1] * 1000),
        (SCHEDULER, "beta_start", -1),
        (SCHEDULER, "beta_schedule", "sigmoid"),
        (SCHEDULER, "prediction_type", "flow_prediction"),
        (SCHEDULER, "solver_order", 99),
        (TOKENIZER, "model_max_length", 10**9),
        (TOKENIZER, "model_max_length", 2),
        (TOKENIZER, "model_max_length", ...),
        (TOKENIZER, "pad_token", ...),
        (TOKENIZER, "bos_token", None),
        (TOKENIZER, "eos_token", {"content": 5}),
        (TOKENIZER, "eos_token", "not in the vocabulary"),
        (TOKENIZER, "unk_token", "x" * 101),
    ],
)
def test_an_impossible_value_is_refused_by_file_and_field(
    file: str, field: str, value: Any
) -> None:
    with pytest.raises(UnusableConfiguration) as caught:
        embedded_configuration(changed(file, field, value))
    reason = str(caught.value)
    assert reason.startswith(f"{file} in its embedded configuration")
    assert field in reason
    assert len(reason) < 300


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("tokenizer/vocab.json", {"a": 5}, "a number that is not that of a token"),
        ("tokenizer/vocab.json", {"a": -1}, "a number that is not that of a token"),
        ("tokenizer/vocab.json", {"a": True}, "a number that is not that of a token"),
        ("tokenizer/vocab.json", {"a": 1, "b</w>": 1}, "two tokens one number"),
        ("tokenizer/merges.txt", "#version: 0.2\na c", "line 2"),
        ("tokenizer/merges.txt", "a b</w>\n#version", "line 2"),
        ("tokenizer/merges.txt", "a b</w> ab</w>", "line 1"),
        ("tokenizer/merges.txt", "\ud800", "half a character"),
    ],
)
def test_a_vocabulary_that_points_outside_the_tokens_is_refused(
    name: str, text: object, reason: str
) -> None:
    content = text if isinstance(text, str) else json.dumps(text)
    with pytest.raises(UnusableConfiguration, match=reason) as caught:
        embedded_configuration(FILES | {name: content})
    assert str(caught.value).startswith(name)


def test_a_number_that_is_not_finite_is_refused() -> None:
    text = FILES[VAE].replace("0.35", "1e999")
    with pytest.raises(UnusableConfiguration, match=r"vae/config\.json.*scaling_factor of inf"):
        embedded_configuration(FILES | {VAE: text})


def test_the_token_numbers_of_a_text_encoder_are_in_its_vocabulary() -> None:
    with pytest.raises(UnusableConfiguration, match=r"text_encoder/config\.json.* vocab_size is 5"):
        embedded_configuration(changed(ENCODER, "pad_token_id", 5))


@pytest.mark.parametrize(
    ("file", "field", "value"),
    [
        (UNET, "attention_head_dim", 8),
        (UNET, "in_channels", 9),
        (UNET, "transformer_layers_per_block", [1, 2]),
        (ENCODER, "eos_token_id", 2),
        (VAE, "scaling_factor", 1),
        (TOKENIZER, "bos_token", {"__type": "AddedToken", "content": "<|startoftext|>"}),
    ],
)
def test_valid_values_pass(file: str, field: str, value: Any) -> None:
    assert embedded_configuration(changed(file, field, value)) is not None


@pytest.mark.parametrize(
    "family",
    [
        family
        for family in FAMILIES
        # A file with a configuration of its own has no family, and image guidance needs one.
        if not family.value.startswith("sdxl") and family is not ModelFamily.SD_1_PIX2PIX
    ],
)
def test_the_published_configurations_pass(family: ModelFamily) -> None:
    assert embedded_configuration(configuration_files(family)) is not None


def metadata_of(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        metadata: dict[str, str] = json.loads(file.read(length))["__metadata__"]
    return metadata


@pytest.mark.skipif(not DEMO_CHECKPOINT.is_file(), reason="the demo checkpoint does not exist yet")
def test_the_demo_checkpoint_passes() -> None:
    metadata = metadata_of(DEMO_CHECKPOINT)
    files = embedded_configuration(metadata)
    assert files is not None
    # No field that changes the pictures is left out.
    for name, fields in ((UNET, {"addition_embed_type_num_heads"}), (VAE, set[str]())):
        told, taken = json.loads(metadata[name]), json.loads(files[name])
        left_out = {key for key in told.keys() - taken.keys() if told[key] is not None}
        assert left_out == fields
