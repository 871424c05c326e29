"""Pictures with LoRAs: equal to those of diffusers, and of one request alone."""

import dataclasses
import logging
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.errors import AddonMismatch
from domain.generation.parts import Lora
from domain.generation.request import GenerationRequest
from domain.models.record import ModelRecord
from tests.contract.additions.lora.files import low_rank, random_tensors, written
from tests.contract.additions.lora.tiny import changeable
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import demo_request, pixels
from tests.contract.drawing.generating import MODELS, generate, new_generator
from tests.contract.from_pictures.test_equal_to_diffusers import pipeline_of, seeded

pytestmark = pytest.mark.torch

APART = 0.5
"""The most that pictures may differ on average, of 255."""
SIZE, STEPS = 256, 2


@pytest.fixture(scope="module")
def loras(
    tmp_path_factory: pytest.TempPathFactory, float32_generator: DiffusersImageGenerator
) -> dict[str, ModelRecord]:
    """Return two LoRAs of all layers, one of the text encoder, and one of another model."""
    folder = tmp_path_factory.mktemp("loras")
    modules = changeable(pipeline_of(float32_generator))
    of_text = [each for each in modules if each.network != "unet"]
    tensors = {
        "a": low_rank(modules, size=0.1),
        "b": low_rank(modules, seed=1, size=0.1),
        "text": low_rank(of_text, seed=2, size=0.3),
        "foreign": random_tensors(
            {
                "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": (4, 320),
                "lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight": (320, 4),
            }
        ),
    }
    records = {
        name: written(folder / f"{name}.safetensors", each) for name, each in tensors.items()
    }
    for record in records.values():
        MODELS.put(record, record.id)
    return records


def request(name: str = "r", *loras: Lora, **changes: object) -> GenerationRequest:
    small: dict[str, object] = {"width": SIZE, "height": SIZE, "num_inference_steps": STEPS}
    return demo_request(name, **(small | {"loras": loras} | changes))


def drawn(
    generator: DiffusersImageGenerator, *requests: GenerationRequest, at_once: int = 1
) -> list[bytes]:
    result = generate(generator, DEMO_MODEL, requests, at_once=at_once)
    return [images[0].data for images in result.images]


def lora(record: ModelRecord, scale: float = 1.0) -> Lora:
    return Lora(model_id=record.id, scale=scale)


def apart(one: bytes, other: bytes) -> float:
    return float(np.abs(pixels(one) - pixels(other)).mean())


def of_diffusers(
    generator: DiffusersImageGenerator, records: Sequence[tuple[ModelRecord, float]]
) -> Any:
    """Return what diffusers draws with LoRAs: (height, width, 3), 0 to 255."""
    pipeline = pipeline_of(generator)
    wanted = request()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, (record, _) in enumerate(records):
            pipeline.load_lora_weights(record.path, adapter_name=f"n{number}")
        pipeline.set_adapters(
            [f"n{number}" for number in range(len(records))], [scale for _, scale in records]
        )
        try:
            image = pipeline(
                prompt=wanted.prompt,
                width=SIZE,
                height=SIZE,
                num_inference_steps=STEPS,
                guidance_scale=wanted.guidance_scale,
                generator=seeded(wanted.seed or 0),
                output_type="np",
            ).images[0]
        finally:
            pipeline.unload_lora_weights()
    return 255 * image


@pytest.mark.parametrize(
    "scales", [{"a": 1.0}, {"a": -0.6}, {"a": 0.7, "b": 0.5}, {"text": 1.0}], ids=str
)
def test_a_picture_is_the_one_of_diffusers(
    loras: dict[str, ModelRecord], scales: dict[str, float]
) -> None:
    # A generator of its own, because PEFT leaves layers of its own in the pipeline.
    generator = new_generator(device="cpu", dtype="float32")
    records = [(loras[name], scale) for name, scale in scales.items()]

    plain, ours = (
        drawn(generator, request("plain")),
        drawn(generator, request("r", *(lora(*each) for each in records))),
    )
    theirs = of_diffusers(generator, records)

    assert apart(plain[0], ours[0]) > 4 * APART
    assert np.abs(pixels(ours[0]) - theirs).mean() <= APART


def test_each_picture_is_the_one_drawn_alone(loras: dict[str, ModelRecord]) -> None:
    a, b, text = (loras[name] for name in ("a", "b", "text"))
    kinds = {
        "none": (),
        "a": (lora(a),),
        "a weaker": (lora(a, 0.5),),
        "both": (lora(a), lora(b)),
        "text": (lora(text),),
    }
    alone = {
        name: drawn(new_generator(device="cpu", dtype="float32"), _one_step(*each))[0]
        for name, each in kinds.items()
    }
    assert len(set(alone.values())) == len(kinds)

    generator = new_generator(device="cpu", dtype="float32")
    for name in ("a", "none", "a", "both", "none", "text", "a weaker", "text", "none"):
        assert drawn(generator, _one_step(*kinds[name]))[0] == alone[name], name


