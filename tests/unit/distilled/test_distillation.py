"""Models that draw in few steps are known by bytes, network, metadata or name."""

from dataclasses import replace

import pytest

from domain.checkpoints.distilled.published import PUBLISHED_DISTILLED
from domain.checkpoints.distilled.recognising import distilled_by_header, with_distillation
from domain.generation.request import GenerationRequest
from domain.models.distilled import Distilled, Evidence, Method
from domain.models.kinds import ModelFamily, ModelKind
from domain.models.record import ModelRecord
from domain.models.settings import ModelSettings
from domain.models.training import Prediction, Spacing, Training
from domain.services.batch_inputs import warnings_of
from domain.sizes import Size

PLAIN = ModelRecord(
    id="ab" * 32,
    name="paint.safetensors",
    size=1,
    path="models/paint.safetensors",
    extension=".safetensors",
    family=ModelFamily.SDXL,
    native_size=Size(1024, 1024),
)


def named(name: str, family: ModelFamily = ModelFamily.SDXL) -> Distilled | None:
    record = replace(PLAIN, name=f"{name}.safetensors", family=family)
    return with_distillation(record, None).distilled


@pytest.mark.parametrize(
    ("name", "method", "steps"),
    [
        ("sdxl_lightning_4step", Method.LIGHTNING, 4),
        ("sdxl_lightning_8step", Method.LIGHTNING, 8),
        ("juggernautXL_v9Rdphoto2Lightning", Method.LIGHTNING, 4),
        ("RealVisXL_V5.0_Lightning_fp16", Method.LIGHTNING, 4),
        ("Juggernaut_RunDiffusionPhoto2_Lightning_4Steps", Method.LIGHTNING, 4),
        ("dreamshaperXL_v21TurboDPMSDE", Method.TURBO, 4),
        ("sd_xl_turbo_1.0_fp16", Method.TURBO, 4),
        ("turbovisionxlSuperFastXL", Method.TURBO, 4),
        ("Hyper-SDXL-8steps", Method.HYPER, 8),
        ("cyberXLHyper_2step", Method.HYPER, 2),
        ("DreamShaper8_LCM", Method.LCM, 4),
        ("photonLCM_v10", Method.LCM, 4),
        ("dmd2_sdxl_4step", Method.DMD2, 4),
    ],
)
def test_a_name_is_a_hint(name: str, method: Method, steps: int) -> None:
    found = named(name)
    assert found is not None
    assert (found.method, found.evidence, found.steps) == (method, Evidence.NAME, steps)


@pytest.mark.parametrize(
    "name",
    [
        *("hyperRealism_v30", "HyperRealistic v2", "Hyper Photo", "sd_xl_base_1.0", "paint"),
        *("thunderbolt", "lightningstrike", "malcmodel", "v1-5-pruned-emaonly", "4step"),
    ],
)
def test_other_names_are_none(name: str) -> None:
    assert named(name) is None


@pytest.mark.parametrize("family", [ModelFamily.FLUX, ModelFamily.SD_3, ModelFamily.SDXL_PIX2PIX])
def test_the_names_of_other_families_say_nothing(family: ModelFamily) -> None:
    assert named("z_image_turbo", family) is None


def test_what_cannot_draw_gets_no_hint() -> None:
    lora = replace(PLAIN, kind=ModelKind.LORA, name="sdxl_lightning_4step_lora.safetensors")
    refused = replace(PLAIN, reason="it is broken", name="sdxl_turbo.safetensors")
    for record in (lora, refused):
        assert with_distillation(record, None) == record


def test_a_folder_is_told_by_its_whole_name() -> None:
    folder = replace(PLAIN, name="sdxl-turbo", extension="")
    found = with_distillation(folder, None).distilled
    assert found is not None
    assert found.method is Method.TURBO


@pytest.mark.parametrize("digest", PUBLISHED_DISTILLED)
def test_bytes_prove_more_than_a_header_or_a_name(digest: str) -> None:
    assert len(digest) == 64
    record = replace(PLAIN, id=digest, name="lcm_16step.safetensors")
    found = with_distillation(record, Distilled(Method.HYPER, Evidence.METADATA)).distilled
    assert found == PUBLISHED_DISTILLED[digest]
    assert found.note is None


def test_turbo_was_distilled_with_small_pictures() -> None:
    turbo = next(
        digest for digest, each in PUBLISHED_DISTILLED.items() if each.method is Method.TURBO
    )
    assert with_distillation(replace(PLAIN, id=turbo), None).native_size == Size(512, 512)
    assert with_distillation(PLAIN, None).native_size == Size(1024, 1024)


@pytest.mark.parametrize("key", ["modelspec.title", "ss_output_name"])
def test_a_title_is_a_hint(key: str) -> None:
    found = distilled_by_header(ModelFamily.SDXL, {key: "Turbo XL"}, takes_guidance=False)
    assert found == Distilled(Method.TURBO, Evidence.METADATA)
    assert with_distillation(PLAIN, found).distilled == found
    assert distilled_by_header(None, {key: "Turbo XL"}, takes_guidance=False) is None
    assert distilled_by_header(ModelFamily.SDXL, {key: "Paint"}, takes_guidance=False) is None


