"""Tiny diffusers folders of random weights, and their records as the registry would make them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from domain.models.record import FileStamp, ModelPart, ModelRecord
from tests.contract.conftest import DEMO_MODEL

__all__ = ["record_of", "save_newer", "save_stable_diffusion", "save_with_channels"]

_WORDS = ("</s>", "<unk>", "a", "red", "blue", "circle", "square", "many", "words")


def record_of(folder: Path) -> ModelRecord:
    """Return the folder's record, with every file in it as a part."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    parts = tuple(
        ModelPart(path.relative_to(folder).as_posix(), FileStamp.of(path.stat())) for path in paths
    )
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {part.path}\n"
        for path, part in zip(paths, parts, strict=True)
    ]
    return ModelRecord(
        id=hashlib.sha256("".join(lines).encode()).hexdigest(),
        name=folder.name,
        size=sum(part.stamp.size for part in parts),
        path=str(folder),
        extension="",
        parts=parts,
    )


def save_stable_diffusion(folder: Path, *, dtype: str = "float16", **options: Any) -> Path:
    """Return the demo checkpoint as a folder, saved by diffusers."""
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    load_pipeline(DEMO_MODEL, find_device("cpu", dtype)).save_pretrained(folder, **options)
    return folder


def save_with_channels(folder: Path, in_channels: int, class_name: str | None = None) -> Path:
    """Return the demo checkpoint with further input channels of its UNet, as a folder.

    The weights of these channels are random, and small enough to leave a picture.

    Args:
        folder: Where the folder will be.
        in_channels: The input channels of the UNet: 9 or 8.
        class_name: The pipeline's class in `model_index.json`; None for the one of text.
    """
    import torch

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    pipeline = load_pipeline(DEMO_MODEL, find_device("cpu", "float32"))
    old = pipeline.unet.conv_in
    new = torch.nn.Conv2d(in_channels, old.out_channels, old.kernel_size, padding=old.padding)
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        new.weight.copy_(0.05 * torch.randn(new.weight.shape, generator=noise))
        new.weight[:, : old.in_channels] = old.weight
        new.bias.copy_(old.bias)
    pipeline.unet.conv_in = new
    pipeline.unet.register_to_config(in_channels=in_channels)
    pipeline.save_pretrained(folder)
    if class_name is not None:
        index = folder / "model_index.json"
        values = json.loads(index.read_text("utf-8")) | {"_class_name": class_name}
        index.write_text(json.dumps(values), "utf-8")
    return folder


def save_newer(folder: Path, family: str) -> Path:
    """Return a tiny model, by a name in `_FAMILIES`.

    `sd3` and `flux` have flow matching, CLIP and T5; `pixart` has T5; `lcm` has CLIP and
    a UNet that takes the guidance scale.
    """
    import torch

    torch.manual_seed(0)
    _FAMILIES[family]().save_pretrained(folder)
    return folder


def _sd3(channels: int = 4) -> Any:
    from diffusers import SD3Transformer2DModel, StableDiffusion3Pipeline
    from transformers import CLIPTextModelWithProjection

    tokenizer = _clip_tokenizer()
    return StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=32,
            in_channels=channels,
            out_channels=channels,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=32,
            caption_projection_dim=32,
            pooled_projection_dim=64,
            pos_embed_max_size=64,
        ),
        text_encoder=CLIPTextModelWithProjection(_clip_config(tokenizer)),
        tokenizer=tokenizer,
        text_encoder_2=CLIPTextModelWithProjection(_clip_config(tokenizer)),
        tokenizer_2=tokenizer,
        text_encoder_3=_t5(),
        tokenizer_3=_t5_tokenizer(),
        vae=_vae(channels),
        scheduler=_flow(),
    )


def _flux() -> Any:
    from diffusers import FluxPipeline, FluxTransformer2DModel
    from transformers import CLIPTextModel

    tokenizer = _clip_tokenizer()
    return FluxPipeline(
        transformer=FluxTransformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=(4, 4, 8),
        ),
        text_encoder=CLIPTextModel(_clip_config(tokenizer)),
        tokenizer=tokenizer,
        text_encoder_2=_t5(),
        tokenizer_2=_t5_tokenizer(),
        vae=_vae(),
        scheduler=_flow(),
    )


def _pixart() -> Any:
    from diffusers import DPMSolverMultistepScheduler, PixArtSigmaPipeline, PixArtTransformer2DModel

    return PixArtSigmaPipeline(
        transformer=PixArtTransformer2DModel(
            sample_size=32,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            in_channels=4,
            out_channels=8,
            cross_attention_dim=32,
            caption_channels=32,
            use_additional_conditions=False,
        ),
        text_encoder=_t5(),
        tokenizer=_t5_tokenizer(),
        vae=_vae(),
        scheduler=DPMSolverMultistepScheduler(),
    )


