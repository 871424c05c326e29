"""Why an add-on cannot be used with any checkpoint.

What depends on the checkpoint is left to `domain.checkpoints.additions`, which compares the two.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from adapters.filesystem.headers.values import Header, TensorFacts, shown
from domain.checkpoints.additions.autoencoder_layout import autoencoder_layout
from domain.checkpoints.additions.controlnet_layout import controlnet_layout
from domain.checkpoints.additions.embedding_layout import embedding_layout
from domain.checkpoints.additions.lora_layouts import LoraFile
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.quantised import QUANTISED_BY_TYPE
from domain.models.record import ModelFamily, ModelKind

__all__ = ["MOST_TENSORS", "addon_fault"]

MOST_TENSORS = 20_000
"""The most tensors of an add-on. A LoHa of all layers of SDXL has some 6,000. A request waits while
they are compared with those of the checkpoint."""

_ELSEWHERE: Mapping[ModelFamily | None, str] = MappingProxyType(
    {
        ModelFamily.SD_3: "Stable Diffusion 3",
        ModelFamily.FLUX: "FLUX",
        ModelFamily.SDXL_REFINER: "the SDXL refiner",
    }
)
"""The families whose checkpoints draw without add-ons here, or not at all."""
_LAYOUTS: Mapping[ModelKind, Callable[[Header], object]] = MappingProxyType(
    {
        ModelKind.VAE: lambda header: autoencoder_layout(header.tensors, header.metadata),
        ModelKind.EMBEDDING: lambda header: embedding_layout(header.tensors),
        ModelKind.CONTROLNET: lambda header: controlnet_layout(header.tensors, header.metadata),
    }
)
"""The functions that read the layouts of other kinds than LoRAs."""
_COUNTS = ("alpha", "on_input", "step")
"""The ends of the names of numbers beside the weights, which may be whole numbers."""


def addon_fault(
    kind: ModelKind,
    base: ModelFamily | None,
    header: Header,
    lora: LoraFile | None,
) -> str | None:
    """Return why the service cannot use an add-on, for a user to read; None if it may.

    Args:
        kind: LoRA, VAE, embedding or ControlNet.
        base: The family that it is for; None if it is not known.
        header: Its tensors and metadata.
        lora: The changes in a LoRA; None for another kind, and for too many tensors.
    """
    tensors = header.tensors
    if len(tensors) > MOST_TENSORS:
        return f"it has {len(tensors):,} tensors; {MOST_TENSORS:,} are the most of such a file"
    if base in _ELSEWHERE:
        return (
            f"it is for {_ELSEWHERE[base]}, which draws without add-ons here; only Stable "
            "Diffusion 1, 2 and XL draw with them"
        )
    if (codes := _codes(tensors)) is not None:
        return codes
    if lora is not None:
        return lora.problem
    try:
        _LAYOUTS[kind](header)
    except UnusableAddition as error:
        return error.reason
    return None


def _codes(tensors: Mapping[str, TensorFacts]) -> str | None:
    for name, facts in tensors.items():
        is_count = name.endswith(_COUNTS) or name.startswith("string_to_token.")
        if facts.dtype in QUANTISED_BY_TYPE and not is_count:
            return (
                f"its tensor '{shown(name)}' has the type {facts.dtype}, which only quantised "
                "weights have; get the file in 16 or 32 bits"
            )
    return None
