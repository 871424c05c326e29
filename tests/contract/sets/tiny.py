"""Tiny pipelines of random weights, and their parts in files as people have them."""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from adapters.filesystem.model_source import FilesystemModelSource
from domain.checkpoints.sets import components_in
from domain.models.components import Component, ModelMember
from domain.models.record import FileStamp, ModelFamily, ModelKind, ModelRecord
from domain.services.model_registry import ModelRegistry
from tests.contract.sets import inverse
from tests.contract.sets.tiny_parts import (
    CLIP,
    CLIP_G,
    CLIP_L,
    OF_DEV,
    TEXT,
    clip,
    clip_tokenizer,
    flow,
    t5,
    t5_tokenizer,
    vae,
)

__all__ = [
    "FAMILIES",
    "all_in_one",
    "listed",
    "pipeline_of",
    "record_of",
    "stored_parts",
    "write_parts",
]


def _flux(*, guided: bool) -> Any:
    from diffusers import FluxPipeline, FluxTransformer2DModel

    return FluxPipeline(
        transformer=FluxTransformer2DModel(
            num_layers=1,
            num_single_layers=2,
            num_attention_heads=1,
            joint_attention_dim=TEXT,
            pooled_projection_dim=CLIP,
            guidance_embeds=guided,
        ),
        text_encoder=clip("quick_gelu"),
        tokenizer=clip_tokenizer("<|endoftext|>"),
        text_encoder_2=t5(),
        tokenizer_2=t5_tokenizer(),
        vae=vae(0.3611, 0.1159),
        scheduler=flow(**OF_DEV) if guided else flow(shift=1.0),
    )


def _chroma() -> Any:
    from diffusers import ChromaPipeline, ChromaTransformer2DModel

    return ChromaPipeline(
        transformer=ChromaTransformer2DModel(
            num_layers=1,
            num_single_layers=1,
            num_attention_heads=1,
            joint_attention_dim=TEXT,
            approximator_hidden_dim=32,
            approximator_layers=2,
        ),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
        vae=vae(0.3611, 0.1159),
        scheduler=flow(shift=1.0),
    )


def _sd3(*, dual: tuple[int, ...] = (), normed: bool, with_t5: bool = True) -> Any:
    from diffusers import SD3Transformer2DModel, StableDiffusion3Pipeline

    return StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            num_layers=2,
            num_attention_heads=1,
            joint_attention_dim=TEXT,
            caption_projection_dim=64,
            pooled_projection_dim=CLIP_L + CLIP_G,
            pos_embed_max_size=24,
            dual_attention_layers=dual,
            qk_norm="rms_norm" if normed else None,
        ),
        text_encoder=clip("quick_gelu", CLIP_L, projected=True),
        tokenizer=clip_tokenizer("<|endoftext|>"),
        text_encoder_2=clip("gelu", CLIP_G, projected=True),
        tokenizer_2=clip_tokenizer("!"),
        text_encoder_3=t5() if with_t5 else None,
        tokenizer_3=t5_tokenizer() if with_t5 else None,
        vae=vae(1.5305, 0.0609),
        scheduler=flow(shift=3.0),
    )


FAMILIES: Mapping[str, tuple[ModelFamily, Callable[[], Any]]] = MappingProxyType(
    {
        "flux-dev": (ModelFamily.FLUX, lambda: _flux(guided=True)),
        "flux-schnell": (ModelFamily.FLUX, lambda: _flux(guided=False)),
        "chroma": (ModelFamily.CHROMA, _chroma),
        "sd3-medium": (ModelFamily.SD_3, lambda: _sd3(normed=False)),
        "sd3.5-medium": (ModelFamily.SD_3, lambda: _sd3(normed=True, dual=(0,))),
        "sd3.5-large": (ModelFamily.SD_3, lambda: _sd3(normed=True)),
        "sd3.5-large-without-t5": (ModelFamily.SD_3, lambda: _sd3(normed=True, with_t5=False)),
    }
)


@cache
def pipeline_of(name: str) -> Any:
    """Return the tiny pipeline of a name in `FAMILIES`. Its networks have random weights.

    All tests have the same one, so none may change it.
    """
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        pipeline = FAMILIES[name][1]()
        for part in pipeline.components.values():
            if isinstance(part, torch.nn.Module):
                _spread(part.eval())
        if FAMILIES[name][0] is ModelFamily.SD_3:
            # Stability AI's code leaves the vector of CLIP-L as it is.
            pipeline.text_encoder.text_projection.weight.data = torch.eye(CLIP_L)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def write_parts(pipeline: Any, folder: Path, *, open_clip: bool = False) -> dict[str, Path]:
    """Write each network of a pipeline into a file of its own, in its authors' names.

    Args:
        pipeline: The pipeline.
        folder: The folder in which ComfyUI's folders will be.
        open_clip: Whether the second text encoder has the names of OpenCLIP.

    Returns:
        The file of each role.
    """
    from safetensors.torch import save_file

    paths = {}
    for role, weights in stored_parts(pipeline, open_clip=open_clip).items():
        paths[role] = folder / _FOLDERS.get(role, "text_encoders") / f"{role}.safetensors"
        paths[role].parent.mkdir(exist_ok=True, parents=True)
        save_file(weights, paths[role])
    return paths


