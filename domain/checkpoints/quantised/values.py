"""Values of quantised files: a layer in codes, and what is known of a whole file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.checkpoints.header_values import TensorFacts

__all__ = ["DEQUANTISED", "REMEDY", "Form", "Layer", "Quantisation"]

DEQUANTISED = "bfloat16"
"""The type that listing names for a weight in codes. Loading makes it in the plan's precision."""

REMEDY = "get the model in 16 or 32 bits"


class Form(StrEnum):
    """How the codes of a layer become numbers."""

    FLOAT8 = "float8"
    INT8 = "int8"
    MXFP8 = "mxfp8"
    NVFP4 = "nvfp4"


@dataclass(frozen=True, slots=True)
class Layer:
    """A weight that a safetensors file or a pickle holds as codes and scales.

    Attributes:
        form: How the codes become numbers.
        shape: The shape of the weight, in numbers.
        scale: The name of the tensor with the scale of the layer, of each row, or of each block.
        second_scale: The name of the scale of the whole layer beside those of blocks (nvfp4).
        input_factor: The name of the factors of the layer's inputs, which the weight takes over.
        rotated: The number of neighbouring columns that were rotated together; 0 for none.
    """

    form: Form
    shape: tuple[int, ...]
    scale: str | None = None
    second_scale: str | None = None
    input_factor: str | None = None
    rotated: int = 0


@dataclass(frozen=True, slots=True)
class Quantisation:
    """What is known of the quantised weights of a file.

    Attributes:
        label: The precision for a user, such as `float8_e4m3fn scaled` or `Q4_K_M`.
        layers: The layers in codes, by the names of their weights. Empty for GGUF.
        aside: The names of the tensors that are no weights: scales, and markers of layers.
        fault: Why the file cannot be read, as a sentence for a user; None if it can.
        needs_gguf: Whether reading takes the library gguf.
    """

    label: str | None = None
    layers: Mapping[str, Layer] = field(default_factory=dict)
    aside: frozenset[str] = frozenset()
    fault: str | None = None
    needs_gguf: bool = False

    def plain(self, tensors: Mapping[str, TensorFacts]) -> dict[str, TensorFacts]:
        """Return the tensors that a plain file of the same model would have.

        Args:
            tensors: The tensors of the file.
        """
        return {
            name: TensorFacts(DEQUANTISED, self.layers[name].shape)
            if name in self.layers
            else facts
            for name, facts in tensors.items()
            if name not in self.aside
        }
