"""Tiny pipelines whose prompts a language model reads, and their parts in files.

The reference pipelines have the whole language models, with what makes words and what reads
pictures. The files have the names of ComfyUI's, which diffusers' own conversions read.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from domain.models.record import ModelFamily, ModelRecord
from tests.contract.sets import autoencoder_originals as autoencoders
from tests.contract.sets import language_originals as originals
from tests.contract.sets import tiny
from tests.contract.sets.converting import original
from tests.contract.sets.inverse import as_vae
from tests.fakes.sentencepiece import gemma_pieces, spiece_model

__all__ = ["FAMILIES", "all_in_one", "pipeline_of", "record_of", "write_parts"]

_TEXT = 32
"""The width of Qwen3 and Gemma 2."""
_LEVELS = (32, 32, 32, 32)


def _z_image() -> Any:
    from diffusers import ZImagePipeline, ZImageTransformer2DModel
    from transformers import Qwen3Model

    from adapters.diffusion.untrusted.chat_template import CHAT_TEMPLATE
    from adapters.diffusion.vocabularies.qwen import qwen_3_tokenizer

    tokenizer = qwen_3_tokenizer()
    tokenizer.chat_template = CHAT_TEMPLATE
    return ZImagePipeline(
        transformer=ZImageTransformer2DModel(
            dim=128,
            n_layers=1,
            n_refiner_layers=1,
            n_heads=1,
            n_kv_heads=1,
            cap_feat_dim=_TEXT,
            axes_lens=[1536, 512, 512],
        ),
        text_encoder=Qwen3Model(_qwen_3(layers=3)),
        tokenizer=tokenizer,
        vae=_vae(),
        scheduler=_flow(shift=3.0),
    )


def _klein() -> Any:
    from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline, Flux2Transformer2DModel
    from transformers import Qwen3ForCausalLM

    from adapters.diffusion.untrusted.chat_template import CHAT_TEMPLATE
    from adapters.diffusion.vocabularies.qwen import qwen_3_tokenizer

    tokenizer = qwen_3_tokenizer()
    tokenizer.chat_template = CHAT_TEMPLATE
    return Flux2KleinPipeline(
        transformer=Flux2Transformer2DModel(
            in_channels=32,
            num_layers=1,
            num_single_layers=1,
            num_attention_heads=1,
            joint_attention_dim=3 * _TEXT,
            guidance_embeds=False,
        ),
        text_encoder=Qwen3ForCausalLM(_qwen_3(layers=28)),
        tokenizer=tokenizer,
        vae=AutoencoderKLFlux2(block_out_channels=_LEVELS, latent_channels=8),
        scheduler=_flow(
            shift=3.0,
            use_dynamic_shifting=True,
            base_shift=0.5,
            max_shift=1.15,
            base_image_seq_len=256,
            max_image_seq_len=4096,
        ),
        is_distilled=True,
    )


def _qwen_image() -> Any:
    from diffusers import AutoencoderKLQwenImage, QwenImagePipeline, QwenImageTransformer2DModel
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    from adapters.diffusion.vocabularies.qwen import qwen_2_5_tokenizer

    return QwenImagePipeline(
        transformer=QwenImageTransformer2DModel(
            num_layers=1, num_attention_heads=1, joint_attention_dim=128
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(
                text_config={
                    "vocab_size": 152_064,
                    "hidden_size": 128,
                    "intermediate_size": 64,
                    "num_hidden_layers": 2,
                    "num_attention_heads": 1,
                    "num_key_value_heads": 1,
                    "max_position_embeddings": 128_000,
                    "rms_norm_eps": 1e-6,
                    "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
                    "rope_theta": 1_000_000.0,
                },
                vision_config={
                    "depth": 1,
                    "hidden_size": 16,
                    "intermediate_size": 16,
                    "num_heads": 2,
                    "out_hidden_size": 128,
                },
            )
        ),
        tokenizer=qwen_2_5_tokenizer(),
        vae=AutoencoderKLQwenImage(base_dim=8),
        scheduler=_flow(
            shift=1.0,
            use_dynamic_shifting=True,
            base_shift=0.5,
            max_shift=0.9,
            base_image_seq_len=256,
            max_image_seq_len=8192,
            shift_terminal=0.02,
        ),
    )


def _qwen_3(*, layers: int) -> Any:
    from transformers import Qwen3Config

    return Qwen3Config(
        vocab_size=151_936,
        hidden_size=_TEXT,
        intermediate_size=64,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=40960,
        rope_theta=1_000_000.0,
        tie_word_embeddings=True,
    )


def _vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=_LEVELS,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=16,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def _flow(**options: Any) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, **options)


def _lumina_2() -> Any:
    from diffusers import Lumina2Pipeline, Lumina2Transformer2DModel

    return Lumina2Pipeline(
        transformer=Lumina2Transformer2DModel(
            hidden_size=288,
            num_layers=1,
            num_refiner_layers=1,
            num_attention_heads=3,
            num_kv_heads=1,
            cap_feat_dim=_TEXT,
        ),
        text_encoder=_gemma_2(),
        tokenizer=_gemma_tokenizer(),
        vae=_vae(),
        scheduler=_flow(shift=6.0),
    )


def _sana() -> Any:
    from diffusers import (
        AutoencoderDC,
        DPMSolverMultistepScheduler,
        SanaPipeline,
        SanaTransformer2DModel,
    )

    kinds = ["ResBlock"] * 5 + ["EfficientViTBlock"]
    scales: list[list[int]] = [[]] * 5 + [[5]]
    return SanaPipeline(
        transformer=SanaTransformer2DModel(
            num_attention_heads=36,
            num_layers=1,
            num_cross_attention_heads=16,
            cross_attention_head_dim=72,
            cross_attention_dim=1152,
            caption_channels=_TEXT,
            mlp_ratio=0.25,
        ),
        text_encoder=_gemma_2(),
        tokenizer=_gemma_tokenizer(),
        vae=AutoencoderDC(
            encoder_block_types=kinds,
            decoder_block_types=kinds,
            encoder_block_out_channels=[32] * 6,
            decoder_block_out_channels=[32] * 6,
            encoder_layers_per_block=[1] * 6,
            decoder_layers_per_block=[1] * 6,
            encoder_qkv_multiscales=scales,
            decoder_qkv_multiscales=scales,
            upsample_block_type="interpolate",
            downsample_block_type="Conv",
            scaling_factor=0.41407,
        ),
        scheduler=DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
    )


def _gemma_2() -> Any:
    from transformers import Gemma2Config, Gemma2Model

    return Gemma2Model(
        Gemma2Config(
            vocab_size=512,
            hidden_size=_TEXT,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
        )
    )


def _gemma_tokenizer() -> Any:
    """Return a tokenizer of Gemma's kind, as transformers makes it of its vocabulary."""
    from transformers import GemmaTokenizer

    texts = [text for text, _ in gemma_pieces()]
    vocabulary = {text: number for number, text in enumerate(texts)}
    merges = [
        (text[:place], text[place:])
        for text in texts[4 + 256 :]
        for place in range(1, len(text))
        if text[:place] in vocabulary and text[place:] in vocabulary
    ]
    return GemmaTokenizer(vocab=vocabulary, merges=merges, add_bos_token=True)


