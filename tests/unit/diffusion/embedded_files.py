"""The configuration files that a small, valid checkpoint embeds."""

import json

__all__ = ["FILES", "changed"]

_WORDS = ["a", "b</w>", "ab</w>", "<|startoftext|>", "<|endoftext|>"]
_TABLES: dict[str, dict[str, object]] = {
    "model_index.json": {"_class_name": "StableDiffusionPipeline"},
    "unet/config.json": {
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": [48, 96],
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
        "layers_per_block": 1,
        "attention_head_dim": [1, 2],
        "cross_attention_dim": 128,
        "norm_num_groups": 16,
    },
    "vae/config.json": {
        "block_out_channels": [16, 32, 64, 64],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "latent_channels": 4,
        "norm_num_groups": 4,
        "scaling_factor": 0.35,
    },
    "text_encoder/config.json": {
        "vocab_size": 5,
        "max_position_embeddings": 77,
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "hidden_act": "quick_gelu",
        "bos_token_id": 3,
        "eos_token_id": 4,
        "pad_token_id": 4,
    },
    "scheduler/scheduler_config.json": {
        "_class_name": "DPMSolverMultistepScheduler",
        "num_train_timesteps": 1000,
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "prediction_type": "epsilon",
    },
    "tokenizer/vocab.json": {word: number for number, word in enumerate(_WORDS)},
    "tokenizer/tokenizer_config.json": {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": 77,
        "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
    },
}
FILES = {name: json.dumps(fields) for name, fields in _TABLES.items()} | {
    "tokenizer/merges.txt": "#version: 0.2\na b</w>\n"
}


def changed(name: str, field: str, value: object) -> dict[str, str]:
    """Return `FILES` with another value of one field; `...` removes the field."""
    fields = _TABLES[name] | {field: value}
    if value is ...:
        del fields[field]
    return FILES | {name: json.dumps(fields)}
