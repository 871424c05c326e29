"""ComfyUI's quantised layers as numbers.

`domain.checkpoints.quantised.formats` names the sources of the formats. Each layer is made in
float32 and rounded once to the wanted precision, some rows at a time, so that the memory for the
steps between stays small.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

import torch

from adapters.diffusion.loading.quantised.view import Made
from domain.checkpoints.quantised import Form, Layer

__all__ = ["made_layers"]

_NUMBERS_AT_ONCE = 2**20
_TILE_ROWS, _TILE_BLOCKS, _TILE_LANES = 128, 4, 32
_E2M1 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""The sizes of the numbers of 4 bits: 1 of sign, 2 of exponent, 1 of mantissa (OCP MX, E2M1)."""
_E8M0_BIAS = 127
_BLOCK = {Form.MXFP8: 32, Form.NVFP4: 16}

Rows = Callable[[int, int], torch.Tensor]


def made_layers(
    layers: Mapping[str, Layer], stored: Mapping[str, torch.Tensor], tick: Callable[[], None]
) -> dict[str, Made]:
    """Return the layers of a file by the names of their weights.

    Args:
        layers: The layers, which fit the tensors.
        stored: The tensors of the file.
        tick: Called now and then while a layer is made. An exception of it ends the loading.
    """

    def made(name: str, layer: Layer) -> Made:
        return Made(layer.shape, lambda dtype: _made(layer, stored[name], stored, dtype, tick))

    return {name: made(name, layer) for name, layer in layers.items()}


def _made(
    layer: Layer,
    codes: torch.Tensor,
    stored: Mapping[str, torch.Tensor],
    dtype: torch.dtype,
    tick: Callable[[], None],
) -> torch.Tensor:
    weight = torch.empty(layer.shape, dtype=dtype)
    if 0 in layer.shape:
        return weight
    rows = _reader(layer, codes, stored)
    table = weight.reshape(layer.shape[0] if layer.shape else 1, -1)
    for begin, end in _pieces(*table.shape):
        tick()
        table[begin:end] = rows(begin, end)
    return weight


def _pieces(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    """Yield where each piece of rows begins and ends: whole tiles of block scales."""
    step = max(1, _NUMBERS_AT_ONCE // max(1, columns * _TILE_ROWS)) * _TILE_ROWS
    for begin in range(0, rows, step):
        yield begin, min(begin + step, rows)


def _reader(layer: Layer, codes: torch.Tensor, stored: Mapping[str, torch.Tensor]) -> Rows:
    """Return what makes the rows of a weight, as float32."""
    scale = torch.ones(()) if layer.scale is None else stored[layer.scale]
    if layer.form in _BLOCK:
        return _blocks(layer, codes, scale, stored)
    flat = codes.reshape(codes.shape[0] if codes.ndim else 1, -1)
    scales = scale.to(torch.float32).reshape(-1, 1)
    rotation = _rotation(layer.rotated) if layer.rotated else None

    def rows(begin: int, end: int) -> torch.Tensor:
        numbers = flat[begin:end].to(torch.float32)
        numbers *= scales if len(scales) == 1 else scales[begin:end]
        if rotation is None:
            return numbers
        return (numbers.reshape(-1, layer.rotated) @ rotation).reshape(numbers.shape)

    return rows


def _blocks(
    layer: Layer, codes: torch.Tensor, scale: torch.Tensor, stored: Mapping[str, torch.Tensor]
) -> Rows:
    columns = layer.shape[1]
    block = _BLOCK[layer.form]
    scales = _in_rows(scale.view(torch.uint8), columns // block)
    factor = None
    if layer.input_factor is not None:
        factor = stored[layer.input_factor].to(torch.float32).reshape(1, -1)
    whole = torch.ones(())
    if layer.second_scale is not None:
        whole = stored[layer.second_scale].to(torch.float32).reshape(())

    def rows(begin: int, end: int) -> torch.Tensor:
        piece = codes[begin:end]
        if layer.form is Form.NVFP4:
            numbers, each = _of_4_bits(piece), whole * _as_e4m3(scales[begin:end])
        else:
            numbers, each = piece.to(torch.float32), _as_e8m0(scales[begin:end])
        numbers = (numbers.reshape(end - begin, -1, block) * each[..., None]).reshape(-1, columns)
        return numbers if factor is None else numbers * factor

    return rows


def _in_rows(scales: torch.Tensor, columns: int) -> torch.Tensor:
    """Return the scales of blocks in rows and columns, from cuBLAS' order of tiles.

    A tile of 128 rows and 4 blocks lies as 32 lanes of 4 rows (32 apart) of 4 blocks.
    """
    tiles = -(-columns // _TILE_BLOCKS)
    groups = _TILE_ROWS // _TILE_LANES
    table = scales.reshape(-1, tiles, _TILE_LANES, groups, _TILE_BLOCKS).permute(0, 3, 2, 1, 4)
    return table.reshape(-1, tiles * _TILE_BLOCKS)[:, :columns]


def _of_4_bits(codes: torch.Tensor) -> torch.Tensor:
    """Return two numbers for each byte: the upper half is the first."""
    table = torch.tensor([*_E2M1, *(-size for size in _E2M1)])
    return table[torch.stack((codes >> 4, codes & 15), dim=-1).long()].flatten(-2)


def _as_e4m3(scales: torch.Tensor) -> torch.Tensor:
    return scales.contiguous().view(torch.float8_e4m3fn).to(torch.float32)


def _as_e8m0(scales: torch.Tensor) -> torch.Tensor:
    """Return powers of two: 2 to the number, less 127."""
    return torch.exp2(scales.to(torch.float32) - _E8M0_BIAS)


@lru_cache(maxsize=4)
def _rotation(size: int) -> torch.Tensor:
    """Return the regular Hadamard matrix by which groups of columns were rotated.

    It is its own inverse. comfy-kitchen, `tensor/int8_utils.py`: the Kronecker power of a matrix of
    4, which has -1 on its other diagonal, divided by the root of the size.
    """
    small = 1.0 - 2.0 * torch.eye(4).flip(0)
    matrix = torch.ones(1, 1)
    while len(matrix) < size:
        matrix = torch.kron(matrix, small)
    return matrix / size**0.5
