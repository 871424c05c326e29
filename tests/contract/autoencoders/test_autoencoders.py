"""Drawing with another autoencoder: the same as a pipeline of diffusers that has it."""

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest

from domain.errors import GenerationFailed, ModelNotLoadable
from domain.generation.parts import SecondPass
from domain.samplers import Scheduler
from tests.contract.autoencoders.files import LAYOUTS, in_layout, new_vae, save_vae
from tests.contract.conftest import DEMO_MODEL
from tests.contract.control.drawing import engine_for
from tests.contract.control.test_equal_to_diffusers import scheduler_of, seeded
from tests.contract.drawing.drawing import demo_request
from tests.contract.drawing.test_sdxl import MODEL as TINY_XL
from tests.contract.drawing.tiny_sdxl import tiny_sdxl
from tests.contract.from_pictures.drawing import Files, draw, one_by_one, scene

pytestmark = pytest.mark.torch

APART = 0.5
PROMPT = "a red square on a white background"


@pytest.fixture(scope="module")
def demo() -> Any:
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    return load_pipeline(DEMO_MODEL, find_device("cpu", "float32"))


@pytest.fixture(scope="module")
def vae(demo: Any) -> Any:
    return new_vae(demo.vae)


@pytest.fixture(scope="module")
def loaded() -> Callable[..., Any]:
    from adapters.diffusion.autoencoders.loading import load_autoencoder
    from adapters.diffusion.devices.device import find_device

    return lambda model, dtype="float32": load_autoencoder(model, find_device("cpu", dtype))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_the_same_network(loaded: Any, tmp_path: Path, layout: str) -> None:
    import torch

    like = tiny_sdxl().vae  # its middle has an attention, and that of the demo has none
    own = new_vae(like)
    found = loaded(save_vae(tmp_path, own, layout)).network_for(like)
    wanted = own.state_dict()
    assert found.state_dict().keys() == wanted.keys()
    assert all(torch.equal(each, wanted[name]) for name, each in found.state_dict().items())


def test_the_names_of_the_original_layout_are_those_that_diffusers_converts() -> None:
    import torch
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    own = new_vae(tiny_sdxl().vae)
    converted = convert_ldm_vae_checkpoint(in_layout(own, "original"), dict(own.config))
    wanted = own.state_dict()
    assert converted.keys() == wanted.keys()
    assert all(torch.equal(each, wanted[name]) for name, each in converted.items())


@pytest.mark.parametrize("from_picture", [False, True])
def test_the_pictures_are_those_of_a_pipeline_with_it(
    demo: Any, vae: Any, tmp_path: Path, from_picture: bool
) -> None:
    files, init, engine = Files(), scene(), engine_for(demo)
    model = save_vae(tmp_path, vae, "original")
    steps, strength = (20, 0.16) if from_picture else (3, 1.0)
    changes: dict[str, Any] = {"num_inference_steps": steps, "scheduler": Scheduler.EULER}
    kind: Any = diffusers.StableDiffusionPipeline
    call: dict[str, Any] = {"width": 256, "height": 256}
    if from_picture:
        changes["source"] = files.source(init, strength=strength)
        kind = diffusers.StableDiffusionImg2ImgPipeline
        call = {"image": init, "strength": strength}
    before, found, after = (
        one_by_one(draw(engine, [demo_request(prompt=PROMPT, vae_id=vae_id, **changes)], files))[0]
        for vae_id in (None, model.id, None)
    )
    spacing = {} if from_picture else {"timestep_spacing": "trailing"}
    scheduler = scheduler_of(demo, diffusers.EulerDiscreteScheduler, **spacing)
    made = kind(
        **{**demo.components, "vae": vae, "scheduler": scheduler}, requires_safety_checker=False
    )
    made.set_progress_bar_config(disable=True)
    expected = (
        255
        * made(
            prompt=PROMPT,
            num_inference_steps=steps,
            guidance_scale=7.5,
            generator=seeded(),
            output_type="np",
            **call,
        ).images[0]
    )
    assert np.abs(found - expected).mean() <= APART
    assert np.abs(found - before).mean() > 2
    assert np.array_equal(after, before)


def test_a_kept_autoencoder_does_not_keep_the_pipeline_that_was_offloaded(
    loaded: Any, tmp_path: Path
) -> None:
    from adapters.diffusion.autoencoders.network import drawn_with_autoencoder
    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    pipeline: Any = load_pipeline(DEMO_MODEL, find_device("cpu", "float32"))
    pipeline.enable_model_cpu_offload(device="cpu")
    network = loaded(save_vae(tmp_path, new_vae(pipeline.vae))).network_for(pipeline.vae)
    own, unet = pipeline.vae, weakref.ref(pipeline.unet)
    with drawn_with_autoencoder(pipeline, network):
        pipeline.maybe_free_model_hooks()
        assert network._hf_hook.prev_module_hook.model is unet()
    assert pipeline.vae is own
    del pipeline, own
    gc.collect()
    assert unet() is None