def test_an_input_for_the_guidance_proves_an_lcm() -> None:
    found = distilled_by_header(ModelFamily.SD_1, {}, takes_guidance=True)
    assert found == Distilled(Method.LCM, Evidence.NETWORK)
    assert (found.guidance_scale, found.steps, found.scheduler) == (8.0, 4, "LCM")
    record = replace(PLAIN, distilled=found)
    usual = {"num_inference_steps": 8, "guidance_scale": 8.0}
    assert not list(warnings_of([record], request(**usual)))
    assert "guidance of 20" in " ".join(warnings_of([record], request(guidance_scale=20.0)))
    negative = request(**usual, negative_prompt="fog")
    assert "as an input of its UNet" in next(warnings_of([record], negative))


def test_a_negative_prompt_without_guidance_is_said() -> None:
    record = replace(PLAIN, distilled=Distilled(Method.TURBO, Evidence.BYTES))
    for guidance, count in ((1.0, 1), (2.0, 0)):
        wanted = request(num_inference_steps=4, guidance_scale=guidance, negative_prompt="fog")
        assert len(list(warnings_of([record], wanted))) == count


def test_the_defaults_of_a_request_are_those_of_the_method() -> None:
    record = with_distillation(replace(PLAIN, name="sdxl_lightning_8step.safetensors"), None)
    assert dict(record.defaults.items()) == {
        "num_inference_steps": 8,
        "guidance_scale": 1.0,
        "scheduler": "Euler",
    }
    assert record.default_scheduler == "Euler"
    assert not with_distillation(PLAIN, None).defaults


def test_the_settings_of_the_operator_end_the_hint() -> None:
    hinted = with_distillation(replace(PLAIN, name="turbo_paint.safetensors"), None)
    for told in ({"num_inference_steps": 30}, {"guidance_scale": 7.0}):
        record = replace(hinted, settings=ModelSettings(name="turbo_paint", **told))
        assert not list(warnings_of([record], request()))
    described = replace(hinted, settings=ModelSettings(name="turbo_paint", description="paint"))
    assert len(list(warnings_of([described], request()))) == 2


def test_the_one_step_network_of_hyper_sd_begins_elsewhere() -> None:
    found = named("Hyper-SDXL-1step-Unet-Comfyui.fp16")
    assert found is not None
    assert "timestep 800" in str(found.note)


def test_steps_are_small_numbers() -> None:
    for steps in (0, 17):
        with pytest.raises(ValueError, match="between 1 and 16"):
            Distilled(Method.LCM, Evidence.NAME, steps)


def request(**changes: object) -> GenerationRequest:
    values: dict[str, object] = {"id": "r", "model_id": PLAIN.id, "prompt": "a lake"}
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


def test_a_default_taken_from_a_name_is_said_with_each_result() -> None:
    record = with_distillation(replace(PLAIN, name="paint_lightning_4step.safetensors"), None)
    said = list(warnings_of([record], request(num_inference_steps=4, guidance_scale=1.0)))
    assert said == [
        "paint_lightning_4step.safetensors is a distilled model (Lightning) by its name alone; it "
        "draws 4 steps of Euler with a guidance of 1 unless a request or the settings of the model "
        "say otherwise"
    ]


@pytest.mark.parametrize(
    ("steps", "guidance", "warns"),
    [(4, 1.0, False), (8, 2.0, False), (30, 1.0, True), (4, 7.5, True), (1, 1.0, False)],
)
def test_usual_steps_and_guidance_are_not_taken_without_a_word(
    steps: int, guidance: float, warns: bool
) -> None:
    record = replace(PLAIN, distilled=Distilled(Method.TURBO, Evidence.BYTES))
    wanted = request(num_inference_steps=steps, guidance_scale=guidance)
    said = list(warnings_of([record], wanted))
    assert bool(said) is warns
    if warns:
        assert f"{steps} steps with a guidance of {guidance:g}" in said[0]
    assert not list(warnings_of([PLAIN], wanted))


@pytest.mark.parametrize(
    ("name", "prediction"),
    [("sdxl_lightning_1step_x0", Prediction.SAMPLE), ("sdxl_lightning_2step", None)],
)
def test_the_training_of_a_distilled_model(name: str, prediction: Prediction | None) -> None:
    record = with_distillation(replace(PLAIN, name=f"{name}.safetensors"), None)
    assert record.training == Training(prediction=prediction, spacing=Spacing.TRAILING)
    told = replace(PLAIN, name=f"{name}.safetensors", training=Training(Prediction.VELOCITY))
    training = with_distillation(told, None).training
    assert training == Training(Prediction.VELOCITY, spacing=Spacing.TRAILING)


def test_sd_turbo_predicts_noise_whatever_a_guess_says() -> None:
    turbo = "3f067a1b943cf162f2b8f8588f6cf5824bd5b4c7d1d88d87164b9ca123616549"
    guessed = replace(
        PLAIN, id=turbo, family=ModelFamily.SD_2_V, training=Training(Prediction.VELOCITY)
    )
    record = with_distillation(guessed, None)
    assert (record.family, record.native_size) == (ModelFamily.SD_2, Size(512, 512))
    assert record.training == Training(Prediction.EPSILON, spacing=Spacing.TRAILING)
