"""Files that nothing here draws with say what they are."""

import random

import pytest

from domain.models.record import ModelKind
from tests.unit.classification.classification_headers import classified, facts
from tests.unit.sets.set_headers import DRAWING, ENCODERS, VAES, Shapes, under

OTHERS: dict[str, tuple[Shapes, ModelKind]] = {
    "vision encoder": (
        {"vision_model.embeddings.patch_embedding.weight": (1024, 3, 14, 14)},
        ModelKind.UNKNOWN,
    ),
    "IP-Adapter": ({"image_proj.proj.weight": (8, 8)}, ModelKind.UNKNOWN),
    "style model": (
        {"redux_up.weight": (12288, 1152), "redux_down.weight": (4096, 12288)},
        ModelKind.UNKNOWN,
    ),
    "GLIGEN": ({"position_net.linears.0.weight": (512, 832)}, ModelKind.UNKNOWN),
    "motion module": (
        {"down_blocks.0.motion_modules.0.temporal_transformer.norm.weight": (320,)},
        ModelKind.UNKNOWN,
    ),
    "hypernetwork": ({"768.0.linear.0.weight": (1536, 768)}, ModelKind.UNKNOWN),
    "ControlNet of Z-Image": (
        {"control_layers.0.adaLN_modulation.0.weight": (8, 8)},
        ModelKind.UNKNOWN,
    ),
    "Wan": (
        {"head.modulation": (1, 2, 8), "blocks.0.self_attn.q.weight": (8, 8)},
        ModelKind.DIFFUSION_MODEL,
    ),
    "HunyuanVideo": (
        {"txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias": (8,)},
        ModelKind.DIFFUSION_MODEL,
    ),
    "AuraFlow": ({"double_layers.0.attn.w1q.weight": (8, 8)}, ModelKind.DIFFUSION_MODEL),
    "PixArt": ({"blocks.0.cross_attn.kv_linear.weight": (8, 8)}, ModelKind.DIFFUSION_MODEL),
    "Qwen-Image 2.1": ({"txt_in.text_norm.weight": (8,)}, ModelKind.DIFFUSION_MODEL),
}


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
@pytest.mark.parametrize("title", OTHERS)
def test_that_a_file_of_another_kind_says_what_it_is(title: str, prefix: str) -> None:
    shapes, kind = OTHERS[title]
    is_network = kind is not ModelKind.UNKNOWN
    told = classified(facts(under(prefix if is_network else "", shapes)))
    assert told.kind is (ModelKind.DIFFUSION_MODEL if is_network else ModelKind.UNKNOWN)
    assert told.reason is not None
    assert title in told.reason
    assert (told.loadable, told.component, told.is_companion) == (False, None, False)


def test_that_an_unknown_file_says_so() -> None:
    told = classified(facts({"a.weight": (2, 2)}))
    assert (told.kind, told.reason) == (
        ModelKind.UNKNOWN,
        "it is not a kind of model file that the service knows",
    )


@pytest.mark.parametrize("seed", range(300))
def test_that_no_mixture_of_tensors_breaks_the_classification(seed: int) -> None:
    """Tensors of two files, some of them missing, and some with other shapes."""
    generator = random.Random(seed)
    every = [*DRAWING.values(), *ENCODERS.values(), *VAES.values()]
    every += [shapes for shapes, _ in OTHERS.values()]
    mixed: Shapes = {}
    for shapes in generator.sample(every, 2):
        for name, shape in shapes.items():
            if generator.random() < 0.85:
                odd = generator.choice([(), (0,), (1, 0), shape[::-1], (7,) * 5, (2**40, 2**40)])
                mixed[name] = odd if generator.random() < 0.2 else shape
    told = classified(facts(mixed))
    assert told.loadable == (told.reason is None)
    if told.reason is not None:
        assert told.reason.isprintable()
        assert len(told.reason) < 400
