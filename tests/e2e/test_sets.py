"""The real service draws with the files of FLUX.1 in ComfyUI's folders."""

import base64
import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from tests.contract.sets.tiny import pipeline_of, write_parts
from tests.e2e.service import run_service

pytestmark = pytest.mark.torch


def test_the_service_lists_and_draws_a_set(tmp_path: Path) -> None:
    models = tmp_path / "models"
    paths = write_parts(pipeline_of("flux-dev"), models)
    ids = sorted(hashlib.sha256(each.read_bytes()).hexdigest() for each in paths.values())
    with run_service(models, tmp_path, OMP_NUM_THREADS="1") as service:
        listed = service.call("GET", "/v1/models").json["models"]
        (model,) = (each for each in listed if each["kind"] == "checkpoint")
        parts = [each for each in listed if each["kind"] != "checkpoint"]
        body = {
            "model_id": model["id"],
            "prompt": "a red fox",
            "num_inference_steps": 1,
            "width": 256,
            "height": 256,
            "seed": 1,
        }
        answers = [service.call("POST", "/v1/infer", body) for _ in range(2)]
    assert model["id"] == hashlib.sha256("".join(f"{each}\n" for each in ids).encode()).hexdigest()
    assert (model["family"], model["loadable"]) == ("flux", True)
    assert model["inputs"] == ["text", "image", "mask"]
    assert model["defaults"]["guidance_scale"] == 3.5
    assert sorted(each["kind"] for each in parts) == [
        *("diffusion_model", "text_encoder", "text_encoder", "vae"),
    ]
    assert not any(each["loadable"] for each in parts)
    assert [answer.status for answer in answers] == [200, 200], answers[0].body
    pictures = [answer.json["images"][0]["base64"] for answer in answers]
    assert pictures[0] == pictures[1]
    drawn = Image.open(io.BytesIO(base64.b64decode(pictures[0])))
    assert drawn.size == (256, 256)
