"""GGUF files as plain files of the same models: names, shapes and types of the tensors."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from domain.checkpoints.header_values import TensorFacts, UnreadableHeader
from domain.checkpoints.quantised.gguf.names import added_to_norms, plain_names
from domain.checkpoints.quantised.gguf.reading import RawGguf, RawTensor, read_raw_gguf
from domain.checkpoints.quantised.gguf.types import FILE_TYPES, GgufType
from domain.checkpoints.quantised.values import DEQUANTISED, Quantisation

__all__ = ["GgufFile", "GgufTensor", "read_gguf"]

_ARCHITECTURE = "general.architecture"
_ORIGINAL_SHAPE = "comfy.gguf.orig_shape."
# ggml drops an outermost dimension of 1. These tensors have one in their authors' files: Stable
# Diffusion 3's table of places, and the padding of Lumina 2 and Z-Image.
_OUTER_ONE = {"pos_embed": 3, "x_pad_token": 2, "cap_pad_token": 2}
_UNET = "model.diffusion_model."
_LINEAR_IN_XL = (".proj_in.weight", ".proj_out.weight")


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """A tensor of a GGUF file, as a plain file would have it, and where its bytes are.

    Attributes:
        type: The type of its bytes.
        shape: Its shape in a plain file, the outermost dimension first.
        position: The position of its first byte in the file.
        size: Its bytes.
        added: What was added to each number, and must be taken off.
    """

    type: GgufType
    shape: tuple[int, ...]
    position: int
    size: int
    added: float = 0.0

    @property
    def facts(self) -> TensorFacts:
        """The type and the shape, as listing names them."""
        return TensorFacts(self.type.dtype or DEQUANTISED, self.shape)


@dataclass(frozen=True, slots=True)
class GgufFile:
    """The content of a GGUF file without its data.

    Attributes:
        tensors: The tensors, by their names in a plain file of the same model.
        metadata: Short texts and numbers beside them, such as `general.architecture`.
        quantisation: The precision of the weights, and whether they can be read.
        end: The bytes that the file must have.
    """

    tensors: Mapping[str, GgufTensor]
    metadata: Mapping[str, str]
    quantisation: Quantisation
    end: int


def read_gguf(file: BinaryIO, size: int) -> GgufFile:
    """Read the header of an open GGUF file of `size` bytes; see `read_raw_gguf`.

    Raises:
        UnreadableHeader: As `read_raw_gguf`; or two tensors have the same name in a plain file.
        OSError: The file cannot be read.
    """
    raw = read_raw_gguf(file, size)
    architecture = raw.metadata.get(_ARCHITECTURE)
    names = plain_names(architecture, raw.tensors)
    is_xl = f"{_UNET}label_emb.0.0.weight" in names or "label_emb.0.0.weight" in names
    tensors: dict[str, GgufTensor] = {}
    for name, tensor in raw.tensors.items():
        plain = names[name]
        if plain in tensors:
            raise UnreadableHeader(f"its header names '{ascii(plain[:100])[1:-1]}' twice")
        shape = _shape(plain, tensor, raw.lists.get(_ORIGINAL_SHAPE + name), is_xl=is_xl)
        added = added_to_norms(architecture, plain)
        tensors[plain] = GgufTensor(tensor.type, shape, tensor.position, tensor.size, added)
    return GgufFile(tensors, raw.metadata, _quantisation(raw), raw.end)


def _shape(
    name: str, tensor: RawTensor, original: tuple[int, ...] | None, *, is_xl: bool
) -> tuple[int, ...]:
    """Return the shape in a plain file; the numbers lie in the same order.

    ggml has four dimensions and codes have rows of whole blocks. So city96's `convert.py` writes
    other tensors with another shape, and their own in the metadata.
    """
    if original is not None:
        if math.prod(original) != math.prod(tensor.shape) or any(side < 0 for side in original):
            raise UnreadableHeader(
                f"its tensor '{ascii(name[:100])[1:-1]}' has another shape than its metadata tells"
            )
        return original
    if len(tensor.shape) == _OUTER_ONE.get(name, 0) - 1:
        return (1, *tensor.shape)
    # stable-diffusion.cpp writes XL's linear layers as convolutions of one pixel.
    if is_xl and name.endswith(_LINEAR_IN_XL) and tensor.shape[2:] == (1, 1):
        return tensor.shape[:2]
    return tensor.shape


def _quantisation(raw: RawGguf) -> Quantisation:
    numbers: Counter[GgufType] = Counter()
    for name, tensor in raw.tensors.items():
        if tensor.type.dtype is None and not tensor.type.readable:
            fault = (
                f"its tensor '{ascii(name[:100])[1:-1]}' has codes of GGUF's type "
                f"{tensor.type.name}, which the service does not read; get the model as Q8_0, "
                "Q6_K, Q5_K_M or Q4_K_M"
            )
            return Quantisation(tensor.type.name, fault=fault)
        if len(tensor.shape) > 1:
            numbers[tensor.type] += math.prod(tensor.shape)
    codes = [kind for kind in numbers if kind.dtype is None]
    if not numbers:
        return Quantisation()
    most, _ = max(numbers.items(), key=lambda each: (each[1], each[0].name))
    told = FILE_TYPES.get(raw.metadata.get("general.file_type", ""), "")
    is_true = any(told.startswith(kind.name) for kind in codes)
    return Quantisation(told if is_true else most.dtype or most.name, needs_gguf=bool(codes))
