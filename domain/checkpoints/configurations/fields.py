"""The fields that the files of an embedded configuration may have.

A checkpoint may come from anybody, so a rule checks each field before anything is built. The fields
are those of the `__init__` of diffusers' UNet2DConditionModel, AutoencoderKL and
DPMSolverMultistepScheduler and of transformers' CLIPTextConfig. A field without a rule is not
passed on: the libraries' other fields name files, code or classes, or have no use here.
"""

from collections.abc import Mapping

from domain.checkpoints.configurations.json_text import UnusableConfiguration
from domain.checkpoints.configurations.rules import (
    LEVELS,
    MOST_CHANNELS,
    MOST_TRAINING_STEPS,
    SCALING_FACTORS,
    Rule,
    list_of,
    number,
    one_of,
    or_list,
    shown,
    whole,
)

__all__ = ["Fields", "checked_fields", "refuse"]

Fields = dict[str, object]
_ACTIVATIONS = ("silu", "swish", "mish", "gelu", "relu")


def refuse(file: str, problem: str) -> UnusableConfiguration:
    """Return the error for a file of the configuration."""
    return UnusableConfiguration(f"{file} in its embedded configuration {problem}")


def checked_fields(file: str, fields: Fields) -> Fields:
    """Return the known fields of `fields`, each within its bounds.

    Raises:
        UnusableConfiguration: A field is out of bounds, or a required field is missing.
    """
    rules = _RULES[file]
    if missing := sorted(_NEEDED[file] - fields.keys()):
        raise refuse(file, f"lacks {', '.join(missing)}")
    for name, rule in rules.items():
        if name in fields and (problem := rule(fields[name])) is not None:
            raise refuse(file, f"has a {name} of {shown(fields[name])}; it must be {problem}")
    return {name: fields[name] for name in rules if name in fields}


