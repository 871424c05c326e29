"""Add-ons are compared with their checkpoint: kind, usability, family, shapes."""

import dataclasses
import itertools
from collections.abc import Mapping

import pytest

from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.layouts import checkpoint_parts
from domain.errors import (
    AddonMismatch,
    InvalidRequest,
    ModelChanged,
    ModelNotFound,
    ModelNotLoadable,
    ModelsNotRead,
)
from domain.generation.parts import Control, Embedding, Lora, Upscale
from domain.generation.request import GenerationRequest
from domain.models.kinds import base_family
from domain.models.record import (
    ModelFamily,
    ModelKind,
    ModelRecord,
    PendingModel,
    PendingState,
)
from domain.pictures import PictureRef
from domain.ports.model_headers import ModelHeaders
from domain.services.addition_checks import AdditionChecks
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_headers import FakeModelHeaders
from tests.fakes.model_source import FakeModelSource, model_record
from tests.fakes.picture_codec import FakePictureCodec
from tests.unit.classification.addon_headers import lora, original_controlnet, original_vae
from tests.unit.classification.classification_headers import facts

PICTURE = PictureRef(id="ab" * 32, media_type="image/png", size=9, width=512, height=512)
KINDS = (ModelKind.LORA, ModelKind.VAE, ModelKind.EMBEDDING, ModelKind.CONTROLNET)
FIELDS = {
    ModelKind.LORA: "loras[0].model_id",
    ModelKind.VAE: "vae_id",
    ModelKind.EMBEDDING: "embeddings[0].model_id",
    ModelKind.CONTROLNET: "controls[0].model_id",
}


def checkpoint(family: ModelFamily | None, name: str = "photo.ckpt") -> ModelRecord:
    record = model_record(repr((family, name)).encode(), f"models/{name}")
    return dataclasses.replace(record, family=family, base=base_family(family))


def addon(kind: ModelKind, base: ModelFamily | None = None, **changes: object) -> ModelRecord:
    record = model_record(repr((kind, base)).encode(), f"models/{kind}.safetensors")
    values = {"kind": kind, "base": base, "family": base, "reason": f"it is a {kind}"} | {
        "is_companion": True
    }
    return dataclasses.replace(record, **(values | changes))  # type: ignore[arg-type]


def asking(model: ModelRecord, *addons: tuple[ModelKind, ModelRecord]) -> GenerationRequest:
    """Return a request that names each model in a field for the kind before it."""
    ids = {kind: [one.id for key, one in addons if key is kind] for kind in KINDS}
    vaes = ids[ModelKind.VAE]
    return GenerationRequest(
        id="r",
        model_id=model.id,
        prompt="x",
        loras=tuple(Lora(model_id=each) for each in ids[ModelKind.LORA]),
        vae_id=vaes[0] if vaes else None,
        embeddings=tuple(
            Embedding(model_id=each, token=f"word{number}")
            for number, each in enumerate(ids[ModelKind.EMBEDDING])
        ),
        controls=tuple(Control(model_id=each, image=PICTURE) for each in ids[ModelKind.CONTROLNET]),
    )


class Checking:
    """The checks over fakes."""

    def __init__(self, *models: ModelRecord, headers: ModelHeaders | None = None) -> None:
        self.source = FakeModelSource()
        self.source.others = models
        self.registry = ModelRegistry(self.source)
        self.registry.refresh()
        self.checks = AdditionChecks(self.registry, headers)

    def rows(self, request: GenerationRequest) -> dict[str, str]:
        model = self.registry.get(request.model_id)
        rows = self.checks.problems(model, self.checks.found(request))
        return {row.field: row.message for row in rows}


@pytest.mark.parametrize("kind", KINDS)
def test_an_addon_of_the_kind_and_the_family_passes(kind: ModelKind) -> None:
    model, one = checkpoint(ModelFamily.SD_1), addon(kind, ModelFamily.SD_1)
    assert Checking(model, one).rows(asking(model, (kind, one))) == {}


@pytest.mark.parametrize("wanted", KINDS)
@pytest.mark.parametrize("kind", ModelKind)
def test_a_model_of_another_kind_is_named_with_both_kinds(
    wanted: ModelKind, kind: ModelKind
) -> None:
    if kind is wanted:
        return
    model, one = checkpoint(ModelFamily.SD_1), addon(kind)
    (row,) = Checking(model, one).rows(asking(model, (wanted, one))).items()
    titles = {"lora": "a LoRA", "vae": "a VAE", "embedding": "an embedding"} | {
        "controlnet": "a ControlNet"
    }
    assert row[0] == FIELDS[wanted]
    assert row[1].startswith(f"is {one.name}, which is a")
    assert f"and not {titles[wanted]}; choose {titles[wanted]} for photo.ckpt" in row[1]


