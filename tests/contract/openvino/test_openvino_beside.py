"""With OpenVINO, torch draws what OpenVINO's networks have no inputs for, and it is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.contract.autoencoders.files import new_vae, save_vae
from tests.contract.conftest import DEMO_MODEL
from tests.contract.control.drawing import control, outline
from tests.contract.control.files import new_controlnet, save_controlnet
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.generating import new_generator
from tests.contract.from_pictures.drawing import Files, draw, one_by_one

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def demo() -> Any:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    return load_pipeline(DEMO_MODEL, find_device("cpu", "float32"))


@pytest.mark.parametrize("part", ["controls", "vae_id"])
def test_torch_draws_what_openvino_cannot(part: str, demo: Any, tmp_path: Path) -> None:
    files = Files()
    if part == "controls":
        network = new_controlnet(demo.unet, strength=0.6)
        model = save_controlnet(tmp_path, network)
        changes: dict[str, Any] = {"controls": (control(files, model, outline()),)}
    else:
        changes = {"vae_id": save_vae(tmp_path, new_vae(demo.vae)).id}
    pictures, warnings = {}, {}
    openvino = new_generator(device="cpu", dtype="float32", backend="openvino")
    torch = new_generator(device="cpu", dtype="float32", backend="torch")
    for name, generator, more in (
        ("openvino", openvino, changes),
        ("torch", torch, changes),
        ("plain", openvino, {}),
        ("plain torch", torch, {}),
    ):
        drawn = draw(generator, [demo_request(num_inference_steps=2, **more)], files)
        (pictures[name],) = one_by_one(drawn)
        warnings[name] = drawn.requests[0].warnings
    assert np.abs(pictures["openvino"] - pictures["torch"]).mean() <= 0.5
    assert np.abs(pictures["plain"] - pictures["plain torch"]).mean() <= 0.5
    assert np.abs(pictures["openvino"] - pictures["plain"]).mean() > 1
    assert warnings["torch"] == warnings["plain"] == warnings["plain torch"] == ()
    (said,) = warnings["openvino"]
    assert "instead of OpenVINO" in said
    assert "slower" in said
