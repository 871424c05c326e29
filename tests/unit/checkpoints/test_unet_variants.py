"""Checkpoints whose UNet has other blocks or inputs than that of their family."""

import random
from collections.abc import Mapping
from dataclasses import replace
from math import prod

import pytest

from domain.checkpoints.additions import controlnet, lora
from domain.checkpoints.additions.network_modules import NetworkModules
from domain.checkpoints.families import FAMILIES, UnetFacts, facts_of
from domain.checkpoints.layouts import checkpoint_parts
from domain.checkpoints.names import with_modern_names
from domain.checkpoints.unets import UNET, UnknownUnet, shape_of_unet, unet_tensors
from domain.models.kinds import ModelFamily
from tests.unit.checkpoints.published_unets import PUBLISHED
from tests.unit.checkpoints.test_control_and_vae_fit import control_of
from tests.unit.classification.classification_headers import classified, facts
from tests.unit.loras.lora_headers import is_attention, low_rank, modules

Shapes = dict[str, tuple[int, ...]]


def whole(name: str) -> Shapes:
    """Return the names and shapes of a published checkpoint."""
    published = PUBLISHED[name]
    parts = checkpoint_parts(published.family, published.facts)
    return {each: shape for part in parts.values() for each, shape in part.items()}


def with_gaps(shapes: Mapping[str, tuple[int, ...]]) -> Shapes:
    """Return the names that count three blocks for each level of one residual block."""
    named: Shapes = {}
    for name, shape in shapes.items():
        side, _, rest = name.removeprefix(UNET).partition("_blocks.")
        number, _, inner = rest.partition(".")
        if not name.startswith(UNET) or side not in ("input", "output"):
            named[name] = shape
            continue
        level, place = divmod(int(number), 2)
        if side == "output" and ".conv." in f".{inner}" and inner[0] in "12":
            part = 1 if level == 0 else 2
            named[f"{UNET}output_blocks.{3 * level + 2}.{part}.{inner[2:]}"] = shape
        else:
            named[f"{UNET}{side}_blocks.{3 * level + place}.{inner}"] = shape
    return named


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_variant_is_told_by_its_header(name: str) -> None:
    published = PUBLISHED[name]
    shapes = whole(name)
    assert facts_of(published.family, shapes).unet == published.facts
    answer = classified(facts(shapes))
    assert (answer.family, answer.reason) == (published.family, None)
    assert (answer.note is not None) is ("unCLIP" in name)
    assert (answer.distilled is not None) is (name == "LCM")
    if published.parameters is not None:
        assert sum(map(prod, dict(unet_tensors(published.facts)).values())) == published.parameters


@pytest.mark.parametrize(
    "name", [name for name, each in PUBLISHED.items() if each.facts.layers == 1]
)
def test_names_with_gaps_are_those_of_the_same_model(name: str) -> None:
    shapes = whole(name)
    gaps = with_gaps(shapes)
    assert gaps != shapes
    assert with_modern_names(gaps) == shapes
    assert classified(facts(gaps)).reason is None


def test_no_other_checkpoint_is_renumbered() -> None:
    for name in PUBLISHED:
        assert with_modern_names(whole(name)) == whole(name)


@pytest.mark.parametrize("seed", range(40))
def test_the_blocks_of_any_network_that_can_be_built_are_read(seed: int) -> None:
    unet = _random(random.Random(seed))
    found = shape_of_unet(dict(unet_tensors(unet)))
    assert (found.widths, found.down, found.up) == (unet.widths, unet.down, unet.up)
    assert found.middle == unet.middle


def _random(chance: random.Random) -> UnetFacts:
    levels, layers = chance.randint(1, 5), chance.randint(1, 3)

    def depths(blocks: int) -> tuple[int, ...]:
        attends = chance.random() < 0.7
        return tuple(chance.randint(1, 10) if attends else 0 for _ in range(blocks))

    down = tuple(depths(layers) for _ in range(levels))
    middles = [None, 0, down[-1][0] or chance.randint(1, 4)]
    return replace(
        FAMILIES[ModelFamily.SDXL].unet,
        widths=tuple(32 * chance.randint(1, 4) for _ in range(levels)),
        heads=(1,) * levels,
        down=down,
        up=tuple(depths(layers + 1) for _ in range(levels)),
        middle=chance.choice(middles),
    )