@pytest.mark.parametrize("kind", KINDS)
def test_an_addon_that_cannot_be_used_says_why(kind: ModelKind) -> None:
    model = checkpoint(ModelFamily.SD_1)
    one = addon(kind, is_companion=False, reason="it holds the instruction to call os.system")
    assert Checking(model, one).rows(asking(model, (kind, one))) == {
        FIELDS[kind]: f"is {one.name}, which cannot be used: it holds the instruction to call "
        "os.system"
    }


def test_a_controlnet_whose_name_says_that_it_shuffles_is_refused_before_the_queue() -> None:
    model = checkpoint(ModelFamily.SD_1)
    one = addon(ModelKind.CONTROLNET, name="control_v11e_sd15_Shuffle.pth")
    rows = Checking(model, one).rows(asking(model, (ModelKind.CONTROLNET, one)))
    assert "shuffles a picture" in rows["controls[0].model_id"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", [each for each in ModelFamily if checkpoint(each).schedulers])
@pytest.mark.parametrize("base", [ModelFamily.SD_1, ModelFamily.SD_2, ModelFamily.SDXL])
def test_variants_of_a_family_take_the_addons_of_their_base(
    kind: ModelKind, family: ModelFamily, base: ModelFamily
) -> None:
    model, one = checkpoint(family), addon(kind, base)
    rows = Checking(model, one).rows(asking(model, (kind, one)))
    sd_1_and_2 = {ModelFamily.SD_1, ModelFamily.SD_2}
    if base_family(family) is base or (
        kind is ModelKind.VAE and {base_family(family), base} <= sd_1_and_2
    ):
        assert rows == {}
    else:
        text = rows[FIELDS[kind]]
        for told in (one.name, f"for {base}", model.name, f"family {family}"):
            assert told in text
        assert f"for {base_family(family)}, or another checkpoint" in text


def test_the_bases_are_those_of_the_variants() -> None:
    assert {each: base_family(each) for each in ModelFamily if base_family(each) is not each} == {
        ModelFamily.SD_1_INPAINT: ModelFamily.SD_1,
        ModelFamily.SD_1_PIX2PIX: ModelFamily.SD_1,
        ModelFamily.SD_2_V: ModelFamily.SD_2,
        ModelFamily.SD_2_INPAINT: ModelFamily.SD_2,
        ModelFamily.SDXL_INPAINT: ModelFamily.SDXL,
        ModelFamily.SDXL_PIX2PIX: ModelFamily.SDXL,
    }
    assert base_family(None) is None


@pytest.mark.parametrize("family", [ModelFamily.FLUX, ModelFamily.SD_3])
def test_other_pipelines_draw_without_addons(family: ModelFamily) -> None:
    model, one = checkpoint(family), addon(ModelKind.LORA)
    text = Checking(model, one).rows(asking(model, (ModelKind.LORA, one)))["loras[0].model_id"]
    assert "photo.ckpt draws without add-ons" in text


@pytest.mark.parametrize(
    ("family", "base"),
    [(None, ModelFamily.SD_1), (ModelFamily.SD_1, None), (None, None)],
)
def test_shapes_decide_where_a_family_is_not_known(
    family: ModelFamily | None, base: ModelFamily | None
) -> None:
    model, one = checkpoint(family), addon(ModelKind.LORA, base)
    asked = asking(model, (ModelKind.LORA, one))
    assert Checking(model, one).rows(asked) == {}
    headers = FakeModelHeaders(
        {model.id: tensors_of(ModelFamily.SD_1), one.id: lora("kohya", ModelFamily.SD_1)}
    )
    assert Checking(model, one, headers=headers).rows(asked) == {}
    headers.held[one.id] = lora("kohya", ModelFamily.SDXL)
    text = Checking(model, one, headers=headers).rows(asked)["loras[0].model_id"]
    assert text.startswith("is lora.safetensors, which does not fit photo.ckpt: ")


def tensors_of(family: ModelFamily) -> dict[str, TensorFacts]:
    shapes = (part.items() for part in checkpoint_parts(family).values())
    return facts(dict(itertools.chain(*shapes)))


WHOLE: Mapping[ModelKind, dict[str, TensorFacts]] = {
    ModelKind.LORA: lora("kohya", ModelFamily.SD_1),
    ModelKind.VAE: original_vae(),
    ModelKind.EMBEDDING: facts({"emb_params": (4, 768)}),
    ModelKind.CONTROLNET: original_controlnet(ModelFamily.SD_1),
}
OTHER: Mapping[ModelKind, dict[str, TensorFacts]] = {
    ModelKind.LORA: lora("LoHa", ModelFamily.SDXL),
    ModelKind.VAE: original_vae() | facts({"decoder.conv_in.weight": (512, 16, 3, 3)}),
    ModelKind.EMBEDDING: facts({"emb_params": (4, 1024)}),
    ModelKind.CONTROLNET: original_controlnet(ModelFamily.SD_2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_shapes_of_each_kind_are_compared(kind: ModelKind) -> None:
    model, one = checkpoint(ModelFamily.SD_1), addon(kind)
    headers = FakeModelHeaders({model.id: tensors_of(ModelFamily.SD_1), one.id: WHOLE[kind]})
    asked = asking(model, (kind, one))
    assert Checking(model, one, headers=headers).rows(asked) == {}
    headers.held[one.id] = OTHER[kind]
    text = Checking(model, one, headers=headers).rows(asked)[FIELDS[kind]]
    assert f"is {one.name}, which does not fit photo.ckpt: " in text


def test_the_result_of_two_models_is_kept_by_their_ids() -> None:
    model, one = checkpoint(None), addon(ModelKind.LORA)
    two = addon(ModelKind.LORA, ModelFamily.SD_1)
    headers = FakeModelHeaders(
        {model.id: tensors_of(ModelFamily.SD_1), one.id: WHOLE[ModelKind.LORA]}
        | {two.id: WHOLE[ModelKind.LORA]}
    )
    checking = Checking(model, one, two, headers=headers)
    checking.checks = AdditionChecks(checking.registry, headers, most_pairs=1)
    asked = asking(model, (ModelKind.LORA, one))
    for _ in range(3):
        assert checking.rows(asked) == {}
    assert headers.asked == [one.id, model.id]
    checking.rows(asking(model, (ModelKind.LORA, two)))
    checking.rows(asked)
    assert headers.asked == [one.id, model.id, two.id, model.id, one.id, model.id]


def test_reading_ahead_leaves_no_file_to_read_and_raises_nothing() -> None:
    model, one = checkpoint(None), addon(ModelKind.LORA)
    headers = FakeModelHeaders({model.id: tensors_of(ModelFamily.SD_1)})
    headers.held[one.id] = WHOLE[ModelKind.LORA]
    checking = Checking(model, one, headers=headers)
    asked = asking(model, (ModelKind.LORA, one))
    checking.checks.read_ahead(asked)
    read = list(headers.asked)
    assert checking.rows(asked) == {}
    assert headers.asked == read
    checking.checks.read_ahead(asking(model))
    checking.checks.read_ahead(asking(model, (ModelKind.LORA, checkpoint(None, "away.ckpt"))))
    checking.checks.read_ahead(asking(checkpoint(None, "away.ckpt"), (ModelKind.LORA, one)))
    assert headers.asked == read


def test_all_wrong_addons_have_a_row() -> None:
    model = checkpoint(ModelFamily.SD_1)
    good, other = addon(ModelKind.LORA), addon(ModelKind.LORA, ModelFamily.SDXL)
    vae = addon(ModelKind.VAE)
    rows = Checking(model, good, other, vae).rows(
        asking(
            model,
            (ModelKind.LORA, good),
            (ModelKind.LORA, vae),
            (ModelKind.LORA, other),
            (ModelKind.VAE, other),
        )
    )
    assert list(rows) == ["vae_id", "loras[1].model_id", "loras[2].model_id"]


def test_an_unknown_addon_has_its_field() -> None:
    model, one = checkpoint(None), addon(ModelKind.LORA)
    asked = asking(model, (ModelKind.LORA, one), (ModelKind.LORA, addon(ModelKind.VAE)))
    checking = Checking(model, one)
    with pytest.raises(ModelNotFound) as caught:
        checking.rows(asked)
    assert caught.value.field == "loras[1].model_id"
    checking.source.pending = (PendingModel("a.pt", "m/a.pt", 9, PendingState.HASHING),)
    checking.registry.look()
    with pytest.raises(ModelsNotRead):
        checking.rows(asked)


def test_a_file_that_has_changed_is_forgotten_and_the_other_is_not() -> None:
    model, one = checkpoint(None), addon(ModelKind.LORA)
    headers = FakeModelHeaders()
    headers.gone.add(one.id)
    checking = Checking(model, one, headers=headers)
    asked = asking(model, (ModelKind.LORA, one))
    checking.checks.read_ahead(asked)
    assert len(checking.registry.models()) == 2
    with pytest.raises(ModelChanged):
        checking.rows(asked)
    assert [each.id for each in checking.registry.models()] == [model.id]


class Unreadable(FakeModelHeaders):
    def tensors(self, model: ModelRecord) -> Mapping[str, TensorFacts]:
        if model.kind is ModelKind.LORA:
            raise ModelNotLoadable(
                "its header is cut off", model.name, lasting=True, model_id=model.id
            )
        return super().tensors(model)


def test_an_addon_whose_header_cannot_be_read_is_rejected_and_its_checkpoint_is_not() -> None:
    model, one = checkpoint(None), addon(ModelKind.LORA)
    checking = Checking(model, one, headers=Unreadable())
    asked = asking(model, (ModelKind.LORA, one))
    with pytest.raises(ModelNotLoadable):
        checking.rows(asked)
    assert not checking.registry.get(one.id).usable
    assert checking.registry.get(model.id).loadable
    assert "its header is cut off" in checking.rows(asked)["loras[0].model_id"]


def use_case(checking: Checking, headers: ModelHeaders | None = None) -> GenerateImages:
    generator = FakeImageGenerator()
    return GenerateImages(checking.registry, generator, FakePictureCodec(), headers=headers)


def test_admission_refuses_what_does_not_fit() -> None:
    model, one = checkpoint(ModelFamily.SD_1), addon(ModelKind.LORA, ModelFamily.SDXL)
    checking = Checking(model, one)
    asked = asking(model, (ModelKind.LORA, one))
    with pytest.raises(AddonMismatch) as caught:
        use_case(checking).admit(asked)
    assert [row.field for row in caught.value.problems] == ["loras[0].model_id"]
    wide = dataclasses.replace(asked, width=2048)
    with pytest.raises(InvalidRequest) as both:
        use_case(checking).admit(wide)
    assert type(both.value) is InvalidRequest
    assert [row.field for row in both.value.problems] == ["width", "loras[0].model_id"]


def test_an_upscaler_is_not_compared_with_the_checkpoint() -> None:
    model = checkpoint(ModelFamily.SD_1)
    upscaler = addon(ModelKind.UPSCALER, scale=2)
    headers = FakeModelHeaders()
    asked = dataclasses.replace(asking(model), upscale=Upscale(model_id=upscaler.id))
    assert use_case(Checking(model, upscaler), headers).admit(asked)
    assert headers.asked == []


@pytest.mark.parametrize(
    ("base", "family", "warned"),
    [
        (None, ModelFamily.SD_1, True),
        (None, ModelFamily.SDXL_INPAINT, True),
        (None, None, False),
        (ModelFamily.SDXL, ModelFamily.SDXL, False),
        (ModelFamily.SD_1, ModelFamily.SD_2_V, False),
    ],
)
def test_a_vae_of_an_unknown_family_is_told_of(
    base: ModelFamily | None, family: ModelFamily | None, warned: bool
) -> None:
    model, one = checkpoint(family), addon(ModelKind.VAE, base)
    result = use_case(Checking(model, one))(asking(model, (ModelKind.VAE, one)))
    assert [text.startswith("vae.safetensors does not say") for text in result.warnings] == (
        [True] if warned else []
    )


def test_every_result_says_what_of_an_addon_is_not_applied() -> None:
    model, one = checkpoint(None, "model.ckpt"), addon(ModelKind.LORA)
    extra = facts({"bundle_emb.word.string_to_param.*": (2, 768)})
    headers = FakeModelHeaders(
        {model.id: tensors_of(ModelFamily.SD_1), one.id: WHOLE[ModelKind.LORA] | extra}
    )
    asked = asking(model, (ModelKind.LORA, one), (ModelKind.LORA, one))
    result = use_case(Checking(model, one), headers)(asked)
    (said,) = result.warnings
    assert said.startswith("lora.safetensors: 1 tensor is not applied")
