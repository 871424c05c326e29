"""The UNets of Stable Diffusion: their numbers, and the tensors that follow from them."""

from domain.checkpoints.unets.blocks import with_consecutive_blocks
from domain.checkpoints.unets.facts import UnetFacts
from domain.checkpoints.unets.pruned import PRUNED, pruned_name
from domain.checkpoints.unets.reading import UnknownUnet, shape_of_unet
from domain.checkpoints.unets.tensors import UNET, unet_tensors

__all__ = [
    "PRUNED",
    "UNET",
    "UnetFacts",
    "UnknownUnet",
    "pruned_name",
    "shape_of_unet",
    "unet_tensors",
    "with_consecutive_blocks",
]
