"""Folders of other families draw from pictures as diffusers' pipelines for that do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from domain.checkpoints.pipelines import COUNTERPARTS, pipeline_inputs
from domain.errors import GenerationFailed
from domain.generation.parts import SecondPass
from domain.models.record import ModelInput, ModelRecord
from tests.contract.channels.drawing import INIT, MASK, SIDE, draw, from_picture
from tests.contract.drawing.generating import new_generator
from tests.contract.folders.folders import record_of, save_newer

pytestmark = pytest.mark.torch

INSIDE = np.asarray(MASK) == 255
PROMPT = "a red circle"
KINDS = {
    "chroma": "ChromaPipeline",
    "flux": "FluxPipeline",
    "klein": "Flux2KleinPipeline",
    "lcm": "LatentConsistencyModelPipeline",
    "qwen": "QwenImagePipeline",
    "sd3": "StableDiffusion3Pipeline",
    "sd3-16": "StableDiffusion3Pipeline",
    "z-image": "ZImagePipeline",
}
Models = Callable[[str], ModelRecord]


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32", cache_bytes=0)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    root, made = tmp_path_factory.mktemp("others"), dict[str, ModelRecord]()

    def model(name: str) -> ModelRecord:
        if name not in made:
            made[name] = record_of(save_newer(root / name, name))
        return made[name]

    return model


def loaded(generator: Any, model: ModelRecord) -> Any:
    return generator._prepared()._pipelines.get(model)


def theirs(pipeline: Any, kind: str, seed: int = 3, **call: Any) -> np.ndarray:
    """Return what a pipeline of diffusers draws with the same components, in levels."""
    import torch

    from adapters.diffusion.drawing.others.counterparts import counterpart

    drawn = counterpart(pipeline, kind)(
        prompt=PROMPT,
        generator=[torch.Generator().manual_seed(seed)],
        output_type="np",
        **call,
    ).images
    return np.round(drawn[0] * 255)


def guidance(name: str) -> dict[str, Any]:
    """Return the arguments for a guidance of 3, and no negative prompt."""
    if name == "qwen":
        return {"true_cfg_scale": 3.0, "negative_prompt": " "}
    if name == "z-image":  # its pipeline counts from 0
        return {"guidance_scale": 2.0}
    return {"guidance_scale": 3.0}


@pytest.mark.parametrize("name", ["chroma", "flux", "klein", "qwen", "sd3", "z-image"])
def test_a_drawing_from_a_picture_is_that_of_diffusers(
    generator: Any, models: Models, name: str
) -> None:
    request = from_picture(prompt=PROMPT, strength=0.5, guidance_scale=3.0)
    drawn = draw(generator, models(name), request)
    kind = COUNTERPARTS[KINDS[name]].image
    assert kind is not None
    call = {"image": INIT, "strength": 0.5, "num_inference_steps": 4, **guidance(name)}
    if name == "klein":
        call["mask_image"] = Image.new("L", INIT.size, 255)
    size = {"width": SIDE, "height": SIDE}
    expected = theirs(loaded(generator, models(name)), kind, **call, **size)
    assert np.abs(drawn.pictures[0] - expected).max() <= 1
    assert drawn.steps[-1].done == drawn.steps[-1].total == 2
    assert drawn.warnings == [()]


@pytest.mark.parametrize("name", ["flux", "klein", "qwen", "sd3-16", "z-image"])
def test_a_masked_area_is_that_of_diffusers(generator: Any, models: Models, name: str) -> None:
    changes = {"mask_blur": 0, "strength": 0.75, "guidance_scale": 3.0}
    request = from_picture(mask=MASK, prompt=PROMPT, **changes)
    (found,) = draw(generator, models(name), request).pictures
    kind = COUNTERPARTS[KINDS[name]].mask
    assert kind is not None
    call = {"strength": 0.75, "num_inference_steps": 4, **guidance(name)}
    pictures = {"image": INIT, "mask_image": MASK, "width": SIDE, "height": SIDE}
    expected = theirs(loaded(generator, models(name)), kind, **call, **pictures)
    assert np.abs(found - expected)[INSIDE].max() <= 1
    assert np.array_equal(found[~INSIDE], np.asarray(INIT)[~INSIDE])


def test_every_class_with_counterparts_is_drawn_with_here() -> None:
    assert set(KINDS.values()) == COUNTERPARTS.keys()


def test_klein_refuses_a_picture_that_its_pipeline_would_make_smaller(
    generator: Any, models: Models
) -> None:
    with pytest.raises(GenerationFailed, match="at most 1048576 pixels"):
        draw(generator, models("klein"), from_picture(prompt=PROMPT, width=1040, height=1024))


def test_latent_consistency_runs_the_share_of_the_steps(generator: Any, models: Models) -> None:
    model = models("lcm")
    drawn = draw(generator, model, from_picture(prompt=PROMPT, strength=0.5))
    call = {"image": INIT, "strength": 0.5, "num_inference_steps": 2, "guidance_scale": 7.5}
    kind = "LatentConsistencyModelImg2ImgPipeline"
    assert np.abs(drawn.pictures[0] - theirs(loaded(generator, model), kind, **call)).max() <= 1
    assert drawn.steps[-1].total == 2
    with pytest.raises(GenerationFailed, match="does not draw from a picture with a mask"):
        draw(generator, model, from_picture(mask=MASK))


@pytest.mark.parametrize("steps", [1, 3, 30])
def test_the_steps_that_run_are_those_of_the_contract(
    generator: Any, models: Models, steps: int
) -> None:
    """diffusers rounds them up for these pipelines. The service cuts them off, as elsewhere."""
    for strength in (0.01, 0.34, 0.67, 1.0):
        request = from_picture(prompt=PROMPT, strength=strength, num_inference_steps=steps)
        if request.steps <= 3:
            drawn = draw(generator, models("sd3"), request)
            assert [each.done for each in drawn.steps] == list(range(1, request.steps + 1))


@pytest.mark.parametrize("name", ["sd3", "flux", "lcm"])
def test_without_strength_it_is_the_picture_through_the_autoencoder(
    generator: Any, models: Models, name: str
) -> None:
    import torch

    (found,) = draw(generator, models(name), from_picture(prompt=PROMPT, strength=0.0)).pictures
    vae = loaded(generator, models(name)).vae
    pixels = torch.from_numpy(np.asarray(INIT) / 127.5 - 1).float().permute(2, 0, 1)[None]
    with torch.no_grad():
        latents = vae.encode(pixels).latent_dist.sample(torch.Generator().manual_seed(3))
        expected = vae.decode(latents).sample[0].permute(1, 2, 0).numpy() / 2 + 0.5
    assert np.abs(found - np.round(expected.clip(0, 1) * 255)).max() <= 1


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"mask": MASK, "mask_content": "noise"}, "mask_content noise had no effect"),
        ({"mask": MASK, "mask_content": "fill", "inpaint_area": "masked"}, None),
        ({"width": 260, "height": 300, "resize_mode": "pad"}, None),
        ({"second_pass": SecondPass(scale=1.25, num_inference_steps=2)}, "lanczos enlarged"),
        ({"mask": MASK, "second_pass": SecondPass(scale=1.1, upscaler="lanczos")}, None),
    ],
    ids=["noise", "fill", "pad", "second_pass", "mask_and_second_pass"],
)
def test_other_ways_to_draw_from_a_picture(
    generator: Any, models: Models, changes: dict[str, Any], warning: str | None
) -> None:
    request = from_picture(prompt=PROMPT, num_inference_steps=3, **changes)
    drawn = draw(generator, models("flux"), request)
    size = request.result_size
    assert drawn.pictures[0].shape == (size.height, size.width, 3)
    if warning is None:
        assert drawn.warnings[0] == ()
    else:
        (text,) = drawn.warnings[0]
        assert warning in text
    assert drawn.steps[-1].done == drawn.steps[-1].total == request.steps


def test_a_second_pass_follows_a_drawing_from_text(generator: Any, models: Models) -> None:
    second = SecondPass(scale=1.25, upscaler="lanczos", strength=0.5)
    text = from_picture(prompt=PROMPT, second_pass=second, source=None)
    drawn = draw(generator, models("sd3"), text)
    assert drawn.pictures[0].shape == (320, 320, 3)
    assert [each.done for each in drawn.steps] == [1, 2, 3, 4, 5, 6]
    assert {each.total for each in drawn.steps} == {6}


def test_nothing_is_loaded_or_counted_twice(generator: Any, models: Models) -> None:
    import gc
    import weakref

    from adapters.diffusion.drawing.others.counterparts import counterpart

    model = models("sd3")
    draw(generator, model, from_picture(prompt=PROMPT))
    engine = generator._prepared()
    pipeline = engine._pipelines.get(model)
    made = counterpart(pipeline, "StableDiffusion3Img2ImgPipeline")
    for name, part in made.components.items():
        assert part is pipeline.components[name]
    weights = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for part in pipeline.components.values()
        if hasattr(part, "parameters")
        for tensor in (*part.parameters(), *part.buffers())
    }
    assert engine.loaded_models[0].size == sum(weights.values())

    network = weakref.ref(pipeline.transformer)
    del pipeline, made, part
    draw(generator, models("flux"), from_picture(prompt=PROMPT))  # the cache holds one model
    gc.collect()
    assert network() is None


def test_offloaded_networks_go_back_after_a_drawing(
    generator: Any, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import StableDiffusion3Pipeline

    calls: list[str] = []
    monkeypatch.setattr(
        StableDiffusion3Pipeline, "maybe_free_model_hooks", lambda self: calls.append("back")
    )
    draw(generator, models("sd3"), from_picture(prompt=PROMPT))
    assert calls == ["back"]

    def stop(_step: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(generator, models("sd3"), from_picture(prompt=PROMPT), on_step=stop)
    assert "back" in calls[1:]


@pytest.mark.parametrize("name", sorted(COUNTERPARTS))
def test_the_inputs_are_those_that_the_counterparts_draw_from(name: str) -> None:
    inputs, has = pipeline_inputs(name), COUNTERPARTS[name]
    assert (ModelInput.IMAGE in inputs) == (has.image is not None)
    assert (ModelInput.MASK in inputs) == (has.mask is not None)


def test_a_family_without_a_counterpart_says_so(generator: Any, tmp_path: Path) -> None:
    model = record_of(save_newer(tmp_path / "pixart", "pixart"))
    with pytest.raises(GenerationFailed, match="PixArtSigmaPipeline does not draw from a picture"):
        draw(generator, model, from_picture(prompt=PROMPT))
