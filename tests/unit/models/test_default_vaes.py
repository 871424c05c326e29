"""The VAE that a checkpoint draws with if a request names none."""

import dataclasses
import hashlib
from typing import Any

import pytest

from domain.checkpoints.published_vaes import PUBLISHED_VAES
from domain.errors import ModelNotLoadable
from domain.generation.request import GenerationRequest
from domain.models.record import ModelFamily, ModelKind, ModelRecord, PendingModel, PendingState
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_settings import FakeModelSettings
from tests.fakes.model_source import FakeModelSource, model_record
from tests.fakes.picture_codec import FakePictureCodec

SD_1, SD_2, SDXL = ModelFamily.SD_1, ModelFamily.SD_2, ModelFamily.SDXL
OF_SD_1, OF_SD_1_TOO = (key for key, base in [*PUBLISHED_VAES.items()][:2] if base is SD_1)


def vae(path: str, base: ModelFamily | None = None, **changes: Any) -> ModelRecord:
    record = model_record(path.encode(), path)
    of_vae: dict[str, Any] = {
        "kind": ModelKind.VAE,
        "reason": "it is a VAE",
        "is_companion": True,
        "base": base,
    }
    return dataclasses.replace(record, **{**of_vae, **changes})


def checkpoint(path: str = "m/night.ckpt", *, lacks: bool = True, **changes: Any) -> ModelRecord:
    facts: dict[str, Any] = {"family": SD_1, "base": SD_1, "lacks_vae": lacks, **changes}
    return dataclasses.replace(model_record(path.encode(), path), **facts)


def registry_of(
    *models: ModelRecord,
    settings: dict[str, object] | None = None,
    pending: tuple[PendingModel, ...] = (),
) -> ModelRegistry:
    source = FakeModelSource()
    source.others, source.pending = models, pending
    registry = ModelRegistry(source, settings=FakeModelSettings(settings))
    registry.look()
    return registry


def request(**changes: Any) -> GenerationRequest:
    return GenerationRequest(**{"id": "r", "prompt": "x", "seed": 1, **changes})


NIGHT = checkpoint()
BESIDE = vae("m/night.vae.safetensors")


@pytest.mark.parametrize("extension", [".safetensors", ".pt", ".ckpt"])
@pytest.mark.parametrize("lacks", [True, False])
def test_a_file_beside_the_checkpoint_draws(extension: str, lacks: bool) -> None:
    night, beside = checkpoint(lacks=lacks), vae(f"m/night.vae{extension}")
    model = registry_of(night, beside, vae("m/other.vae.pt", SD_1)).get(night.id)
    assert (model.loadable, model.defaults.vae_id, model.problems) == (True, beside.id, ())


@pytest.mark.parametrize(
    "path", ["m/night.vae.bin", "n/night.vae.pt", "m/Night.vae.pt", "m/night.ckpt.vae.pt"]
)
def test_a_file_elsewhere_or_with_another_name_is_not_beside(path: str) -> None:
    night = registry_of(checkpoint(lacks=False), vae(path)).get(NIGHT.id)
    assert night.defaults.vae_id is None


def test_the_order_of_the_extensions_decides_between_two_files() -> None:
    others = [vae(f"m/night.vae{each}") for each in (".ckpt", ".pt")]
    assert registry_of(NIGHT, *others, BESIDE).get(NIGHT.id).defaults.vae_id == BESIDE.id
    assert registry_of(NIGHT, *others).get(NIGHT.id).defaults.vae_id == others[1].id


def test_a_file_beside_a_twin_counts_too() -> None:
    twin = dataclasses.replace(NIGHT, path="a/noon.safetensors", name="noon.safetensors")
    assert registry_of(NIGHT, twin, BESIDE).get(NIGHT.id).defaults.vae_id == BESIDE.id


def test_the_settings_come_before_the_file_beside() -> None:
    named = vae("v/soft.pt")
    registry = registry_of(NIGHT, BESIDE, named, settings={"night": {"vae": "soft"}})
    assert registry.get(NIGHT.id).defaults.vae_id == named.id
    wrong = registry_of(NIGHT, BESIDE, settings={"night": {"vae": "soft"}}).get(NIGHT.id)
    assert wrong.defaults.vae_id == BESIDE.id
    assert wrong.problems == ("does not follow vae of its settings: 'soft' names no model",)


@pytest.mark.parametrize("base", [SD_1, SD_2])
def test_the_only_vae_of_the_family_draws(base: ModelFamily) -> None:
    only = vae("v/a.pt", base)
    others = (vae("v/xl.pt", SDXL), vae("v/nobody.pt"))
    assert registry_of(NIGHT, only, *others).get(NIGHT.id).defaults.vae_id == only.id


