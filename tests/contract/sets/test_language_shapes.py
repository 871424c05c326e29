"""Files of the published shapes give the networks of diffusers, as diffusers converts them."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import pytest

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets.networks.autoencoders.vae_dc import vae_dc_layout
from domain.checkpoints.sets.networks.autoencoders.vae_flux_2 import vae_flux_2_layout
from domain.checkpoints.sets.networks.autoencoders.vae_qwen_image import vae_qwen_image_layout
from domain.checkpoints.sets.networks.encoders.language_models import (
    gemma_2_layout,
    qwen_2_5_vl_layout,
    qwen_3_layout,
)
from domain.checkpoints.sets.networks.flux_2 import flux_2_layout
from domain.checkpoints.sets.networks.lumina_2 import lumina_2_layout
from domain.checkpoints.sets.networks.places import LayoutOf, NetworkLayout, UnusableNetwork
from domain.checkpoints.sets.networks.sana import sana_layout
from domain.checkpoints.sets.networks.z_image import z_image_layout
from tests.contract.sets import autoencoder_originals as autoencoders
from tests.contract.sets import language_originals as originals
from tests.contract.sets.converting import converted

pytestmark = pytest.mark.torch

Table = dict[str, tuple[int, ...]]

CASES: Mapping[str, tuple[Table, LayoutOf, str, str | None, float]] = {
    # The billions of parameters are those of the model cards, and of the configurations that the
    # authors publish. The text encoders are counted without `lm_head`.
    "z-image": (
        originals.z_image(),
        z_image_layout,
        "ZImageTransformer2DModel",
        "convert_z_image_transformer_checkpoint_to_diffusers",
        6.15,
    ),
    "klein-4b": (
        originals.flux_2(),
        flux_2_layout,
        "Flux2Transformer2DModel",
        "convert_flux2_transformer_checkpoint_to_diffusers",
        3.88,
    ),
    "klein-9b": (
        originals.flux_2(width=4096, doubles=8, singles=24, text=12288),
        flux_2_layout,
        "Flux2Transformer2DModel",
        "convert_flux2_transformer_checkpoint_to_diffusers",
        9.08,
    ),
    "lumina-2": (
        originals.lumina_2(),
        lumina_2_layout,
        "Lumina2Transformer2DModel",
        "convert_lumina2_to_diffusers",
        2.61,
    ),
    "sana-0.6b": (
        originals.sana(width=1152, layers=28),
        sana_layout,
        "SanaTransformer2DModel",
        "convert_sana_transformer_to_diffusers",
        0.59,
    ),
    "sana-1.6b": (
        originals.sana(),
        sana_layout,
        "SanaTransformer2DModel",
        "convert_sana_transformer_to_diffusers",
        1.6,
    ),
    # diffusers' conversion leaves the norms of SANA 1.5 out.
    "sana-1.5-4.8b": (
        originals.sana(layers=60, normed=True),
        sana_layout,
        "SanaTransformer2DModel",
        None,
        4.72,
    ),
    "vae-of-flux-2": (
        autoencoders.vae_flux_2(),
        vae_flux_2_layout,
        "AutoencoderKLFlux2",
        "convert_ldm_vae_checkpoint",
        0.08,
    ),
    "vae-of-qwen-image": (
        autoencoders.vae_wan(),
        vae_qwen_image_layout,
        "AutoencoderKLQwenImage",
        "convert_wan_vae_to_diffusers",
        0.13,
    ),
    "vae-of-sana": (
        autoencoders.vae_dc(),
        vae_dc_layout,
        "AutoencoderDC",
        "convert_autoencoder_dc_checkpoint_to_diffusers",
        0.31,
    ),
    "qwen-3-4b": (originals.qwen_3(), qwen_3_layout, "Qwen3Model", None, 4.02),
    "qwen-3-8b": (
        originals.qwen_3(width=4096, hidden=12288),
        qwen_3_layout,
        "Qwen3Model",
        None,
        7.57,
    ),
    "qwen-2.5-vl-7b": (
        originals.qwen_2_5_vl(),
        qwen_2_5_vl_layout,
        "Qwen2_5_VLTextModel",
        None,
        7.07,
    ),
    "gemma-2-2b": (originals.gemma_2(), gemma_2_layout, "Gemma2Model", None, 2.61),
}
CONVERTED = [name for name, case in CASES.items() if case[3] is not None]


@pytest.mark.parametrize("name", CASES)
def test_the_network_of_a_published_file_has_its_names_and_shapes(name: str) -> None:
    table, layout_of, kind, _, billions = CASES[name]
    layout = layout_of(_facts(table))
    expected = _shapes(_empty(kind, layout))
    assert {own: place.shape_of(table[place.name]) for own, place in layout.places.items()} == (
        expected
    )
    assert list(layout.unread(_facts(table))) == []
    assert round(sum(map(prod, expected.values())) / 1e9, 2) == billions


@pytest.mark.parametrize("name", ["qwen-3-4b", "qwen-2.5-vl-7b"])
def test_a_table_of_tokens_that_is_shorter_than_the_vocabulary_is_refused(name: str) -> None:
    table, layout_of, _, _, _ = CASES[name]
    words = next(each for each in table if each.endswith("embed_tokens.weight"))
    with pytest.raises(UnusableNetwork, match="its vocabulary has 1000 tokens"):
        layout_of(_facts(dict(table) | {words: (1000, *table[words][1:])}))


@pytest.mark.parametrize("name", ["qwen-3-4b", "qwen-2.5-vl-7b"])
def test_the_shortest_vocabulary_that_is_taken_is_that_of_the_tokenizer(name: str) -> None:
    from adapters.diffusion.vocabularies import qwen

    table, layout_of, _, _, _ = CASES[name]
    words = next(each for each in table if each.endswith("embed_tokens.weight"))
    tokens = len(qwen.qwen_3_tokenizer() if name == "qwen-3-4b" else qwen.qwen_2_5_tokenizer())
    assert layout_of(_facts(dict(table) | {words: (tokens, *table[words][1:])}))
    with pytest.raises(UnusableNetwork):
        layout_of(_facts(dict(table) | {words: (tokens - 1, *table[words][1:])}))


@pytest.mark.parametrize("name", CONVERTED)
def test_each_row_goes_where_diffusers_puts_it(name: str) -> None:
    table, layout_of, _, converter, _ = CASES[name]
    layout = layout_of(_facts(table))
    numbered, expected = converted(str(converter), table, dict(layout.config))
    from adapters.diffusion.loading.sets.building import _numbers

    assert set(layout.places) == set(expected)
    for own, place in layout.places.items():
        plain = place if place.shape is None else type(place)(place.name, place.rows)
        rows = _numbers(numbered[place.name], plain, numbered[place.name].dtype).flatten()
        assert rows.tolist() == expected[own].flatten().tolist(), own


@pytest.mark.parametrize("name", CONVERTED)
def test_a_file_in_the_names_of_diffusers_gives_the_same_configuration(name: str) -> None:
    table, layout_of, kind, _, _ = CASES[name]
    layout = layout_of(_facts(table))
    own = _shapes(_empty(kind, layout))
    if name.startswith("sana"):
        own["pos_embed"] = table["pos_embed"]
    again = layout_of(_facts(own))
    assert again.config == layout.config
    assert {key: place.name for key, place in again.places.items()} == {
        key: key for key in own if key != "pos_embed"
    }


def test_qwen_image_has_the_names_of_diffusers() -> None:
    from diffusers import QwenImageTransformer2DModel

    from adapters.diffusion.loading.sets.building import empty
    from domain.checkpoints.sets.networks.qwen_image import qwen_image_layout

    published = empty(QwenImageTransformer2DModel, {})  # its defaults are those of Qwen/Qwen-Image
    layout = qwen_image_layout(_facts(_shapes(published)))
    assert _shapes(empty(QwenImageTransformer2DModel, layout.config)) == _shapes(published)
    assert {own: place.name for own, place in layout.places.items()} == {
        name: name for name in _shapes(published)
    }
    assert round(sum(map(prod, _shapes(published).values())) / 1e9, 2) == 20.43


def _facts(table: Table) -> dict[str, TensorFacts]:
    return {name: TensorFacts("bfloat16", shape) for name, shape in table.items()}


def _shapes(network: Any) -> Table:
    return {
        name: tuple(each.shape)
        for name, each in network.state_dict().items()
        if each.is_floating_point()
    }


def _empty(kind: str, layout: NetworkLayout) -> Any:
    import diffusers
    import transformers
    from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl

    from adapters.diffusion.loading.sets.building import empty

    homes = (diffusers, transformers, modeling_qwen2_5_vl)
    made: Callable[..., Any] = next(getattr(home, kind) for home in homes if hasattr(home, kind))
    return empty(made, layout.config)
