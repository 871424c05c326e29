"""A diffusers folder draws with its own configuration, newer families too."""

import dataclasses
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from domain.ports.image_generator import GenerationStep
from tests.contract.conftest import DEMO_MODEL
from tests.contract.folders.folders import record_of, save_newer, save_stable_diffusion

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]


@pytest.fixture(scope="module")
def generator() -> DiffusersImageGenerator:
    return DiffusersImageGenerator(device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def stable_diffusion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_stable_diffusion(tmp_path_factory.mktemp("folders") / "sd")


@pytest.fixture(scope="module", params=["sd3", "flux", "pixart"])
def newer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelRecord]:
    yield record_of(save_newer(tmp_path_factory.mktemp("folders") / request.param, request.param))


def draw(
    generator: DiffusersImageGenerator, model: ModelRecord, *requests: GenerationRequest
) -> list[bytes]:
    batch = generator.generate(model, requests)
    return [image.data for images in batch.images for image in images]


@pytest.mark.parametrize(
    "form", ["safetensors", "a variant", "pickles of tensors", "sharded", "shards of a variant"]
)
def test_a_folder_and_a_file_of_the_same_weights_draw_the_same_bytes(
    generator: DiffusersImageGenerator,
    stable_diffusion: Path,
    request_for: RequestFor,
    tmp_path: Path,
    form: str,
) -> None:
    options: dict[str, dict[str, Any]] = {
        "safetensors": {},
        "a variant": {"variant": "fp16"},
        "pickles of tensors": {"safe_serialization": False},
        "sharded": {"max_shard_size": "1MB"},
        "shards of a variant": {"max_shard_size": "1MB", "variant": "fp16"},
    }
    folder = save_stable_diffusion(tmp_path / "sd", **options[form]) if options[form] else None
    request = request_for(prompt="many words " * 60, negative_prompt="red", num_images=2)
    model = record_of(folder or stable_diffusion)
    assert draw(generator, model, request) == draw(generator, DEMO_MODEL, request)


def test_a_safety_checker_is_ignored(
    generator: DiffusersImageGenerator, stable_diffusion: Path, request_for: RequestFor
) -> None:
    # The published folders name it this way, by a module of diffusers.
    path = stable_diffusion / "model_index.json"
    before = path.read_text()
    checker = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    path.write_text(json.dumps(json.loads(before) | {"safety_checker": checker}))
    try:
        assert draw(generator, record_of(stable_diffusion), request_for())
    finally:
        path.write_text(before)


def test_a_seed_decides_the_picture_and_image_i_is_the_same_alone(
    generator: DiffusersImageGenerator, newer: ModelRecord, request_for: RequestFor
) -> None:
    other = request_for(prompt="a blue square", seed=99)
    among = draw(generator, newer, request_for(num_images=2), other)
    alone = [draw(generator, newer, request_for(seed=seed))[0] for seed in (7, 8)]
    assert among[:2] == alone
    assert among[2:] == draw(generator, newer, other)
    assert len(set(among)) == 3


def test_the_requested_size_and_the_sampler_of_the_folder_are_used(
    generator: DiffusersImageGenerator, newer: ModelRecord, request_for: RequestFor
) -> None:
    (data,) = draw(generator, newer, request_for(width=264, height=299))
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (264, 299)
    sampler = "DPMSolverMultistep" if newer.name == "pixart" else "FlowMatchEulerDiscrete"
    assert f"Sampler: {sampler}Scheduler, " in picture.info["parameters"]


def test_steps_are_reported_and_can_stop_the_drawing(
    generator: DiffusersImageGenerator, newer: ModelRecord, request_for: RequestFor
) -> None:
    class Cancelled(Exception):
        pass

    def cancel(_step: GenerationStep) -> None:
        raise Cancelled

    seen: list[tuple[int, int]] = []
    request = request_for(num_inference_steps=3, num_images=2)
    generator.generate(newer, [request], on_step=lambda step: seen.append((step.done, step.total)))
    assert seen == [(step, 6) for step in range(1, 7)]
    with pytest.raises(Cancelled):
        generator.generate(newer, [request], on_step=cancel)


def test_a_negative_prompt_has_an_effect_or_a_warning(
    generator: DiffusersImageGenerator, newer: ModelRecord, request_for: RequestFor
) -> None:
    plain = generator.generate(newer, [request_for()])
    kept_out = generator.generate(newer, [request_for(negative_prompt="a blue square")])
    assert plain.warnings == ((),)
    if newer.name == "flux":
        assert kept_out.warnings == (("FluxPipeline takes no negative prompt; it had no effect",),)
    else:
        assert kept_out.warnings == ((),)
        pixels = [
            Image.open(io.BytesIO(batch.images[0][0].data)).tobytes() for batch in (plain, kept_out)
        ]
        assert pixels[0] != pixels[1]


def test_a_prompt_is_never_silently_truncated(
    generator: DiffusersImageGenerator,
    newer: ModelRecord,
    request_for: RequestFor,
    caplog: pytest.LogCaptureFixture,
) -> None:
    batch = generator.generate(newer, [request_for(prompt="many words " * 85)])
    if newer.name == "pixart":  # its 300 tokens suffice
        assert batch.warnings == ((),)
    else:
        ((warning,),) = batch.warnings
        assert "and the model reads only 77 of them with its tokenizer" in warning
    assert "many words" not in caplog.text


def test_every_accepted_class_takes_the_arguments() -> None:
    import inspect

    import diffusers

    from domain.checkpoints.pipelines import PIPELINE_CLASSES

    asked = {"prompt", "width", "height", "num_inference_steps", "generator", "output_type"}
    for name in set(PIPELINE_CLASSES.values()):
        parameters = inspect.signature(getattr(diffusers, name).__call__).parameters
        assert asked <= parameters.keys(), name
        assert {"guidance_scale", "true_cfg_scale"} & parameters.keys(), name
        assert {"callback", "callback_on_step_end"} & parameters.keys(), name


def test_a_newer_model_encodes_a_text_once(
    generator: DiffusersImageGenerator, newer: ModelRecord, request_for: RequestFor
) -> None:
    first = draw(generator, newer, request_for())
    engine: Any = generator._engine
    pipeline = engine._pipelines.get(newer)
    asked: list[str] = []
    encoders = {
        name: part for name, part in pipeline.components.items() if name.startswith("text_encoder")
    }
    hooks = [
        part.register_forward_pre_hook(lambda *_, name=name: asked.append(name))
        for name, part in encoders.items()
        if part is not None
    ]
    try:
        assert draw(generator, newer, request_for()) == first
        assert asked == []
        assert draw(generator, newer, request_for(prompt="many blue words")) != first
        assert set(asked) == set(encoders)
    finally:
        for hook in hooks:
            hook.remove()
    assert "encode_prompt" not in vars(pipeline)


def test_only_stable_diffusion_uses_the_narrow_precision(
    stable_diffusion: Path, newer: ModelRecord
) -> None:
    import torch

    from adapters.diffusion.devices.device import Device, find_device
    from adapters.diffusion.loading.loader import load_pipeline

    plan = dataclasses.replace(
        find_device("cpu", "float32").plan, dtype="float32", dtype_of_others="bfloat16"
    )
    of_folder = load_pipeline(record_of(stable_diffusion), Device(plan))
    assert of_folder.unet.dtype == torch.float32
    assert load_pipeline(newer, Device(plan)).transformer.dtype == torch.bfloat16
