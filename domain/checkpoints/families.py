"""The numbers in which the checkpoint families differ.

They are facts of the published models: runwayml/stable-diffusion-v1-5 and -inpainting,
timbrooks/instruct-pix2pix, stabilityai/stable-diffusion-2-base, stabilityai/stable-diffusion-2 and
-inpainting, stabilityai/stable-diffusion-xl-base-1.0,
diffusers/stable-diffusion-xl-1.0-inpainting-0.1 and diffusers/sdxl-instructpix2pix-768. A variant
with more input channels has the other numbers of the model that it was trained from. Contract tests
compare the configurations made of them with the published configuration files of four of these
models.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from domain.checkpoints.unets.facts import Depths, UnetFacts
from domain.checkpoints.unets.layers import Shape
from domain.checkpoints.unets.reading import shape_of_unet
from domain.checkpoints.unets.tensors import UNET
from domain.models.record import ModelFamily

__all__ = [
    "FAMILIES",
    "INPAINTING_CHANNELS",
    "LATENT_SIDE",
    "PICTURE_WIDTHS",
    "PIX2PIX_CHANNELS",
    "FamilyFacts",
    "TextEncoderFacts",
    "UnetFacts",
    "facts_of",
    "with_channels",
]

LATENT_SIDE = 8
"""Pixels on each side of the square that one latent of these families' autoencoders stands for."""
INPAINTING_CHANNELS = 9
"""The input channels of the UNet of an inpainting model."""
PIX2PIX_CHANNELS = 8
"""The input channels of the UNet of an InstructPix2Pix model."""
PICTURE_WIDTHS = (1536, 2048)
"""The numbers beside the prompt that Stable Diffusion 2.1 unCLIP takes: the embedding of a picture
by CLIP ViT-L/14 (768) or OpenCLIP ViT-H/14 (1024), and as many for the level of its noise
(Stability-AI/stablediffusion, `v2-1-stable-unclip-l-inference.yaml` and `-h-`)."""


@dataclass(frozen=True, slots=True)
class TextEncoderFacts:
    """A CLIP text model, and the token that pads a prompt to its 77 positions."""

    width: int
    layers: int
    heads: int
    activation: str
    projection: int
    projected: bool = False
    pad_token: str = "<|endoftext|>"  # noqa: S105 - a token of the vocabulary, not a password

    @property
    def is_open_clip(self) -> bool:
        """Whether the checkpoint has open_clip's names of tensors, not transformers' names."""
        return self.activation == "gelu"


@dataclass(frozen=True, slots=True)
class FamilyFacts:
    """A family: its networks, the scaling factor of its VAE, and its published sampler.

    `vae_widths` are the channels of each level of the VAE, from the picture inwards.
    """

    unet: UnetFacts
    text_encoders: tuple[TextEncoderFacts, ...]
    scheduler: str
    velocity: bool = False
    latent_factor: float = 0.18215
    float32_vae: bool = True
    vae_widths: tuple[int, int, int, int] = (128, 256, 512, 512)
    force_zeros: bool = False


_CLIP_L = TextEncoderFacts(768, 12, 12, "quick_gelu", projection=768)
# OpenCLIP pads with 0, which is "!" in the vocabulary.
_OPEN_CLIP_H = TextEncoderFacts(1024, 23, 16, "gelu", projection=512, pad_token="!")  # noqa: S106
_OPEN_CLIP_G = TextEncoderFacts(
    1280,
    32,
    20,
    "gelu",
    projection=1280,
    projected=True,
    pad_token="!",  # noqa: S106
)
_WIDTHS = (320, 640, 1280, 1280)
_PLAIN_DOWN: Depths = ((1, 1), (1, 1), (1, 1), (0, 0))
_PLAIN_UP: Depths = ((0, 0, 0), (1, 1, 1), (1, 1, 1), (1, 1, 1))


def _sd_1(in_channels: int = 4) -> UnetFacts:
    return UnetFacts(
        64,
        768,
        _WIDTHS,
        _PLAIN_DOWN,
        _PLAIN_UP,
        middle=1,
        heads=(8, 8, 8, 8),
        linear=False,
        in_channels=in_channels,
    )


def _sd_2(sample_size: int, in_channels: int = 4) -> UnetFacts:
    return UnetFacts(
        sample_size,
        1024,
        _WIDTHS,
        _PLAIN_DOWN,
        _PLAIN_UP,
        middle=1,
        heads=(5, 10, 20, 20),
        linear=True,
        upcast=True,
        in_channels=in_channels,
    )


