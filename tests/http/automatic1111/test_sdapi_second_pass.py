"""The second pass («hires fix») of AUTOMATIC1111's API."""

import dataclasses
import json
from typing import Any

import pytest

from adapters.http.automatic1111.unsupported.second_pass import SECOND_PASS_RULES
from domain.generation.parts import SecondPass
from domain.models.record import ModelKind
from tests.fakes.model_source import model_record
from tests.http.automatic1111.sdapi import TXT2IMG, body, drawn_by, refused
from tests.http.automatic1111.upstream import OF_TXT2IMG
from tests.http.conftest import AUTHORIZED, MODEL, Service

OTHER = model_record(b"others", "models/b/b.ckpt")
UPSCALER = dataclasses.replace(
    model_record(b"u", "models/RealESRGAN_x4plus.pth"),
    kind=ModelKind.UPSCALER,
    reason="it is an upscaler",
    is_companion=True,
    scale=4,
)
ANIME = dataclasses.replace(UPSCALER, id="ab" * 32, name="4x-Anime.pth", path="models/4x-Anime.pth")


def hires(**changes: object) -> dict[str, object]:
    """Return a body with a second pass, changed by `changes`."""
    return body(enable_hr=True, width=256, height=320) | changes


def pass_of(service: Service, sent: dict[str, object]) -> SecondPass:
    second = drawn_by(service, sent).second_pass
    assert second is not None
    return second


@pytest.fixture
def with_upscalers(service: Service) -> Service:
    service.source.files[OTHER.path] = b"others"
    service.source.others = (UPSCALER, ANIME)
    service.container.model_registry().refresh()
    return service


@pytest.mark.parametrize("flag", [True, 1, "true", "True", "1"])
def test_a_second_pass_has_the_defaults_of_that_api(shared: Service, flag: object) -> None:
    assert pass_of(shared, hires(enable_hr=flag)) == SecondPass(scale=2.0, strength=0.75)


@pytest.mark.parametrize("flag", [False, 0, "false", None])
def test_without_it_its_fields_have_no_effect_and_are_not_judged(
    shared: Service, flag: object
) -> None:
    wrong = {name: "nonsense" for name in OF_TXT2IMG if name.startswith(("hr_", "firstp"))}
    sent = hires(**{**wrong, "enable_hr": flag, "denoising_strength": 99})
    assert drawn_by(shared, sent).second_pass is None


@pytest.mark.parametrize(
    "sent, name, value",
    [
        ({"hr_scale": 1.5}, "scale", 1.5),
        ({"hr_scale": "3"}, "scale", 3.0),
        ({"hr_scale": 1}, "scale", 1.0),
        ({"hr_scale": 4}, "scale", 4.0),
        ({"denoising_strength": 0}, "strength", 0.0),
        ({"denoising_strength": 0.3}, "strength", 0.3),
        ({"hr_second_pass_steps": 0}, "num_inference_steps", None),
        ({"hr_second_pass_steps": 12}, "num_inference_steps", 12),
        ({"hr_second_pass_steps": 150.0}, "num_inference_steps", 150),
        ({"hr_upscaler": None}, "upscaler", "latent"),
        ({"hr_upscaler": ""}, "upscaler", "latent"),
        ({"hr_upscaler": "Latent"}, "upscaler", "latent"),
        ({"hr_upscaler": "Latent (antialiased)"}, "upscaler", "latent"),
        ({"hr_upscaler": "lanczos"}, "upscaler", "lanczos"),
        ({"hr_upscaler": "None"}, "upscaler", "lanczos"),
        ({"hr_resize_x": 512}, "scale", 2.0),
        ({"hr_resize_y": 640}, "scale", 2.0),
        ({"hr_resize_x": 512, "hr_resize_y": 640}, "scale", 2.0),
        ({"hr_resize_x": 256, "hr_resize_y": 320}, "scale", 1.0),
        ({"hr_resize_x": "1024", "hr_scale": "nonsense"}, "scale", 4.0),
    ],
)
def test_each_field_has_its_meaning(
    shared: Service, sent: dict[str, object], name: str, value: object
) -> None:
    assert getattr(pass_of(shared, hires(**sent)), name) == value


