"""Requests that AUTOMATIC1111's API refuses here, and the reasons."""

import json

import pytest

from domain import errors
from tests.http.automatic1111.sdapi import TXT2IMG, body, drawn_by, error_of, places_of
from tests.http.conftest import AUTHORIZED, Service
from tests.http.helpers import fill_queue, occupy_device


@pytest.mark.parametrize(
    "sent, place",
    [
        ({"prompt": "p" * 32_001}, "prompt"),
        ({"prompt": "a <hypernet:style:0.8>"}, "prompt"),
        ({"negative_prompt": "<hypernet:h:1>"}, "negative_prompt"),
        ({"steps": 0}, "steps"),
        ({"steps": 151}, "steps"),
        ({"steps": True}, "steps"),
        ({"steps": "many"}, "steps"),
        ({"steps": 20.5}, "steps"),
        ({"cfg_scale": 0.9}, "cfg_scale"),
        ({"cfg_scale": 30.1}, "cfg_scale"),
        ({"width": 255}, "width"),
        ({"height": 1025}, "height"),
        ({"seed": -2}, "seed"),
        ({"seed": 2**53}, "seed"),
        ({"seed": 2**53 - 1, "batch_size": 2}, "seed"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 17}, "batch_size"),
        ({"n_iter": 17}, "n_iter"),
        ({"batch_size": 9, "n_iter": 2}, "n_iter"),
        ({"sampler_name": "DPM adaptive"}, "sampler_name"),
        ({"sampler_name": 1}, "sampler_name"),
        ({"sampler_name": "DPM++ 2M Polyexponential"}, "sampler_name"),
        ({"sampler_name": "DPM fast", "scheduler": "Karras"}, "sampler_name"),
        ({"sampler_index": "Restart"}, "sampler_name"),
        ({"scheduler": 1}, "scheduler"),
        ({"scheduler": "x" * 101}, "scheduler"),
        ({"send_images": "no"}, "send_images"),
        ({"enable_hr": "perhaps"}, "enable_hr"),
        ({"restore_faces": True}, "restore_faces"),
        ({"tiling": True}, "tiling"),
        ({"styles": ["anime"]}, "styles"),
        ({"subseed_strength": 0.5}, "subseed_strength"),
        ({"seed_resize_from_w": 256}, "seed_resize_from_w"),
        ({"s_churn": 0.1}, "s_churn"),
        ({"s_noise": 1.1}, "s_noise"),
        ({"eta": 0.5}, "eta"),
        ({"clip_skip": 13}, "clip_skip"),
        ({"refiner_checkpoint": "r"}, "refiner_checkpoint"),
        ({"init_images": ["data:"]}, "init_images"),
        ({"script_name": "x/y/z plot"}, "script_name"),
        ({"infotext": "a"}, "infotext"),
        ({"alwayson_scripts": {"ADetailer": {"args": [{"enabled": True}]}}}, "alwayson_scripts"),
        ({"controlnet_units": [{"model": "x"}]}, "controlnet_units"),
        ({"alwayson_scripts": {"x": {"args": "y"}}}, "alwayson_scripts"),
        ({"alwayson_scripts": {"x": 1}}, "alwayson_scripts"),
        ({"alwayson_scripts": [1]}, "alwayson_scripts"),
        ({"override_settings": [1]}, "override_settings"),
        ({"override_settings": {"sd_vae": 5}}, "override_settings.sd_vae"),
        (
            {"override_settings": {"CLIP_stop_at_last_layers": 13}},
            "override_settings.CLIP_stop_at_last_layers",
        ),
        ({"override_settings": {"samples_format": "avif"}}, "override_settings.samples_format"),
        (
            {"override_settings": {"samples_format": "jpg", "jpeg_quality": 101}},
            "override_settings.jpeg_quality",
        ),
        (
            {"override_settings": {"sd_model_checkpoint": 1}},
            "override_settings.sd_model_checkpoint",
        ),
        (
            {"override_settings": {"sd_model_checkpoint": "n" * 4097}},
            "override_settings.sd_model_checkpoint",
        ),
    ],
)
def test_invalid_or_unsupported_values_are_named(
    shared: Service, sent: dict[str, object], place: str
) -> None:
    response = shared.client.post(TXT2IMG, json=body() | sent, headers=AUTHORIZED)
    assert list(places_of(response)) == [place]


def test_every_invalid_field_is_named_at_once(shared: Service) -> None:
    sent = {"steps": 0, "batch_size": 6, "n_iter": 3, "sampler_name": "Restart"}
    response = shared.client.post(TXT2IMG, json=sent, headers=AUTHORIZED)
    assert set(places_of(response)) == {"prompt", "steps", "n_iter", "sampler_name"}


def test_values_without_effect_are_accepted(shared: Service) -> None:
    sent = {
        **{"styles": [], "subseed": 3, "eta": 1.0, "s_tmax": 9, "refiner_switch_at": 0.8},
        **{"script_name": "", "script_args": [1], "unheard_of": [], "tiling": None},
        **{"alwayson_scripts": {"ADetailer": {"args": [False]}, "ControlNet": {"args": []}}},
        **{"override_settings": {"unheard_of": False, "sd_vae": "None", "jpeg_quality": 5}},
    }
    assert drawn_by(shared, body(**sent)).quality is None


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_not_a_json_object_is_refused(shared: Service, data: bytes) -> None:
    headers = {**AUTHORIZED, "Content-Type": "application/json"}
    response = shared.client.post(TXT2IMG, data=data, headers=headers)
    error_of(response, 422 if data == b"[]" else 400)
    headers["Content-Type"] = "text/plain"
    error_of(shared.client.post(TXT2IMG, data=b"{}", headers=headers), 415)


def test_a_full_queue_says_when_to_retry(service: Service) -> None:
    occupy_device(service)
    fill_queue(service)
    response = service.client.post(TXT2IMG, json=body(), headers=AUTHORIZED)
    assert error_of(response, 503)["error"] == "queue_full"
    assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    "failure, status",
    [
        (errors.OutOfMemory("too large"), 507),
        (errors.GenerationFailed("not finite"), 500),
        (RuntimeError("secret"), 500),
    ],
)
def test_a_failed_drawing_has_the_error_shape_of_that_api(
    shared: Service, failure: Exception, status: int
) -> None:
    shared.generator.failures.append(failure)
    response = shared.client.post(TXT2IMG, json=body(), headers=AUTHORIZED)
    assert "secret" not in json.dumps(error_of(response, status))
