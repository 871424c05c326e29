"""Bodies as public clients write them, byte by byte.

Each row has what the client's source sends: Open WebUI (`routers/images.py`, aiohttp), LibreChat
(`OpenAIImageTools.js`, form-data), LobeChat (`createImage.ts`), the official clients for Python
and Node, curl, and browsers.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from domain.generation.request import GenerationRequest
from tests.http.conftest import AUTHORIZED, MODEL, Service, make_settings, running_service
from tests.http.openai.edits import URL, masked, picture

JPEG = picture(kind="JPEG")


class Part(NamedTuple):
    """A part of a form, with its headers in the order and spelling of the client."""

    headers: str
    content: bytes


def text(name: str, value: str, more: str = "") -> Part:
    return Part(f'Content-Disposition: form-data; name="{name}"{more}', value.encode())


def of_aiohttp(name: str, value: str) -> Part:
    disposition = f'Content-Disposition: form-data; name="{name}"'
    return Part(f"Content-Type: text/plain; charset=utf-8\r\n{disposition}", value.encode())


def file(name: str, data: bytes, filename: str | None, kind: str | None = "image/png") -> Part:
    headers = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        headers += f'; filename="{filename}"'
    if kind is not None:
        headers += f"\r\nContent-Type: {kind}"
    return Part(headers, data)


CLIENTS: dict[str, tuple[str, list[Part]]] = {
    "Open WebUI": (
        "0123456789abcdef0123456789abcdef",
        [
            of_aiohttp("model", "gpt-image-1"),
            of_aiohttp("prompt", "make the circle blue"),
            of_aiohttp("n", "1"),
            of_aiohttp("size", "512x512"),
            of_aiohttp("response_format", "b64_json"),
            Part(
                'Content-Type: image/jpeg\r\nContent-Disposition: form-data; name="image"; '
                'filename="1d0c2b9e-0000.jpg"',
                JPEG,
            ),
        ],
    ),
    "Open WebUI with a list": (
        "0123456789abcdef0123456789abcdef",
        [
            of_aiohttp("model", "gpt-image-1"),
            of_aiohttp("prompt", "make the circle blue"),
            of_aiohttp("background", "auto"),
            file("image[]", picture(), "1d0c2b9e-0000.png"),
        ],
    ),
    "LibreChat": (
        "--------------------------012345678901234567890123",
        [
            text("model", "gpt-image-1"),
            text("prompt", "make the circle blue"),
            text("quality", "auto"),
            text("size", "auto"),
            file("image[]", picture(), "circle.png"),
        ],
    ),
    "LobeChat, by the client for Node": (
        "----formdata-undici-012345678901",
        [
            text("model", "gpt-image-1"),
            text("prompt", "make the circle blue"),
            text("n", "1"),
            text("input_fidelity", "high"),
            file("image", picture(kind="WEBP"), "image.webp", "image/webp"),
        ],
    ),
    "the client for Python with everything": (
        "0123456789abcdef0123456789abcdef",
        [
            text("prompt", "make the circle blue"),
            text("model", "gpt-image-1"),
            text("n", "2"),
            text("output_compression", "80"),
            text("output_format", "jpeg"),
            text("quality", "high"),
            text("stream", "false"),
            text("seed", "7"),
            text("second_pass[scale]", "2.0"),
            file("image", picture(), "upload", "application/octet-stream"),
            file("mask", masked(), "mask.png"),
        ],
    ),
    "curl": (
        "------------------------0123456789abcdef",
        [
            text("model", "gpt-image-1"),
            file("image[]", JPEG, "photo.jpg", "image/jpeg"),
            text("prompt", "make the circle blue"),
        ],
    ),
    "a program without content types": (
        "b",
        [text("prompt", "make the circle blue"), file("image", JPEG, "photo", None)],
    ),
    "a program without file names": (
        "b",
        [text("prompt", "make the circle blue"), file("image", JPEG, None, None)],
    ),
    "a browser with an empty mask": (
        "----WebKitFormBoundary0123456789abcdef",
        [
            text("prompt", "make the circle blue"),
            text("n", ""),
            text("size", ""),
            text("strength", ""),
            file("image", JPEG, "photo.jpg", "image/jpeg"),
            file("mask", b"", "", "application/octet-stream"),
        ],
    ),
    "a file name of another script": (
        "b",
        [
            text("prompt", "make the circle blue"),
            file("image", JPEG, "Bild (ü) 写真.jpg", "image/jpeg"),
        ],
    ),
}


def send(service: Service, client: str) -> GenerationRequest:
    boundary, parts = CLIENTS[client]
    lines = [
        f"--{boundary}\r\n{part.headers}\r\n\r\n".encode() + part.content + b"\r\n"
        for part in parts
    ]
    response = service.client.post(
        URL,
        data=b"".join(lines) + f"--{boundary}--\r\n".encode(),
        content_type=f'multipart/form-data; boundary="{boundary}"',
        headers=AUTHORIZED,
    )
    assert response.status_code == 200, response.get_json()
    assert response.get_json()["data"][0]["b64_json"]
    return service.generator.drawn[-1]


@pytest.fixture(scope="module")
def aliased() -> Iterator[Service]:
    settings = make_settings(model_aliases=(("gpt-image-1", MODEL.name),))
    with running_service(settings) as running:
        yield running


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_draws_from_its_picture(aliased: Service, client: str) -> None:
    drawn = send(aliased, client)
    assert drawn.source is not None
    assert drawn.prompt == "make the circle blue"
    has_mask = client == "the client for Python with everything"
    assert (drawn.source.mask_image is not None) == has_mask
    if has_mask:
        assert (drawn.num_images, drawn.seed, drawn.quality) == (2, 7, 80)
        assert drawn.second_pass is not None
        assert drawn.num_inference_steps == 45