@pytest.mark.parametrize("asked", [(300, 0), (0, 333), (777, 0), (511, 639), (1000, 1250)])
def test_the_result_has_the_sides_that_were_asked_for(
    shared: Service, asked: tuple[int, int]
) -> None:
    drawn = drawn_by(shared, hires(hr_resize_x=asked[0], hr_resize_y=asked[1]))
    made = (drawn.result_size.width, drawn.result_size.height)
    assert all(each in (0, side) for each, side in zip(asked, made, strict=True))


# The prompt is «a red circle»; the sampler and the schedule are those of each row.
SAME: list[dict[str, Any]] = [
    {"hr_prompt": "a red circle", "hr_negative_prompt": ""},
    {"hr_negative_prompt": "n", "negative_prompt": "n"},
    {"hr_cfg": 5, "cfg_scale": 5.0},
    {"hr_cfg": "5", "cfg_scale": "5"},
    {"hr_cfg": 0},
    {"hr_sampler_name": "Use same sampler", "hr_scheduler": "Use same scheduler"},
    {"hr_sampler_name": "Euler a", "sampler_name": "Euler a"},
    {"hr_sampler_name": "euler_a", "sampler_index": "Euler a"},
    {"hr_sampler_name": "DPM++ 2M", "hr_scheduler": "Karras", "sampler_name": "DPM++ 2M Karras"},
    {"hr_scheduler": "Karras", "sampler_name": "DPM++ 2M", "scheduler": "karras"},
    {"hr_scheduler": "Automatic"},
    {"hr_checkpoint_name": "Use same checkpoint"},
    {"hr_checkpoint_name": "None"},
    {"hr_checkpoint_name": MODEL.name},
    {"hr_checkpoint_name": f"a.safetensors [{MODEL.id[:10]}]"},
    {"hr_additional_modules": []},
    {"hr_additional_modules": ["Use same choices"]},
    {"firstphase_width": 0, "firstphase_height": 0},
    {"firstphase_width": 256, "firstphase_height": "320"},
    {"firstpass_image": None},
]
OTHERWISE: list[tuple[str, dict[str, Any]]] = [
    ("hr_prompt", {"hr_prompt": "a blue circle"}),
    ("hr_negative_prompt", {"hr_negative_prompt": "n"}),
    ("hr_cfg", {"hr_cfg": 1.0, "cfg_scale": 7}),
    ("hr_cfg", {"hr_cfg": 7}),
    ("hr_sampler_name", {"hr_sampler_name": "Euler", "sampler_name": "Euler a"}),
    ("hr_sampler_name", {"hr_sampler_name": "no such sampler"}),
    ("hr_sampler_name", {"hr_sampler_name": 5}),
    ("hr_scheduler", {"hr_scheduler": "Karras", "sampler_name": "Euler"}),
    ("hr_checkpoint_name", {"hr_checkpoint_name": "b"}),
    ("hr_additional_modules", {"hr_additional_modules": ["ae.safetensors"]}),
    ("firstphase_width", {"firstphase_width": 128}),
    ("firstphase_height", {"firstphase_height": 512}),
    ("firstpass_image", {"firstpass_image": "x"}),
    ("hr_scale", {"hr_scale": 0.9}),
    ("hr_scale", {"hr_scale": 4.1}),
    ("hr_scale", {"hr_scale": 4, "width": 520}),
    ("hr_scale", {"hr_scale": [2]}),
    ("denoising_strength", {"denoising_strength": 1.1}),
    ("hr_second_pass_steps", {"hr_second_pass_steps": 151}),
    ("hr_second_pass_steps", {"hr_second_pass_steps": -1}),
    ("hr_upscaler", {"hr_upscaler": "Nearest"}),
    ("hr_upscaler", {"hr_upscaler": "Latent (bicubic)"}),
    ("hr_upscaler", {"hr_upscaler": "LDSR"}),
    ("hr_upscaler", {"hr_upscaler": MODEL.name}),
    ("hr_upscaler", {"hr_upscaler": 4}),
    ("hr_resize_x", {"hr_resize_x": 512, "hr_resize_y": 512}),
    ("hr_resize_x", {"hr_resize_x": 128}),
    ("hr_resize_x", {"hr_resize_x": 1025}),
    ("hr_resize_x", {"hr_resize_x": 2049}),
    ("hr_resize_y", {"hr_resize_y": 1281}),
    ("hr_resize_y", {"hr_resize_y": "high"}),
]


