"""The header and the name of a transformer say how it is drawn, and its record has it."""

import dataclasses
from math import prod

import pytest

from adapters.filesystem.classification.files import classify
from adapters.filesystem.headers.values import Header
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.sets import components_in
from domain.checkpoints.sets.variants.choosing import variant_of
from domain.models.defaults import ModelDefaults
from domain.models.record import ModelFamily, ModelKind, ModelRecord
from domain.services.listing.model_sets import with_sets
from tests.contract.sets import originals
from tests.fakes.model_source import model_record
from tests.unit.sets.set_records import CLIP_G, CLIP_L, T5, VAE, file

TABLES = {
    "dev": originals.flux(guidance=True, doubles=1, singles=1),
    "schnell": originals.flux(guidance=False, doubles=1, singles=1),
    "chroma": originals.chroma(doubles=1, singles=1, layers=1),
    "sd3-medium": originals.sd3(depth=2, width=1536, normed=False),
    "sd3.5-medium": originals.sd3(depth=2, width=1536, dual=1),
    "sd3.5-large": originals.sd3(depth=2, width=2432),
}
OTHERS = (
    file("m/text_encoders/clip_l.safetensors", CLIP_L),
    file("m/text_encoders/clip_g.safetensors", CLIP_G),
    file("m/text_encoders/t5xxl_fp16.safetensors", T5),
    file("m/vae/ae.safetensors", dataclasses.replace(VAE, kind="FLUX.1")),
    file("m/vae/sd3.safetensors", dataclasses.replace(VAE, kind="Stable Diffusion 3")),
)


def listed(table: str, name: str) -> ModelRecord:
    """Return the set that begins with a transformer of this table and file name."""
    tensors = {key: TensorFacts("bfloat16", shape) for key, shape in TABLES[table].items()}
    (placed,) = components_in(tensors)
    drawing = dataclasses.replace(
        model_record(name.encode(), f"m/diffusion_models/{name}"),
        kind=ModelKind.DIFFUSION_MODEL,
        family=placed.family,
        component=placed.component,
    )
    by_id = {each.id: each for each in (drawing, *OTHERS)}
    (found,) = (each for each in with_sets(by_id).values() if each.members)
    return found


@pytest.mark.parametrize(
    ("table", "name", "steps", "guidance"),
    [
        ("dev", "flux1-dev.safetensors", 28, 3.5),
        ("dev", "portraits_v3.safetensors", 28, 3.5),
        ("schnell", "flux1-schnell.safetensors", 4, 1.0),
        ("chroma", "Chroma1-HD.safetensors", 40, 3.0),
        ("sd3-medium", "sd3_medium.safetensors", 28, 7.0),
        ("sd3.5-medium", "sd3.5_medium.safetensors", 40, 4.5),
        ("sd3.5-large", "sd3.5_large.safetensors", 28, 3.5),
        ("sd3.5-large", "sd3.5_large_turbo.safetensors", 4, 1.0),
    ],
)
def test_a_set_has_the_steps_and_the_guidance_of_its_authors(
    table: str, name: str, steps: int, guidance: float
) -> None:
    model = listed(table, name)
    assert model.defaults == ModelDefaults(num_inference_steps=steps, guidance_scale=guidance)
    assert model.note is None


@pytest.mark.parametrize(
    ("table", "word", "steps"),
    [("schnell", "de-distilled", 4), ("sd3.5-large", "«turbo»", 28)],
)
def test_what_no_header_and_no_name_tells_is_said(table: str, word: str, steps: int) -> None:
    model = listed(table, "portraits_v3.safetensors")
    assert model.defaults.num_inference_steps == steps
    assert model.note is not None
    assert word in model.note


@pytest.mark.parametrize(
    ("table", "family", "shift", "is_dynamic"),
    [
        ("dev", ModelFamily.FLUX, 3.0, True),
        ("schnell", ModelFamily.FLUX, 1.0, False),
        ("chroma", ModelFamily.CHROMA, 1.0, False),
        ("sd3-medium", ModelFamily.SD_3, 3.0, None),
        ("sd3.5-large", ModelFamily.SD_3, 3.0, None),
    ],
)
def test_each_variant_has_its_published_schedule(
    table: str, family: ModelFamily, shift: float, is_dynamic: bool | None
) -> None:
    component = components_in(
        {key: TensorFacts("bfloat16", shape) for key, shape in TABLES[table].items()}
    )[0].component
    variant = variant_of(family, component.variant, "a.safetensors")
    assert variant is not None
    assert variant.scheduler["shift"] == shift
    assert variant.scheduler.get("use_dynamic_shifting") is is_dynamic


def test_a_file_with_every_component_counts_the_numbers_of_all() -> None:
    parts = {
        "model.diffusion_model.": TABLES["chroma"],
        "text_encoders.t5xxl.transformer.": originals.t5(layers=1),
        "vae.": originals.vae(),
    }
    table = {
        f"{start}{name}": shape for start, part in parts.items() for name, shape in part.items()
    }
    tensors = {name: TensorFacts("bfloat16", shape) for name, shape in table.items()}
    found = classify(Header(tensors=tensors, metadata={}))
    assert (found.kind, found.family) == (ModelKind.CHECKPOINT, ModelFamily.CHROMA)
    assert found.parameters == sum(prod(shape) for shape in table.values())


@pytest.mark.parametrize(
    ("table", "name", "word"),
    [
        ("chroma", "Chroma1-Flash.safetensors", "flash"),
        ("dev", "flux1-dev-hyper.safetensors", "hyper"),
        ("dev", "fluxdev_8steps.gguf", "8steps"),
        ("sd3.5-medium", "sd3.5m_turbo.safetensors", "turbo"),
    ],
)
def test_a_name_for_few_steps_that_nothing_here_knows_is_said(
    table: str, name: str, word: str
) -> None:
    model = listed(table, name)
    assert f"has «{word}» in its name" in str(model.note)
    assert f"drawn in {model.defaults.num_inference_steps} steps" in str(model.note)


@pytest.mark.parametrize("name", ["flux1-dev-hyperreal.safetensors", "flashlights.safetensors"])
def test_a_word_that_only_begins_so_is_not_taken_for_it(name: str) -> None:
    assert listed("dev", name).note is None
