"""A whole Stable Diffusion folder of half a megabyte, which draws within a second."""

import json
from pathlib import Path

__all__ = ["WORDS", "save_tiny"]

WORDS = ("a", "red", "cat", "on", "the", "tree")
_START, _END = "<|startoftext|>", "<|endoftext|>"
_WIDTH = 16


def save_tiny(folder: Path) -> Path:
    """Write a folder of random weights with each file that a published one has; return it.

    Its tokenizer is there as `vocab.json` and `merges.txt` and as `tokenizer.json`.
    """
    import torch
    from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    tokens = _save_tokenizer(folder / "tokenizer")
    torch.manual_seed(0)
    UNet2DConditionModel(
        sample_size=32,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=_WIDTH,
        attention_head_dim=8,
        norm_num_groups=4,
    ).save_pretrained(folder / "unet")
    AutoencoderKL(
        block_out_channels=(4,) * 4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=2,
    ).save_pretrained(folder / "vae")
    CLIPTextModel(
        CLIPTextConfig(
            vocab_size=tokens,
            hidden_size=_WIDTH,
            intermediate_size=_WIDTH,
            num_hidden_layers=1,
            num_attention_heads=2,
            bos_token_id=tokens - 2,
            eos_token_id=tokens - 1,
            pad_token_id=tokens - 1,
        )
    ).save_pretrained(folder / "text_encoder")
    DPMSolverMultistepScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"
    ).save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "StableDiffusionPipeline",
        "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "safety_checker": [None, None],
        "feature_extractor": [None, None],
    }
    (folder / "model_index.json").write_text(json.dumps(index), "utf-8")
    return folder


def _save_tokenizer(folder: Path) -> int:
    """Write a tokenizer of CLIP that has each of `WORDS` as one token; return its size."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True)
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        whole, *rest = (*word[:-1], word[-1] + "</w>")
        for part in rest:
            if (whole, part) not in merges:
                merges.append((whole, part))
            whole += part
    letters = sorted({letter for word in WORDS for letter in word})
    single = (*letters, *(f"{letter}</w>" for letter in letters))
    tokens = dict.fromkeys((*single, *map("".join, merges), _START, _END))
    special = {"bos_token": _START, "eos_token": _END, "unk_token": _END, "pad_token": _END}
    about = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, **special}
    vocabulary = {token: number for number, token in enumerate(tokens)}
    files = {
        "vocab.json": json.dumps(vocabulary),
        "merges.txt": "\n".join(["#version: 0.2", *map(" ".join, merges)]) + "\n",
        "special_tokens_map.json": json.dumps(special),
        "tokenizer_config.json": json.dumps(about),
    }
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    CLIPTokenizer.from_pretrained(str(folder), local_files_only=True).save_pretrained(str(folder))
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return len(vocabulary)
