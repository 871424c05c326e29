"""Records of the files of sets."""

import dataclasses

from domain.checkpoints.sets import components_in
from domain.models.components import Component, ComponentType
from domain.models.record import ModelFamily, ModelKind, ModelRecord
from tests.fakes.model_source import model_record
from tests.unit.sets.set_headers import DRAWING, facts

__all__ = ["CLIP_G", "CLIP_L", "GEMMA", "T5", "VAE", "drawing", "file", "tree"]

CLIP_L = Component(ComponentType.CLIP, 768, kind="with its projection")
CLIP_G = Component(ComponentType.CLIP, 1280, kind="with its projection")
T5 = Component(ComponentType.T5, 4096)
VAE = Component(ComponentType.VAE_KL, 16)
GEMMA = Component(ComponentType.GEMMA_2, 2304)


def file(path: str, component: Component, *, precision: str = "bfloat16") -> ModelRecord:
    """Return the record of a text encoder or an autoencoder at a path; its bytes are the path."""
    is_vae = component.type.startswith("vae")
    return dataclasses.replace(
        model_record(path.encode(), path),
        kind=ModelKind.VAE if is_vae else ModelKind.TEXT_ENCODER,
        reason="it is one part of a model",
        component=component,
        precision=precision,
    )


def drawing(path: str, name: str = "flux") -> ModelRecord:
    """Return the record of a network that draws, as `DRAWING` has it."""
    (placed,) = components_in(facts(DRAWING[name]))
    return dataclasses.replace(
        model_record(path.encode(), path),
        kind=ModelKind.DIFFUSION_MODEL,
        family=placed.family and ModelFamily(placed.family),
        reason="it draws together with other files",
        component=placed.component,
        precision="bfloat16",
    )


def tree(*others: ModelRecord, name: str = "flux") -> tuple[ModelRecord, ...]:
    """Return ComfyUI's tree with FLUX.1 and its files, and further records."""
    return (
        drawing("m/diffusion_models/flux.safetensors", name),
        file("m/text_encoders/clip_l.safetensors", CLIP_L),
        file("m/text_encoders/t5xxl_fp16.safetensors", T5),
        file("m/vae/ae.safetensors", VAE),
        *others,
    )