def all_in_one(pipeline: Any) -> dict[str, Any]:
    """Return the tensors of all networks of a pipeline, as ComfyUI saves them in one file."""
    import torch

    names = {"transformer": "model.diffusion_model.", "vae": "first_stage_model."}
    whole: dict[str, Any] = {}
    for role, weights in stored_parts(pipeline).items():
        is_t5 = type(pipeline.components[role]).__name__ == "T5EncoderModel"
        encoder = "t5xxl" if is_t5 else {"text_encoder": "clip_l"}.get(role, "clip_g")
        prefix = names.get(role, f"text_encoders.{encoder}.transformer.")
        whole |= {f"{prefix}{name}": each for name, each in weights.items()}
    return whole | {"text_encoders.clip_l.logit_scale": torch.tensor(4.6)}


_FOLDERS = {"transformer": "diffusion_models", "vae": "vae"}


def listed(folder: Path) -> ModelRecord:
    """Return the one model that draws with the files of a folder, as the registry lists it."""
    registry = ModelRegistry(FilesystemModelSource([str(folder)], settle_seconds=0))
    registry.refresh()
    registry.close()
    (model,) = registry.models(ModelKind.CHECKPOINT)
    return model


def record_of(
    name: str, paths: Mapping[str, Path], family: ModelFamily | None = None
) -> ModelRecord:
    """Return the record of a set, as the registry would make it.

    Args:
        name: The name of the family, one of `FAMILIES`.
        paths: The file of each role, the transformer first.
        family: The family, if the name is of no use.
    """
    members = tuple(
        ModelMember(
            role,
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.name,
            str(path),
            path.suffix,
            path.stat().st_size,
            FileStamp.of(path.stat()),
        )
        for role, path in paths.items()
    )
    lines = "".join(f"{each}\n" for each in sorted(member.id for member in members))
    return ModelRecord(
        id=hashlib.sha256(lines.encode()).hexdigest(),
        name=members[0].name,
        size=sum(member.size for member in members),
        path=members[0].path,
        extension=members[0].extension,
        family=family or FAMILIES[name][0],
        component=_component(paths["transformer"]),
        members=members,
    )


def _component(path: Path) -> Component:
    from adapters.filesystem.headers.reading import read_header

    with path.open("rb") as file:
        header = read_header(file, path.stat().st_size, path.suffix)
    return components_in(header.tensors)[0].component


def stored_parts(pipeline: Any, *, open_clip: bool = False) -> dict[str, dict[str, Any]]:
    """Return the tensors of the file of each role, the transformer first."""
    stored = {}
    for role, part in pipeline.components.items():
        kind = type(part).__name__
        if kind in _WRITERS:
            stored[role] = _WRITERS[kind](part)
        if role == "text_encoder" and "text_projection.weight" in stored.get(role, {}):
            stored[role]["text_projection.weight"] = 7 * stored[role]["text_projection.weight"]
        if open_clip and role == "text_encoder_2":
            stored[role] = inverse.as_open_clip(part)
    return {"transformer": stored.pop("transformer"), **stored}


_WRITERS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "FluxTransformer2DModel": inverse.as_flux,
    "ChromaTransformer2DModel": inverse.as_chroma,
    "SD3Transformer2DModel": inverse.as_sd3,
    "CLIPTextModel": inverse.as_clip,
    "CLIPTextModelWithProjection": inverse.as_clip,
    "T5EncoderModel": lambda part: {
        name: each
        for name, each in part.state_dict().items()
        if name != "encoder.embed_tokens.weight"
    },
    "AutoencoderKL": inverse.as_vae,
}


def _spread(network: Any) -> None:
    """Make the weights as large as trained ones, so that each has an effect on the picture."""
    import torch

    with torch.no_grad():
        for name, each in network.named_parameters():
            if each.ndim >= 2 and "embed" not in name:
                each.normal_(0, 1.2 / each[0].numel() ** 0.5)
            elif name.endswith("bias"):
                each.normal_(0, 0.1)
            elif each.ndim == 1:
                each.add_(torch.randn_like(each) * 0.1)
