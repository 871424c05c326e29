"""Each network computes what its authors' code computes, from files under every name.

The expected result is computed here from the file's own tensors, with functions alone.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.upscaling.upscaler_files import random_weights, saved
from tests.unit.classification.upscaler_headers import (
    compact,
    new_rrdb,
    old_rrdb,
    rrdb_of_bsrgan,
    span,
    under,
)

if TYPE_CHECKING:
    import torch

    Weights = Mapping[str, torch.Tensor]

pytestmark = pytest.mark.torch

SIDES = (12, 20)


def convolved(weights: "Weights", name: str, source: "torch.Tensor") -> "torch.Tensor":
    from torch.nn import functional

    weight = weights[f"{name}.weight"]
    bias = weights.get(f"{name}.bias")
    return functional.conv2d(source, weight, bias, padding=weight.shape[-1] // 2)


def rrdb(
    weights: "Weights",
    source: "torch.Tensor",
    *,
    first: str,
    dense: str,
    blocks: int,
    trunk: str,
    doublings: tuple[str, ...],
    high: str,
    last: str,
    unshuffle: int = 1,
) -> "torch.Tensor":
    """Figure 4 of Wang et al. 2018, with nearest-neighbour doublings as in the published code."""
    import torch
    from torch.nn import functional

    def active(tensor: torch.Tensor) -> torch.Tensor:
        return functional.leaky_relu(tensor, 0.2)

    if unshuffle > 1:
        source = functional.pixel_unshuffle(source, unshuffle)
    start = x = convolved(weights, first, source)
    for block in range(blocks):
        into_block = x
        for part in (1, 2, 3):
            names = [dense.format(block, part, number) for number in range(1, 6)]
            plus = f"model.1.sub.{block}.RDB{part}.conv1x1"
            one = active(convolved(weights, names[0], x))
            two = active(convolved(weights, names[1], torch.cat((x, one), 1)))
            if f"{plus}.weight" in weights:
                two = two + convolved(weights, plus, x)
            three = active(convolved(weights, names[2], torch.cat((x, one, two), 1)))
            four = active(convolved(weights, names[3], torch.cat((x, one, two, three), 1)))
            if f"{plus}.weight" in weights:
                four = four + two
            x = x + 0.2 * convolved(weights, names[4], torch.cat((x, one, two, three, four), 1))
        x = into_block + 0.2 * x
    x = start + convolved(weights, trunk, x)
    for name in doublings:
        x = active(convolved(weights, name, functional.interpolate(x, scale_factor=2)))
    return convolved(weights, last, active(convolved(weights, high, x)))


OLD = {"first": "model.0", "dense": "model.1.sub.{}.RDB{}.conv{}.0", "trunk": "model.1.sub.2"}
NEW = {
    "first": "conv_first",
    "dense": "body.{}.rdb{}.conv{}",
    "trunk": "conv_body",
    "high": "conv_hr",
    "last": "conv_last",
}
RRDBS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "old": (
        old_rrdb(blocks=2, features=8, growth=4),
        {**OLD, "doublings": ("model.3", "model.6"), "high": "model.8", "last": "model.10"},
    ),
    "old, scale 1": (
        old_rrdb(blocks=2, features=8, growth=4, doublings=0),
        {**OLD, "doublings": (), "high": "model.2", "last": "model.4"},
    ),
    "old, scale 8": (
        old_rrdb(blocks=2, features=8, growth=4, doublings=3),
        {
            **OLD,
            "doublings": ("model.3", "model.6", "model.9"),
            "high": "model.11",
            "last": "model.13",
        },
    ),
    "plus": (
        old_rrdb(blocks=2, features=8, growth=4, plus=True),
        {**OLD, "doublings": ("model.3", "model.6"), "high": "model.8", "last": "model.10"},
    ),
    "new": (
        new_rrdb(blocks=2, features=8, growth=4),
        {**NEW, "doublings": ("conv_up1", "conv_up2")},
    ),
    "new, scale 2": (
        new_rrdb(blocks=2, features=8, growth=4, inputs=12),
        {**NEW, "doublings": ("conv_up1", "conv_up2"), "unshuffle": 2},
    ),
    "new, scale 1": (
        new_rrdb(blocks=2, features=8, growth=4, inputs=48),
        {**NEW, "doublings": ("conv_up1", "conv_up2"), "unshuffle": 4},
    ),
    "BSRGAN": (
        rrdb_of_bsrgan(blocks=2, features=8, growth=4),
        {
            "first": "conv_first",
            "dense": "RRDB_trunk.{}.RDB{}.conv{}",
            "trunk": "trunk_conv",
            "doublings": ("upconv1", "upconv2"),
            "high": "HRconv",
            "last": "conv_last",
        },
    ),
}


def compared(folder: Path, weights: "Weights", name: str, expected: Callable[..., object]) -> None:
    """Load the file, and compare its result for a random picture with the expected one."""
    import torch

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.upscaling.loading import load_upscaler

    upscaler = load_upscaler(saved(folder, weights, name), find_device("cpu", "float32"))
    torch.manual_seed(3)
    levels = (torch.rand(*SIDES, 3) * 255).to(torch.uint8)
    found = upscaler(levels.numpy())
    source = levels.permute(2, 0, 1)[None].float() / 255
    wanted = expected({key: each.float() for key, each in weights.items()}, source)
    assert isinstance(wanted, torch.Tensor)
    assert found.shape == wanted[0].shape
    assert found.shape[1:] == tuple(upscaler.facts.scale * side for side in SIDES)
    assert wanted.std() > 0.01, "a constant picture shows nothing"
    assert (found - wanted[0]).abs().max() < 1e-4 * wanted.abs().max()


@pytest.mark.parametrize("name", RRDBS)
@pytest.mark.parametrize("extension", [".safetensors", ".pth"])
def test_rrdb_of_every_naming(name: str, extension: str, tmp_path: Path) -> None:
    tensors, naming = RRDBS[name]
    weights = random_weights(tensors, gain=1.5)
    compared(
        tmp_path,
        weights,
        f"a{extension}",
        lambda stored, source: rrdb(stored, source, blocks=2, **naming),
    )


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_compact(scale: int, tmp_path: Path) -> None:
    from torch.nn import functional

    def expected(stored: "Weights", source: "torch.Tensor") -> "torch.Tensor":
        x = source
        for number in range(0, 8, 2):
            x = convolved(stored, f"params.body.{number}", x)
            x = functional.prelu(x, stored[f"params.body.{number + 1}.weight"])
        x = functional.pixel_shuffle(convolved(stored, "params.body.8", x), scale)
        return x + source.repeat_interleave(scale, 2).repeat_interleave(scale, 3)

    tensors = under("params", compact(blocks=3, features=8, scale=scale))
    compared(tmp_path, random_weights(tensors), "a.pth", expected)


@pytest.mark.parametrize("normalised", [True, False])
def test_span(normalised: bool, tmp_path: Path) -> None:
    import torch
    from torch.nn import functional

    def trained(stored: "Weights", name: str, source: "torch.Tensor") -> "torch.Tensor":
        """Compute both paths, as in training."""
        x = functional.conv2d(
            functional.pad(source, (1, 1, 1, 1)),
            stored[f"{name}.conv.0.weight"],
            stored[f"{name}.conv.0.bias"],
        )
        x = functional.conv2d(x, stored[f"{name}.conv.1.weight"], stored[f"{name}.conv.1.bias"])
        x = functional.conv2d(x, stored[f"{name}.conv.2.weight"], stored[f"{name}.conv.2.bias"])
        return x + convolved(stored, f"{name}.sk", source)

    def expected(stored: "Weights", source: "torch.Tensor") -> "torch.Tensor":
        if normalised:
            mean = torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)
            source = (source - mean) * 255
        first = x = trained(stored, "conv_1", source)
        after, inner = [], x
        for number in range(1, 7):
            inner = functional.silu(trained(stored, f"block_{number}.c1_r", x))
            two = functional.silu(trained(stored, f"block_{number}.c2_r", inner))
            three = trained(stored, f"block_{number}.c3_r", two)
            x = (three + x) * (torch.sigmoid(three) - 0.5)
            after.append(x)
        x = torch.cat((first, trained(stored, "conv_2", x), after[0], inner), 1)
        x = convolved(stored, "upsampler.0", convolved(stored, "conv_cat", x))
        return functional.pixel_shuffle(x, 4)

    tensors = span(features=8, normalised=normalised)
    weights = random_weights(tensors, gain=1.0)
    compared(tmp_path, weights, "a.safetensors", expected)


def test_averages_enlarge_where_a_file_has_both(tmp_path: Path) -> None:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.upscaling.loading import load_upscaler

    tensors = compact(blocks=1, features=4, scale=2)
    weights = random_weights(under("params", tensors), 1)
    weights |= random_weights(under("params_ema", tensors), 2)
    upscaler = load_upscaler(saved(tmp_path, weights, "a.pth"), find_device("cpu", "float32"))
    network = upscaler.components["network"].state_dict()
    assert network["body.0.weight"].equal(weights["params_ema.body.0.weight"])


def test_half_precision_is_read(tmp_path: Path) -> None:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.upscaling.loading import load_upscaler

    weights = random_weights(compact(blocks=1, features=4, scale=2, dtype="float16"))
    device = find_device("cpu", "float32")
    upscaler = load_upscaler(saved(tmp_path, weights, "a.safetensors"), device)
    network = upscaler.components["network"].state_dict()
    assert network["body.0.weight"].equal(weights["body.0.weight"].float())
