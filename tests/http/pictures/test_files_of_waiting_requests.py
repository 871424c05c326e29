"""A request that waits for its pictures does not hold the files that it sent."""

import base64
import gc
import os
from typing import Any

import pytest
from PIL import Image

from application.parts import SentPicture
from tests.contract.pictures.test_decoding import file_of
from tests.http.conftest import AUTHORIZED, Service, infer_body

SIDE = 700
LARGE = file_of(Image.frombytes("RGB", (SIDE, SIDE), os.urandom(3 * SIDE * SIDE)))
INLINE = base64.b64encode(LARGE).decode()
URL = {"image_url": f"data:image/png;base64,{INLINE}"}
EDIT = {"prompt": "x", "images": [URL]}
SENT: dict[str, dict[str, Any]] = {
    "/v1/infer": infer_body(init_image={"base64": INLINE}),
    "/v1/upscale": {"model_id": "lanczos", "image": {"base64": INLINE}},
    "/openai/v1/images/edits": EDIT,
    "/openai/v1/images/edits?masked": EDIT | {"mask_image": URL},
    "/openai/v1/images/edits?stream": EDIT | {"stream": True},
}


@pytest.mark.parametrize("path", SENT)
def test_the_files_of_a_request_that_waits_are_dropped(service: Service, path: str) -> None:
    found: list[tuple[int, int]] = []

    def look(_step: object) -> None:
        if found:  # to collect the garbage takes a second where many modules are imported
            return
        gc.collect()
        # By `type`: `isinstance` asks lazy objects of other libraries, which warn when asked.
        sent = [each for each in gc.get_objects() if type(each) is SentPicture]
        budget = service.client.application.extensions["ai-inference-body-budget"]
        found.append((sum(each.data == LARGE for each in sent), budget.taken))

    service.generator.after_step = look
    response = service.client.post(path, json=SENT[path], headers=AUTHORIZED)
    assert response.status_code == 200, response.text
    response.get_data()
    assert set(found) == {(0, 0)}
