"""What is kept and logged of pictures in AUTOMATIC1111's API, and how large they may be."""

import base64
import logging
import random

import pytest
from PIL import Image

from domain import errors
from tests.http.automatic1111.from_pictures import (
    MASK,
    answer_of,
    file_of,
    id_of,
    source_of,
)
from tests.http.automatic1111.sdapi import (
    IMG2IMG,
    body,
    error_of,
    from_picture,
    picture,
    refused,
)
from tests.http.conftest import AUTHORIZED, Service, make_settings, running_service


@pytest.mark.parametrize(
    "sent",
    [
        from_picture(sampler_name="Restart"),
        from_picture(mask="aGVsbG8="),
        from_picture(sampler_name="PLMS"),
        body(init_images=[picture(), "aGVsbG8="]),
    ],
    ids=lambda sent: ",".join(sent),
)
def test_a_picture_of_a_refused_request_is_not_kept(
    service: Service, sent: dict[str, object]
) -> None:
    refused(service, sent)
    with pytest.raises(errors.PictureNotFound):
        service.container.pictures().read(id_of(picture()))


def test_no_log_holds_a_picture(shared: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answer_of(shared, from_picture(mask=MASK, include_init_images=True))
        refused(shared, from_picture(latent_mask=MASK))
    for text in (picture(), MASK):
        assert text[:30] not in caplog.text
        assert repr(base64.b64decode(text))[2:20] not in caplog.text


@pytest.mark.parametrize("name", ["init_images", "mask"])
def test_a_picture_file_that_is_too_large_is_refused(name: str) -> None:
    large = picture("red", (600, 600))
    limit = len(base64.b64decode(large))
    for most, status in ((limit, 200), (limit - 1, 413)):
        with running_service(make_settings(max_picture_bytes=most)) as service:
            sent = from_picture() | {name: [large] if name == "init_images" else large}
            response = service.client.post(IMG2IMG, json=sent, headers=AUTHORIZED)
            assert response.status_code == status
            if status == 413:
                assert str(most) in error_of(response, 413)["detail"]


def test_a_body_may_be_as_large_as_its_pictures(service: Service) -> None:
    image = Image.frombytes("RGB", (1024, 1024), random.Random(1).randbytes(3 * 2**20))
    large = file_of(image)
    assert len(large) > 4_000_000
    assert source_of(service, body(mask=large, init_images=[large])).mask_blur == 4