@pytest.mark.parametrize("sent", SAME, ids=json.dumps)
def test_what_asks_for_the_first_pass_is_accepted(shared: Service, sent: dict[str, Any]) -> None:
    assert pass_of(shared, hires(**sent)).scale == 2.0


@pytest.mark.parametrize("name, sent", OTHERWISE, ids=lambda each: json.dumps(each)[:50])
def test_what_cannot_be_done_is_refused_by_its_name(
    with_upscalers: Service, name: str, sent: dict[str, Any]
) -> None:
    assert list(refused(with_upscalers, hires(**sent), TXT2IMG)) == [name]


def test_the_sentence_of_a_refusal_has_the_names_of_that_api(shared: Service) -> None:
    sent = hires(hr_scale=4, width=520)
    answer = shared.client.post(TXT2IMG, json=sent, headers=AUTHORIZED).get_json()
    assert answer["errors"].startswith("hr_scale is 4, which makes 2080 x 1280 pixels")


def test_every_field_of_the_second_pass_is_tried_both_ways() -> None:
    same = {name for sent in SAME for name in sent}
    assert SECOND_PASS_RULES.keys() - same == {"hr_distilled_cfg"}
    assert SECOND_PASS_RULES.keys() - {name for name, _ in OTHERWISE} == {"hr_distilled_cfg"}


def test_the_guidance_of_distilled_models_is_named_as_ignored(shared: Service) -> None:
    sent = hires(hr_distilled_cfg=3.5)
    answer = shared.client.post(TXT2IMG, json=sent, headers=AUTHORIZED).get_json()
    assert json.loads(answer["info"])["ignored"] == ["hr_distilled_cfg"]


@pytest.mark.parametrize(
    "name", ["R-ESRGAN 4x+", "r-esrgan 4X+", "RealESRGAN_x4plus", UPSCALER.path, UPSCALER.id]
)
def test_an_upscaler_model_has_many_names(with_upscalers: Service, name: str) -> None:
    assert pass_of(with_upscalers, hires(hr_upscaler=name)).upscaler == UPSCALER.id


def test_an_upscaler_is_also_its_stem(with_upscalers: Service) -> None:
    assert pass_of(with_upscalers, hires(hr_upscaler="4x-anime")).upscaler == ANIME.id


def test_the_parameters_name_the_upscaler(with_upscalers: Service) -> None:
    sent = hires(hr_upscaler="R-ESRGAN 4x+")
    answer = with_upscalers.client.post(TXT2IMG, json=sent, headers=AUTHORIZED).get_json()
    (text,) = json.loads(answer["info"])["infotexts"]
    assert "Hires upscaler: RealESRGAN_x4plus" in text


def test_the_refusal_of_an_upscaler_lists_the_others(with_upscalers: Service) -> None:
    told = refused(with_upscalers, hires(hr_upscaler="SwinIR 4x"), TXT2IMG)["hr_upscaler"]
    assert told == (
        "is 'SwinIR 4x'; the upscalers are: Latent, Latent (antialiased), Lanczos, None, 4x-Anime, "
        "R-ESRGAN 4x+"
    )


def test_the_answer_repeats_the_second_pass(shared: Service) -> None:
    sent = hires(hr_scale=1.5, hr_upscaler="Lanczos", hr_second_pass_steps=3)
    answer = shared.client.post(TXT2IMG, json=sent, headers=AUTHORIZED).get_json()
    told = answer["parameters"]
    assert told.items() >= (sent | {"denoising_strength": 0.75}).items()
    info = json.loads(answer["info"])
    assert info["denoising_strength"] == 0.75
    assert info["extra_generation_params"]["Hires upscaler"] == "Lanczos"
    plain = shared.client.post(TXT2IMG, json=body(), headers=AUTHORIZED).get_json()
    assert plain["parameters"]["denoising_strength"] is None
    assert json.loads(plain["info"])["denoising_strength"] is None