def test_its_own_width_and_the_scale_of_the_checkpoint(
    loaded: Any, demo: Any, tmp_path: Path
) -> None:
    wider = new_vae(demo.vae, block_out_channels=(16, 32, 32, 48), layers_per_block=2)
    found = loaded(save_vae(tmp_path, wider)).network_for(demo.vae)
    assert found.config.block_out_channels == [16, 32, 32, 48]
    for name in ("scaling_factor", "norm_num_groups", "mid_block_add_attention"):
        assert found.config[name] == demo.vae.config[name]
    assert found.config.scaling_factor == 0.50937  # the demo's own


def test_a_second_pass_and_previews_use_it(demo: Any, vae: Any, tmp_path: Path) -> None:
    engine, model, previews = engine_for(demo), save_vae(tmp_path, vae), list[bytes]()
    changes: dict[str, Any] = {
        "num_inference_steps": 1,
        "second_pass": SecondPass(scale=1.5, strength=0.5, upscaler="lanczos"),
    }
    seen = {}
    for vae_id in (None, model.id):
        previews.clear()
        request = demo_request(vae_id=vae_id, **changes)
        (picture,) = one_by_one(
            draw(engine, [request], Files(), on_preview=lambda _n, jpeg: previews.append(jpeg))
        )
        seen[vae_id] = (picture.tobytes(), tuple(previews))
        assert previews
    assert seen[None][0] != seen[model.id][0]
    assert seen[None][1] != seen[model.id][1]


def test_a_grey_picture_is_encoded_by_each_autoencoder(demo: Any, vae: Any) -> None:
    import torch

    from adapters.diffusion.additions.mask import GreyLatents

    grey, like = GreyLatents(), torch.zeros(1, 4, 32, 32)
    own = grey.like(like, demo.vae)
    other = grey.like(like, vae)
    assert not torch.equal(own, other)
    assert torch.equal(grey.like(like, demo.vae), own)


def test_it_is_put_back_after_an_error(demo: Any, vae: Any, tmp_path: Path) -> None:
    engine, model = engine_for(demo), save_vae(tmp_path, vae)
    own = demo.vae

    def stop(_step: Any) -> None:
        assert demo.vae is not own
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(engine, [demo_request(vae_id=model.id)], Files(), on_step=stop)
    assert demo.vae is own


def test_stable_diffusion_xl_decodes_without_overflow(tmp_path: Path) -> None:
    """XL's autoencoder has the precision of wide range, whatever the file has."""
    import torch

    from adapters.diffusion.autoencoders.loading import load_autoencoder
    from adapters.diffusion.devices.device import Device
    from tests.contract.drawing.test_sdxl import device_with

    pipeline = tiny_sdxl()
    model = save_vae(tmp_path, new_vae(pipeline.vae), dtype="float16")
    plan = device_with(dtype="float16").plan
    found = load_autoencoder(model, Device(plan)).network_for(pipeline.vae)
    assert next(found.parameters()).dtype in (torch.bfloat16, torch.float32)
    request = demo_request(vae_id=model.id, num_inference_steps=1)
    (picture,) = one_by_one(draw(engine_for(pipeline), [request], Files(), model=TINY_XL))
    assert picture.shape == (256, 256, 3)


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"decoder.conv_in.weight": None}, "it needs an encoder and a decoder"),
        ({"encoder.conv_out.bias": None}, r"it lacks encoder\.conv_out\.bias"),
        ({"another.weight": (3,)}, r"no autoencoder of its kind has \(another\.weight\)"),
        ({"decoder.conv_in.bias": (3,)}, r"decoder\.conv_in\.bias has the shape \(3,\)"),
        ({"decoder.conv_in.bias": "nan"}, "holds NaN or infinity"),
    ],
)
def test_what_is_not_a_whole_autoencoder_is_refused(
    loaded: Any, vae: Any, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    import torch

    tensors = {
        name: torch.full((64,), float("nan"))
        if value == "nan"
        else None
        if value is None
        else torch.ones(value)
        for name, value in changes.items()
    }
    with pytest.raises(ModelNotLoadable, match=reason):
        loaded(save_vae(tmp_path, vae, changes=tensors))


def test_what_a_trainer_leaves_beside_it_is_left_alone(
    loaded: Any, demo: Any, vae: Any, tmp_path: Path
) -> None:
    import torch

    model = save_vae(tmp_path, vae, changes={"loss.logvar": torch.zeros(1)})
    assert loaded(model).network_for(demo.vae) is not None


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"latent_channels": 16}, "its latents have 16 channels"),
        ({"block_out_channels": (16, 32, 64)}, "stand for 4 × 4 pixels"),
    ],
)
def test_latents_of_another_kind_do_not_fit(
    loaded: Any, demo: Any, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    levels = len(changes.get("block_out_channels", demo.vae.config.block_out_channels))
    blocks: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
    }
    other = new_vae(demo.vae, **changes, **blocks)
    with pytest.raises(GenerationFailed, match=reason):
        loaded(save_vae(tmp_path, other)).network_for(demo.vae)
