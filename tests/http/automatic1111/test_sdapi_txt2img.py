"""Pictures through AUTOMATIC1111's API."""

import base64
import dataclasses
import io
import json

import pytest
from PIL import Image

from domain.generation.parameters import parse_parameters
from domain.models.record import ModelFamily, PendingModel, PendingState
from domain.samplers import Schedule, Scheduler
from tests.fakes.model_source import model_record
from tests.http.automatic1111.sdapi import TXT2IMG, body, checkpoint, drawn_by, error_of, places_of
from tests.http.conftest import AUTHORIZED, MODEL, Service

TITLE = f"a.safetensors [{MODEL.id[:10]}]"
OTHER = model_record(b"others", "models/b/b.ckpt")
# Sent by SillyTavern 1.13, `extensions/stable-diffusion/index.js`, with its defaults.
SILLY_TAVERN = {
    **{"prompt": "a red circle", "negative_prompt": "", "sampler_name": "Euler a"},
    **{"scheduler": "Automatic", "steps": 3, "cfg_scale": 7, "width": 512, "height": 512},
    **{"restore_faces": False, "enable_hr": False, "hr_upscaler": "Latent", "hr_scale": 2},
    **{"hr_additional_modules": [], "denoising_strength": 0.7, "hr_second_pass_steps": 0},
    **{"seed": None, "clip_skip": 1, "save_images": True, "send_images": True},
    **{"override_settings": {"CLIP_stop_at_last_layers": 1, "sd_vae": "Automatic"}},
    **{"override_settings_restore_afterwards": True, "do_not_save_grid": False},
    **{"do_not_save_samples": False},
}


def add_model(service: Service) -> None:
    service.source.files[OTHER.path] = b"others"
    service.container.model_registry().refresh()


def test_pictures_are_base64_with_their_parameters(service: Service) -> None:
    sent = body(
        negative_prompt="n",
        **{"seed": 5, "steps": 3, "cfg_scale": 2, "width": 256, "height": 320},
        **{"batch_size": 2, "n_iter": 2, "sampler_name": "Euler a"},
    )
    answer = service.client.post(TXT2IMG, json=sent, headers=AUTHORIZED).get_json()
    assert set(answer) == {"images", "parameters", "info"}
    assert len(answer["images"]) == 4
    with Image.open(io.BytesIO(base64.b64decode(answer["images"][0]))) as image:
        assert (image.format, image.size) == ("PNG", (256, 320))
    assert answer["parameters"].items() >= sent.items()
    info = json.loads(answer["info"])
    assert (info["seed"], info["all_seeds"]) == (5, [5, 6, 7, 8])
    assert info["all_prompts"] == ["a red circle"] * 4
    assert info["all_negative_prompts"] == ["n"] * 4
    assert (info["sd_model_name"], info["sd_model_hash"]) == ("a", MODEL.id[:10])
    assert (info["index_of_first_image"], info["sampler_name"]) == (0, "Euler a")
    texts = [parse_parameters(text) for text in info["infotexts"]]
    assert [text["Seed"] for text in texts] == ["5", "6", "7", "8"]
    assert (texts[0]["Sampler"], texts[0]["Model hash"]) == ("Euler a", MODEL.id[:10])
    (drawn,) = service.generator.drawn
    assert (drawn.negative_prompt, drawn.num_inference_steps, drawn.guidance_scale) == ("n", 3, 2.0)


@pytest.mark.parametrize("seed", [-1, None, "", "-1", -1.0])
def test_missing_fields_have_the_defaults_of_the_service(service: Service, seed: object) -> None:
    response = service.client.post(TXT2IMG, json=body(seed=seed, steps=None), headers=AUTHORIZED)
    (drawn,) = service.generator.drawn
    assert (drawn.width, drawn.height, drawn.num_images, drawn.num_inference_steps) == (
        *(512, 512),
        *(1, 30),
    )
    assert (drawn.guidance_scale, drawn.scheduler) == (7.5, None)
    info = json.loads(response.get_json()["info"])
    assert (info["seed"], info["sampler_name"]) == (drawn.seed, "DPM++ 2M")
    assert drawn.seed is not None


