"""Layouts of networks: what they take of a file, and what they say of a broken one."""

import random
from collections.abc import Callable, Mapping

import pytest

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets import components_in
from domain.checkpoints.sets.networks.autoencoders.autoencoder import FLUX_LATENTS, autoencoder_of
from domain.checkpoints.sets.networks.encoders.clip import clip_layout
from domain.checkpoints.sets.networks.encoders.t5 import t5_layout
from domain.checkpoints.sets.networks.flux import chroma_layout, flux_layout
from domain.checkpoints.sets.networks.places import (
    LayoutOf,
    NetworkLayout,
    Place,
    UnusableNetwork,
    count_of,
)
from domain.checkpoints.sets.networks.stable_diffusion_3 import sd3_layout
from domain.checkpoints.sets.outside import outside_names
from tests.contract.sets import originals

Table = dict[str, tuple[int, ...]]

TABLES: Mapping[str, tuple[Table, LayoutOf]] = {
    "flux": (originals.flux(guidance=True, width=128, doubles=2, singles=2), flux_layout),
    "chroma": (originals.chroma(width=128, doubles=1, singles=1), chroma_layout),
    "sd3": (originals.sd3(depth=3, dual=1, positions=8), sd3_layout),
    "t5": (originals.t5(layers=2), t5_layout),
    "clip-l": (originals.clip(layers=2), clip_layout("quick_gelu")),
    "clip-g": (originals.open_clip(layers=2), clip_layout("gelu", projection="file")),
    "vae": (originals.vae(widths=(32, 32)), autoencoder_of(FLUX_LATENTS)),
}


def facts(table: Table) -> dict[str, TensorFacts]:
    return {name: TensorFacts("bfloat16", shape) for name, shape in table.items()}


@pytest.mark.parametrize("name", TABLES)
def test_a_whole_file_is_read_whole(name: str) -> None:
    table, layout_of = TABLES[name]
    layout = layout_of(facts(table))
    assert list(layout.unread(facts(table))) == []


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("seed", range(5))
def test_a_broken_file_is_refused_or_gives_places_in_it(name: str, seed: int) -> None:
    table, layout_of = TABLES[name]
    chance = random.Random(f"{name} {seed}")
    for _ in range(60):
        broken = dict(table)
        for _ in range(chance.randint(1, 3)):
            chance.choice(_CHANGES)(broken, chance)
        header = facts(broken)
        found = components_in(header)
        assert all(each in header for each in outside_names(found, header))
        try:
            layout = layout_of(header)
            shapes = {own: each.shape_of(broken[each.name]) for own, each in layout.places.items()}
        except UnusableNetwork as error:
            assert error.reason
            continue
        assert all(isinstance(shape, tuple) for shape in shapes.values())
        assert set(layout.unread(header)) <= set(broken)


def _drop(table: Table, chance: random.Random) -> None:
    table.pop(chance.choice(list(table)), None)


def _rename(table: Table, chance: random.Random) -> None:
    name = chance.choice(list(table))
    place = chance.randrange(len(name))
    table[name[:place] + chance.choice(".0٣9x") + name[place + 1 :]] = table.pop(name)


def _reshape(table: Table, chance: random.Random) -> None:
    name = chance.choice(list(table))
    numbers = [0, 1, 2, 3, 7, 64, 2**31]
    table[name] = tuple(chance.choice(numbers) for _ in range(chance.randint(0, 5)))


def _cut(table: Table, chance: random.Random) -> None:
    name = chance.choice(list(table))
    table[name] = table[name][1:]


_CHANGES: tuple[Callable[[Table, random.Random], None], ...] = (_drop, _rename, _reshape, _cut)


def test_a_place_says_the_shape_that_it_gives() -> None:
    assert Place("a", rows=(2, 5)).shape_of((6, 3)) == (3, 3)
    assert Place("a", is_transposed=True).shape_of((6, 3)) == (3, 6)
    assert Place("a", shape=(6, 3)).shape_of((6, 3, 1, 1)) == (6, 3)
    assert Place("a", swaps_halves=True).shape_of((6,)) == (6,)


@pytest.mark.parametrize(
    ("place", "shape"),
    [
        (Place("a", rows=(2, 5)), (4, 3)),
        (Place("a", rows=(0, 1)), ()),
        (Place("a", is_transposed=True), (4,)),
        (Place("a", shape=(3,)), (4,)),
        (Place("a", swaps_halves=True), (3, 2)),
    ],
)
def test_a_place_of_another_shape_is_refused(place: Place, shape: tuple[int, ...]) -> None:
    with pytest.raises(UnusableNetwork, match="has the shape"):
        place.shape_of(shape)


@pytest.mark.parametrize("rows", [(3, 3), (-1, 2), (5, 2)])
def test_rows_are_a_first_row_and_one_after_it(rows: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="rows is"):
        Place("a", rows=rows)


def test_rows_that_nothing_reads_are_found() -> None:
    header = facts({"qkv": (9, 2), "norm": (2,), "extra": (1,), "scale": ()})
    layout = NetworkLayout(
        {}, {"q": Place("qkv", (0, 3)), "v": Place("qkv", (6, 9)), "n": Place("norm")}
    )
    assert list(layout.unread(header)) == ["qkv", "extra", "scale"]


@pytest.mark.parametrize("names", [[], ["a.1.w"], ["a.0.w", "a.2.w"], ["a.٣.w"], ["b.0.w"]])
def test_layers_are_numbered_from_0_on(names: list[str]) -> None:
    with pytest.raises(UnusableNetwork, match="layers"):
        count_of(names, "a.", 10)