def _one_step(*loras: Lora) -> GenerationRequest:
    return request("r", *loras, num_inference_steps=1)


def test_a_batch_shares_the_loras_of_its_requests(
    float32_generator: DiffusersImageGenerator, loras: dict[str, ModelRecord]
) -> None:
    wanted = [request(name, lora(loras["a"]), seed=seed) for name, seed in (("x", 1), ("y", 2))]

    together = drawn(float32_generator, *wanted, at_once=2)
    alone = [drawn(float32_generator, each)[0] for each in wanted]

    assert all(apart(one, other) < APART for one, other in zip(together, alone, strict=True))
    assert wanted[0].batch_key == wanted[1].batch_key
    assert request("z", lora(loras["a"], 0.9)).batch_key != wanted[0].batch_key
    assert request("z", lora(loras["b"])).batch_key != wanted[0].batch_key
    assert request("z").batch_key != wanted[0].batch_key


def test_the_same_loras_are_merged_once_and_the_checkpoint_is_loaded_once(
    loras: dict[str, ModelRecord], caplog: pytest.LogCaptureFixture
) -> None:
    generator = new_generator(device="cpu", dtype="float32")

    with caplog.at_level(logging.INFO, "adapters.diffusion"):
        for record in (loras["a"], loras["a"], loras["b"], loras["b"]):
            drawn(generator, request("r", lora(record)))

    merges = [each for each in caplog.messages if each.startswith("merged 1 LoRA")]
    loads = [each for each in caplog.messages if each.startswith("loaded ")]
    assert len(merges) == 2
    assert len([each for each in loads if "demo" in each]) == 1
    assert len(loads) == 3


def test_merged_weights_count_in_the_limit_and_go_with_their_pipeline(
    loras: dict[str, ModelRecord],
) -> None:
    generator = new_generator(device="cpu", dtype="float32")
    drawn(generator, request("plain"))
    engine: Any = generator._engine
    cache = engine._pipelines
    before = cache.used
    drawn(generator, request("r", lora(loras["a"])))
    of_lora = cache._bytes[loras["a"].id]
    merged = sum(each.size for each in cache._beside.values())
    assert merged > of_lora > 0
    assert cache.used == before + of_lora + merged
    assert {each.id: each.size for each in generator.report.loaded_models} == {
        DEMO_MODEL.id: before + merged,
        loras["a"].id: of_lora,
    }

    cache.drop_all_but(DEMO_MODEL.id)
    assert cache.used == before


def test_a_lora_of_another_model_fails_that_request_and_leaves_the_next(
    float32_generator: DiffusersImageGenerator, loras: dict[str, ModelRecord]
) -> None:
    plain = drawn(float32_generator, request("plain"))

    with pytest.raises(AddonMismatch) as raised:
        drawn(float32_generator, request("r", lora(loras["a"]), lora(loras["foreign"])))

    assert [each.field for each in raised.value.problems] == ["loras[1].model_id"]
    assert drawn(float32_generator, request("plain")) == plain


def test_a_stopped_drawing_leaves_the_next_as_it_was(
    float32_generator: DiffusersImageGenerator, loras: dict[str, ModelRecord]
) -> None:
    plain = drawn(float32_generator, request("plain"))

    class Stop(BaseException):
        """Ends the drawing."""

    def stop(_step: Any) -> None:
        raise Stop

    with pytest.raises(Stop):
        generate(float32_generator, DEMO_MODEL, [request("r", lora(loras["b"]))], on_step=stop)
    assert drawn(float32_generator, request("plain")) == plain


def test_the_load_ends_after_the_merge(
    loras: dict[str, ModelRecord], float32_generator: DiffusersImageGenerator
) -> None:
    events: list[str] = []
    wanted = dataclasses.replace(request("r"), loras=(lora(loras["b"], 0.25),))

    generate(
        float32_generator,
        DEMO_MODEL,
        [wanted],
        on_load=lambda loaded: events.append("loaded" if loaded else "loading"),
        on_step=lambda _step: events.append("step"),
    )

    assert events.count("loaded") == 1
    assert events[: events.index("loaded")] == ["loading"] * events.index("loaded")
    assert set(events[events.index("loaded") + 1 :]) == {"step"}
    assert events.index("loaded") > 50  # the merge of each weight is heard