def test_requests_of_sillytavern_are_drawn(service: Service) -> None:
    drawn = drawn_by(service, SILLY_TAVERN)
    assert (drawn.scheduler, drawn.num_inference_steps) == (Scheduler.EULER_A, 3)


def test_numbers_may_be_text_or_have_a_zero_fraction_as_in_that_api(
    service: Service,
) -> None:
    sent = body(steps="3", cfg_scale="2.5", width=256.0, height="320", seed="7", n_iter="2")
    drawn = drawn_by(service, sent)
    assert (drawn.num_inference_steps, drawn.guidance_scale, drawn.seed) == (3, 2.5, 7)
    assert (drawn.width, drawn.height, drawn.num_images) == (256, 320, 2)


def test_pictures_can_be_omitted(service: Service) -> None:
    answer = service.client.post(
        TXT2IMG, json=body(send_images=False), headers=AUTHORIZED
    ).get_json()
    assert answer["images"] == []
    assert json.loads(answer["info"])["all_seeds"]


@pytest.mark.parametrize(
    "name",
    [TITLE, MODEL.name, "a", MODEL.path, MODEL.id, MODEL.id[:10], f"a [{MODEL.id[:10]}]"],
)
def test_a_checkpoint_has_many_names(service: Service, name: str) -> None:
    service.source.files["models/0.safetensors"] = b"the first"
    service.container.model_registry().refresh()
    assert drawn_by(service, checkpoint(name)).model_id == MODEL.id
    assert drawn_by(service, checkpoint("")).model_id != MODEL.id
    assert drawn_by(service, checkpoint(None)).model_id != MODEL.id
    assert drawn_by(service, body()).model_id != MODEL.id


def test_a_checkpoint_may_have_the_name_of_a_format(service: Service) -> None:
    service.source.files["models/jpg.ckpt"] = b"others"
    service.container.model_registry().refresh()
    assert drawn_by(service, checkpoint("jpg")).model_id == OTHER.id


def test_naming_a_checkpoint_does_not_affect_the_next_request(service: Service) -> None:
    add_model(service)
    assert drawn_by(service, checkpoint(OTHER.name)).model_id == OTHER.id
    assert drawn_by(service, body()).model_id == MODEL.id


def test_an_unusable_model_is_never_the_default(service: Service) -> None:
    lora = dataclasses.replace(model_record(b"l", "models/0.pt"), reason="it is a LoRA")
    service.source.others = (lora,)
    service.container.model_registry().refresh()
    assert drawn_by(service, body()).model_id == MODEL.id
    response = service.client.post(TXT2IMG, json=checkpoint("0"), headers=AUTHORIZED)
    assert "LoRA" in error_of(response, 422)["detail"]


@pytest.mark.parametrize("name", ["gone", "gone.ckpt [0123456789]", "0" * 64, "../a", "x" * 4096])
def test_an_unknown_checkpoint_is_not_found(shared: Service, name: str) -> None:
    response = shared.client.post(TXT2IMG, json=checkpoint(name), headers=AUTHORIZED)
    error = error_of(response, 404)
    assert error["error"] == "model_not_found"
    assert name[:70] in error["detail"]


def test_a_title_may_appear_while_its_file_is_read(service: Service) -> None:
    service.source.pending = (PendingModel("n.pt", "models/n.pt", 5, PendingState.HASHING),)
    service.container.model_registry().refresh()
    sent = body(**checkpoint("n.pt [0123456789]"))
    response = service.client.post(TXT2IMG, json=sent, headers=AUTHORIZED)
    assert error_of(response, 503)["error"] == "models_not_read"
    service.source.pending = ()
    service.container.model_registry().refresh()
    response = service.client.post(TXT2IMG, json=sent, headers=AUTHORIZED)
    assert error_of(response, 404)["error"] == "model_not_found"