def _lcm() -> Any:
    from diffusers import LatentConsistencyModelPipeline, LCMScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel

    tokenizer = _clip_tokenizer()
    return LatentConsistencyModelPipeline(
        unet=UNet2DConditionModel(
            sample_size=32,
            block_out_channels=(8, 16),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            norm_num_groups=4,
            cross_attention_dim=32,
            attention_head_dim=2,
            time_cond_proj_dim=16,
        ),
        text_encoder=CLIPTextModel(_clip_config(tokenizer)),
        tokenizer=tokenizer,
        vae=_vae(),
        scheduler=LCMScheduler(beta_start=0.00085, beta_end=0.012),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _chroma() -> Any:
    from diffusers import ChromaPipeline, ChromaTransformer2DModel

    return ChromaPipeline(
        transformer=ChromaTransformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            axes_dims_rope=(4, 4, 8),
            approximator_num_channels=16,
            approximator_hidden_dim=32,
            approximator_layers=1,
        ),
        text_encoder=_t5(),
        tokenizer=_t5_tokenizer(),
        vae=_vae(),
        scheduler=_flow(),
    )


def _klein() -> Any:
    from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline, Flux2Transformer2DModel

    return Flux2KleinPipeline(
        transformer=Flux2Transformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=48,
            timestep_guidance_channels=16,
            axes_dims_rope=(4, 4, 4, 4),
        ),
        text_encoder=_qwen3(layers=28, causal=True),
        tokenizer=_t5_tokenizer(),
        vae=AutoencoderKLFlux2(
            block_out_channels=(4, 4, 4, 4),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=1,
            norm_num_groups=2,
            latent_channels=4,
        ),
        scheduler=_flow(),
    )


def _qwen() -> Any:
    from diffusers import (
        AutoencoderKLQwenImage,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tokenizer = _t5_tokenizer()
    return QwenImagePipeline(
        transformer=QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(
                text_config={
                    "hidden_size": 16,
                    "intermediate_size": 16,
                    "num_hidden_layers": 2,
                    "num_attention_heads": 2,
                    "num_key_value_heads": 2,
                    "vocab_size": len(tokenizer),
                    "rope_parameters": {
                        "rope_type": "default",
                        "mrope_section": [1, 1, 2],
                        "rope_theta": 1_000_000.0,
                    },
                },
                vision_config={
                    "depth": 1,
                    "hidden_size": 16,
                    "intermediate_size": 16,
                    "num_heads": 2,
                    "out_hidden_size": 16,
                },
            )
        ),
        tokenizer=tokenizer,
        vae=AutoencoderKLQwenImage(
            base_dim=24,
            z_dim=4,
            dim_mult=[1, 2, 4],
            num_res_blocks=1,
            temperal_downsample=[False, True],
            latents_mean=[0.1] * 4,
            latents_std=[1.2] * 4,
        ),
        scheduler=_flow(),
    )


def _z_image() -> Any:
    from diffusers import ZImagePipeline, ZImageTransformer2DModel

    return ZImagePipeline(
        transformer=ZImageTransformer2DModel(
            all_patch_size=(2,),
            all_f_patch_size=(1,),
            in_channels=16,
            dim=32,
            n_layers=1,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=16,
            axes_dims=[8, 4, 4],
            axes_lens=[256, 32, 32],
        ),
        text_encoder=_qwen3(layers=2, causal=False),
        tokenizer=_t5_tokenizer(),
        vae=_vae(16),
        scheduler=_flow(),
    )


def _qwen3(*, layers: int, causal: bool) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM, Qwen3Model

    return (Qwen3ForCausalLM if causal else Qwen3Model)(
        Qwen3Config(
            vocab_size=len(_WORDS),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=layers,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=8,
        )
    )


_FAMILIES: dict[str, Callable[[], Any]] = {
    "sd3": _sd3,
    "sd3-16": lambda: _sd3(16),
    "chroma": _chroma,
    "klein": _klein,
    "qwen": _qwen,
    "z-image": _z_image,
    "flux": _flux,
    "pixart": _pixart,
    "lcm": _lcm,
}


def _vae(channels: int = 4) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(4, 4, 4, 4),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=2,
        latent_channels=channels,
        shift_factor=0.06,
        scaling_factor=1.5,
    )


def _flow() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(shift=3.0)


def _clip_tokenizer() -> Any:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    return load_pipeline(DEMO_MODEL, find_device("cpu", "float32")).tokenizer


def _clip_config(tokenizer: Any) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=32,
        hidden_act="gelu",
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def _t5() -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(
        T5Config(vocab_size=len(_WORDS), d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4)
    )


def _t5_tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(_WORDS)}, "<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<unk>", pad_token="</s>", eos_token="</s>"
    )