def _without(shapes: Mapping[str, tuple[int, ...]], *starts: str) -> Shapes:
    return {name: shape for name, shape in shapes.items() if not name.startswith(starts)}


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ("input_blocks.2.", "1 levels on the way down and 3 on the way up"),
        ("middle_block.1.transformer_blocks.9.", "9 transformer blocks in its middle"),
        ("input_blocks.8.1.", "a level of 10, 0 transformer blocks"),
        ("output_blocks.", "3 levels on the way down and 1 on the way up"),
    ],
)
def test_blocks_that_no_network_has_are_refused(lacks: str, says: str) -> None:
    shapes = whole_family(ModelFamily.SDXL)
    answer = classified(facts(_without(shapes, f"{UNET}{lacks}")))
    assert "lacks the tensor" in str(answer.reason)
    own = {name.removeprefix(UNET): shape for name, shape in shapes.items() if UNET in name}
    with pytest.raises(UnknownUnet, match=says):
        shape_of_unet(_without(own, lacks))


def whole_family(family: ModelFamily) -> Shapes:
    parts = checkpoint_parts(family)
    return {name: shape for part in parts.values() for name, shape in part.items()}


def test_a_network_of_blocks_that_nobody_published_is_drawn_with_a_word() -> None:
    shapes = whole_family(ModelFamily.SDXL)
    assert classified(facts(shapes)).note is None
    cut = _without(shapes, f"{UNET}output_blocks.4.1.transformer_blocks.1.")
    answer = classified(facts(cut))
    assert answer.reason is None
    assert "other blocks than any published model" in str(answer.note)


def test_a_variant_that_lacks_one_tensor_is_refused_with_its_name() -> None:
    shapes = whole("SSD-1B")
    lost = f"{UNET}output_blocks.2.1.transformer_blocks.9.norm3.bias"
    del shapes[lost]
    assert lost in str(classified(facts(shapes)).reason)


def test_levels_that_do_not_fit_each_other_are_refused() -> None:
    unet = FAMILIES[ModelFamily.SD_1].unet
    for changes in ({"widths": (320,)}, {"down": ()}, {"up": unet.up[:3]}, {"down": ((1,),) * 4}):
        with pytest.raises(ValueError, match="no such levels"):
            replace(unet, **changes)


def test_a_lora_of_sdxl_is_refused_beside_a_pruned_model() -> None:
    pruned = facts(whole("SSD-1B"))
    attentions = [each for each in modules(ModelFamily.SDXL) if is_attention(each)]
    problem = lora.fit(facts(low_rank(attentions)), pruned).problem
    assert problem is not None
    assert "the checkpoint's UNet lacks" in problem
    own = [each for each in NetworkModules.of_checkpoint(pruned) if is_attention(each)]
    assert lora.fit(facts(low_rank(own)), pruned).problem is None


@pytest.mark.parametrize("name", ["tiny-sd", "KOALA 1B"])
def test_a_lora_fits_a_pruned_model_under_both_numbers(name: str) -> None:
    shapes = whole(name)
    plain, gaps = (
        NetworkModules.of_checkpoint(facts(each)) for each in (shapes, with_gaps(shapes))
    )
    assert set(plain) == set(gaps)
    assert all(plain.find(each.name, each.network) for each in plain)


@pytest.mark.parametrize(
    ("name", "fits", "warns"), [("SSD-1B", True, True), ("KOALA 1B", False, False)]
)
def test_a_controlnet_of_sdxl_beside_a_pruned_model(name: str, fits: bool, warns: bool) -> None:
    found = controlnet.fit(control_of(ModelFamily.SDXL), facts(whole(name)))
    assert (found.problem is None) is fits
    assert bool(found.warnings) is warns
    full = controlnet.fit(control_of(ModelFamily.SDXL), facts(whole_family(ModelFamily.SDXL)))
    assert (full.problem, full.warnings) == (None, ())
