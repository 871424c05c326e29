"""The places of tensors are those that the conversion of diffusers gives them.

Stand-ins take the place of weights: each row of each tensor has a number of its own and one column,
so that real shapes need little memory.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.encoders.clip import clip_layout
from domain.checkpoints.sets.networks.flux import chroma_layout, flux_layout
from domain.checkpoints.sets.networks.places import LayoutOf
from domain.checkpoints.sets.networks.stable_diffusion_3 import sd3_layout
from tests.contract.sets import originals

pytestmark = pytest.mark.torch

Table = dict[str, tuple[int, ...]]

CASES: Mapping[str, tuple[Table, LayoutOf, str]] = {
    "flux-dev": (originals.flux(guidance=True, doubles=2, singles=3), flux_layout, "flux"),
    "flux-schnell": (originals.flux(guidance=False, doubles=2, singles=3), flux_layout, "flux"),
    "chroma": (originals.chroma(doubles=2, singles=3), chroma_layout, "chroma"),
    "sd3-medium": (originals.sd3(depth=24, normed=False), sd3_layout, "sd3"),
    "sd3.5-medium": (originals.sd3(depth=24, dual=13), sd3_layout, "sd3"),
    "sd3.5-large": (originals.sd3(depth=38), sd3_layout, "sd3"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_tensor_takes_the_rows_that_diffusers_takes(name: str) -> None:
    import torch
    from diffusers.loaders import single_file_utils

    table, layout_of, kind = CASES[name]
    convert: Callable[..., dict[str, Any]] = getattr(
        single_file_utils, f"convert_{kind}_transformer_checkpoint_to_diffusers"
    )
    layout = layout_of({key: TensorFacts("float32", shape) for key, shape in table.items()})
    rows = _stand_ins(table)
    converted = convert(dict(rows))
    found = {own: _taken(rows[place.name], place) for own, place in layout.places.items()}
    assert found.keys() == converted.keys()
    for own, expected in converted.items():
        assert torch.equal(found[own].flatten(), expected.flatten()), own


def test_the_places_of_an_open_clip_are_those_of_diffusers() -> None:
    import torch
    from diffusers.loaders.single_file_utils import convert_open_clip_checkpoint

    width, prefix = 64, "cond_stage_model.model."
    table = originals.open_clip(width=width, layers=2)
    generator = torch.Generator().manual_seed(0)
    weights = {key: torch.randn(shape, generator=generator) for key, shape in table.items()}
    facts = {key: TensorFacts("float32", shape) for key, shape in table.items()}
    layout = clip_layout("gelu", projection="file")(facts)
    found = {own: _taken(weights[place.name], place) for own, place in layout.places.items()}

    class Text:
        class config:
            hidden_size = width

    converted = convert_open_clip_checkpoint(
        Text, {f"{prefix}{key}": each for key, each in weights.items()}, prefix=prefix
    )
    # diffusers leaves out the matrix here, which OpenCLIP multiplies with from the other side.
    converted["text_projection.weight"] = weights["text_projection"].T
    assert found.keys() == converted.keys()
    assert all(torch.equal(found[own], converted[own]) for own in found)


def _stand_ins(table: Table) -> dict[str, Any]:
    import torch

    found, first = {}, 1
    for name, shape in table.items():
        rows = shape[0] if shape else 1
        numbers = torch.arange(first, first + rows, dtype=torch.float64)
        found[name] = numbers.reshape(rows, *(1 for _ in shape[1:]))
        first += rows
    return found


def _taken(stored: Any, place: Any) -> Any:
    import torch

    from adapters.diffusion.loading.sets.building import _numbers

    return _numbers(stored, place, torch.float64)
