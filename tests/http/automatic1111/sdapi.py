"""Helpers that speak AUTOMATIC1111's API and check its errors."""

import base64
import io
from typing import Any

from PIL import Image
from werkzeug.test import TestResponse

from domain.generation.request import GenerationRequest
from tests.http.conftest import AUTHORIZED, Service

__all__ = [
    "IMG2IMG",
    "TXT2IMG",
    "basic",
    "body",
    "checkpoint",
    "drawn_by",
    "error_of",
    "from_picture",
    "picture",
    "places_of",
    "refused",
]

TXT2IMG = "/sdapi/v1/txt2img"
IMG2IMG = "/sdapi/v1/img2img"


def basic(password: str, user: str = "anybody") -> dict[str, str]:
    """Return the headers of HTTP Basic."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def error_of(response: TestResponse, status: int) -> dict[str, Any]:
    """Check that `response` is an error in that API's shape; return its body."""
    assert (response.status_code, response.content_type) == (status, "application/json")
    error: dict[str, Any] = response.get_json()
    assert set(error) == {"error", "detail", "body", "errors"}
    assert error["error"]
    assert error["detail"]
    assert error["errors"]
    assert "Traceback" not in response.get_data(as_text=True)
    return error


def places_of(response: TestResponse) -> dict[str, str]:
    """Check that `response` is a 422 with FastAPI's rows; return the message of each place."""
    rows = error_of(response, 422)["detail"]
    assert all(set(row) == {"loc", "msg", "type"} for row in rows)
    assert all(row["loc"][0] == "body" for row in rows)
    messages = {".".join(row["loc"][1:]): row["msg"] for row in rows}
    assert len(messages) == len(rows)
    return messages


def body(**changes: object) -> dict[str, object]:
    """Return a valid body of `txt2img`, changed by `changes`."""
    return {"prompt": "a red circle", **changes}


def checkpoint(name: object) -> dict[str, object]:
    """Return a body that names its checkpoint."""
    return body(override_settings={"sd_model_checkpoint": name})


def picture(colour: object = "red", size: tuple[int, int] = (64, 48), mode: str = "RGB") -> str:
    """Return a PNG file of one colour in base64."""
    stream = io.BytesIO()
    Image.new(mode, size, colour).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def from_picture(**changes: object) -> dict[str, object]:
    """Return a valid body of `img2img`, changed by `changes`."""
    return body(init_images=[picture()], **changes)


def refused(service: Service, sent: dict[str, object], url: str = IMG2IMG) -> dict[str, str]:
    """Check that `sent` is refused and draws nothing; return the message of each place."""
    drawn = len(service.generator.drawn)
    found = places_of(service.client.post(url, json=sent, headers=AUTHORIZED))
    assert len(service.generator.drawn) == drawn
    return found


def drawn_by(service: Service, sent: dict[str, object], url: str = TXT2IMG) -> GenerationRequest:
    """Return the last request that was drawn for `sent`."""
    response = service.client.post(url, json=sent, headers=AUTHORIZED)
    assert response.status_code == 200, response.get_data(as_text=True)
    return service.generator.drawn[-1]
