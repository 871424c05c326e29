"""Helpers for pictures that are drawn from pictures in AUTOMATIC1111's API."""

import base64
import hashlib
import io
from typing import Any

from PIL import Image

from domain.generation.parts import SourceImage
from domain.generation.request import GenerationRequest
from tests.http.automatic1111.sdapi import (
    IMG2IMG,
    drawn_by,
    picture,
)
from tests.http.conftest import AUTHORIZED, Service

__all__ = [
    "BLUE",
    "GREEN",
    "MASK",
    "RED",
    "answer_of",
    "drawn_for",
    "file_of",
    "id_of",
    "mask_pixels",
    "source_of",
]

RED, BLUE, GREEN = (picture(colour) for colour in ("red", "blue", "green"))
MASK = picture("white", mode="L")


def source_of(service: Service, sent: dict[str, object]) -> SourceImage:
    """Return the picture that the last request for `sent` was drawn from."""
    source = drawn_by(service, sent, IMG2IMG).source
    assert source is not None
    return source


def answer_of(service: Service, sent: dict[str, object]) -> dict[str, Any]:
    """Return the answer with the pictures."""
    response = service.client.post(IMG2IMG, json=sent, headers=AUTHORIZED)
    assert response.status_code == 200, response.get_data(as_text=True)
    answer: dict[str, Any] = response.get_json()
    return answer


def id_of(text: str) -> str:
    """Return the id of a picture in base64."""
    return hashlib.sha256(base64.b64decode(text)).hexdigest()


def mask_pixels(service: Service, source: SourceImage) -> list[int]:
    """Return the levels of the mask that was drawn with."""
    assert source.mask_image is not None
    data = service.container.pictures().read(source.mask_image.id)
    return list(service.container.picture_codec().decode_mask(data).pixels)


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> str:
    """Return a picture file in base64."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return base64.b64encode(stream.getvalue()).decode()


def drawn_for(service: Service, sent: dict[str, object]) -> list[GenerationRequest]:
    """Return the requests that were drawn for `sent`."""
    number = len(service.generator.drawn)
    answer_of(service, sent)
    return service.generator.drawn[number:]
