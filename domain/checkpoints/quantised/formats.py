"""The formats of ComfyUI's quantised layers: the tensors of each, with their types and shapes.

Sources: Comfy-Org/ComfyUI `comfy/quant_ops.py` (`QUANT_ALGOS`) and `comfy/ops.py`
(`_load_quantized_module`); comfy-kitchen 0.2 (`tensor/*.py`, `backends/eager/quantization.py`,
`float_utils.py`). The scales of blocks lie in the order of cuBLAS ("1D block scaling factors
layout"): a table of whole tiles of 128 rows and 4 blocks.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.quantised.values import Form, Layer

__all__ = ["UnusableLayer", "label_of", "layer_of"]

_FLOAT8 = ("float8_e4m3fn", "float8_e5m2")
_PLAIN = frozenset({"float32", "float16", "bfloat16"})
_TILE_ROWS, _TILE_BLOCKS = 128, 4


class UnusableLayer(Exception):
    """A layer cannot be read. The message is the start of a sentence for a user."""


def layer_of(
    layer: str, options: Mapping[str, Any], tensors: Mapping[str, TensorFacts]
) -> tuple[Layer, tuple[str, ...]]:
    """Return a layer, and the names of all tensors beside its weight that belong to it.

    Args:
        layer: The name of the layer: that of its weight without `.weight`.
        options: The layer's entry in JSON. Without `format` the layer is fp8 with one scale, which
            is what the old form has.
        tensors: The tensors of the file.

    Raises:
        UnusableLayer: The format is not known, or a tensor is missing or has another form.
    """
    format_ = options.get("format", "float8")
    read = _READERS.get(format_) if isinstance(format_, str) else None
    if read is None:
        raise UnusableLayer(
            f"its layer '{_shown(layer)}' has the format {_shown(str(format_))}, which the service "
            "does not read"
        )
    weight = tensors.get(f"{layer}.weight")
    if weight is None:
        raise UnusableLayer(f"its layer '{_shown(layer)}' has scales, but no weight")
    found = read(_Parts(layer, tensors, weight), options)
    inputs = tuple(f"{layer}.{name}" for name in ("scale_input", "input_scale"))
    return found, tuple(
        filter(None, (found.scale, found.second_scale, found.input_factor, *inputs))
    )


def label_of(layer: Layer, weight: TensorFacts, options: Mapping[str, Any]) -> str:
    """Return the precision of a layer as users know it, such as `float8_e4m3fn scaled`."""
    if layer.form is Form.FLOAT8:
        return f"{weight.dtype} scaled"
    return "int8 rotated" if layer.rotated else str(layer.form)


class _Parts:
    """The tensors of one layer."""

    def __init__(self, layer: str, tensors: Mapping[str, TensorFacts], weight: TensorFacts) -> None:
        self.layer = layer
        self.weight = weight
        self._tensors = tensors

    def need(self, fits: bool, what: str) -> None:
        """Raise UnusableLayer unless something fits."""
        if not fits:
            raise UnusableLayer(f"its layer '{_shown(self.layer)}' {what}")

    def named(self, *suffixes: str) -> tuple[str, TensorFacts] | None:
        """Return the first tensor of the layer with one of these suffixes."""
        for suffix in suffixes:
            name = f"{self.layer}.{suffix}"
            if name in self._tensors:
                return name, self._tensors[name]
        return None

    def number(self, suffix: str) -> str:
        """Return the name of a tensor that holds one number."""
        found = self.named(suffix)
        if found is None:
            raise UnusableLayer(f"its layer '{_shown(self.layer)}' has no {suffix}")
        name, facts = found
        self.need(facts.dtype in _PLAIN, f"has a {suffix} of the type {facts.dtype}")
        self.need(
            math.prod(facts.shape) == 1, f"has a {suffix} of {_sides(facts)} numbers, not one"
        )
        return name

    def blocks(self, rows: int, columns: int, types: tuple[str, ...]) -> str:
        """Return the name of the scales of blocks: one for each row and column of blocks."""
        found = self.named("weight_scale")
        if found is None:
            raise UnusableLayer(f"its layer '{_shown(self.layer)}' has no weight_scale")
        name, facts = found
        wanted = _up(rows, _TILE_ROWS) * _up(columns, _TILE_BLOCKS)
        self.need(facts.dtype in types, f"has a weight_scale of the type {facts.dtype}")
        self.need(
            math.prod(facts.shape) == wanted,
            f"has a weight_scale of {_sides(facts)} numbers, not {wanted}",
        )
        return name

    def matrix(self, dtype: str, block: int, packed: int = 1) -> tuple[int, int]:
        """Return rows and columns of a weight whose columns make whole blocks."""
        facts = self.weight
        self.need(facts.dtype == dtype, f"has a weight of the type {facts.dtype}, not {dtype}")
        self.need(len(facts.shape) == 2, f"has a weight of the shape {_sides(facts)}")
        rows, columns = facts.shape[0], facts.shape[1] * packed
        self.need(columns % block == 0, f"has {columns} columns, not whole blocks of {block}")
        return rows, columns


def _float8(parts: _Parts, options: Mapping[str, Any]) -> Layer:
    weight = parts.weight
    found = parts.named("weight_scale", "scale_weight")
    if found is None:
        raise UnusableLayer(f"its layer '{_shown(parts.layer)}' has no weight_scale")
    name, scale = found
    fits = weight.dtype in _FLOAT8 and weight.dtype == options.get("format", weight.dtype)
    parts.need(
        fits, f"has a weight of the type {weight.dtype}, but '{_shown(name)}' is a scale for fp8"
    )
    parts.need(scale.dtype in _PLAIN, f"has a scale of the type {scale.dtype}")
    rows = (weight.shape[0], *(1 for _ in weight.shape[1:])) if weight.shape else ()
    is_of_rows = len(rows) > 1 and scale.shape == rows and name.endswith("weight_scale")
    parts.need(
        math.prod(scale.shape) == 1 or is_of_rows,
        f"has a scale of the shape {_sides(scale)} for a weight of {_sides(weight)}",
    )
    return Layer(Form.FLOAT8, weight.shape, scale=name)


def _int8(parts: _Parts, options: Mapping[str, Any]) -> Layer:
    # comfy-kitchen, `int8_linear`: one scale, or one for each row, in any shape.
    inner = options.get("params")
    told = {**inner, **options} if isinstance(inner, dict) else options
    rotated = 0
    if told.get("convrot", False):
        rotated = told.get("convrot_groupsize", 256)
        is_size = type(rotated) is int and 4 <= rotated <= 4096 and _is_power_of_4(rotated)
        parts.need(is_size, f"is rotated in groups of {_shown(str(rotated))}")
    rows, columns = parts.matrix("int8", rotated or 1)
    found = parts.named("weight_scale")
    if found is None:
        raise UnusableLayer(f"its layer '{_shown(parts.layer)}' has no weight_scale")
    name, scale = found
    parts.need(scale.dtype in _PLAIN, f"has a scale of the type {scale.dtype}")
    fits = scale.shape in ((), (1,), (1, 1), (rows,), (rows, 1))
    parts.need(fits, f"has a scale of the shape {_sides(scale)} for {rows} rows")
    return Layer(Form.INT8, (rows, columns), scale=name, rotated=rotated)


def _mxfp8(parts: _Parts, options: Mapping[str, Any]) -> Layer:
    rows, columns = parts.matrix("float8_e4m3fn", 32)
    scale = parts.blocks(rows, columns // 32, ("uint8", "float8_e8m0fnu"))
    return Layer(Form.MXFP8, (rows, columns), scale=scale)


def _nvfp4(parts: _Parts, options: Mapping[str, Any]) -> Layer:
    rows, columns = parts.matrix("uint8", 16, packed=2)
    scale = parts.blocks(rows, columns // 16, ("uint8", "float8_e4m3fn"))
    factor = parts.named("pre_quant_scale")
    if factor is not None:
        _, facts = factor
        parts.need(facts.dtype in _PLAIN, f"has a pre_quant_scale of the type {facts.dtype}")
        fits = facts.shape in ((columns,), (1, columns))
        parts.need(fits, f"has a pre_quant_scale of the shape {_sides(facts)}")
    return Layer(
        Form.NVFP4,
        (rows, columns),
        scale=scale,
        second_scale=parts.number("weight_scale_2"),
        input_factor=factor and factor[0],
    )


_READERS: Mapping[str, Callable[[_Parts, Mapping[str, Any]], Layer]] = {
    "float8": _float8,
    "float8_e4m3fn": _float8,
    "float8_e5m2": _float8,
    "int8_tensorwise": _int8,
    "mxfp8": _mxfp8,
    "nvfp4": _nvfp4,
}


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _is_power_of_4(number: int) -> bool:
    return number & (number - 1) == 0 and number.bit_length() % 2 == 1


def _sides(facts: TensorFacts) -> str:
    return str(list(facts.shape[:8]))


def _shown(text: str) -> str:
    return ascii(text[:100])[1:-1]
