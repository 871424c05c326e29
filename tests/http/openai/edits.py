"""Requests for pictures from pictures, as clients send them, and small pictures to send."""

import io
from typing import Any

from PIL import Image
from werkzeug.test import TestResponse

from tests.http.conftest import AUTHORIZED, MODEL, Service

__all__ = ["URL", "Sent", "edit", "masked", "picture"]

URL = "/openai/v1/images/edits"
Sent = dict[str, Any]


def picture(
    size: tuple[int, int] = (320, 256), mode: str = "RGB", colour: Any = "teal", kind: str = "PNG"
) -> bytes:
    """Return a picture file of one colour."""
    stream = io.BytesIO()
    Image.new(mode, size, colour).save(stream, kind)
    return stream.getvalue()


def masked(size: tuple[int, int] = (320, 256), alpha: int = 0) -> bytes:
    """Return a PNG whose left half has this alpha."""
    image = Image.new("RGBA", size, (0, 128, 128, 255))
    image.paste((0, 0, 0, alpha), (0, 0, size[0] // 2, size[1]))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def file_of(data: bytes, name: str = "image.png", kind: str | None = "image/png") -> Any:
    """Return a file for werkzeug's test client."""
    return io.BytesIO(data), name, kind


def edit(service: Service, headers: Any = AUTHORIZED, **fields: Any) -> TestResponse:
    """Send a form with a picture, a prompt and these fields. Bytes are files; None leaves out."""
    sent: Sent = {"model": MODEL.id, "prompt": "a red circle", "image": picture(), **fields}
    form = {
        name: file_of(value) if isinstance(value, bytes) else value
        for name, value in sent.items()
        if value is not None
    }
    return service.client.post(URL, data=form, headers=headers, content_type="multipart/form-data")
