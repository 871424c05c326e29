"""ESRGAN: residual in residual dense blocks (RRDB), under the three names that files use.

Sources: Wang et al. 2018 (arXiv:1809.00219), with the network of xinntao/ESRGAN; the same network
in xinntao/Real-ESRGAN and BasicSR, which turns squares of pixels into channels for scales below
four; cszn/BSRGAN; ESRGAN+ (Rakotonirina and Rasoanaivo 2020, arXiv:2001.08073).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.upscalers.network import (
    SCALES,
    UnusableUpscaler,
    UpscalerArchitecture,
    UpscalerNetwork,
)
from domain.checkpoints.upscalers.shapes import (
    Shapes,
    check_bounds,
    check_tensors,
    convolution,
    shape_of,
)

__all__ = ["find_rrdb"]

_MOST_DOUBLINGS = 5
"""A network of scale 8 that makes channels of squares of 4 × 4 pixels doubles five times."""
_UNSHUFFLES = {3: 1, 12: 2, 48: 4}
"""The side of the squares that become channels, by the number of input channels."""


@dataclass(frozen=True, slots=True)
class _Naming:
    """The names that one program gives to the layers. `{}` stands for a number."""

    first: str
    dense: str
    trunk: str
    doubling: str
    high: str
    last: str


_NEW = _Naming("conv_first", "body.{}.rdb{}.{}", "conv_body", "conv_up{}", "conv_hr", "conv_last")
_BSRGAN = _Naming(
    "conv_first", "RRDB_trunk.{}.RDB{}.{}", "trunk_conv", "upconv{}", "HRconv", "conv_last"
)


def _old(tensors: Mapping[str, TensorFacts]) -> _Naming:
    """Return the names of the first release, whose layers are numbered.

    Each doubling has three numbers: the enlargement, its convolution and its activation. Another
    activation stands between the last two convolutions.
    """
    blocks = _highest(tensors, r"model\.1\.sub\.(\d+)\.weight")
    last = _highest(tensors, r"model\.(\d+)\.weight")
    return _Naming(
        "model.0",
        "model.1.sub.{}.RDB{}.{}.0",
        f"model.1.sub.{blocks}",
        "model.{}",
        f"model.{last - 2}",
        f"model.{last}",
    )


def find_rrdb(tensors: Mapping[str, TensorFacts]) -> UpscalerNetwork | None:
    """Return the network of a file; None if its tensors are not of this architecture.

    Raises:
        UnusableUpscaler: It is this architecture, and cannot be used.
    """
    if _has_all(tensors, "model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight"):
        naming = _old(tensors)
    elif _has_all(tensors, "conv_first.weight", "body.0.rdb1.conv1.weight"):
        naming = _NEW
    elif _has_all(tensors, "conv_first.weight", "RRDB_trunk.0.RDB1.conv1.weight"):
        naming = _BSRGAN
    else:
        return None
    numbered = naming not in (_NEW, _BSRGAN)
    features, inputs = shape_of(tensors, f"{naming.first}.weight", 4)[:2]
    growth = shape_of(tensors, f"{_dense(naming, 0, 1, 'conv1')}.weight", 4)[0]
    pattern = re.escape(naming.dense).replace(r"\{\}", r"(\d+)", 1).replace(r"\{\}", r"\w+")
    blocks = 1 + _highest(tensors, rf"{pattern}\.weight")
    check_bounds(features=features, growth=growth, blocks=blocks)
    outputs = shape_of(tensors, f"{naming.last}.weight", 4)[0]
    if inputs not in _UNSHUFFLES or outputs != 3:
        raise UnusableUpscaler(
            f"it is an RRDB upscaler of {inputs} input and {outputs} output channels; those of RGB "
            "pictures have 3, 12 or 48 input channels and 3 output channels"
        )
    doublings = _doublings(tensors, naming, numbered=numbered)
    unshuffle = _UNSHUFFLES[inputs]
    scale, rest = divmod(2**doublings, unshuffle)
    if rest or scale not in SCALES:
        raise UnusableUpscaler(
            f"it is an RRDB upscaler of scale {2**doublings / unshuffle:g}; whole scales from "
            f"{SCALES[0]} to {SCALES[-1]} are supported"
        )
    with_shortcuts = f"{_shortcut(naming, 0, 1)}.weight" in tensors
    needed, names = _layers(naming, features, inputs, growth, blocks, doublings, numbered=numbered)
    if with_shortcuts:
        for block in range(blocks):
            for part in (1, 2, 3):
                own = f"body.{block}.rdb{part}.conv1x1.weight"
                needed[own] = (growth, features, 1, 1)
                names[own] = f"{_shortcut(naming, block, part)}.weight"
    check_tensors(tensors, needed, names)
    return UpscalerNetwork(
        architecture=UpscalerArchitecture.RRDB,
        scale=scale,
        features=features,
        blocks=blocks,
        growth=growth,
        unshuffle=unshuffle,
        with_shortcuts=with_shortcuts,
        names=names,
    )


def _layers(
    naming: _Naming,
    features: int,
    inputs: int,
    growth: int,
    blocks: int,
    doublings: int,
    *,
    numbered: bool,
) -> tuple[Shapes, dict[str, str]]:
    """Return the shape of each weight and its name in the file, by its name in the network."""
    layers = {
        "conv_first": (naming.first, features, inputs),
        "conv_body": (naming.trunk, features, features),
        "conv_hr": (naming.high, features, features),
        "conv_last": (naming.last, 3, features),
    }
    for number in range(1, doublings + 1):
        named = naming.doubling.format(3 * number if numbered else number)
        layers[f"conv_up{number}"] = (named, features, features)
    for block in range(blocks):
        for part in (1, 2, 3):
            for number in range(1, 6):
                layers[f"body.{block}.rdb{part}.conv{number}"] = (
                    _dense(naming, block, part, f"conv{number}"),
                    features if number == 5 else growth,
                    features + (number - 1) * growth,
                )
    needed: Shapes = {}
    names: dict[str, str] = {}
    for own, (named, outgoing, incoming) in layers.items():
        needed |= convolution(own, outgoing, incoming)
        names |= {f"{own}.{kind}": f"{named}.{kind}" for kind in ("weight", "bias")}
    return needed, names


def _doublings(tensors: Mapping[str, TensorFacts], naming: _Naming, *, numbered: bool) -> int:
    if numbered:
        # Three numbers for each doubling, and five for the other layers.
        doublings, rest = divmod(int(naming.last.rpartition(".")[2]) - 4, 3)
        if rest:
            doublings = -1
    else:
        pattern = re.escape(naming.doubling).replace(r"\{\}", r"(\d+)")
        doublings = max(_highest(tensors, rf"{pattern}\.weight"), 0)
    if not 0 <= doublings <= _MOST_DOUBLINGS:
        raise UnusableUpscaler("it is an RRDB upscaler whose layers have odd numbers")
    return doublings


def _dense(naming: _Naming, block: int, part: int, layer: str) -> str:
    return naming.dense.format(block, part, layer)


def _shortcut(naming: _Naming, block: int, part: int) -> str:
    # The first release numbers the parts of each convolution, but not those of this one.
    return _dense(naming, block, part, "conv1x1").removesuffix(".0")


def _highest(tensors: Mapping[str, TensorFacts], pattern: str) -> int:
    """Return the highest number in the names that match; -1 if none does."""
    found = (re.fullmatch(pattern, name, re.ASCII) for name in tensors)
    return max((int(each[1]) for each in found if each and len(each[1]) < 6), default=-1)


def _has_all(tensors: Mapping[str, TensorFacts], *names: str) -> bool:
    return all(name in tensors for name in names)