def test_a_published_vae_comes_before_others_of_the_family() -> None:
    known = vae("v/mse.ckpt", SD_1, id=OF_SD_1)
    registry = registry_of(NIGHT, known, vae("v/a.pt", SD_1), vae("v/b.pt", SD_1))
    assert registry.get(NIGHT.id).defaults.vae_id == OF_SD_1


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        (
            (),
            "it holds no VAE; put its VAE beside it as night.vae.safetensors, put a VAE for sd-1 "
            "into a model folder, or get the full checkpoint",
        ),
        ((vae("v/xl.pt", SDXL),), "it holds no VAE; put its VAE beside it"),
        (
            (vae("v/xl.pt", SDXL), vae("v/nobody.pt")),
            "it holds no VAE, and nothing tells the family of this VAE: nobody.pt; name the right "
            "one as the vae of its settings, or put its VAE beside it as night.vae.safetensors",
        ),
        (
            (vae("v/a.pt"), vae("v/b.pt")),
            "it holds no VAE, and nothing tells the families of these VAEs: a.pt, b.pt; name",
        ),
        (
            (vae("v/a.pt"), vae("v/b.pt", SD_1), vae("v/c.pt", SD_1)),
            "it holds no VAE, and several fit: b.pt, c.pt;",
        ),
        (
            (vae("v/a.pt", SD_1), vae("v/b.pt", SD_2)),
            "it holds no VAE, and several fit: a.pt, b.pt; name one of them as the vae of its",
        ),
        (
            (vae("v/a.pt", SD_1, id=OF_SD_1), vae("v/b.pt", SD_1, id=OF_SD_1_TOO)),
            "it holds no VAE, and several fit: a.pt, b.pt;",
        ),
        (
            tuple(vae(f"v/{number}.pt", SD_1) for number in range(9)),
            "it holds no VAE, and several fit: 0.pt, 1.pt, 2.pt, 3.pt and 5 more;",
        ),
        (
            (dataclasses.replace(BESIDE, is_companion=False, reason="it is cut"),),
            "it holds no VAE, and the VAE beside it is night.vae.safetensors, which cannot be "
            "used: it is cut",
        ),
        (
            (vae("m/night.vae.pt", SDXL), vae("v/a.pt", SD_1)),
            "it holds no VAE, and the VAE beside it is night.vae.pt, a VAE for sdxl",
        ),
    ],
)
def test_a_checkpoint_without_a_vae_says_what_it_needs(
    others: tuple[ModelRecord, ...], reason: str
) -> None:
    registry = registry_of(NIGHT, *others)
    with pytest.raises(ModelNotLoadable) as caught:
        registry.get_loadable(NIGHT.id)
    assert caught.value.reason.startswith(reason)
    assert registry.get(NIGHT.id).defaults.vae_id is None


def test_a_full_checkpoint_takes_a_vae_beside_it_alone() -> None:
    full = registry_of(checkpoint(lacks=False), vae("v/a.pt", SD_1, id=OF_SD_1)).get(NIGHT.id)
    assert (full.loadable, full.defaults.vae_id) == (True, None)
    broken = dataclasses.replace(BESIDE, is_companion=False, reason="it is cut")
    said = registry_of(checkpoint(lacks=False), broken).get(NIGHT.id)
    (warning,) = said.warnings
    assert "night.ckpt draws with the VAE in its file: the VAE beside it is" in warning


def test_a_file_beside_that_is_still_read_is_awaited() -> None:
    coming = PendingModel("night.vae.pt", "m/night.vae.pt", 1, PendingState.HASHING)
    model = registry_of(NIGHT, vae("v/a.pt", SD_1), pending=(coming,)).get(NIGHT.id)
    assert "night.vae.pt beside it is not read yet" in (model.reason or "")
    full = registry_of(checkpoint(lacks=False), pending=(coming,)).get(NIGHT.id)
    assert full.loadable
    assert "night.vae.pt beside it is not read yet" in full.warnings[0]


def test_add_ons_folders_and_other_families_get_no_vae() -> None:
    flow = checkpoint("m/flow.safetensors", lacks=False, family=ModelFamily.FLUX)
    folder = checkpoint("m/folder", lacks=False, extension="")
    lora = checkpoint("m/lora.safetensors", lacks=False, kind=ModelKind.LORA, reason="a LoRA")
    beside = [vae(f"m/{name}.vae.pt") for name in ("flow", "folder", "lora")]
    registry = registry_of(flow, folder, lora, *beside)
    for model in (flow, folder, lora):
        assert registry.get(model.id).defaults.vae_id is None


def test_a_vae_that_shows_a_fault_when_it_is_loaded_stops_being_the_default() -> None:
    registry = registry_of(NIGHT, BESIDE)
    assert registry.get(NIGHT.id).loadable
    registry.reject(BESIDE.id, "it holds NaN")
    assert "it holds NaN" in (registry.get(NIGHT.id).reason or "")
    registry = registry_of(NIGHT, BESIDE)
    registry.forget(BESIDE.id)
    assert "it holds no VAE" in (registry.get(NIGHT.id).reason or "")
    registry.look()
    assert registry.get(NIGHT.id).loadable


def test_a_request_is_drawn_with_the_default_and_says_so() -> None:
    registry = registry_of(NIGHT, BESIDE)
    generator = FakeImageGenerator()
    use_case = GenerateImages(registry, generator, FakePictureCodec())
    result = use_case(request(model_id=NIGHT.id))
    assert (result.request.vae_id, generator.drawn[0].vae_id) == (BESIDE.id, BESIDE.id)
    said = f"night.ckpt holds no VAE, and draws with the VAE {BESIDE.name}"
    assert said in result.warnings
    other = vae("v/other.pt", SD_1)
    registry = registry_of(NIGHT, BESIDE, other)
    use_case = GenerateImages(registry, generator, FakePictureCodec())
    named = use_case(request(model_id=NIGHT.id, vae_id=other.id))
    assert (named.request.vae_id, said in named.warnings) == (other.id, False)


def test_the_same_files_have_the_same_default_in_any_order() -> None:
    models = [NIGHT, BESIDE, vae("v/a.pt", SD_1), vae("m/night.vae.pt")]
    ids = {registry_of(*models[n:], *models[:n]).get(NIGHT.id).defaults.vae_id for n in range(4)}
    assert ids == {hashlib.sha256(BESIDE.path.encode()).hexdigest()}