def _sdxl(in_channels: int = 4) -> FamilyFacts:
    unet = UnetFacts(
        128,
        2048,
        (320, 640, 1280),
        ((0, 0), (2, 2), (10, 10)),
        ((10, 10, 10), (2, 2, 2), (0, 0, 0)),
        middle=10,
        heads=(5, 10, 20),
        linear=True,
        upcast=None,
        sized=True,
        in_channels=in_channels,
    )
    encoders = (_CLIP_L, _OPEN_CLIP_G)
    return FamilyFacts(
        unet, encoders, "EulerDiscreteScheduler", latent_factor=0.13025, force_zeros=True
    )


FAMILIES: Mapping[ModelFamily, FamilyFacts] = {
    ModelFamily.SD_1: FamilyFacts(_sd_1(), (_CLIP_L,), "PNDMScheduler"),
    ModelFamily.SD_1_INPAINT: FamilyFacts(_sd_1(INPAINTING_CHANNELS), (_CLIP_L,), "DDIMScheduler"),
    ModelFamily.SD_1_PIX2PIX: FamilyFacts(_sd_1(PIX2PIX_CHANNELS), (_CLIP_L,), "PNDMScheduler"),
    ModelFamily.SD_2: FamilyFacts(_sd_2(64), (_OPEN_CLIP_H,), "PNDMScheduler"),
    ModelFamily.SD_2_V: FamilyFacts(_sd_2(96), (_OPEN_CLIP_H,), "DDIMScheduler", velocity=True),
    ModelFamily.SD_2_INPAINT: FamilyFacts(
        _sd_2(64, INPAINTING_CHANNELS), (_OPEN_CLIP_H,), "PNDMScheduler"
    ),
    ModelFamily.SDXL: _sdxl(),
    ModelFamily.SDXL_INPAINT: _sdxl(INPAINTING_CHANNELS),
    ModelFamily.SDXL_PIX2PIX: _sdxl(PIX2PIX_CHANNELS),
}

_WITH_CHANNELS: Mapping[tuple[ModelFamily, int], ModelFamily] = {
    (ModelFamily.SD_1, INPAINTING_CHANNELS): ModelFamily.SD_1_INPAINT,
    (ModelFamily.SD_1, PIX2PIX_CHANNELS): ModelFamily.SD_1_PIX2PIX,
    (ModelFamily.SD_2, INPAINTING_CHANNELS): ModelFamily.SD_2_INPAINT,
    (ModelFamily.SD_2_V, INPAINTING_CHANNELS): ModelFamily.SD_2_INPAINT,
    (ModelFamily.SDXL, INPAINTING_CHANNELS): ModelFamily.SDXL_INPAINT,
    (ModelFamily.SDXL, PIX2PIX_CHANNELS): ModelFamily.SDXL_PIX2PIX,
}


def with_channels(family: ModelFamily, in_channels: int) -> ModelFamily:
    """Return the variant of a family whose UNet takes this number of channels.

    A family without such a variant is returned as it is.
    """
    return _WITH_CHANNELS.get((family, in_channels), family)


_CHANNELS_A_HEAD = 64
_PICTURE, _GUIDED = "label_emb.0.0.weight", "time_embed.cond_proj.weight"


def facts_of(family: ModelFamily, shapes: Mapping[str, Shape]) -> FamilyFacts:
    """Return the facts of a checkpoint: those of its family, with the UNet that it has.

    The UNet may lack blocks of the family's, as distilled models do. It may take the embedding of a
    picture (unCLIP) or of the guidance scale (LCM).

    Args:
        family: A family in `FAMILIES`.
        shapes: The shape of each tensor of the checkpoint, by the names of the original code.

    Raises:
        UnknownUnet: There is no network with the blocks of the UNet.
    """
    facts = FAMILIES[family]
    own = {
        name.removeprefix(UNET): shape for name, shape in shapes.items() if name.startswith(UNET)
    }
    found = shape_of_unet(own)
    unet = replace(
        facts.unet,
        widths=found.widths,
        down=found.down,
        up=found.up,
        middle=found.middle,
        heads=tuple(_heads(facts.unet, width) for width in found.widths),
        picture=None if facts.unet.sized else _columns(own, _PICTURE),
        guided=_columns(own, _GUIDED),
    )
    return replace(facts, unet=unet)


def _heads(unet: UnetFacts, width: int) -> int:
    """Return the heads of a level: always 8 in Stable Diffusion 1, else one for 64 channels."""
    same = len(set(unet.heads)) == 1
    return unet.heads[0] if same else max(width // _CHANNELS_A_HEAD, 1)


def _columns(shapes: Mapping[str, Shape], name: str) -> int | None:
    shape = shapes.get(name)
    return shape[1] if shape is not None and len(shape) == 2 else None
