"""What a file holds, by the names and shapes of its tensors."""

import pytest

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets import Layout, components_in, names_of, placed_for
from domain.models.components import ComponentType
from domain.models.record import ModelKind
from tests.unit.classification.classification_headers import classified
from tests.unit.sets.set_headers import (
    DRAWING,
    ENCODERS,
    VAES,
    Shapes,
    clip,
    facts,
    flux,
    t5,
    under,
    vae,
)

NEEDS = {
    "flux": [("clip", 768), ("t5", 4096), ("vae-kl", 16)],
    "chroma": [("t5", 4096), ("vae-kl", 16)],
    "flux-2": [("qwen-3", 2560), ("vae-kl-flux-2", 32)],
    "sd-3": [("clip", 768), ("clip", 1280), ("t5", 4096), ("vae-kl", 16)],
    "z-image": [("qwen-3", 2560), ("vae-kl", 16)],
    "lumina-2": [("gemma-2", 2304), ("vae-kl", 16)],
    "qwen-image": [("qwen-2.5-vl", 3584), ("vae-qwen-image", 16)],
    "sana": [("gemma-2", 2304), ("vae-dc", 32)],
}
ENCODED = "text_encoders.of_any_name.transformer."


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
@pytest.mark.parametrize("name", DRAWING)
def test_that_a_network_that_draws_says_what_it_needs(name: str, prefix: str) -> None:
    (found,) = components_in(facts(under(prefix, DRAWING[name])))

    family = name.split()[0]
    assert (found.family, found.problem, found.prefix) == (family, None, prefix)
    is_diffusers = "diffusers" in name or family == "qwen-image"
    assert found.layout is (Layout.DIFFUSERS if is_diffusers else Layout.ORIGINAL)
    needs = [(each.type, each.width) for each in found.component.needs]
    if name == "flux-2 in diffusers' names":  # klein 9B
        assert needs == [("qwen-3", 4096), ("vae-kl-flux-2", 32)]
    else:
        assert needs == NEEDS[family]
    told = classified(facts(under(prefix, DRAWING[name])))
    assert (told.kind, told.family, told.component) == (
        ModelKind.DIFFUSION_MODEL,
        family,
        found.component,
    )


@pytest.mark.parametrize("prefix", ["", ENCODED])
@pytest.mark.parametrize("name", ENCODERS)
def test_that_a_text_encoder_is_known_by_type_and_width(name: str, prefix: str) -> None:
    (found,) = components_in(facts(under(prefix, ENCODERS[name])))

    kind, width, layout = name.partition(",")[0].split()
    component = found.component
    assert (component.type, component.width, found.layout) == (kind, int(width), layout)
    assert (found.prefix, found.problem, component.needs) == (prefix, None, ())
    assert classified(facts(ENCODERS[name])).kind is ModelKind.TEXT_ENCODER


@pytest.mark.parametrize("prefix", ["", "vae.", "first_stage_model."])
@pytest.mark.parametrize("name", VAES)
def test_that_an_autoencoder_is_known_by_type_and_channels(name: str, prefix: str) -> None:
    (found,) = components_in(facts(under(prefix, VAES[name])))

    kind, channels, layout = name.split()
    component = found.component
    assert (component.type, component.width, found.layout) == (kind, int(channels), layout)
    assert (found.prefix, found.problem) == (prefix, None)
    assert classified(facts(VAES[name])).kind is ModelKind.VAE


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({**flux(), "img_in.weight": (3072, 128)}, "FLUX.1 Depth or Canny"),
        ({**flux(), "img_in.weight": (3072, 384)}, "FLUX.1 Fill"),
        ({**flux(), "img_in.weight": (3072, 65)}, "takes 65 numbers"),
        ({**DRAWING["flux-2"], "guidance_in.in_layer.weight": (6144, 256)}, "FLUX.2 dev"),
        (
            {
                **{n: s for n, s in DRAWING["chroma"].items() if not n.startswith("final")},
                "nerf_blocks.0.param_generator.weight": (1, 1),
            },
            "Chroma Radiance",
        ),
        ({**DRAWING["sd-3"], "x_embedder.proj.weight": (1536, 33, 2, 2)}, "takes 33 channels"),
        ({**DRAWING["z-image"], "siglip_embedder.1.weight": (8, 8)}, "Z-Image-Omni"),
        ({**DRAWING["qwen-image"], "__index_timestep_zero__": ()}, "Qwen-Image-Edit 2511"),
        ({**DRAWING["qwen-image"], "img_in.weight": (3072, 128)}, "more than a prompt"),
        ({**DRAWING["sana"], "cfg_embedder.mlp.0.weight": (8, 8)}, "SANA-Sprint"),
    ],
)
def test_that_a_variant_that_draws_otherwise_is_refused(
    shapes: dict[str, tuple[int, ...]], words: str
) -> None:
    told = classified(facts(shapes))
    assert told.kind is ModelKind.DIFFUSION_MODEL
    assert told.component is None
    assert told.reason is not None
    assert words in told.reason


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (
            {
                **t5(),
                "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight": (32, 64),
            },
            "uMT5",
        ),
        ({n: s for n, s in t5().items() if "wi_0" not in n}, "T5 of version 1.0"),
        ({**t5(), "shared.weight": (250112, 4096)}, "T5 with 250,112 tokens, such as mT5"),
        ({**clip(), "text_model.embeddings.position_embedding.weight": (248, 768)}, "Long-CLIP"),
        (
            {
                **ENCODERS["gemma-2 2304 transformers"],
                "model.layers.0.self_attn.q_norm.weight": (256,),
            },
            "Gemma 3",
        ),
        (
            {
                name: shape
                for name, shape in ENCODERS["gemma-2 2304 transformers"].items()
                if name != "spiece_model"
            },
            "Gemma 2 without its tokenizer",
        ),
        ({**ENCODERS["qwen-3 2560 transformers"], "model.visual.x": (1,)}, "Qwen3-VL"),
        (
            {
                "model.embed_tokens.weight": (131072, 5120),
                "model.layers.0.self_attn.q_proj.weight": (4096, 5120),
            },
            "Mistral or Llama",
        ),
    ],
)
def test_that_another_text_encoder_is_refused(
    shapes: dict[str, tuple[int, ...]], words: str
) -> None:
    told = classified(facts(shapes))
    assert (told.kind, told.component) == (ModelKind.TEXT_ENCODER, None)
    assert told.reason is not None
    assert words in told.reason