def test_without_a_checkpoint_the_error_says_so(service: Service) -> None:
    service.source.files.clear()
    service.container.model_registry().refresh()
    response = service.client.post(TXT2IMG, json=body(), headers=AUTHORIZED)
    assert "MODEL_DIRS" in error_of(response, 404)["detail"]


def test_an_ambiguous_name_is_refused(service: Service) -> None:
    service.source.files["models/b/a.ckpt"] = b"others"
    service.container.model_registry().refresh()
    response = service.client.post(TXT2IMG, json=checkpoint("a"), headers=AUTHORIZED)
    assert response.status_code == 404
    assert "models/b/a.ckpt" in response.get_data(as_text=True)
    assert drawn_by(service, checkpoint("a.ckpt")).model_id == OTHER.id


@pytest.mark.parametrize(
    "sampler, scheduler, drawn",
    [
        (None, None, None),
        ("", "", None),
        ("Default", "automatic", None),
        ("Euler a", "Automatic", Scheduler.EULER_A),
        ("euler A", None, Scheduler.EULER_A),
        ("k_euler_a", None, Scheduler.EULER_A),
        ("euler_ancestral", None, Scheduler.EULER_A),
        ("Euler", "Uniform", Scheduler.EULER_NORMAL),
        ("Euler", "normal", Scheduler.EULER_NORMAL),
        ("Euler", "sgm_uniform", Scheduler.EULER_SGM_UNIFORM),
        ("Euler", "SGMUniform", Scheduler.EULER_SGM_UNIFORM),
        ("Euler Simple", None, Scheduler.EULER_SIMPLE),
        ("DPM++ 2M", None, Scheduler.DPMPP_2M_KARRAS),
        ("DPM++ 2M", "Automatic", Scheduler.DPMPP_2M_KARRAS),
        ("DPM++ 2M", "Karras", Scheduler.DPMPP_2M_KARRAS),
        ("DPM++ 2M", "karras", Scheduler.DPMPP_2M_KARRAS),
        ("DPM++ 2M", "Beta", Scheduler.DPMPP_2M_BETA),
        ("DPM++ 2M Karras", None, Scheduler.DPMPP_2M_KARRAS),
        ("DPM++ 2M Karras", "Automatic", Scheduler.DPMPP_2M_KARRAS),
        ("DPM++ 2M Karras", "Karras", Scheduler.DPMPP_2M_KARRAS),
        ("DPM++ 2M Karras", "Exponential", Scheduler.DPMPP_2M_KARRAS),
        ("k_dpmpp_2m_ka", None, Scheduler.DPMPP_2M_KARRAS),
        ("dpmpp_2m", "exponential", Scheduler.DPMPP_2M_EXPONENTIAL),
        ("DPM++ SDE", "Automatic", Scheduler.DPMPP_SDE_KARRAS),
        ("DPM++ 2M SDE", "Automatic", Scheduler.DPMPP_2M_SDE_EXPONENTIAL),
        ("DPM++ 2M SDE Karras", None, Scheduler.DPMPP_2M_SDE_KARRAS),
        ("DPM++ 3M SDE", "", Scheduler.DPMPP_3M_SDE_EXPONENTIAL),
        ("DPM++ 2S a", "Automatic", Scheduler.DPMPP_2S_A_KARRAS),
        ("DPM2", "Automatic", Scheduler.DPM2_KARRAS),
        ("DPM2 a", "Automatic", Scheduler.DPM2_A_KARRAS),
        ("Heun", "Automatic", Scheduler.HEUN),
        ("LMS Karras", "Automatic", Scheduler.LMS_KARRAS),
        (None, "Karras", Scheduler.DPMPP_2M_KARRAS),
        (None, "Simple", Scheduler.DPMPP_2M_SIMPLE),
        ("DDIM", None, Scheduler.DDIM),
        ("DDIM", "Karras", Scheduler.DDIM),
        ("PLMS", None, Scheduler.PLMS),
        ("UniPC", None, Scheduler.UNIPC),
        ("TCD", None, Scheduler.TCD),
        ("LCM", None, Scheduler.LCM),
    ],
)
def test_samplers_have_the_names_of_that_api(
    shared: Service, sampler: str | None, scheduler: str | None, drawn: Scheduler | None
) -> None:
    sent = body(sampler_name=sampler, scheduler=scheduler)
    assert drawn_by(shared, sent).scheduler is drawn
    sent = body(sampler_index=sampler, scheduler=scheduler)  # its older name
    assert drawn_by(shared, sent).scheduler is drawn


