"""Draw the README's sixteen pictures through the API of a running service.

make run                                                     # in one terminal
API_KEY=… .venv/bin/python -m tools.contact_sheet docs/contact-sheet.jpg
"""

import argparse
import base64
import io
import json
import os
import urllib.request
import uuid
from typing import Any

from PIL import Image

__all__ = ["contact_sheet"]

PROMPTS = (
    "a beautiful landscape with mountains and a lake",
    "a landscape with snowy mountains and trees at sunset",
    "a lake with trees at night, stars and a moon",
    "a landscape with mountains, a lake and the sun",
    "a red circle on a white background",
    "a blue square on a yellow background",
    "a green triangle on a white background",
    "a yellow star on a blue background",
    "a pink heart on a white background",
    "an orange ring on a black background",
    "a small purple diamond on a gray background",
    "a large cyan hexagon on a brown background",
    "a landscape with trees at sunset",
    "snowy mountains at night with a moon",
    "a lake at sunset",
    "mountains with snow and a lake, trees",
)
_COLUMNS = 4
_SIZE = 256  # pixels per side of each picture
_JPEG_QUALITY = 88


def contact_sheet(url: str, api_key: str, *, steps: int) -> Image.Image:
    """A sheet of 4 × 4 pictures of 256 × 256 pixels, each with seed 0.

    Raises:
        urllib.error.HTTPError: the service refused a request.
    """
    (model_id,) = [
        row["id"]
        for row in _call(f"{url}/v1/models", api_key)["models"]
        if row["name"] == "demo.safetensors"
    ]
    sheet = Image.new("RGB", (_COLUMNS * _SIZE, -(-len(PROMPTS) // _COLUMNS) * _SIZE))
    for index, prompt in enumerate(PROMPTS):
        body = {
            "id": f"contact-sheet-{uuid.uuid4().hex}",
            "model_id": model_id,
            "prompt": prompt,
            "num_inference_steps": steps,
            "width": _SIZE,
            "height": _SIZE,
            "seed": 0,
        }
        (image,) = _call(f"{url}/v1/infer", api_key, body)["images"]
        row, column = divmod(index, _COLUMNS)
        with Image.open(io.BytesIO(base64.b64decode(image["base64"]))) as picture:
            sheet.paste(picture, (column * _SIZE, row * _SIZE))
    return sheet


def _call(url: str, api_key: str, body: dict[str, Any] | None = None) -> Any:
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - the caller's own service
    with urllib.request.urlopen(request) as response:  # noqa: S310
        return json.load(response)


def main() -> None:
    """Draw the sheet and write it to the file that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="where the sheet goes; its ending names its format")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--steps", type=int, default=30)
    arguments = parser.parse_args()
    sheet = contact_sheet(arguments.url, os.environ["API_KEY"], steps=arguments.steps)
    sheet.save(arguments.file, quality=_JPEG_QUALITY)


if __name__ == "__main__":
    main()