@pytest.mark.parametrize(
    "more",
    [
        {"controlnet_blocks.0.weight": (3072, 3072)},
        {"controlnet_x_embedder.weight": (3072, 64)},
        {"input_hint_block.0.weight": (16, 3, 3, 3)},
    ],
)
@pytest.mark.parametrize("name", ["flux", "flux in diffusers' names", "sd-3 in diffusers' names"])
def test_that_a_controlnet_stays_one(name: str, more: dict[str, tuple[int, ...]]) -> None:
    told = classified(facts({**DRAWING[name], **more}))
    assert told.kind is not ModelKind.DIFFUSION_MODEL
    assert told.component is None


@pytest.mark.parametrize("name", DRAWING)
def test_that_a_lora_stays_one(name: str) -> None:
    layer = next(iter(DRAWING[name])).removesuffix(".weight")
    loras: Shapes = {f"{layer}.lora_A.weight": (4, 8), f"{layer}.lora_B.weight": (8, 4)}
    assert classified(facts(loras)).kind is ModelKind.LORA
    assert classified(facts(under("diffusion_model.", loras))).kind is ModelKind.LORA


WHOLE = {
    **under("model.diffusion_model.", flux()),
    **under("text_encoders.clip_l.transformer.", clip()),
    **under("text_encoders.t5xxl.transformer.", t5()),
    **under("vae.", vae()),
}


def test_that_a_file_with_every_component_draws_alone() -> None:
    told = classified(facts(WHOLE))

    assert (told.kind, told.loadable) == (ModelKind.CHECKPOINT, True)
    assert told.component is not None
    assert told.component.holds == ("text_encoder", "text_encoder_2", "vae")


def test_that_a_component_is_taken_out_of_a_file() -> None:
    found = components_in(facts({**flux(), **under("vae.", vae())}))
    drawing = found[0]
    assert drawing.component.holds == ("vae",)
    assert not drawing.component.is_whole

    names = {
        role: names_of(placed, found, [*flux(), *under("vae.", vae())])
        for role in ("transformer", "vae")
        if (placed := placed_for(role, drawing.component.needs, found)) is not None
    }

    assert list(names["transformer"]) == list(flux())
    assert names["vae"] == {name: f"vae.{name}" for name in vae()}
    assert placed_for("text_encoder", drawing.component.needs, found) is None


def test_that_clips_with_and_without_a_projection_differ() -> None:
    """The second encoder of Stable Diffusion 3 is projected, and no other encoder is."""
    (drawing,) = components_in(facts(DRAWING["sd-3"]))
    first, second = drawing.component.needs[:2]
    for need, width in ((first, 768), (second, 1280)):
        assert need.type is ComponentType.CLIP
        (with_it,) = components_in(facts(clip(width)))
        (without,) = components_in(facts(clip(width, projection=False)))
        assert need.fits(with_it.component)
        assert need.fits(without.component) is (need is first)


def test_that_a_header_with_many_text_encoders_takes_little_work() -> None:
    """Each was looked for among all names: 100,000 names took 20 minutes."""
    names = ("embed_tokens.weight", "layers.0.self_attn.q_proj.weight")
    found = components_in(
        {
            f"text_encoders.a{number}.{name}": TensorFacts("float16", (8, 8))
            for number in range(20_000)
            for name in names
        }
    )
    assert len(found) == 8
