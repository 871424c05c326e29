"""ControlNets with a UNet that takes further channels: inpainting, and InstructPix2Pix."""

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest

from domain.samplers import Scheduler
from tests.contract.channels.test_eight_channels import CLASS
from tests.contract.control.drawing import control, engine_for, outline
from tests.contract.control.files import new_controlnet, save_controlnet
from tests.contract.control.test_equal_to_diffusers import scheduler_of, theirs
from tests.contract.drawing.drawing import demo_request
from tests.contract.folders.folders import record_of, save_with_channels
from tests.contract.from_pictures.drawing import Files, circle, draw, one_by_one, scene

pytestmark = pytest.mark.torch

LONG, STRENGTH = 20, 0.16
PROMPT = "a red square on a white background"


def loaded(folder: Path) -> Any:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    return load_pipeline(record_of(folder), find_device("cpu", "float32"))


def four_channels(unet: Any) -> Any:
    """Return a ControlNet for a UNet, which reads the latents alone."""
    import torch

    network = new_controlnet(unet, seed=1, strength=0.6)
    first = torch.nn.Conv2d(4, network.conv_in.out_channels, 3, padding=1)
    first.load_state_dict(
        {"weight": network.conv_in.weight[:, :4].clone(), "bias": network.conv_in.bias}
    )
    network.conv_in = first.requires_grad_(False)
    network.register_to_config(in_channels=4)
    return network


def test_inpainting_with_nine_channels(tmp_path: Path) -> None:
    pipeline = loaded(save_with_channels(tmp_path / "sd", 9))
    network = four_channels(pipeline.unet)
    (tmp_path / "files").mkdir()
    model = save_controlnet(tmp_path / "files", network)
    files, init, mask = Files(), scene(), circle()
    inside = np.asarray(mask) > 0
    changes: dict[str, Any] = {
        "prompt": PROMPT,
        "scheduler": Scheduler.EULER,
        "num_inference_steps": LONG,
        "source": files.source(init, mask, strength=STRENGTH, mask_blur=0),
    }
    engine, steering = engine_for(pipeline), (control(files, model, outline()),)
    plain, found = (
        one_by_one(draw(engine, [demo_request(controls=controls, **changes)], files))[0]
        for controls in ((), steering)
    )
    expected = theirs(
        diffusers.StableDiffusionControlNetInpaintPipeline,
        pipeline,
        network,
        scheduler_of(pipeline, diffusers.EulerDiscreteScheduler),
        image=init,
        mask_image=mask,
        control_image=outline(),
        width=256,
        height=256,
        strength=STRENGTH,
        num_inference_steps=LONG,
        controlnet_conditioning_scale=1.0,
    )
    assert np.abs(found - expected)[inside].mean() <= 0.5
    assert np.abs(found - plain)[inside].mean() > 1


def test_instruct_pix2pix_predicts_three_times(tmp_path: Path) -> None:
    """Its rows are the prompt, the picture alone and neither; the ControlNet acts on each."""
    pipeline = loaded(save_with_channels(tmp_path / "sd", 8, CLASS))
    (tmp_path / "files").mkdir()
    model = save_controlnet(tmp_path / "files", four_channels(pipeline.unet))
    files, engine = Files(), engine_for(pipeline)
    changes: dict[str, Any] = {
        "scheduler": Scheduler.EULER,
        "num_inference_steps": 2,
        "source": files.source(scene(), strength=1.0),
    }
    seen = []
    for mode in (None, "balanced", "prompt", "control"):
        steering = () if mode is None else (control(files, model, outline(), mode=mode),)
        request = demo_request(controls=steering, num_images=2, **changes)
        pictures = one_by_one(draw(engine, [request], files, at_once=2))
        seen.append(np.stack(pictures))
    apart = [np.abs(each - seen[0]).mean() for each in seen[1:]]
    assert min(apart) > 0.5
    assert len({each.tobytes() for each in seen}) == len(seen)