FAMILIES: Mapping[str, tuple[ModelFamily, Callable[[], Any]]] = MappingProxyType(
    {
        "z_image_turbo_bf16": (ModelFamily.Z_IMAGE, _z_image),
        "qwen_image_bf16": (ModelFamily.QWEN_IMAGE, _qwen_image),
        "flux-2-klein-4b": (ModelFamily.FLUX_2, _klein),
        "lumina_2_model_bf16": (ModelFamily.LUMINA_2, _lumina_2),
        "Sana_600M_1024px": (ModelFamily.SANA, _sana),
    }
)
"""The families by the names of the published files of their transformers."""


def pipeline_of(name: str) -> Any:
    """Return the tiny pipeline of a name in `FAMILIES`. Its networks have random weights."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        pipeline = FAMILIES[name][1]()
        for part in pipeline.components.values():
            if isinstance(part, torch.nn.Module):
                _spread(part.eval())
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def write_parts(name: str, pipeline: Any, folder: Path) -> dict[str, Path]:
    """Write each network of a pipeline into a file of its own, in the names of ComfyUI's files.

    Returns:
        The file of each role, the transformer first.
    """
    from safetensors.torch import save_file

    paths = {}
    for role, file in (("transformer", name), ("text_encoder", "encoder"), ("vae", "vae")):
        part = pipeline.components[role]
        weights = _WRITERS[type(part).__name__](part)
        paths[role] = folder / f"{file}.safetensors"
        save_file({own: each.contiguous() for own, each in weights.items()}, paths[role])
    return paths


def record_of(name: str, paths: Mapping[str, Path]) -> ModelRecord:
    """Return the record of a set, as the registry would make it."""
    return tiny.record_of(name, paths, FAMILIES[name][0])


def all_in_one(name: str, pipeline: Any, path: Path) -> dict[str, Path]:
    """Write all networks of Lumina 2 into one file, as ComfyUI saves a checkpoint.

    Returns:
        The file for each role.
    """
    from safetensors.torch import load_file, save_file

    whole = {}
    for role, part in write_parts(name, pipeline, path.parent).items():
        for own, each in load_file(part).items():
            before = "text_encoders." if own == "spiece_model" else _PREFIXES[role]
            whole[before + own] = each
    save_file(whole, path)
    return dict.fromkeys(_PREFIXES, path)


_PREFIXES = {
    "transformer": "model.diffusion_model.",
    "text_encoder": "text_encoders.gemma2_2b.transformer.",
    "vae": "vae.",
}


def _as_z_image(part: Any) -> dict[str, Any]:
    config = part.config
    table = originals.z_image(
        width=config.dim, layers=config.n_layers, refiners=config.n_refiner_layers, text=_TEXT
    )
    converter = "convert_z_image_transformer_checkpoint_to_diffusers"
    return original(converter, table, config, part.state_dict())


def _as_flux_2(part: Any) -> dict[str, Any]:
    table = originals.flux_2(width=128, doubles=1, singles=1, text=3 * _TEXT, channels=32)
    converter = "convert_flux2_transformer_checkpoint_to_diffusers"
    return original(converter, table, part.config, part.state_dict())


def _as_lumina_2(part: Any) -> dict[str, Any]:
    """diffusers converts the fused attention of one width alone; it is fused here."""
    import torch

    table = originals.lumina_2(width=288, layers=1, refiners=1, text=_TEXT)
    fused = [name for name in table if name.endswith(".qkv.weight")]
    rest = {name: shape for name, shape in table.items() if name not in fused}
    own = part.state_dict()
    file = original("convert_lumina2_to_diffusers", rest, part.config, own)
    for name in fused:
        block = name.removesuffix("attention.qkv.weight")
        parts = [own[f"{block}attn.to_{each}.weight"] for each in "qkv"]
        file[name] = torch.cat(parts)
    return file


def _as_sana(part: Any) -> dict[str, Any]:
    table = originals.sana(width=1152, layers=1, text=_TEXT, hidden=288)
    converter = "convert_sana_transformer_to_diffusers"
    return original(converter, table, part.config, part.state_dict())


def _as_gemma_2(part: Any) -> dict[str, Any]:
    import torch

    weights = {f"model.{name}": each for name, each in part.state_dict().items()}
    content = spiece_model(gemma_pieces())
    return weights | {"spiece_model": torch.frombuffer(bytearray(content), dtype=torch.uint8)}


def _as_vae_dc(part: Any) -> dict[str, Any]:
    ones = (1,) * 6
    table = autoencoders.vae_dc(widths=(32,) * 6, down=ones, up=ones, attending=1)
    converter = "convert_autoencoder_dc_checkpoint_to_diffusers"
    return original(converter, table, part.config, part.state_dict())


def _as_vae_flux_2(part: Any) -> dict[str, Any]:
    table = autoencoders.vae_flux_2(widths=_LEVELS, channels=8)
    return original("convert_ldm_vae_checkpoint", table, part.config, part.state_dict())


def _as_vae_wan(part: Any) -> dict[str, Any]:
    table = autoencoders.vae_wan(width=8)
    return original("convert_wan_vae_to_diffusers", table, part.config, part.state_dict())


def _as_qwen_2_5_vl(part: Any) -> dict[str, Any]:
    """Return the names that the model was published with, before transformers 4.52."""
    return {
        name.replace("model.language_model.", "model.").replace("model.visual.", "visual."): each
        for name, each in part.state_dict().items()
    }


_WRITERS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "ZImageTransformer2DModel": _as_z_image,
    "QwenImageTransformer2DModel": lambda part: part.state_dict(),
    "Flux2Transformer2DModel": _as_flux_2,
    "Qwen3Model": lambda part: {f"model.{n}": each for n, each in part.state_dict().items()},
    # The table of words is the table of tokens, and is not in the file.
    "Qwen3ForCausalLM": lambda part: {
        name: each for name, each in part.state_dict().items() if name != "lm_head.weight"
    },
    "Qwen2_5_VLForConditionalGeneration": _as_qwen_2_5_vl,
    "Lumina2Transformer2DModel": _as_lumina_2,
    "SanaTransformer2DModel": _as_sana,
    "Gemma2Model": _as_gemma_2,
    "AutoencoderDC": _as_vae_dc,
    "AutoencoderKL": as_vae,
    "AutoencoderKLFlux2": _as_vae_flux_2,
    "AutoencoderKLQwenImage": _as_vae_wan,
}


def _spread(network: Any) -> None:
    """Make the weights as large as trained ones, so that each has an effect on the picture."""
    import torch

    with torch.no_grad():
        for name, each in network.named_parameters():
            if "lm_head" in name or "embed_tokens" in name:
                continue
            if each.ndim >= 2 and "gamma" not in name:
                each.normal_(0, 1.2 / each[0].numel() ** 0.5)
            elif name.endswith("bias"):
                each.normal_(0, 0.1)
            elif each.ndim == 1 or "gamma" in name:
                each.add_(torch.randn_like(each) * 0.1)
        for name, each in network.named_buffers():
            if name.endswith("running_mean"):
                each.normal_(0, 0.3)
            elif name.endswith("running_var"):
                each.uniform_(0.5, 2)
