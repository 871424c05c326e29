"""Which text the network sees at each of its evaluations."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from domain.generation.parts import PromptSyntax, SecondPass
from domain.generation.request import GenerationRequest
from domain.samplers import Sampler, Scheduler
from tests.contract.conftest import DEMO_MODEL
from tests.contract.drawing.drawing import LEVELS, demo_request, pixels
from tests.contract.drawing.generating import generate
from tests.contract.from_pictures.drawing import Files, scene

pytestmark = pytest.mark.torch


@contextmanager
def _seen(generator: Any, request: GenerationRequest) -> Iterator[list[Any]]:
    """Record the conditions of every evaluation of the UNet that draws a request."""
    model = generator._engine._models.locate(request.model_id)
    unet = generator._engine._pipelines.get(model).unet
    found: list[Any] = []

    def note(_network: Any, _arguments: Any, options: dict[str, Any]) -> None:
        found.append(options["encoder_hidden_states"].clone())

    handle = unet.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield found
    finally:
        handle.remove()


def _texts(
    generator: Any,
    request: GenerationRequest,
    names: Sequence[str],
    *,
    pictures: dict[str, bytes] | None = None,
) -> str:
    """Draw, and return which of the texts each evaluation saw in the place of the prompt."""
    import torch

    from adapters.diffusion.drawing.prompts.encoding import encode_prompts

    generate(generator, DEMO_MODEL, [demo_request("load", num_inference_steps=1)])
    with _seen(generator, request) as seen:
        generate(generator, DEMO_MODEL, [request], pictures=pictures or {})
    pipeline = generator._engine._pipelines.get(DEMO_MODEL)
    known = {name[0]: encode_prompts(pipeline, name, None).prompt[0] for name in names}
    return "".join(
        next(
            letter
            for letter, embedding in known.items()
            if torch.allclose(rows[-1], embedding, atol=1e-6)
        )
        for rows in seen
    )


def scheduled(prompt: str, **changes: object) -> GenerationRequest:
    wanted: dict[str, Any] = {
        "prompt": prompt,
        "prompt_syntax": PromptSyntax.WEIGHTED,
        "scheduler": Scheduler.EULER,
    }
    return demo_request(**(wanted | changes))


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("[a lake:trees:0.5]", "aatt"),
        ("[a lake:trees:1]", "attt"),
        ("[a lake:trees:0]", "tttt"),
        ("[a lake:trees:4]", "aaaa"),
        ("[a lake:trees:1.0]", "aaaa"),
        ("[a lake|trees]", "atat"),
        ("[a lake|[trees:red:3]]", "atar"),
    ],
)
def test_each_step_sees_its_text(float32_generator: Any, prompt: str, texts: str) -> None:
    assert _texts(float32_generator, scheduled(prompt), ("a lake", "trees", "red")) == texts


@pytest.mark.parametrize(
    ("sampler", "texts"),
    [
        (Scheduler.HEUN, "aatttta"),
        (Scheduler.DPMPP_SDE, "aatttta"),
        (Scheduler.DPMPP_2M, "atta"),
        (Scheduler.LMS, "atta"),
    ],
)
def test_both_evaluations_of_a_step_see_one_text(
    float32_generator: Any, sampler: Scheduler, texts: str
) -> None:
    """The last step of these samplers has one evaluation."""
    request = scheduled("[[a lake:trees:1]:a lake:3]", scheduler=sampler)
    assert _texts(float32_generator, request, ("a lake", "trees")) == texts


@pytest.mark.parametrize("sampler", list(Sampler))
def test_every_sampler_changes_after_the_same_step(
    float32_generator: Any, sampler: Sampler
) -> None:
    evaluations = sampler.evaluations(4)
    before = sampler.evaluations(3) - 1  # the third step of three has one
    request = scheduled("[a lake:trees:2]", scheduler=Scheduler(sampler.value))
    assert _texts(float32_generator, request, ("a lake", "trees")) == (
        "a" * before + "t" * (evaluations - before)
    )


@pytest.mark.parametrize("guidance", [1.0, 7.5])
def test_a_drawing_from_a_picture_counts_the_steps_that_run(
    float32_generator: Any, guidance: float
) -> None:
    files = Files()
    request = scheduled(
        "[a lake:trees:0.25]",
        source=files.source(scene(), strength=0.5),
        num_inference_steps=8,
        guidance_scale=guidance,
    )
    found = _texts(float32_generator, request, ("a lake", "trees"), pictures=files.of_batch)
    assert found == "aatt"  # a quarter of the eight steps of the schedule


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("[a lake:trees:0.5]", "aatttt"),
        ("[a lake:trees:1.25]", "aaaaat"),
        ("[a lake:trees:5]", "aaaaat"),
        ("[a lake|trees]", "atatat"),
    ],
)
def test_the_steps_of_a_second_pass_follow(float32_generator: Any, prompt: str, texts: str) -> None:
    """The second pass runs the last two of its four steps."""
    request = scheduled(prompt, second_pass=SecondPass(scale=1.0, strength=0.5))
    assert _texts(float32_generator, request, ("a lake", "trees")) == texts


def _picture(generator: Any, request: GenerationRequest) -> Any:
    return pixels(generate(generator, DEMO_MODEL, [request]).images[0][0].data)


def test_the_picture_is_that_of_a_pipeline_whose_prompts_are_exchanged(
    float32_generator: Any,
) -> None:
    """diffusers draws the reference with its own encoding, and the service's scheduler."""
    import numpy as np
    import torch
    from diffusers import StableDiffusionPipeline

    from adapters.diffusion.sampling import new_scheduler

    request = scheduled("[a red circle:a lake:2]", negative_prompt="[|trees]")
    ours = _picture(float32_generator, request)
    loaded = float32_generator._engine._pipelines.get(DEMO_MODEL)
    pipeline = StableDiffusionPipeline(
        **{
            **{name: part for name, part in loaded.components.items() if part is not None},
            "scheduler": new_scheduler(Scheduler.EULER, loaded.scheduler.config, 4),
            "safety_checker": None,
            "feature_extractor": None,
        },
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    prompts = ["a red circle", "a red circle", "a lake", "a lake"]
    negatives = ["", "trees", "", "trees"]
    encoded = [
        pipeline.encode_prompt(prompt, "cpu", 1, True, negative)
        for prompt, negative in zip(prompts, negatives, strict=True)
    ]

    def exchange(_pipeline: Any, index: int, _time: Any, _tensors: Any) -> dict[str, Any]:
        if index + 1 == len(encoded):
            return {}
        prompt, negative = encoded[index + 1]
        return {"prompt_embeds": torch.cat([negative, prompt])}

    with torch.no_grad():
        image = pipeline(
            prompt_embeds=encoded[0][0],
            negative_prompt_embeds=encoded[0][1],
            num_inference_steps=4,
            guidance_scale=7.5,
            width=256,
            height=256,
            generator=torch.Generator("cpu").manual_seed(3),
            callback_on_step_end=exchange,
            output_type="np",
        ).images[0]
    assert np.abs(ours - (image * 255).round()).max() <= LEVELS


def test_neighbours_with_other_schedules_change_nothing(float32_generator: Any) -> None:
    import numpy as np

    requests = [
        scheduled("[a lake:trees:2]", id="a"),
        scheduled("a (red:1.3) circle", id="b", negative_prompt="[lake|trees]"),
        scheduled("[a lake|a red circle BREAK at night]", id="c"),
        scheduled("a lake", id="d", num_images=2),
    ]
    together = generate(float32_generator, DEMO_MODEL, requests, at_once=4)
    for request, images in zip(requests, together.images, strict=True):
        alone = generate(float32_generator, DEMO_MODEL, [request], at_once=4).images[0]
        for one, other in zip(alone, images, strict=True):
            assert np.abs(pixels(one.data) - pixels(other.data)).max() <= LEVELS


def test_a_text_is_encoded_once(float32_generator: Any) -> None:
    pipeline = float32_generator._engine._pipelines.get(DEMO_MODEL)
    calls: list[int] = []
    handle = pipeline.text_encoder.register_forward_pre_hook(lambda *_: calls.append(1))
    try:
        request = scheduled("[a house|a tree at dawn]", num_inference_steps=8)
        generate(float32_generator, DEMO_MODEL, [request])
    finally:
        handle.remove()
    assert len(calls) <= 3  # two texts, and the empty negative prompt


def test_the_second_encoder_of_sdxl_follows_the_schedule() -> None:
    import torch

    from adapters.diffusion.drawing.prompts.conditions import Conditions, RequestPrompts
    from adapters.diffusion.drawing.prompts.encoding import PromptEncoder, encode_prompts
    from adapters.diffusion.drawing.prompts.reading import Reading
    from tests.contract.drawing.tiny_sdxl import tiny_sdxl

    xl = tiny_sdxl()
    encoder = PromptEncoder(xl, Reading(PromptSyntax.WEIGHTED))
    request = scheduled("[a lake:trees:2]")
    conditions = Conditions([RequestPrompts(encoder, request).passes[0]] * 2)
    assert {step: bool(conditions.changed(step)) for step in (2, 3, 4)} == {
        2: False,
        3: True,
        4: False,
    }
    changed, trees = conditions.changed(3), encode_prompts(xl, "trees", None)
    zeros = torch.zeros_like(trees.prompt)
    assert torch.equal(
        changed["prompt_embeds"], torch.cat([zeros, zeros, trees.prompt, trees.prompt])
    )
    assert torch.equal(
        changed["add_text_embeds"],
        torch.cat([torch.zeros_like(trees.pooled)] * 2 + [trees.pooled] * 2),
    )
