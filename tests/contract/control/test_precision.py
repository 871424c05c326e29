"""ControlNets in half precision draw what they draw in float32, up to rounding."""

from pathlib import Path

import numpy as np
import pytest

from tests.contract.conftest import DEMO_MODEL
from tests.contract.control.drawing import control, engine_for, outline
from tests.contract.control.files import new_controlnet, save_controlnet
from tests.contract.drawing.drawing import demo_request
from tests.contract.from_pictures.drawing import Files, draw, one_by_one

pytestmark = pytest.mark.torch


def test_bfloat16_is_near_float32(tmp_path: Path) -> None:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    files, pictures = Files(), {}
    for dtype in ("float32", "bfloat16"):
        pipeline = load_pipeline(DEMO_MODEL, find_device("cpu", dtype))
        if dtype == "float32":
            network = new_controlnet(pipeline.unet, strength=0.6)
            model = save_controlnet(tmp_path, network)
        engine = engine_for(pipeline, dtype=dtype)
        for name, controls in (("plain", ()), ("steered", (control(files, model, outline()),))):
            request = demo_request(num_inference_steps=2, controls=controls)
            (pictures[dtype, name],) = one_by_one(draw(engine, [request], files))
    effect = np.abs(pictures["float32", "steered"] - pictures["float32", "plain"]).mean()
    apart = np.abs(pictures["float32", "steered"] - pictures["bfloat16", "steered"]).mean()
    assert effect > 2
    assert apart < effect / 4