_SWITCH = one_of(True, False)
_NOTHING = one_of(None)
_CHANNELS = whole(1, MOST_CHANNELS)
_RULES: Mapping[str, Mapping[str, Rule]] = {
    "unet/config.json": {
        "sample_size": whole(1, 1024),
        "in_channels": one_of(4, 9),
        "out_channels": one_of(4),
        "block_out_channels": list_of(_CHANNELS, 1, LEVELS),
        "down_block_types": list_of(one_of("DownBlock2D", "CrossAttnDownBlock2D"), 1, LEVELS),
        "mid_block_type": one_of("UNetMidBlock2DCrossAttn"),
        "up_block_types": list_of(one_of("UpBlock2D", "CrossAttnUpBlock2D"), 1, LEVELS),
        "layers_per_block": whole(1, 8),
        "transformer_layers_per_block": or_list(whole(1, 16)),
        "attention_head_dim": or_list(whole(1, 64)),
        "cross_attention_dim": _CHANNELS,
        "norm_num_groups": whole(1, 512),
        "norm_eps": number(1e-12, 0.1),
        "act_fn": one_of(*_ACTIVATIONS),
        "dropout": number(0, 0.99),
        "downsample_padding": one_of(0, 1),
        "mid_block_scale_factor": number(0.01, 100),
        "resnet_out_scale_factor": number(0.01, 100),
        "freq_shift": one_of(0, 1),
        "conv_in_kernel": one_of(1, 3, 5, 7),
        "conv_out_kernel": one_of(1, 3, 5, 7),
        "center_input_sample": _SWITCH,
        "flip_sin_to_cos": _SWITCH,
        "use_linear_projection": _SWITCH,
        "upcast_attention": _SWITCH,
        "only_cross_attention": _SWITCH,
        "dual_cross_attention": one_of(False),
        "resnet_skip_time_act": one_of(False),
        "class_embeddings_concat": one_of(False),
        "resnet_time_scale_shift": one_of("default"),
        "time_embedding_type": one_of("positional"),
        "attention_type": one_of("default"),
        # Each adds an input that Stable Diffusion 1 and 2 do not have, or changes the network.
        "reverse_transformer_layers_per_block": _NOTHING,
        "encoder_hid_dim": _NOTHING,
        "encoder_hid_dim_type": _NOTHING,
        "num_attention_heads": _NOTHING,
        "class_embed_type": _NOTHING,
        "addition_embed_type": _NOTHING,
        "num_class_embeds": _NOTHING,
        "time_embedding_dim": _NOTHING,
        "time_embedding_act_fn": _NOTHING,
        "timestep_post_act": _NOTHING,
        "time_cond_proj_dim": _NOTHING,
        "mid_block_only_cross_attention": _NOTHING,
        "cross_attention_norm": _NOTHING,
    },
    "vae/config.json": {
        "in_channels": one_of(3),
        "out_channels": one_of(3),
        "latent_channels": one_of(4),
        # Four levels halve a picture three times, so a latent stands for 8 by 8 pixels.
        "block_out_channels": list_of(_CHANNELS, 4, 4),
        "down_block_types": list_of(one_of("DownEncoderBlock2D"), 4, 4),
        "up_block_types": list_of(one_of("UpDecoderBlock2D"), 4, 4),
        "layers_per_block": whole(1, 8),
        "norm_num_groups": whole(1, 512),
        "act_fn": one_of(*_ACTIVATIONS),
        "sample_size": whole(1, 8192),
        "scaling_factor": number(*SCALING_FACTORS),
        "shift_factor": _NOTHING,
        "latents_mean": _NOTHING,
        "latents_std": _NOTHING,
        "force_upcast": _SWITCH,
        "use_quant_conv": _SWITCH,
        "use_post_quant_conv": _SWITCH,
        "mid_block_add_attention": _SWITCH,
    },
    "text_encoder/config.json": {
        "model_type": one_of("clip_text_model"),
        "vocab_size": whole(1, 65_536),
        "max_position_embeddings": one_of(77),
        "hidden_size": _CHANNELS,
        "intermediate_size": whole(1, 4 * MOST_CHANNELS),
        "num_hidden_layers": whole(1, 64),
        "num_attention_heads": whole(1, 64),
        "hidden_act": one_of("quick_gelu", "gelu"),
        "projection_dim": _CHANNELS,
        "layer_norm_eps": number(1e-12, 0.1),
        "attention_dropout": number(0, 0.99),
        "bos_token_id": whole(0, 65_535),
        "eos_token_id": whole(0, 65_535),
        "pad_token_id": whole(0, 65_535),
    },
    "scheduler/scheduler_config.json": {
        "num_train_timesteps": whole(1000, MOST_TRAINING_STEPS),
        "beta_start": number(1e-8, 0.5),
        "beta_end": number(1e-8, 0.5),
        "beta_schedule": one_of("linear", "scaled_linear", "squaredcos_cap_v2"),
        "trained_betas": _NOTHING,
        "prediction_type": one_of("epsilon", "v_prediction"),
        "steps_offset": one_of(0, 1),
        "timestep_spacing": one_of("linspace", "leading", "trailing"),
        "rescale_betas_zero_snr": _SWITCH,
        "algorithm_type": one_of("dpmsolver++", "sde-dpmsolver++"),
        "solver_type": one_of("midpoint", "heun"),
        "solver_order": whole(1, 3),
        "lower_order_final": _SWITCH,
        "euler_at_final": _SWITCH,
        "use_karras_sigmas": _SWITCH,
        "final_sigmas_type": one_of("zero", "sigma_min"),
    },
    "tokenizer/tokenizer_config.json": {
        "model_max_length": one_of(77),
        "do_lower_case": _SWITCH,
        "add_prefix_space": _SWITCH,
        "errors": one_of("replace", "ignore", "strict"),
    },
}
# Fields whose defaults in the libraries belong to another network than the checkpoint's.
_NEEDED: Mapping[str, frozenset[str]] = {
    "unet/config.json": frozenset(
        {"block_out_channels", "cross_attention_dim", "down_block_types", "up_block_types"}
    ),
    "vae/config.json": frozenset({"block_out_channels", "down_block_types", "up_block_types"}),
    "text_encoder/config.json": frozenset(
        {"vocab_size", "max_position_embeddings", "hidden_size", "intermediate_size"}
        | {"num_hidden_layers", "num_attention_heads", "hidden_act"}
        | {"bos_token_id", "eos_token_id", "pad_token_id"}
    ),
    "scheduler/scheduler_config.json": frozenset(
        {"num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "prediction_type"}
    ),
    "tokenizer/tokenizer_config.json": frozenset({"model_max_length"}),
}