@pytest.mark.parametrize("name", Scheduler)
def test_every_scheduler_name_is_a_sampler_there(shared: Service, name: Scheduler) -> None:
    """Return True if a bare sampler name with another schedule is what that API calls Automatic."""
    drawn = drawn_by(shared, body(sampler_name=str(name))).scheduler
    assert drawn is not None
    assert drawn.sampler is name.sampler
    if name.schedule is not Schedule.AUTOMATIC:
        assert drawn is name


@pytest.mark.parametrize(
    "sampler, schedule, drawn",
    [
        *(
            ("Euler", schedule, Scheduler.EULER)
            for schedule in ("N/A", "use same scheduler", "Use same scheduler", "align", "x" * 100)
        ),
        ("DPM++ 2M", "N/A", Scheduler.DPMPP_2M_KARRAS),
        (None, "Polyexponential", None),
        ("DDIM", "Karras", Scheduler.DDIM),
        ("LCM", "SGM Uniform", Scheduler.LCM),
    ],
)
def test_a_schedule_that_is_not_followed_is_named_in_info(
    shared: Service, sampler: str | None, schedule: str, drawn: Scheduler | None
) -> None:
    shared.generator.drawn.clear()
    sent = body(sampler_name=sampler, scheduler=schedule)
    response = shared.client.post(TXT2IMG, json=sent, headers=AUTHORIZED)
    assert response.status_code == 200
    assert json.loads(response.get_json()["info"])["ignored"] == ["scheduler"]
    assert [request.scheduler for request in shared.generator.drawn] == [drawn]


@pytest.mark.parametrize("schedule", [None, "", "Automatic", "Karras", "normal", "beta"])
def test_a_schedule_that_is_followed_is_not_named_there(
    shared: Service, schedule: str | None
) -> None:
    sent = body(sampler_name="Euler", scheduler=schedule)
    response = shared.client.post(TXT2IMG, json=sent, headers=AUTHORIZED)
    assert json.loads(response.get_json()["info"])["ignored"] == []


def test_the_newer_sampler_field_wins(shared: Service) -> None:
    sent = body(sampler_name="DDIM", sampler_index="Euler")
    assert drawn_by(shared, sent).scheduler is Scheduler.DDIM


def test_a_model_without_samplers_says_so_and_draws_without_one(service: Service) -> None:
    flux = dataclasses.replace(model_record(b"f", "models/flux.ckpt"), family=ModelFamily.FLUX)
    service.source.others = (flux,)
    service.container.model_registry().refresh()
    sent = checkpoint("flux")
    response = service.client.post(
        TXT2IMG, json=sent | {"sampler_name": "Euler"}, headers=AUTHORIZED
    )
    assert "does not take" in places_of(response)["sampler_name"]
    response = service.client.post(
        TXT2IMG, json=sent | {"sampler_name": "Default"}, headers=AUTHORIZED
    )
    assert json.loads(response.get_json()["info"])["sampler_name"] == "Default"


@pytest.mark.parametrize("name, kind", [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")])
def test_the_format_can_be_chosen_as_in_that_api(service: Service, name: str, kind: str) -> None:
    settings = {"samples_format": name, "jpeg_quality": 70}
    response = service.client.post(
        TXT2IMG, json=body(override_settings=settings), headers=AUTHORIZED
    )
    with Image.open(io.BytesIO(base64.b64decode(response.get_json()["images"][0]))) as image:
        assert image.format == kind
    assert service.generator.drawn[-1].quality == (None if kind == "PNG" else 70)
