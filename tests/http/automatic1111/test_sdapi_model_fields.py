"""Fields of AUTOMATIC1111's API that only some models have."""

import dataclasses
import json

import pytest

from domain.models.record import ModelFamily
from tests.fakes.model_source import model_record
from tests.http.automatic1111.from_pictures import (
    answer_of,
    source_of,
)
from tests.http.automatic1111.sdapi import (
    TXT2IMG,
    body,
    from_picture,
    refused,
)
from tests.http.conftest import Service


@pytest.mark.parametrize("scale", [None, 0, 1, "1.5", 7])
def test_image_guidance_has_no_effect_on_models_that_do_not_have_it(
    shared: Service, scale: object
) -> None:
    sent = from_picture(image_cfg_scale=scale)
    assert source_of(shared, sent).image_guidance_scale is None
    ignored = json.loads(answer_of(shared, sent)["info"])["ignored"]
    assert ignored == (["image_cfg_scale"] if scale == 7 else [])


@pytest.fixture
def with_edits(service: Service) -> Service:
    """A service with an instruct-pix2pix model alone."""
    service.source.files.clear()
    edits = model_record(b"e", "models/edits.safetensors")
    service.source.others = (dataclasses.replace(edits, family=ModelFamily.SD_1_PIX2PIX),)
    service.container.model_registry().refresh()
    return service


@pytest.mark.parametrize("scale, kept", [(None, 1.5), (1.5, 1.5), ("3", 3.0), (10, 10.0)])
def test_image_guidance_is_that_of_instruct_pix2pix(
    with_edits: Service, scale: object, kept: float
) -> None:
    sent = from_picture(image_cfg_scale=scale)
    assert source_of(with_edits, sent).image_guidance_scale == kept
    assert json.loads(answer_of(with_edits, sent)["info"])["ignored"] == []


@pytest.mark.parametrize("scale", [0, 0.9, 10.1])
def test_image_guidance_of_instruct_pix2pix_has_bounds(with_edits: Service, scale: float) -> None:
    assert list(refused(with_edits, from_picture(image_cfg_scale=scale))) == ["image_cfg_scale"]


def test_instruct_pix2pix_needs_a_picture(with_edits: Service) -> None:
    assert "picture" in refused(with_edits, body(), TXT2IMG)["init_images"]


def test_only_models_whose_noise_is_known_take_a_factor_of_it(service: Service) -> None:
    service.source.files.clear()
    flux = model_record(b"f", "models/flux.safetensors")
    service.source.others = (dataclasses.replace(flux, family=ModelFamily.FLUX),)
    service.container.model_registry().refresh()
    sent = from_picture(initial_noise_multiplier=0.9)
    assert list(refused(service, sent)) == ["initial_noise_multiplier"]
    assert source_of(service, from_picture(initial_noise_multiplier=1)).noise_multiplier == 1
