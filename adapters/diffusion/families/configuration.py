"""Writes the configuration files with which diffusers loads a single-file checkpoint offline.

The files' names and fields are those of a diffusers model folder.
"""

import json
from collections.abc import Mapping

from adapters.diffusion.families.unet import unet_configuration
from adapters.diffusion.families.vocabulary import merges_text, vocabulary_text
from domain.checkpoints.families import FAMILIES, FamilyFacts, TextEncoderFacts
from domain.models.record import ModelFamily

__all__ = ["configuration_files"]

_Fields = dict[str, object]


def configuration_files(family: ModelFamily, facts: FamilyFacts | None = None) -> Mapping[str, str]:
    """Return the files that `from_single_file(path, config=folder, local_files_only=True)` needs.

    Args:
        family: A family in `FAMILIES`.
        facts: The facts of the checkpoint, if they are others than the family's.

    Returns:
        The text of each file by its path in the folder, with `/` between the parts.

    Raises:
        KeyError: The family cannot be loaded from a single file.
    """
    facts = facts or FAMILIES[family]
    tables: dict[str, _Fields] = {
        "model_index.json": _model_index(facts),
        "unet/config.json": unet_configuration(facts.unet),
        "vae/config.json": _vae(facts),
        "scheduler/scheduler_config.json": _scheduler(facts),
    }
    texts: dict[str, str] = {}
    for suffix, encoder in zip(("", "_2"), facts.text_encoders, strict=False):
        tables[f"text_encoder{suffix}/config.json"] = _text_encoder(encoder)
        tokenizer = f"tokenizer{suffix}"
        tables[f"{tokenizer}/tokenizer_config.json"] = {
            "tokenizer_class": "CLIPTokenizer",
            "model_max_length": 77,
            "do_lower_case": True,
            "errors": "replace",
            "add_prefix_space": False,
            **_special_tokens(encoder, __type="AddedToken"),
        }
        tables[f"{tokenizer}/special_tokens_map.json"] = _special_tokens(encoder)
        texts[f"{tokenizer}/vocab.json"] = vocabulary_text()
        texts[f"{tokenizer}/merges.txt"] = merges_text()
    return {**{path: json.dumps(fields) for path, fields in tables.items()}, **texts}


def _model_index(facts: FamilyFacts) -> _Fields:
    index: _Fields = {
        "scheduler": ["diffusers", facts.scheduler],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
    }
    for suffix, encoder in zip(("", "_2"), facts.text_encoders, strict=False):
        index[f"text_encoder{suffix}"] = ["transformers", _text_encoder_class(encoder)]
        index[f"tokenizer{suffix}"] = ["transformers", "CLIPTokenizer"]
    if len(facts.text_encoders) == 2:
        return {
            "_class_name": "StableDiffusionXLPipeline",
            "force_zeros_for_empty_prompt": facts.force_zeros,
            "add_watermarker": False,
            **index,
        }
    return {
        "_class_name": "StableDiffusionPipeline",
        "safety_checker": [None, None],
        "requires_safety_checker": False,
        **index,
    }


def _vae(facts: FamilyFacts) -> _Fields:
    return {
        "_class_name": "AutoencoderKL",
        "sample_size": facts.unet.sample_size * 8,
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 4,
        "block_out_channels": facts.vae_widths,
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "layers_per_block": 2,
        "act_fn": "silu",
        "norm_num_groups": 32,
        "scaling_factor": facts.latent_factor,
        "force_upcast": facts.float32_vae,
    }


def _text_encoder_class(encoder: TextEncoderFacts) -> str:
    return "CLIPTextModelWithProjection" if encoder.projected else "CLIPTextModel"


def _text_encoder(encoder: TextEncoderFacts) -> _Fields:
    return {
        "architectures": [_text_encoder_class(encoder)],
        "model_type": "clip_text_model",
        "vocab_size": 49408,
        "max_position_embeddings": 77,
        "hidden_size": encoder.width,
        "intermediate_size": 4 * encoder.width,
        "num_hidden_layers": encoder.layers,
        "num_attention_heads": encoder.heads,
        "hidden_act": encoder.activation,
        "projection_dim": encoder.projection,
        "layer_norm_eps": 1e-05,
        "attention_dropout": 0.0,
        # These are not the numbers in the vocabulary. With 2, transformers finds the end of the
        # prompt as these models were trained: at the highest token number.
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 1,
    }


def _scheduler(facts: FamilyFacts) -> _Fields:
    fields: _Fields = {
        "_class_name": facts.scheduler,
        "num_train_timesteps": 1000,
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "prediction_type": "v_prediction" if facts.velocity else "epsilon",
        "steps_offset": 1,
    }
    if facts.scheduler == "PNDMScheduler":
        fields |= {"skip_prk_steps": True, "set_alpha_to_one": False}
    elif facts.scheduler == "DDIMScheduler":
        fields |= {"clip_sample": False, "set_alpha_to_one": False}
    else:
        fields |= {"timestep_spacing": "leading", "interpolation_type": "linear"}
    return fields


def _special_tokens(encoder: TextEncoderFacts, **extra: str) -> _Fields:
    def mark(content: str) -> _Fields:
        flags = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
        return {"content": content, **flags, **extra}

    return {
        "bos_token": mark("<|startoftext|>"),
        "eos_token": mark("<|endoftext|>"),
        "unk_token": mark("<|endoftext|>"),
        "pad_token": encoder.pad_token,
    }
